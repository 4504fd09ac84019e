import type { StoredAttempt } from '../../../db/records/attempt-repository.ts'
import type { Revised } from '../../../db/records/stored-record.ts'
import type { ChangeSource } from '../../domain/records/sync.ts'
import type { ProviderSessionRef, ReadCall } from '../../providers/contract.ts'
import type { Account } from '../accounts/account.ts'
import { storeAndNotify } from '../deps.ts'
import { OverlapError, type ProviderRead, readInOrder } from '../snapshots/read-sequence.ts'
import type { SnapshotContext } from '../snapshots/snapshot-context.ts'
import {
  operationName,
  type RecordDeps,
  type RecordSnapshot,
  recordNotFound,
  type SyncedRecord,
  unsupportedRead,
} from './record-type.ts'

/** Reads one record from its provider and stores the answer. */

/** The record to fetch; `stored` as it was when the fetch was requested. */
export interface FetchTarget<R> {
  readonly account: Account
  readonly ref: ProviderSessionRef
  readonly stored?: R
}

export interface FetchOptions {
  readonly source: ChangeSource
  /** Called when the provider request begins; again for each retry. */
  readonly begins?: (providerRead: ProviderRead) => void
}

export interface StoreResult<R> {
  readonly record: R
  /** True if only the read time is new. */
  readonly unchanged: boolean
}

export async function fetchAndStore<R extends SyncedRecord, S extends RecordSnapshot>(
  deps: RecordDeps<R, S>,
  call: ReadCall,
  { account, ref, stored }: FetchTarget<R>,
  { source, begins }: FetchOptions,
): Promise<StoreResult<R>> {
  const { now, readSequence, recordType } = deps
  const read = recordType.provider.reader(account.client)
  if (!read) throw unsupportedRead(recordType, account.provider)
  return readInOrder(readSequence, [stored?.sync?.readId], async providerRead => {
    begins?.(providerRead)
    const snapshot = await read(ref, call)
    assertSameRecord(deps, account, ref, snapshot)
    return storeSnapshot(deps, { account, source, providerRead, now: now() }, snapshot)
  })
}

/** Fetches a stored record of the account outside a request. Throws NOT_FOUND if it is not stored any more. */
export async function fetchByProviderId<R extends SyncedRecord, S extends RecordSnapshot>(
  deps: RecordDeps<R, S>,
  account: Account,
  providerId: string,
): Promise<StoreResult<R>> {
  const { db, recordType } = deps
  const stored = await recordType.repository.findByProviderId(db, account.id, providerId)
  if (!stored) throw recordNotFound(recordType)
  const ref = await recordType.provider.toRef(db, stored, account.client)
  return fetchAndStore(deps, {}, { account, ref, stored }, { source: 'FETCH' })
}

function assertSameRecord<R extends SyncedRecord, S extends RecordSnapshot>(
  { recordType }: RecordDeps<R, S>,
  { provider, upstream }: Account,
  ref: ProviderSessionRef,
  snapshot: S,
): void {
  if (snapshot.providerId === ref.providerId) return
  throw upstream.refuse(operationName(recordType), `${provider} responded with another ${recordType.name}.`)
}

/**
 * Stores a provider's answer. Throws NOT_FOUND for an erased record; OverlapError if the read overlapped with another
 * instance's read of the record.
 */
export async function storeSnapshot<R extends SyncedRecord, S extends RecordSnapshot>(
  deps: RecordDeps<R, S>,
  context: SnapshotContext,
  snapshot: S,
): Promise<StoreResult<R>> {
  const unchanged = await storeUnchanged(deps, context, snapshot)
  if (unchanged) return unchanged
  try {
    const { tenantId } = context.account
    const record = await storeAndNotify(deps, tenantId, trx => deps.recordType.snapshots.upsert(trx, context, snapshot))
    return { record, unchanged: false }
  } catch (error) {
    // The order of two overlapping reads does not matter if both returned the same.
    const stored = error instanceof OverlapError ? await storeUnchanged(deps, context, snapshot) : undefined
    if (!stored) throw error
    return stored
  }
}

/** If the snapshot equals the stored record, only its read time is stored, later. Undefined if it differs. */
async function storeUnchanged<R extends SyncedRecord, S extends RecordSnapshot>(
  deps: RecordDeps<R, S>,
  context: SnapshotContext,
  snapshot: S,
): Promise<StoreResult<R> | undefined> {
  const { db, fetchedAtWriter, recordType } = deps
  const stored = await recordType.repository.findByProviderId(db, context.account.id, snapshot.providerId)
  if (!stored) return undefined
  const current = fetchedAtWriter.withPending(stored)
  // A record without a read is stored in full: the order of its data is not known.
  if (!current.sync?.readId) return undefined
  const attempts = await recordType.snapshots.compare(deps, context, current, snapshot)
  if (!attempts) return undefined
  if (context.providerRead.compareTo(current.sync.readId) !== 'LATER') return { record: current, unchanged: true }
  deferFetchedAt(deps, context, { stored, current, attempts: snapshot.attempts && attempts })
  return { record: fetchedAtWriter.withPending(stored), unchanged: true }
}

/** `current` is `stored` with the read times that are not written yet. */
interface UnchangedRecord<R> {
  readonly stored: R & Revised
  readonly current: R
  readonly attempts: readonly StoredAttempt[] | undefined
}

/** Queues the read time for the next batch write. */
function deferFetchedAt<R extends SyncedRecord, S extends RecordSnapshot>(
  deps: RecordDeps<R, S>,
  { account, providerRead, source }: SnapshotContext,
  { stored, current, attempts }: UnchangedRecord<R>,
): void {
  deps.fetchedAtWriter.add({
    table: `${deps.recordType.name}s`,
    id: stored.id,
    providerRead,
    revision: stored.revision,
    comparedIds: [stored.sync?.readId ?? '', current.sync?.readId ?? ''],
    attempts,
    refetch: () => refetch(deps, account, stored, source),
  })
}

async function refetch<R extends SyncedRecord, S extends RecordSnapshot>(
  deps: RecordDeps<R, S>,
  account: Account,
  { id, tenantId }: SyncedRecord,
  source: ChangeSource,
): Promise<void> {
  const { db, recordType } = deps
  const [stored] = await recordType.repository.find(db, tenantId, [id])
  if (!stored) return
  const ref = await recordType.provider.toRef(db, stored, account.client)
  await fetchAndStore(deps, {}, { account, ref, stored }, { source })
}
