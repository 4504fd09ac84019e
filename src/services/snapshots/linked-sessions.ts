import type { Database } from '../../../db/core/database.ts'
import { readExternalIds } from '../../../db/records/person-repository.ts'
import { listLinkedSessions, type OwnedSession, updateOwners } from '../../../db/records/session-repository.ts'
import { follows, type Ownership, ownerOf } from '../../domain/records/ownership.ts'
import type { ChangeSource } from '../../domain/records/sync.ts'
import { recordEvents, recordLinkChange } from '../events/timeline.ts'

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
 * transaction that changes the record. Returns the number of contradictions.
 */
export async function updateLinkedSessions(db: Database, renamed: ExternalIdChange): Promise<number> {
  const { tenantId, applicantId, customerId, from, source, at } = renamed
  const link = applicantId ? 'applicant_id' : 'customer_id'
  const sessions = await listLinkedSessions(db, tenantId, link, [applicantId ?? customerId ?? ''])
  const linked = new Set(sessions.flatMap(session => [session.applicantId ?? [], session.customerId ?? []].flat()))
  const externalIds = await readExternalIds(db, tenantId, [...linked])
  const groups = new Map<string, { readonly owner: Ownership; readonly sessions: OwnedSession[] }>()
  for (const session of sessions) {
    const owner = updateSession(session, from, externalIds)
    if (owner.externalId === session.externalId && !owner.isContradicted) continue
    const key = JSON.stringify(owner)
    groups.set(key, { owner, sessions: [...(groups.get(key)?.sessions ?? []), session] })
  }
  const contradicted: OwnedSession[] = []
  for (const { owner, sessions } of groups.values()) {
    const ids = sessions.map(({ id }) => id)
    await updateOwners(db, ids, { externalId: owner.externalId, externalIdPinned: owner.isContradicted || undefined })
    if (owner.isContradicted) contradicted.push(...sessions)
    else
      for (const session of sessions) {
        const after = { ...session, externalId: owner.externalId }
        await recordLinkChange(db, { session, source, at }, session, after)
      }
  }
  for (const session of contradicted) {
    await recordEvents(db, { session, source, at }, [{ type: 'ExternalIdConflict' }], session.externalId)
  }
  return contradicted.length
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
