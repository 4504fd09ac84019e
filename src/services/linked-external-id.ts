import type { StoredSession } from '../../db/session-columns.ts'
import { InvalidInputError } from '../domain/errors.ts'
import type { LinkSession } from './links.ts'

interface Linkable {
  readonly id: string
  readonly externalId: string | null
}

/** The records that the session was linked to, and those it will be. */
export interface Linkables {
  readonly applicants: readonly Linkable[]
  readonly customers: readonly Linkable[]
}

/**
 * The externalId of a session that is linked anew; undefined: it stays. One that the caller gave stays; one that came from
 * a record goes with the record. Throws INVALID_INPUT where it contradicts that of what is linked.
 */
export function linkedExternalId(before: StoredSession, link: LinkSession, records: Linkables) {
  const linked = [
    link.applicantId === undefined ? undefined : idOf(records.applicants, link.applicantId),
    link.customerId === undefined ? undefined : idOf(records.customers, link.customerId),
  ]
  const externalId = link.externalId === undefined ? inherited(before, link, records) : link.externalId
  const said = [externalId === undefined ? before.externalId : externalId, ...linked].filter(id => id != null)
  if (new Set(said).size > 1) {
    const message = 'Expected the same externalId as that of the linked applicant and customer.'
    throw new InvalidInputError([{ path: ['input', 'externalId'], message }])
  }
  return externalId
}

function inherited(before: StoredSession, link: LinkSession, records: Linkables): string | null | undefined {
  const { applicantId = before.applicantId, customerId = before.customerId } = link
  const left = [
    applicantId === before.applicantId ? null : idOf(records.applicants, before.applicantId),
    customerId === before.customerId ? null : idOf(records.customers, before.customerId),
  ]
  const isOwn = before.externalId !== null && !left.includes(before.externalId)
  if (before.externalIdPinned || isOwn) return undefined
  return idOf(records.applicants, applicantId) ?? idOf(records.customers, customerId)
}

function idOf(records: readonly Linkable[], id: string | null): string | null {
  return records.find(record => record.id === id)?.externalId ?? null
}
