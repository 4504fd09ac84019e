import { decodeGlobalId } from '../src/domain/global-id.ts'

/** The stored id of a client's id, '' where it is no id of that noun: nothing is stored under it, so it is a miss. */
export function decodeId(typename: string, globalId: string): string {
  const decoded = decodeGlobalId(globalId)
  return decoded?.typename === typename ? decoded.id : ''
}
