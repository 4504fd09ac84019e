import type { Database } from '../../../db/core/database.ts'
import { readExternalIds } from '../../../db/records/person-repository.ts'
import { listLinkedSessions, type OwnedSession, updateOwners } from '../../../db/records/session-repository.ts'
import { groupBy } from '../../domain/group-by.ts'
import { follows, type Ownership, ownerOf } from '../../domain/records/ownership.ts'
import type { ChangeSource } from '../../domain/records/sync.ts'
import { type OwnerChange, recordOwnerChanges } from '../events/timeline.ts'

/** Applies the rules of src/domain/records/ownership.ts to the sessions that an applicant or a customer links. */

/** An applicant or a customer whose externalId changed. */
export interface ExternalIdChange {
  readonly tenantId: string
  readonly applicantId?: string
  readonly customerId?: string
  /** The externalId before the change. */
  readonly from: string | null
  readonly source: ChangeSource
  readonly at: Date
}

/**
 * Sessions without an externalId of their own follow the record; one that contradicts it loses its owner. A step of the
 * transaction that changes the record. Returns how many sessions changed, and how many of them contradict it.
 */
export async function updateLinkedSessions(
  db: Database,
  renamed: ExternalIdChange,
): Promise<{ readonly changed: number; readonly contradicted: number }> {
  const { tenantId, applicantId, customerId, from, source, at } = renamed
  const link = applicantId ? 'applicant_id' : 'customer_id'
  const sessions = await listLinkedSessions(db, tenantId, link, [applicantId ?? customerId ?? ''])
  const linked = new Set(sessions.flatMap(session => [session.applicantId ?? [], session.customerId ?? []].flat()))
  const externalIds = await readExternalIds(db, tenantId, [...linked])
  const changes = sessions
    .map(session => ({ session, owner: updateSession(session, from, externalIds) }))
    .filter(({ session, owner }) => owner.isContradicted || owner.externalId !== session.externalId)
  const contradicted = changes.filter(({ owner }) => owner.isContradicted)
  const following = changes.filter(({ owner }) => !owner.isContradicted)
  for (const [externalId, group] of groupBy(following, ({ owner }) => owner.externalId)) {
    await updateOwners(db, idsOf(group), { externalId })
  }
  await updateOwners(db, idsOf(contradicted), { externalId: null, externalIdPinned: true })
  await recordOwnerChanges(db, { source, at }, changes)
  return { changed: changes.length, contradicted: contradicted.length }
}

function idsOf(changes: readonly OwnerChange[]): string[] {
  return changes.map(({ session }) => session.id)
}

/** A session whose owner the caller removed, or a contradiction removed, stays without one. */
function updateSession(
  session: OwnedSession,
  from: string | null,
  externalIds: ReadonlyMap<string, string | null>,
): Ownership {
  const { applicantId, customerId, externalId, externalIdPinned } = session
  if (externalIdPinned && externalId === null) return { externalId: null, isContradicted: false }
  const own = follows(session, from) ? null : externalId
  return ownerOf([own, externalIds.get(applicantId ?? ''), externalIds.get(customerId ?? '')])
}
