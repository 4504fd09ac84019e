/**
 * The record with some of its values changed. What its class opens only when it is asked for stays closed, and may be
 * among what is changed.
 */
export function altered<R extends object, Changes extends object>(record: R, changes: Changes): R & Changes {
  const copy = Object.assign(Object.create(Object.getPrototypeOf(record)), record)
  for (const [key, value] of Object.entries(changes)) Object.defineProperty(copy, key, { ...PLAIN, value })
  return copy
}

const PLAIN = { configurable: true, enumerable: true, writable: true }
