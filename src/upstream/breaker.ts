import {
  BrokenCircuitError,
  type CircuitBreakerPolicy,
  CircuitState as CockatielState,
  circuitBreaker,
  handleWhen,
  type IBreaker,
} from 'cockatiel'
import { createWindow } from './window.ts'

export type CircuitState = 'CLOSED' | 'OPEN' | 'HALF_OPEN'

export interface BreakerOptions {
  /** Opens where at least this share of the calls of `spanMs` failed … */
  readonly failureShare: number
  /** … of at least so many, or where so many failed in a row, however many succeeded before. */
  readonly minimumCalls: number
  readonly spanMs: number
  /** How long it stays open before one call may probe. */
  readonly halfOpenAfterMs: number
  /** Told each time it opens. */
  readonly onOpen?: () => void
  /** True for an error that is the provider's failing; others say nothing about its health. */
  readonly isFailure: (error: Error) => boolean
  /** True for an error that shows that the provider answered: a probe that ends in anything else has shown nothing. */
  readonly isAnswer: (error: Error) => boolean
}

export interface Breaker {
  readonly state: CircuitState
  /** Milliseconds until a probe may go; 0 where calls pass. */
  readonly blockedMs: number
  /** Runs the call, or throws BrokenCircuitError at once. */
  execute<T>(run: () => Promise<T>): Promise<T>
}

export { BrokenCircuitError }

/** Stops calls to a provider that fails, and lets one through now and then to see whether it recovered. */
export function createBreaker(options: BreakerOptions): Breaker {
  let openedAt = 0
  const isFailure = (error: Error) =>
    options.isFailure(error) || (policy.state === CockatielState.HalfOpen && !options.isAnswer(error))
  const policy: CircuitBreakerPolicy = circuitBreaker(handleWhen(isFailure), {
    halfOpenAfter: options.halfOpenAfterMs,
    breaker: shareOfCalls(options),
  })
  policy.onBreak(() => {
    openedAt = Date.now()
    options.onOpen?.()
  })
  return {
    get state() {
      return STATES[policy.state]
    },
    get blockedMs() {
      return policy.state === CockatielState.Closed ? 0 : Math.max(0, openedAt + options.halfOpenAfterMs - Date.now())
    },
    execute: run => {
      // While one call probes, the policy would have the others wait for it.
      if (policy.state === CockatielState.HalfOpen) return Promise.reject(new BrokenCircuitError())
      return policy.execute(run)
    },
  }
}

const STATES: Readonly<Record<CockatielState, CircuitState>> = {
  [CockatielState.Closed]: 'CLOSED',
  [CockatielState.Open]: 'OPEN',
  [CockatielState.HalfOpen]: 'HALF_OPEN',
  [CockatielState.Isolated]: 'OPEN',
}

/** Counts calls of exactly the last span, so that old failures are forgotten when calls are rare. */
function shareOfCalls({ failureShare, minimumCalls, spanMs }: BreakerOptions): IBreaker {
  const window = createWindow()
  const add = (failed: boolean) => window.add({ at: Date.now(), ms: 0, failed })
  return {
    state: undefined,
    success(state) {
      if (state === CockatielState.HalfOpen) window.clear()
      add(false)
    },
    failure(state) {
      add(true)
      if (state !== CockatielState.Closed) return true
      const calls = window.since(Date.now(), spanMs)
      const failed = calls.filter(call => call.failed).length
      const lastFailed = calls.slice(-minimumCalls).every(call => call.failed)
      return calls.length >= minimumCalls && (lastFailed || failed >= failureShare * calls.length)
    },
  }
}
