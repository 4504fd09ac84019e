import { type DomainError, providerCodeOf, UnsupportedError } from '../../domain/errors.ts'
import type { Freshness, Sync } from '../../domain/records/sync.ts'
import type { ServiceDeps } from '../deps.ts'
import type { RequestScope } from '../request-scope.ts'

/** The provider read of a stored record: its start by the wall clock and by the clock that all instances share. */
export type StoredRead = Pick<Sync, 'fetchedAt' | 'startedMs' | 'readId'>

type Clocks = Pick<ServiceDeps, 'now' | 'readSequence'>

export interface Age {
  readonly freshness: Freshness | null | undefined
  readonly defaultMaxAgeSeconds: number
  /** Null if the record was never read: it is then never fresh. */
  readonly read: StoredRead | null
  /** True if the record cannot change any more: it is then fresh unless the client requested a maximum age. */
  readonly settled: boolean
}

/** True if the stored record meets the requested freshness. */
export function isFresh(scope: RequestScope, clocks: Clocks, age: Age): boolean {
  const { defaultMaxAgeSeconds, freshness, read, settled } = age
  if (!read) return false
  if (freshness?.maxAgeSeconds == null && settled) return true
  return isYounger(scope, clocks, read, freshness?.maxAgeSeconds ?? defaultMaxAgeSeconds)
}

/** True if this instance made the read since the request came in, or if the read began within the maximum age. */
export function isYounger(scope: RequestScope, clocks: Clocks, read: StoredRead, maxAgeSeconds: number): boolean {
  return isSince(scope, clocks, read) || ageSeconds(clocks, read) < maxAgeSeconds
}

/** True if this instance made the read since the request came in. */
export function isSince({ since }: RequestScope, { readSequence }: Clocks, { readId }: StoredRead): boolean {
  return since !== undefined && readSequence.isSince(readId, since)
}

/** From this share of the default maximum age on, a read refreshes the record in the background. */
const NEARLY_STALE_RATIO = 2 / 3

/** False for a client that requested a maximum age: it gets the stored record without a refresh. */
export function isNearlyStale(scope: RequestScope, clocks: Clocks, age: Age): boolean {
  const { defaultMaxAgeSeconds, freshness, read, settled } = age
  if (!read || settled || freshness?.maxAgeSeconds != null || isSince(scope, clocks, read)) return false
  return ageSeconds(clocks, read) >= defaultMaxAgeSeconds * NEARLY_STALE_RATIO
}

/** The larger age of both clocks: after a clock was set, a record may look older than it is, but never younger. */
function ageSeconds({ now, readSequence }: Clocks, { fetchedAt, startedMs }: StoredRead): number {
  const ages = [now().getTime() - fetchedAt.getTime(), readSequence.ms() - startedMs]
  // A read in the future means that a clock was set back: its age is unknown.
  return ages.some(age => age < 0) ? Number.POSITIVE_INFINITY : Math.max(...ages) / 1000
}

/** A record that its provider cannot read is too old only for a client that requested a maximum age. */
export function failsOnError(freshness: Freshness | null | undefined, error: DomainError): boolean {
  if (error instanceof UnsupportedError && freshness?.maxAgeSeconds == null) return false
  return freshness?.onError === 'FAIL'
}

/** The sync of a stored record whose refresh failed. It is not stale if its provider cannot read it: nothing is newer. */
export function afterFailure(sync: Sync, error: DomainError, now: Date): Sync {
  if (error instanceof UnsupportedError) return sync
  const lastError = { code: error.code, message: error.message, at: now, providerCode: providerCodeOf(error) }
  return { ...sync, stale: true, lastError }
}
