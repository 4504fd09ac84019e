import { findTombstone } from '../../../db/repositories/tombstone-repository.ts'
import { LightAbortSignal } from '../../domain/abort-signal.ts'
import { DomainError } from '../../domain/errors.ts'
import type { Provider } from '../../domain/provider.ts'
import type { Freshness } from '../../domain/records/sync.ts'
import { withOverrides } from '../../domain/with-overrides.ts'
import type { Account } from '../accounts/account.ts'
import type { Lookup, ProviderLookup } from '../deps.ts'
import { providerNotFound } from '../privacy/tombstones.ts'
import type { RequestScope } from '../request-scope.ts'
import { findRecordByProviderId, findRecords, getStoredRecord, isVisible } from './find-records.ts'
import { type Age, afterFailure, failsOnError, isFresh, isNearlyStale } from './freshness.ts'
import {
  operationName,
  type RecordDeps,
  type RecordSnapshot,
  recordNotFound,
  type SyncedRecord,
  unsupportedRead,
} from './record-type.ts'
import { fetchShared } from './shared-fetch.ts'

/**
 * Reads a record through the store: the stored record if it is fresh enough, else the provider's current one, which is
 * stored before it is returned.
 */

type OptionalFreshness = Freshness | null | undefined

/** A provider's record that is not stored yet is fetched and stored. Throws NOT_FOUND. */
export async function getRecord<R extends SyncedRecord, S extends RecordSnapshot>(
  deps: RecordDeps<R, S>,
  scope: RequestScope,
  lookup: Lookup,
  freshness: OptionalFreshness,
): Promise<R> {
  if (lookup.atProvider) return getByProvider(deps, scope, lookup.atProvider, freshness)
  return readVisible(deps, scope, await getStoredRecord(deps, scope, lookup.id ?? ''), freshness)
}

/** The records in the order of `ids`, each as a record or its error. */
export async function getRecords<R extends SyncedRecord, S extends RecordSnapshot>(
  deps: RecordDeps<R, S>,
  scope: RequestScope,
  ids: readonly string[],
  freshness: OptionalFreshness,
): Promise<(R | Error)[]> {
  const stored = await findRecords(deps, scope, ids)
  return Promise.all(
    stored.map(record =>
      record ? valueOrError(readVisible(deps, scope, record, freshness)) : recordNotFound(deps.recordType),
    ),
  )
}

async function getByProvider<R extends SyncedRecord, S extends RecordSnapshot>(
  deps: RecordDeps<R, S>,
  scope: RequestScope,
  lookup: ProviderLookup,
  freshness: OptionalFreshness,
): Promise<R> {
  const { accounts, db, recordType } = deps
  const account = await accounts.get(scope.tenantId, lookup.provider)
  const stored = await findRecordByProviderId(deps, account, lookup.providerId)
  // A client token reads stored records only: it must not add records to the store.
  if (scope.subject && !(stored && isVisible(deps, scope, stored))) throw recordNotFound(recordType)
  if (stored) return readVisible(deps, scope, stored, freshness)
  if (!canReadById(deps, account)) throw unsupportedRead(recordType, account.provider)
  const trace = { accountId: account.id, kind: recordType.name, value: lookup.providerId }
  if (await findTombstone(db, scope.tenantId, trace)) {
    throw providerNotFound(account)
  }
  return fetchShared(deps, scope, { account, ref: lookup }, freshness)
}

function canReadById<R extends SyncedRecord, S extends RecordSnapshot>(
  { recordType: { provider } }: RecordDeps<R, S>,
  { client }: Account,
): boolean {
  return provider.reader(client) !== undefined && (provider.readsById?.(client) ?? true)
}

/** Throws NOT_FOUND if the caller may not see the record as it is after the read. */
async function readVisible<R extends SyncedRecord, S extends RecordSnapshot>(
  deps: RecordDeps<R, S>,
  scope: RequestScope,
  stored: R,
  freshness: OptionalFreshness,
): Promise<R> {
  const record = await readRecord(deps, scope, stored, freshness)
  if (!isVisible(deps, scope, record)) throw recordNotFound(deps.recordType)
  return record
}

