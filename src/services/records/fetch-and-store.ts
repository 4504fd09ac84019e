import { findRevision } from '../../../db/core/revision.ts'
import type { FetchedAttempt } from '../../../db/records/fetched-at-repository.ts'
import type { ChangeSource } from '../../domain/records/sync.ts'
import type { ConditionalSnapshot, ProviderSessionRef, ReadCall } from '../../providers/contract.ts'
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
  const { knownAnswers, now, readSequence } = deps
  let known = stored && knownAnswers.find(stored, source, now())
  return readInOrder(readSequence, [stored?.sync?.readId], async providerRead => {
    begins?.(providerRead)
    const { digest, snapshot } = await read(deps, account, ref, call, known?.digest)
    const context = { account, source, providerRead, now: now() }
    if (snapshot) {
      assertSameRecord(deps, account, ref, snapshot)
      return storeSnapshot(deps, context, snapshot, digest)
    }
    if (!stored || !known) throw new Error('An answer was recognized that was not known.')
    if (await isUnchanged(deps, stored)) return deferFetchedAt(deps, context, stored, known.attempts)
    known = undefined
    // The record changed during the read, or was erased: it is read again, and compared.
    throw new OverlapError(stored.sync?.readId ?? '')
  })
}

/** The provider's answer. `knownDigest`: of the answer that is not needed again. */
async function read<R extends SyncedRecord, S extends RecordSnapshot>(
  { recordType }: RecordDeps<R, S>,
  { client, provider }: Account,
  ref: ProviderSessionRef,
  call: ReadCall,
  knownDigest: string | undefined,
): Promise<ConditionalSnapshot<S>> {
  const conditionalRead = recordType.provider.conditionalReader?.(client)
  if (conditionalRead) return conditionalRead(ref, call, knownDigest)
  const readAlways = recordType.provider.reader(client)
  if (!readAlways) throw unsupportedRead(recordType, provider)
  return { digest: undefined, snapshot: await readAlways(ref, call) }
}

/** True if the record is stored as it was before the read. */
async function isUnchanged<R extends SyncedRecord, S extends RecordSnapshot>(
  { db, recordType }: RecordDeps<R, S>,
  { id, revision, tenantId }: R,
): Promise<boolean> {
  return (await findRevision(db, `${recordType.name}s`, tenantId, id)) === revision
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
 * instance's read of the record. `digest`: of an answer that can be recognized.
 */
export async function storeSnapshot<R extends SyncedRecord, S extends RecordSnapshot>(
  deps: RecordDeps<R, S>,
  context: SnapshotContext,
  snapshot: S,
  digest?: string,
): Promise<StoreResult<R>> {
  const unchanged = await storeUnchanged(deps, context, snapshot, digest)
  if (unchanged) return unchanged
  try {
    const { tenantId } = context.account
    const record = await storeAndNotify(deps, tenantId, trx => deps.recordType.snapshots.upsert(trx, context, snapshot))
    return { record, unchanged: false }
  } catch (error) {
    // The order of two overlapping reads does not matter if both returned the same.
    const stored = error instanceof OverlapError ? await storeUnchanged(deps, context, snapshot, digest) : undefined
    if (!stored) throw error
    return stored
  }
}

/** If the snapshot equals the stored record, only its read time is stored, later. Undefined if it differs. */
async function storeUnchanged<R extends SyncedRecord, S extends RecordSnapshot>(
  deps: RecordDeps<R, S>,
  context: SnapshotContext,
  snapshot: S,
  digest: string | undefined,
): Promise<StoreResult<R> | undefined> {
  const { db, fetchedAtWriter, recordType } = deps
  const stored = await recordType.repository.findByProviderId(db, context.account.id, snapshot.providerId)
  if (!stored) return undefined
  const current = fetchedAtWriter.withPending(stored)
  // A record without a read is stored in full: the order of its data is not known.
  if (!current.sync?.readId) return undefined
  const found = await recordType.snapshots.compare(db, context, current, snapshot)
  if (!found) return undefined
  const attempts = snapshot.attempts && found
  if (digest && isAlone(snapshot)) rememberAnswer(deps, context, current, digest, attempts)
  if (context.providerRead.compareTo(current.sync.readId) !== 'LATER') return { record: current, unchanged: true }
  return deferFetchedAt(deps, context, stored, attempts)
}

/** True if the answer is about nothing but the record and its attempts. */
function isAlone({ applicant, customer, unrecognized }: RecordSnapshot): boolean {
  return !applicant && !customer && !unrecognized
}

function rememberAnswer<R extends SyncedRecord, S extends RecordSnapshot>(
  { knownAnswers, recordType }: RecordDeps<R, S>,
  { now, source }: SnapshotContext,
  record: R,
  digest: string,
  attempts: readonly FetchedAttempt[] | undefined,
): void {
  const expiresAt = recordType.expiry?.at(record) ?? null
  const until = expiresAt && expiresAt > now ? expiresAt : null
  const ids = attempts?.map(({ id, readId }) => ({ id, readId }))
  knownAnswers.add(record, { digest, source, attempts: ids, until })
}

/** Queues the read time of an unchanged record for the next batch write. */
function deferFetchedAt<R extends SyncedRecord, S extends RecordSnapshot>(
  deps: RecordDeps<R, S>,
  { account, providerRead, source }: SnapshotContext,
  stored: R,
  attempts: readonly FetchedAttempt[] | undefined,
): StoreResult<R> {
  const { fetchedAtWriter, recordType } = deps
  const { id, revision, sync } = stored
  fetchedAtWriter.add({
    table: `${recordType.name}s`,
    id,
    providerRead,
    revision,
    comparedIds: [sync?.readId ?? '', fetchedAtWriter.withPending(stored).sync?.readId ?? ''],
    attempts,
    refetch: () => refetch(deps, account, stored, source),
  })
  return { record: fetchedAtWriter.withPending(stored), unchanged: true }
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
