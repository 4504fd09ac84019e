import type { ErrorCode } from '../error-codes.ts'

export const CHANGE_SOURCES = ['CALLER', 'FETCH', 'WEBHOOK', 'DERIVED'] as const
export type ChangeSource = (typeof CHANGE_SOURCES)[number]

/**
 * How fresh a record is. `lastError` is the reason for `stale`: a failed refresh, or an unrecognized status or outcome
 * in the latest response.
 */
export interface Sync {
  readonly fetchedAt: Date
  readonly stale: boolean
  readonly source: ChangeSource
  readonly lastError: ProviderFailure | null
  /**
   * True if the latest response contained an unrecognized status or outcome. The record stays unsettled until the next
   * one.
   */
  readonly unrecognized?: boolean
  /** The id of the read that the record comes from; null if unknown. */
  readonly readId: string | null
  /** When that read started, in milliseconds of the clock shared by all instances. */
  readonly startedMs: number
}

/** Without the error of a failed refresh, which is not stored. */
export function withoutFailure(sync: Sync): Sync {
  return sync.unrecognized ? sync : { ...sync, stale: false, lastError: null }
}

export interface ProviderFailure {
  readonly code: ErrorCode
  readonly message: string
  readonly at: Date
  /** The provider's own error code. */
  readonly providerCode?: string | null
}

export const ON_REFRESH_ERRORS = ['SERVE_STALE', 'FAIL'] as const
export type OnRefreshError = (typeof ON_REFRESH_ERRORS)[number]

/** Without `maxAgeSeconds`: the stored record if it is younger than the default age or its session is terminal. */
export interface Freshness {
  readonly maxAgeSeconds?: number | null
  readonly onError?: OnRefreshError | null
}
