import type { ErrorCode } from './errors.ts'

export const STATUS_SOURCES = ['CREATE', 'FETCH', 'WEBHOOK', 'DERIVED'] as const
export type StatusSource = (typeof STATUS_SOURCES)[number]

/** How fresh a record is. `lastError` is the refresh that failed, so the record is older than was asked for. */
export interface Sync {
  readonly fetchedAt: Date
  readonly stale: boolean
  readonly source: StatusSource
  readonly lastError: SyncError | null
}

export interface SyncError {
  readonly code: ErrorCode
  readonly message: string
  readonly at: Date
}

export const ON_REFRESH_ERRORS = ['SERVE_STALE', 'FAIL'] as const
export type OnRefreshError = (typeof ON_REFRESH_ERRORS)[number]

/** `maxAgeSeconds` absent: the stored record when it is younger than the default age or its session is terminal. */
export interface Freshness {
  readonly maxAgeSeconds?: number | null
  readonly onError?: OnRefreshError | null
}
