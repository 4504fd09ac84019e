import { DomainError } from '../domain/errors.ts'
import type { UnknownCreate } from './contract.ts'

/** Throws BAD_REQUEST for a record with the marker of another create. `found`: its marker, if it has one. */
export function assertOwnMarker(found: unknown, { reference }: Pick<UnknownCreate, 'reference'>): void {
  if (found === undefined || found === null || found === reference) return
  throw new DomainError(
    'BAD_REQUEST',
    `Expected the id of the record that this create made; that record has the marker of another create, ${found}.`,
  )
}
