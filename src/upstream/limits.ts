import type { ProxyOptions } from './connections.ts'
import type { ResilienceOptions } from './resilience-policy.ts'

/** Limits for every provider; each one is a setting. */
export interface UpstreamLimits extends Omit<ResilienceOptions, 'provider' | 'peerCircuits'> {
  readonly readDeadlineMs: number
  readonly createDeadlineMs: number
  readonly maxAnswerBytes: number
  readonly proxy?: ProxyOptions
}

export const DEFAULT_LIMITS: UpstreamLimits = {
  readDeadlineMs: 2_000,
  createDeadlineMs: 8_000,
  maxAnswerBytes: 1_048_576,
  connections: 32,
  queue: 1_000,
  breakerFailureRatio: 0.5,
  breakerMinimumCalls: 10,
  breakerWindowMs: 10_000,
  breakerHalfOpenAfterMs: 2_000,
  retryBudgetRatio: 0.1,
  retryBudgetMin: 2,
}
