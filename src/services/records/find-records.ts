import type { Revised } from '../../../db/records/stored-record.ts'
import type { RequestScope } from '../request-scope.ts'
import { type RecordDeps, type RecordSnapshot, recordNotFound, type SyncedRecord } from './record-type.ts'

/** Reads records from the database only. */

export type CallerScope = Pick<RequestScope, 'tenantId' | 'subject'>

/** The stored records in the order of `ids`; undefined for an id that the caller has no record of. */
export async function findRecords<R extends SyncedRecord, S extends RecordSnapshot>(
  deps: RecordDeps<R, S>,
  scope: CallerScope,
  ids: readonly string[],
): Promise<(R | undefined)[]> {
  const { db, fetchedAtWriter, recordType } = deps
  let stored = await recordType.repository.find(db, scope.tenantId, ids)
  if (await applyExpiry(deps, scope.tenantId, stored)) {
    stored = await recordType.repository.find(db, scope.tenantId, ids)
  }
  const visible = stored.filter(record => isVisible(deps, scope, record)).map(fetchedAtWriter.withPending)
  const byId = new Map(visible.map(record => [record.id, record]))
  return ids.map(id => byId.get(id))
}

/** Throws NOT_FOUND. */
export async function getStoredRecord<R extends SyncedRecord, S extends RecordSnapshot>(
  deps: RecordDeps<R, S>,
  scope: CallerScope,
  id: string,
): Promise<R> {
  const [record] = await findRecords(deps, scope, [id])
  if (!record) throw recordNotFound(deps.recordType)
  return record
}

/** The account's record by the provider's id, whoever may see it. */
export async function findRecordByProviderId<R extends SyncedRecord, S extends RecordSnapshot>(
  deps: RecordDeps<R, S>,
  account: { readonly id: string; readonly tenantId: string },
  providerId: string,
): Promise<(R & Revised) | undefined> {
  const { db, recordType } = deps
  const stored = await recordType.repository.findByProviderId(db, account.id, providerId)
  if (!stored || !(await applyExpiry(deps, account.tenantId, [stored]))) return stored
  return recordType.repository.findByProviderId(db, account.id, providerId)
}

export function isVisible<R extends SyncedRecord, S extends RecordSnapshot>(
  { recordType }: RecordDeps<R, S>,
  { subject }: CallerScope,
  record: R,
): boolean {
  return !subject || (recordType.isVisibleTo?.(subject, record) ?? false)
}

/** True if a record was overdue, so that the stored records changed. */
async function applyExpiry<R extends SyncedRecord, S extends RecordSnapshot>(
  deps: RecordDeps<R, S>,
  tenantId: string,
  records: readonly R[],
): Promise<boolean> {
  const { expiry } = deps.recordType
  if (!expiry || !records.some(record => expiry.isOverdue(record, deps.now()))) return false
  await expiry.apply(deps, tenantId)
  return true
}
