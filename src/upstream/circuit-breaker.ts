import type { CallKind } from '../domain/provider-call.ts'
import { createWindow } from './health/sample-window.ts'

/** What instances share about one account's circuit breakers. */
export interface PeerCircuits {
  /** Announces that a circuit of this instance opened for `ms` milliseconds. */
  opened(kind: CallKind, ms: number): void
  /** How long another instance's circuit stays open, as announced; 0 if none is. */
  blockedMs(kind: CallKind): number
}

export const NO_PEERS: PeerCircuits = { opened: () => {}, blockedMs: () => 0 }

export type CircuitState = 'CLOSED' | 'OPEN' | 'HALF_OPEN'

export interface BreakerOptions {
  /** Opens if at least this ratio of the calls within `spanMs` failed … */
  readonly failureShare: number
  /** … and there were at least this many calls, or this many failed in a row. */
  readonly minimumCalls: number
  readonly spanMs: number
  /** How long it stays open before it lets a probe through. */
  readonly halfOpenAfterMs: number
  /** Called each time it opens. */
  readonly onOpen?: () => void
  /** Called when a probe closes it. */
  readonly onClose?: () => void
  /** True for an error that counts as a failure of the provider. Other errors are not counted. */
  readonly isFailure: (error: Error) => boolean
  /**
   * True for an error that proves that the provider responds. A probe that ends in any other error reopens the circuit.
   */
  readonly isResponse: (error: Error) => boolean
}

/** Why and since when a circuit is not closed. */
export interface CircuitTrip {
  /** When it opened first; failed probes do not change it. */
  readonly since: Date
  /** The latest failure; undefined if another instance reported that its circuit is open. */
  readonly failure: Error | undefined
}

export interface CircuitBreaker {
  readonly state: CircuitState
  /** Undefined while it is closed. */
  readonly trip: CircuitTrip | undefined
  /** Milliseconds until a probe is allowed; 0 if calls pass. */
  readonly blockedMs: number
  /** When it last opened, in milliseconds of performance.now(), which is monotonic. */
  readonly openedAt: number
  /** Opens it for `ms` milliseconds. */
  open(ms: number): void
  /** Lets the next probe through at once. */
  allowProbe(): void
  /** Counts a call that was sent while the circuit was closed. */
  succeeded(): void
  failed(error: unknown): void
  /**
   * Runs a probe if the circuit was open for long enough; otherwise throws BrokenCircuitError at once. `wasSent`: whether the
   * probe reached the provider; one that did not says nothing and leaves the circuit as it was.
   */
  probe<T>(run: () => Promise<T>, wasSent: () => boolean): Promise<T>
}

/** The circuit is open, or its probe is in progress. */
export class BrokenCircuitError extends Error {}

/** Stops calls to a failing provider, and lets a probe through from time to time to detect its recovery. */
export function createCircuitBreaker(options: BreakerOptions): CircuitBreaker {
  const window = createWindow()
  let state: CircuitState = 'CLOSED'
  let openedAt = Number.NEGATIVE_INFINITY
  let openForMs = 0
  let trip: CircuitTrip | undefined

  function open(ms: number, failure?: Error): void {
    state = 'OPEN'
    openedAt = performance.now()
    openForMs = ms
    trip = { since: trip?.since ?? new Date(), failure: failure ?? trip?.failure }
  }

  function reopen(failure: Error): void {
    open(options.halfOpenAfterMs, failure)
    options.onOpen?.()
  }

  function blockedMs(): number {
    return state === 'CLOSED' ? 0 : Math.max(0, openedAt + openForMs - performance.now())
  }

  /** Counts only the calls of the last `spanMs`, so that old failures do not count when calls are rare. */
  function count(failure?: Error): void {
    window.add({ at: performance.now(), ms: 0, failed: failure !== undefined })
    if (failure && state === 'CLOSED' && isFailing(window.since(performance.now(), options.spanMs), options))
      reopen(failure)
  }

  async function probe<T>(run: () => Promise<T>, wasSent: () => boolean): Promise<T> {
    if (state === 'HALF_OPEN' || blockedMs() > 0) throw new BrokenCircuitError()
    state = 'HALF_OPEN'
    const close = () => {
      state = 'CLOSED'
      trip = undefined
      window.clear()
      options.onClose?.()
    }
    try {
      const result = await run()
      close()
      count()
      return result
    } catch (error) {
      if (!wasSent()) state = 'OPEN'
      else if (error instanceof Error && options.isResponse(error) && !options.isFailure(error)) close()
      else reopen(error instanceof Error ? error : new Error(String(error)))
      throw error
    }
  }

  function failed(error: unknown): void {
    if (error instanceof Error && options.isFailure(error)) count(error)
  }

  return {
    get state() {
      return state
    },
    get trip() {
      return trip
    },
    get blockedMs() {
      return blockedMs()
    },
    get openedAt() {
      return openedAt
    },
    open: ms => open(ms),
    allowProbe: () => {
      openForMs = 0
    },
    succeeded: () => count(),
    failed,
    probe,
  }
}

function isFailing(
  calls: readonly { readonly failed: boolean }[],
  { failureShare, minimumCalls }: BreakerOptions,
): boolean {
  const failed = calls.filter(call => call.failed).length
  const lastFailed = calls.slice(-minimumCalls).every(call => call.failed)
  return calls.length >= minimumCalls && (lastFailed || failed >= failureShare * calls.length)
}
