import { decodeGlobalId } from '../global-id.ts'
import { toExternalId } from '../input/text.ts'

/** One of the caller's own users, identified by the caller's id. There is no row: the records are loaded separately. */
export interface Person {
  readonly externalId: string
}

/** A key of the entity Person: the global id or the externalId. Unvalidated input. */
export interface PersonKey {
  readonly id?: unknown
  readonly externalId?: unknown
}

/** The person with this key; null if no person can have it. */
export function toPerson({ id, externalId }: PersonKey): Person | null {
  const known = typeof externalId === 'string' ? toExternalId(externalId) : decodePersonId(id)
  return known === null ? null : { externalId: known }
}

function decodePersonId(id: unknown): string | null {
  const decoded = typeof id === 'string' ? decodeGlobalId(id) : undefined
  return decoded?.typename === 'Person' ? decoded.id : null
}
