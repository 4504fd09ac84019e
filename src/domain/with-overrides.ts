/**
 * A copy of the record with some values replaced. Lazily decrypted values stay encrypted and can be replaced as well.
 */
export function withOverrides<R extends object, Changes extends object>(record: R, changes: Changes): R & Changes {
  const copy = Object.assign(Object.create(Object.getPrototypeOf(record)), record)
  for (const [key, value] of Object.entries(changes)) Object.defineProperty(copy, key, { ...WRITABLE, value })
  return copy
}

const WRITABLE = { configurable: true, enumerable: true, writable: true }
