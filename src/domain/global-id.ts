import { MAX_TEXT, toExternalId } from './input/text.ts'

const MAX_BYTES = 'Person:'.length + 4 * MAX_TEXT

/** The length of the longest global id: that of a person whose externalId has only characters of four bytes. */
export const MAX_GLOBAL_ID = Math.ceil((MAX_BYTES * 8) / 6)

/** The opaque id that clients use, unique across all record types. */
export function encodeGlobalId(typename: string, id: string): string {
  return Buffer.from(`${typename}:${id}`, 'utf8').toString('base64url')
}

/** The record type and stored id of a client's id; undefined if it is not one of ours. */
export function decodeGlobalId(globalId: string): { typename: string; id: string } | undefined {
  const match = /^([A-Z][A-Za-z]{0,39}):(.+)$/s.exec(Buffer.from(globalId, 'base64url').toString('utf8'))
  const [, typename, id] = match ?? []
  if (!typename || !id || !isIdOf(typename, id)) return undefined
  // Reject other spellings of the same bytes, so that a record has exactly one id.
  return encodeGlobalId(typename, id) === globalId ? { typename, id } : undefined
}

const STORED_ID = /^[0-9A-Za-z-]{1,64}$/

/** A person has no stored id: its global id holds the externalId. */
function isIdOf(typename: string, id: string): boolean {
  return typename === 'Person' ? toExternalId(id) !== null : STORED_ID.test(id)
}
