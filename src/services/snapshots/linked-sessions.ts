import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Database } from '../../../db/core/database.ts'
import { readExternalIds } from '../../../db/records/person-repository.ts'
import {
  type LinkColumn,
  listLinkedSessions,
  MAX_LINKED_SESSIONS,
  type OwnedSession,
  updateSessions,
} from '../../../db/records/session-repository.ts'
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
 * transaction that changes the record. Returns how many sessions were read and changed, and how many of them contradict it.
 */
export async function updateLinkedSessions(
  db: Database,
  renamed: ExternalIdChange,
): Promise<{ readonly read: number; readonly changed: number; readonly contradicted: number }> {
  const { tenantId, source, at } = renamed
  const link = linkColumnOf(renamed)
  const changes: OwnerChange[] = []
  let read = 0
  for (let after = ''; ; ) {
    const sessions = await listLinkedSessions(db, tenantId, link, after)
    read += sessions.length
    changes.push(...(await findOwnerChanges(db, renamed, sessions)))
    const last = sessions.at(-1)
    if (!last || sessions.length < MAX_LINKED_SESSIONS) break
    after = last.id
    await nextTurn()
  }
  const contradicted = changes.filter(({ owner }) => owner.isContradicted)
  const following = changes.filter(({ owner }) => !owner.isContradicted)
  for (const [externalId, group] of groupBy(following, ({ owner }) => owner.externalId)) {
    await updateSessions(db, idsOf(group), { externalId, updatedAt: at })
  }
  await updateSessions(db, idsOf(contradicted), { externalId: null, externalIdPinned: true, updatedAt: at })
  await recordOwnerChanges(db, { source, at }, changes)
  return { read, changed: changes.length, contradicted: contradicted.length }
}

/** The column by which sessions link to the record. */
export function linkColumnOf({
  applicantId,
  customerId = '',
}: Pick<ExternalIdChange, 'applicantId' | 'customerId'>): LinkColumn {
  return applicantId ? { column: 'applicant_id', id: applicantId } : { column: 'customer_id', id: customerId }
}

/** The sessions whose owner changes. */
async function findOwnerChanges(
  db: Database,
  { tenantId, from }: ExternalIdChange,
  sessions: readonly OwnedSession[],
): Promise<OwnerChange[]> {
  const linked = sessions.flatMap(({ applicantId, customerId }) => [applicantId ?? [], customerId ?? []].flat())
  const externalIds = await readExternalIds(db, tenantId, linked)
  return sessions
    .map(session => ({ session, owner: updateSession(session, from, externalIds) }))
    .filter(({ session, owner }) => owner.isContradicted || owner.externalId !== session.externalId)
}

function idsOf(changes: readonly OwnerChange[]): string[] {
  return changes.map(({ session }) => session.id)
}

function updateSession(
  session: OwnedSession,
  from: string | null,
  externalIds: ReadonlyMap<string, string | null>,
): Ownership {
  const { applicantId, customerId, externalId } = session
  const own = follows(session, from) ? null : externalId
  return ownerOf([own, externalIds.get(applicantId ?? ''), externalIds.get(customerId ?? '')])
}
