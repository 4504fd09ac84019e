import type { Freshness } from '../../domain/records/sync.ts'
import { createSingleFlight } from '../../upstream/single-flight.ts'
import type { Account } from '../accounts/account.ts'
import type { Lookup, ServiceDeps } from '../deps.ts'
import type { Connection, PageArguments } from '../lists/connection.ts'
import type { RequestScope } from '../request-scope.ts'
import type { SnapshotContext } from '../snapshots/snapshot-context.ts'
import { fetchByProviderId, type StoreResult, storeSnapshot } from './fetch-and-store.ts'
import { type CallerScope, findRecords, getStoredRecord } from './find-records.ts'
import { type ListOptions, type ListRequest, listManyRecords, listRecords } from './list-records.ts'
import { fetchRecord, fetchRecordNow, getRecord, getRecords, readRecord } from './read-record.ts'
import type { RecordDeps, RecordSnapshot, RecordType, SyncedRecord } from './record-type.ts'

/** The service of one record type. */
export interface Records<R, Filter, Snapshot> {
  /** Stored records only; undefined for an id that the caller has no record of. */
  findMany(scope: CallerScope, ids: readonly string[]): Promise<(R | undefined)[]>
  /** A stored record only. Throws NOT_FOUND. */
  getStored(scope: CallerScope, id: string): Promise<R>
  /** Throws NOT_FOUND. */
  get(scope: RequestScope, lookup: Lookup, freshness?: Freshness | null): Promise<R>
  getMany(scope: RequestScope, ids: readonly string[], freshness?: Freshness | null): Promise<(R | Error)[]>
  /** The stored record if it is fresh enough, else fetched from the provider. */
  refresh(scope: RequestScope, record: R, freshness?: Freshness | null): Promise<R>
  /** Fetches by a read that begins after this call. Throws if it fails. */
  fetchNow(scope: RequestScope, record: R): Promise<R>
  /** Fetches, or joins a fetch in flight that is fresh enough. Throws if it fails. */
  refetch(scope: RequestScope, record: R, freshness?: Freshness | null): Promise<R>
  list(scope: RequestScope, filter: Filter, page: PageArguments, options?: ListOptions): Promise<Connection<R>>
  /** Several lists in one statement. A list with an invalid argument is an error in its place. */
  listMany(
    scope: RequestScope,
    requests: readonly ListRequest<Filter>[],
    options?: ListOptions,
  ): Promise<(Connection<R> | Error)[]>
  /** Stores an item of a provider's list. Throws NOT_FOUND for an erased record; OverlapError: fetch it instead. */
  storeListed(context: SnapshotContext, snapshot: Snapshot): Promise<StoreResult<R>>
  /** Fetches one stored record outside a request. Throws NOT_FOUND if it is not stored any more. */
  fetchByProviderId(account: Account, providerId: string): Promise<StoreResult<R>>
}

export function createRecords<R extends SyncedRecord, Snapshot extends RecordSnapshot, Filter>(
  serviceDeps: ServiceDeps,
  recordType: RecordType<R, Snapshot, Filter>,
): Records<R, Filter, Snapshot> {
  const deps: RecordDeps<R, Snapshot, Filter> = { ...serviceDeps, recordType, flights: createSingleFlight() }
  return {
    findMany: (scope, ids) => findRecords(deps, scope, ids),
    getStored: (scope, id) => getStoredRecord(deps, scope, id),
    get: (scope, lookup, freshness) => getRecord(deps, scope, lookup, freshness),
    getMany: (scope, ids, freshness) => getRecords(deps, scope, ids, freshness),
    refresh: (scope, record, freshness) => readRecord(deps, scope, record, freshness),
    fetchNow: (scope, record) => fetchRecordNow(deps, scope, record),
    refetch: (scope, record, freshness) => fetchRecord(deps, scope, record, freshness),
    list: (scope, filter, page, options) => listRecords(deps, scope, { filter, page }, options),
    listMany: (scope, requests, options) => listManyRecords(deps, scope, requests, options),
    storeListed: (context, snapshot) => storeSnapshot(deps, context, snapshot),
    fetchByProviderId: (account, providerId) => fetchByProviderId(deps, account, providerId),
  }
}
