import type { GuardOptions } from './guard.ts'

/** How the house treats every provider; each number is a setting. */
export interface UpstreamLimits extends Omit<GuardOptions, 'provider' | 'hints'> {
  readonly readDeadlineMs: number
  readonly createDeadlineMs: number
  readonly maxAnswerBytes: number
}

export const DEFAULT_LIMITS: UpstreamLimits = {
  readDeadlineMs: 2_000,
  createDeadlineMs: 8_000,
  maxAnswerBytes: 1_048_576,
  connections: 32,
  queue: 64,
  breakerFailureShare: 0.5,
  breakerMinimumCalls: 10,
  breakerSpanMs: 10_000,
  breakerHalfOpenAfterMs: 2_000,
  retryShare: 0.1,
  retryReserve: 2,
}
