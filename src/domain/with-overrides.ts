/** A copy of the record with some values replaced. Values that are decrypted on first use stay encrypted, and can be replaced, too. */
export function withOverrides<R extends object, Changes extends object>(record: R, changes: Changes): R & Changes {
  return Object.setPrototypeOf({ ...record, ...changes }, Object.getPrototypeOf(record))
}
