import type { Database } from '../../../db/core/database.ts'
import { listPresentExternalIds } from '../../../db/records/person-repository.ts'
import {
  deleteTombstone,
  findTombstone,
  listErased,
  type TombstoneKey,
  type TombstoneKind,
} from '../../../db/repositories/tombstone-repository.ts'
import { ProviderNotFoundError } from '../../domain/errors.ts'
import type { WebhookNotice } from '../../providers/contract.ts'
import type { SnapshotContext } from '../snapshots/snapshot-context.ts'
import { findNames, findQuoted, isDistinct } from './text-names.ts'

/** Tombstones keep the records of erased persons from being stored again. */

interface NamedRecords {
  readonly providerId: string
  readonly externalId?: string | null
  readonly createdAt?: Date | null
}

/**
 * True for a record of an erased person: by its provider's id, or by its externalId if it is older than the erasure. A create
 * that was sent after the erasure removes the tombstone.
 */
export async function isErased(
  db: Database,
  context: SnapshotContext,
  kind: TombstoneKind,
  records: NamedRecords,
): Promise<boolean> {
  const { account, source, sentAt = context.providerRead.startedAt } = context
  const trace: TombstoneKey = { accountId: account.id, kind, value: records.providerId }
  const erasedAt = await findTombstone(db, account.tenantId, trace)
  if (source === 'CALLER') {
    if (erasedAt && erasedAt < sentAt) await deleteTombstone(db, trace)
    return erasedAt !== undefined && erasedAt >= sentAt
  }
  if (erasedAt) return true
  if (records.externalId == null) return false
  const { tenantId } = account
  const person = await findTombstone(db, tenantId, { tenantId, kind: 'externalId', value: records.externalId })
  return person !== undefined && (records.createdAt == null || records.createdAt <= person)
}

/** Throws the same error as a 404 of the provider. */
export async function assertNotErased(
  db: Database,
  context: SnapshotContext,
  kind: TombstoneKind,
  records: NamedRecords,
): Promise<void> {
  if (await isErased(db, context, kind, records)) throw providerNotFound(context.account)
}

/** The same error for missing and erased records, so that it does not reveal an erasure. */
export function providerNotFound({ provider }: SnapshotContext['account']): ProviderNotFoundError {
  return new ProviderNotFoundError(provider, `${provider} has no record with this id.`)
}

/** Few enough names for one query. */
const NAMES_AT_ONCE = 500

/** True if a delivery that cannot be read contains an id of an erased record or an erased external id. */
export async function containsErased(
  db: Database,
  { tenantId, accountId }: { readonly tenantId: string; readonly accountId: string },
  text: string,
): Promise<boolean> {
  const names = [...findNames(text)]
  for (let start = 0; start < names.length; start += NAMES_AT_ONCE) {
    const tombstones = names
      .slice(start, start + NAMES_AT_ONCE)
      .flatMap((value): TombstoneKey[] => [
        { tenantId, kind: 'externalId', value },
        ...RECORD_KINDS.map(kind => ({ accountId, kind, value })),
      ])
    if (await findTombstone(db, tenantId, ...tombstones)) return true
  }
  return false
}

/**
 * True if a delivery contains an id of an erased record, or an erased external id that no record has again. After it was
 * applied, nothing of it needs to be stored.
 */
export async function namesErased(
  db: Database,
  { tenantId, accountId }: { readonly tenantId: string; readonly accountId: string },
  notice: WebhookNotice,
  text: string,
): Promise<boolean> {
  const reported = [notice.session, notice.applicant, notice.customer].flatMap(record => record?.externalId ?? [])
  const names = [...new Set([...reported, ...findQuoted(text).filter(isDistinct)])].slice(0, NAMES_AT_ONCE)
  // Without a lock: an erasure that sets its tombstones later deletes the delivery itself.
  const erased = await listErased(
    db,
    names.flatMap((value): TombstoneKey[] => [
      { tenantId, kind: 'externalId', value },
      ...RECORD_KINDS.map(kind => ({ accountId, kind, value })),
    ]),
  )
  const externalIds = erased.flatMap(({ kind, value }) => (kind === 'externalId' ? [value] : []))
  if (externalIds.length < erased.length) return true
  const present = await listPresentExternalIds(db, tenantId, externalIds)
  return externalIds.some(externalId => !present.has(externalId))
}

const RECORD_KINDS: readonly TombstoneKind[] = ['applicant', 'customer', 'reference', 'session']

/** True if the notice is about an erased record. */
export async function concernsErased(
  db: Database,
  { tenantId, accountId }: { readonly tenantId: string; readonly accountId: string },
  notice: WebhookNotice,
): Promise<boolean> {
  const named: [TombstoneKind, string | undefined][] = [
    ['session', notice.sessionProviderId ?? notice.session?.providerId],
    ['applicant', notice.applicantProviderId ?? notice.applicant?.providerId],
    ['customer', notice.customer?.providerId],
    ['reference', notice.reference],
  ]
  const traces = named.flatMap(([kind, value]): TombstoneKey[] =>
    value === undefined ? [] : [{ accountId, kind, value }],
  )
  return (await findTombstone(db, tenantId, ...traces)) !== undefined
}
