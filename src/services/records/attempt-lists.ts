import type { Position } from '../../../db/core/keyset.ts'
import { type DomainError, notFoundError } from '../../domain/errors.ts'
import type { Applicant } from '../../domain/records/applicant.ts'
import type { Attempt } from '../../domain/records/attempt.ts'
import { type Freshness, type Sync, withoutFailure } from '../../domain/records/sync.ts'
import {
  type Connection,
  type ListPage,
  type PageArguments,
  type PageRequest,
  readPage,
  toPageRequest,
} from '../lists/connection.ts'
import type { Cursors } from '../lists/cursor.ts'
import { afterFailure, failsOnError, type StoredRead } from './freshness.ts'

/** The attempts of one session or applicant: what is returned of a refresh, and its pages. */

export interface AttemptList {
  /** Oldest first. */
  readonly attempts: readonly Attempt[]
  readonly sync: Sync
}

/** When the attempts were read, and the read of the record that has them. */
export type AttemptsRead = Pick<Applicant, 'attemptsFetchedAt' | 'attemptsStartedMs' | 'sync'>

/**
 * The result of a refresh: the read of the stored attempts, with the error of a failed one. UNSUPPORTED: the provider has no
 * attempts. NOT_OPEN: after the read the caller may not see the record any more.
 */
export type Refreshed =
  | { readonly read: AttemptsRead; readonly error?: DomainError }
  | { readonly read: AttemptsRead; readonly reason: 'UNSUPPORTED' }
  | 'NOT_OPEN'

/**
 * Null if the provider has no attempts, an error if the refresh failed and nothing is stored or the client requested an
 * error. A webhook can have stored attempts that no read returned.
 */
export function toAttemptList(
  refreshed: Refreshed,
  attempts: readonly Attempt[] | undefined = [],
  freshness: Freshness | null | undefined,
  now: Date,
): AttemptList | null | Error {
  if (refreshed === 'NOT_OPEN') return notFoundError('session')
  const { read } = refreshed
  const list = { attempts, sync: toSync(read, attempts) }
  if ('reason' in refreshed) return attempts.length > 0 ? list : null
  const { error } = refreshed
  if (!error) return list
  const isStored = read.attemptsFetchedAt !== null || attempts.length > 0
  return isStored && !failsOnError(freshness, error) ? { attempts, sync: afterFailure(list.sync, error, now) } : error
}

/** The sync of the record if its read had the attempts. Attempts that no read had come from webhooks. */
function toSync({ sync, attemptsFetchedAt, attemptsStartedMs }: AttemptsRead, attempts: readonly Attempt[]): Sync {
  if (sync && sync.startedMs === attemptsStartedMs) return withoutFailure(sync)
  const common = { readId: null, startedMs: attemptsStartedMs ?? 0, stale: false, lastError: null }
  if (attemptsFetchedAt) return { ...common, fetchedAt: attemptsFetchedAt, source: 'FETCH' }
  const updatedAt = Math.max(0, ...attempts.map(attempt => attempt.updatedAt.getTime()))
  return { ...common, fetchedAt: new Date(updatedAt), source: 'WEBHOOK' }
}

/** Null if the attempts were never read. */
export function toStoredRead({ sync, attemptsFetchedAt, attemptsStartedMs }: AttemptsRead): StoredRead | null {
  if (!attemptsFetchedAt || attemptsStartedMs === null) return null
  const readId = sync?.startedMs === attemptsStartedMs ? sync.readId : null
  return { fetchedAt: attemptsFetchedAt, startedMs: attemptsStartedMs, readId }
}

export interface AttemptConnection extends Connection<Attempt> {
  readonly sync: Sync
}

type Owner = Pick<Applicant, 'id' | 'tenantId'>

/** Throws INVALID_INPUT and CURSOR_INVALID. */
export function parseAttemptPage(cursors: Cursors, owner: Owner, args: PageArguments): PageRequest {
  return toPageRequest(cursors, scopeOf(owner), args)
}

export async function toAttemptConnection(
  cursors: Cursors,
  owner: Owner,
  { attempts, sync }: AttemptList,
  page: PageRequest,
): Promise<AttemptConnection> {
  const connection = await readPage(cursors, page, {
    scope: scopeOf(owner),
    positionOf,
    read: async bounds => selectBetween(attempts, bounds),
    count: async () => attempts.length,
  })
  return { ...connection, sync }
}

function scopeOf({ id, tenantId }: Owner): string {
  return `${tenantId}|attempts|${id}`
}

function positionOf({ createdAt, id }: Attempt): Position {
  return { at: createdAt.getTime(), id }
}

/** By position, because the attempt of a cursor can be deleted. */
function selectBetween(attempts: readonly Attempt[], { after, before, limit, backward }: ListPage): Attempt[] {
  const between = attempts.filter(attempt => {
    const position = positionOf(attempt)
    return (!after || isBefore(after, position)) && (!before || isBefore(position, before))
  })
  return backward ? between.slice(-limit) : between.slice(0, limit)
}

/** In the order of the database. */
function isBefore(one: Position, other: Position): boolean {
  return one.at === other.at ? one.id < other.id : one.at < other.at
}
