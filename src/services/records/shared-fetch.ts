import type { AbortSignalLike } from '../../domain/abort-signal.ts'
import { DomainError } from '../../domain/errors.ts'
import type { Freshness } from '../../domain/records/sync.ts'
import type { RequestScope } from '../request-scope.ts'
import type { ProviderRead } from '../snapshots/read-sequence.ts'
import { type FetchTarget, fetchAndStore } from './fetch-and-store.ts'
import { isYounger } from './freshness.ts'
import { operationName, type RecordDeps, type RecordSnapshot, type SyncedRecord } from './record-type.ts'

/** Concurrent fetches of one record share one provider call, within the instance and across instances. */

/** A run of the single-flight. `begins` publishes the read that its result is of. */
interface Flight {
  readonly signal: AbortSignalLike
  readonly begins: (read: ProviderRead) => void
}

/** Joins a fetch in flight that is young enough, or starts one. */
export async function fetchShared<R extends SyncedRecord, S extends RecordSnapshot>(
  deps: RecordDeps<R, S>,
  scope: RequestScope,
  target: FetchTarget<R>,
  freshness: Freshness | null | undefined,
): Promise<R> {
  const maxAgeSeconds = freshness?.maxAgeSeconds ?? deps.defaultMaxAgeSeconds
  const caller = {
    signal: scope.signal,
    mayJoin: ({ id, startedAt, startedMs }: ProviderRead) =>
      isYounger(scope, deps, { readId: id, fetchedAt: startedAt, startedMs }, maxAgeSeconds),
    joins: () => recordSharedCall(deps, scope, target),
  }
  const fetching = deps.flights.run(`${lockKey(deps, target)}|${maxAgeSeconds}`, caller, (signal, begins) => {
    // An instance cannot know when another instance's read began, so that one is never new enough here.
    if (maxAgeSeconds === 0) return fetchAlone(deps, scope, target, { signal, begins })
    return fetchLocked(deps, scope, target, { signal, begins }, maxAgeSeconds)
  })
  return withDeadlineError(fetching)
}

/** One instance fetches at a time. The others return what it stored, if that is young enough. */
async function fetchLocked<R extends SyncedRecord, S extends RecordSnapshot>(
  deps: RecordDeps<R, S>,
  scope: RequestScope,
  target: FetchTarget<R>,
  flight: Flight,
  maxAgeSeconds: number,
): Promise<R> {
  const lock = await deps.readLock.acquire(lockKey(deps, target), flight.signal)
  try {
    flight.signal.throwIfAborted()
    const stored = lock.waited ? await findYoung(deps, scope, target, maxAgeSeconds) : undefined
    if (!stored) return await fetchAlone(deps, scope, target, flight)
    recordSharedCall(deps, scope, target)
    return stored
  } finally {
    lock.release()
  }
}

async function fetchAlone<R extends SyncedRecord, S extends RecordSnapshot>(
  deps: RecordDeps<R, S>,
  { callLog, source = 'FETCH' }: RequestScope,
  target: FetchTarget<R>,
  { signal, begins }: Flight,
): Promise<R> {
  return (await fetchAndStore(deps, { signal, callLog }, target, { source, begins })).record
}

async function findYoung<R extends SyncedRecord, S extends RecordSnapshot>(
  deps: RecordDeps<R, S>,
  scope: RequestScope,
  { account, ref }: FetchTarget<R>,
  maxAgeSeconds: number,
): Promise<R | undefined> {
  const stored = await deps.recordType.repository.findByProviderId(deps.db, account.id, ref.providerId)
  return stored?.sync && isYounger(scope, deps, stored.sync, maxAgeSeconds) ? stored : undefined
}

function lockKey<R extends SyncedRecord, S extends RecordSnapshot>(
  { recordType }: RecordDeps<R, S>,
  { account, ref }: FetchTarget<R>,
): string {
  return `${account.id}|${recordType.name}|${ref.providerId}`
}

function recordSharedCall<R extends SyncedRecord, S extends RecordSnapshot>(
  { recordType }: RecordDeps<R, S>,
  { callLog }: RequestScope,
  { account }: FetchTarget<R>,
): void {
  callLog?.recordAvoided({ provider: account.provider, operation: operationName(recordType), by: 'SHARED' })
}

/** Turns the abort of the caller's own signal into a DomainError. */
async function withDeadlineError<T>(promise: Promise<T>): Promise<T> {
  try {
    return await promise
  } catch (error) {
    if (error instanceof DomainError || !isAbort(error)) throw error
    throw new DomainError(
      'DEADLINE_EXCEEDED',
      'The request ended before the provider responded. Send it again, or select less.',
      { cause: error },
    )
  }
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && (error.name === 'AbortError' || error.name === 'TimeoutError')
}