/**
 * The stored record if it is fresh enough, else the fetched one. If the fetch fails, the stored record marked as stale, and
 * if the provider cannot read the record at all, the stored one as it is, because there is nothing newer. An error instead
 * if the client requested one or the record was never read.
 */
export async function readRecord<R extends SyncedRecord, S extends RecordSnapshot>(
  deps: RecordDeps<R, S>,
  scope: RequestScope,
  stored: R,
  freshness: OptionalFreshness,
): Promise<R> {
  const { defaultMaxAgeSeconds, now, recordType } = deps
  const settled = recordType.isSettled?.(stored) ?? false
  const age: Age = { freshness, defaultMaxAgeSeconds, read: stored.sync, settled }
  const account = await deps.accounts.find(stored)
  const fetchable = canFetch(deps, account)
  if (isFresh(scope, deps, age)) {
    if (!fetchable) return stored
    recordStoreHit(deps, scope, stored.provider)
    if (isNearlyStale(scope, deps, age)) fetchInBackground(deps, scope, stored, freshness)
    return stored
  }
  try {
    if (!fetchable) throw unsupportedRead(recordType, stored.provider)
    return await fetchRecord(deps, scope, stored, freshness, account)
  } catch (error) {
    if (!(error instanceof DomainError) || !stored.sync || failsOnError(freshness, error)) throw error
    return withOverrides(stored, { sync: afterFailure(stored.sync, error, now()) })
  }
}

/** True also if the account is not connected any more: the fetch then fails with the reason. */
function canFetch<R extends SyncedRecord, S extends RecordSnapshot>(
  { recordType }: RecordDeps<R, S>,
  account: Account | undefined,
): boolean {
  return account === undefined || recordType.provider.reader(account.client) !== undefined
}

function recordStoreHit<R extends SyncedRecord, S extends RecordSnapshot>(
  { recordType }: RecordDeps<R, S>,
  { callLog }: RequestScope,
  provider: Provider,
): void {
  callLog?.recordAvoided({ provider, operation: operationName(recordType), by: 'STORE' })
}

/** No request waits for the result. A failure shows in the next read. */
function fetchInBackground<R extends SyncedRecord, S extends RecordSnapshot>(
  deps: RecordDeps<R, S>,
  scope: RequestScope,
  record: R,
  freshness: OptionalFreshness,
): void {
  const background = { ...scope, signal: new LightAbortSignal(), callLog: undefined }
  fetchRecord(deps, background, record, freshness).catch(() => {})
}

/**
 * Fetches the record, or joins a fetch in flight that is fresh enough. `known`: its account, if the caller has it. Throws if
 * the fetch fails.
 */
export async function fetchRecord<R extends SyncedRecord, S extends RecordSnapshot>(
  deps: RecordDeps<R, S>,
  scope: RequestScope,
  stored: R,
  freshness: OptionalFreshness,
  known?: Account,
): Promise<R> {
  const account = known ?? (await deps.accounts.of(stored))
  const ref = await deps.recordType.provider.toRef(deps.db, stored, account.client)
  return fetchShared(deps, scope, { account, ref, stored }, freshness)
}

/** Fetches the record by a read that begins after this call. */
export function fetchRecordNow<R extends SyncedRecord, S extends RecordSnapshot>(
  deps: RecordDeps<R, S>,
  scope: RequestScope,
  stored: R,
): Promise<R> {
  return fetchRecord(deps, { ...scope, since: deps.readSequence.sequence() }, stored, { maxAgeSeconds: 0 })
}

/** Rethrows errors other than DomainError: those are bugs. */
export async function valueOrError<T>(promise: Promise<T>): Promise<T | DomainError> {
  try {
    return await promise
  } catch (error) {
    if (error instanceof DomainError) return error
    throw error
  }
}
