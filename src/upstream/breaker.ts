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
  readonly isFailure: (error: unknown) => boolean
  /** True for an error that shows that the provider answered: a probe that ends in anything else has shown nothing. */
  readonly isAnswer: (error: unknown) => boolean
}

export interface Breaker {
  readonly state: CircuitState
  /** Milliseconds until a probe may go; 0 where calls pass. */
  readonly blockedMs: number
  /** Runs the call, or throws BrokenCircuitError at once. */
  execute<T>(run: () => Promise<T>): Promise<T>
}

/** The call was not made. */
export class BrokenCircuitError extends Error {}

/** Stops calls to a provider that fails, and lets one through now and then to see whether it recovered. */
export function createBreaker(options: BreakerOptions): Breaker {
  /** Of exactly the last span, so that old failures are forgotten when calls are rare. */
  const window = createWindow()
  let state: CircuitState = 'CLOSED'
  let openedAt = 0

  const blockedMs = () => (state === 'CLOSED' ? 0 : Math.max(0, openedAt + options.halfOpenAfterMs - Date.now()))

  async function execute<T>(run: () => Promise<T>): Promise<T> {
    // While one call probes, all others are kept back.
    if (state === 'HALF_OPEN' || blockedMs() > 0) throw new BrokenCircuitError('The circuit is open.')
    const probes = state === 'OPEN'
    if (probes) state = 'HALF_OPEN'
    try {
      const result = await run()
      if (probes) close()
      count(false)
      return result
    } catch (error) {
      if (options.isFailure(error)) {
        count(true)
        if (probes || isTooMuch()) open()
      } else if (probes) {
        if (options.isAnswer(error)) close()
        else open()
      }
      throw error
    }
  }

  function count(failed: boolean): void {
    window.add({ at: Date.now(), ms: 0, failed })
  }

  function isTooMuch(): boolean {
    const { failureShare, minimumCalls, spanMs } = options
    const calls = window.since(Date.now(), spanMs)
    const failed = calls.filter(call => call.failed).length
    const lastFailed = calls.slice(-minimumCalls).every(call => call.failed)
    return calls.length >= minimumCalls && (lastFailed || failed >= failureShare * calls.length)
  }

  function open(): void {
    if (state === 'OPEN') return
    state = 'OPEN'
    openedAt = Date.now()
    options.onOpen?.()
  }

  /** A call from before that failed meanwhile may have opened it again. */
  function close(): void {
    if (state !== 'HALF_OPEN') return
    state = 'CLOSED'
    window.clear()
  }

  return {
    get state() {
      return state
    },
    get blockedMs() {
      return blockedMs()
    },
    execute,
  }
}
