/** The record with some of its values changed. What opens only when it is asked for stays closed, where a copy would open it. */
export function altered<R extends object, Changes extends object>(record: R, changes: Changes): R & Changes {
  return Object.create(record, Object.getOwnPropertyDescriptors(changes)) as R & Changes
}
