import type { Database } from '../../../db/core/database.ts'
import type { FilteredPage, KeysetPage } from '../../../db/core/keyset.ts'
import type { StoredAttempt } from '../../../db/records/attempt-repository.ts'
import type { RecordIdentity } from '../../../db/records/record-repository.ts'
import type { Revised } from '../../../db/records/stored-record.ts'
import type { Subject } from '../../domain/access/caller.ts'
import { type NotFoundError, notFoundError, UnsupportedError } from '../../domain/errors.ts'
import type { Capability, Provider } from '../../domain/provider.ts'
import type { Sync } from '../../domain/records/sync.ts'
import type { ConditionalRead, ProviderClient, ProviderSessionRef, ReadCall } from '../../providers/contract.ts'
import type { SingleFlight } from '../../upstream/single-flight.ts'
import type { ServiceDeps } from '../deps.ts'
import type { ProviderRead } from '../snapshots/read-sequence.ts'
import type { SnapshotContext } from '../snapshots/snapshot-context.ts'

/** The fields that every record of a provider has. `sync` is null until its provider was read for it. */
export interface SyncedRecord extends RecordIdentity {
  readonly sync: Sync | null
  readonly revision: number
}

/** The fields that every provider answer about a record has. */
export interface RecordSnapshot {
  readonly providerId: string
  readonly attempts?: readonly unknown[]
  readonly applicant?: unknown
  readonly customer?: unknown
  readonly unrecognized?: boolean
}

/** What differs between sessions, applicants and customers. */
export interface RecordType<R extends SyncedRecord, Snapshot extends RecordSnapshot, Filter> {
  readonly name: 'applicant' | 'customer' | 'session'
  readonly capability: Capability
  readonly repository: RecordRepository<R, Filter>
  readonly provider: RecordProvider<R, Snapshot>
  readonly snapshots: SnapshotStore<R, Snapshot>
  /** Changes that time alone causes. Absent: there are none. */
  readonly expiry?: RecordExpiry<R>
  /** True if the record cannot change any more. */
  isSettled?(record: R): boolean
  /** False hides the record from a client token. Absent: client tokens see no record of this type. */
  isVisibleTo?(subject: Subject, record: R): boolean
}

export interface RecordRepository<R, Filter> {
  find(db: Database, tenantId: string, ids: readonly string[]): Promise<R[]>
  findByProviderId(db: Database, accountId: string, providerId: string): Promise<(R & Revised) | undefined>
  list(db: Database, tenantId: string, filter: Filter, page: KeysetPage, withoutEncrypted: boolean): Promise<R[]>
  /** Several lists in one statement. */
  listMany(
    db: Database,
    tenantId: string,
    lists: readonly FilteredPage<Filter>[],
    withoutEncrypted: boolean,
  ): Promise<R[][]>
  count(db: Database, tenantId: string, filter: Filter, max: number): Promise<number>
}

export interface RecordProvider<R, Snapshot> {
  /** The client method that reads a record; undefined if the provider has none. */
  reader(client: ProviderClient): ((ref: ProviderSessionRef, call: ReadCall) => Promise<Snapshot>) | undefined
  /** The same read, where the provider can recognize a known answer. Absent: there is none. */
  conditionalReader?(client: ProviderClient): ConditionalRead<ProviderSessionRef, Snapshot> | undefined
  /** False if the provider needs more than the record's own id. Absent: it never does. */
  readsById?(client: ProviderClient): boolean
  /** What the provider needs to read a stored record. */
  toRef(db: Database, record: R, client: ProviderClient): Promise<ProviderSessionRef>
}

export interface SnapshotStore<R, Snapshot> {
  upsert(db: Database, context: SnapshotContext, snapshot: Snapshot): Promise<R>
  /** The stored attempts of the snapshot if it equals the stored record; undefined if it differs. */
  compare(
    db: Database,
    context: SnapshotContext,
    stored: R,
    snapshot: Snapshot,
  ): Promise<readonly StoredAttempt[] | undefined>
}

export interface RecordExpiry<R> {
  /** Null if it does not expire. */
  at(record: R): Date | null
  isOverdue(record: R, now: Date): boolean
  /** Stores the changes for all overdue records of the tenant. */
  apply(deps: Pick<ServiceDeps, 'db' | 'notifier' | 'now'>, tenantId: string): Promise<void>
}

/** The services' dependencies, with the record type and its provider reads in flight. */
export interface RecordDeps<R extends SyncedRecord, Snapshot extends RecordSnapshot, Filter = never>
  extends ServiceDeps {
  readonly recordType: RecordType<R, Snapshot, Filter>
  readonly flights: SingleFlight<ProviderRead>
}

export function recordNotFound({ name }: { readonly name: string }): NotFoundError {
  return notFoundError(name)
}

export function unsupportedRead(
  { name, capability }: { readonly name: string; readonly capability: Capability },
  provider: Provider,
): UnsupportedError {
  return new UnsupportedError(provider, capability, `${provider} has no API to read this ${name}.`)
}

/** The client method's name for a capability: `getSession` for GET_SESSION. */
export function operationName({ capability }: { readonly capability: Capability }): string {
  return capability.toLowerCase().replace(/_(.)/g, (_, letter: string) => letter.toUpperCase())
}
