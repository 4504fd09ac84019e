import { setTimeout as sleep } from 'node:timers/promises'
import { BulkheadRejectedError, bulkhead } from 'cockatiel'
import { DomainError, type ProviderErrorOptions, ProviderUnavailableError } from '../domain/errors.ts'
import type { Provider } from '../domain/provider.ts'
import { type Breaker, BrokenCircuitError, type CircuitState, createBreaker } from './breaker.ts'
import { type BreakerHints, NO_HINTS } from './breaker-hints.ts'
import { createHealthWatch } from './health.ts'
import { createRetryBudget } from './retry-budget.ts'
import { orAborted } from './single-flight.ts'
import type { CallKind, RequestOptions } from './transport.ts'
import { isAnswer, isFailure, isLost, isUnwell, retryAfterMs } from './verdicts.ts'

export interface GuardOptions {
  readonly provider: Provider
  readonly connections: number
  readonly queue: number
  /** A read is not sent again where its pause would last past this. */
  readonly readDeadlineMs: number
  /** A repeated write has as long as the first one had. */
  readonly createDeadlineMs: number
  readonly breakerFailureShare: number
  readonly breakerMinimumCalls: number
  readonly breakerSpanMs: number
  readonly breakerHalfOpenAfterMs: number
  /** Retries may be this share of the calls that succeeded … */
  readonly retryShare: number
  /** … beside so many at the start. */
  readonly retryReserve: number
  /** What other instances say of the same account. */
  readonly hints?: BreakerHints
}

/** Sends a request that `deadline` ends. */
type Send<T> = (deadline: AbortSignal) => Promise<T>

/** How far a request got: what was not sent was refused here, and asking again would not help. */
interface Progress {
  sent: boolean
}

/**
 * Stands between the house and one account of a provider: a bounded number of calls at a time, a breaker for each class
 * of calls, one retry of reads within a budget and of writes that were lost. What it refuses was never sent.
 */
export function createGuard(options: GuardOptions) {
  const { provider } = options
  const slots = bulkhead(options.connections, options.queue)
  const budget = createRetryBudget(options.retryShare, options.retryReserve)
  const health = createHealthWatch(circuit)
  const hints = options.hints ?? NO_HINTS
  const lastAnswered: Record<CallKind, number> = { READ: 0, CREATE: 0, WRITE: 0 }
  const breakers: Readonly<Record<CallKind, Breaker>> = {
    READ: newBreaker(options, 'READ', hints),
    CREATE: newBreaker(options, 'CREATE', hints),
    WRITE: newBreaker(options, 'WRITE', hints),
  }

  /** Runs `send` once, or a second time: a read that may succeed before its deadline, a write whose answer never came. */
  async function run<T>(request: RequestOptions, deadline: AbortSignal, send: Send<T>): Promise<T> {
    const endsAt = performance.now() + options.readDeadlineMs
    const progress: Progress = { sent: false }
    try {
      return await once(request, deadline, send, progress)
    } catch (error) {
      if (!progress.sent) throw error
      const again = request.kind === 'WRITE' ? afresh(error) : await paused(request, error, deadline, endsAt)
      if (!again) throw error
      return once(request, again, send, { sent: false })
    }
  }

  /** A deadline of its own for a write that timed out, or whose connection broke. */
  function afresh(error: unknown): AbortSignal | undefined {
    return isLost(error) ? AbortSignal.timeout(options.createDeadlineMs) : undefined
  }

  /** The deadline of a read, after as long a pause as its error asks for; undefined where it may not be sent again. */
  async function paused(
    { kind }: RequestOptions,
    error: unknown,
    deadline: AbortSignal,
    endsAt: number,
  ): Promise<AbortSignal | undefined> {
    const pauseMs = kind === 'READ' ? retryAfterMs(error) : undefined
    if (pauseMs === undefined || deadline.aborted || performance.now() + pauseMs >= endsAt) return undefined
    if (!budget.spend()) return undefined
    return sleep(pauseMs, deadline, { signal: deadline }).catch(() => undefined)
  }

  async function once<T>(
    request: RequestOptions,
    deadline: AbortSignal,
    send: Send<T>,
    progress: Progress,
  ): Promise<T> {
    const breaker = breakers[request.kind]
    if (breaker.blockedMs > 0 || breaker.state === 'HALF_OPEN') throw blocked(request, breaker.blockedMs)
    const hintedMs = hintedFor(request.kind)
    if (hintedMs > 0) throw blocked(request, hintedMs)
    const attempt = () => {
      progress.sent = true
      return health.watch(() => send(deadline), isUnwell)
    }
    try {
      const admitted = slots.execute(() => {
        // Nobody waits for it any more: it is not sent, and the breaker hears nothing of it.
        deadline.throwIfAborted()
        return breaker.execute(attempt)
      })
      const result = await orAborted(admitted, deadline, () => !progress.sent)
      budget.deposit()
      lastAnswered[request.kind] = Date.now()
      return result
    } catch (error) {
      if (error instanceof BrokenCircuitError) throw blocked(request, breaker.blockedMs)
      if (error instanceof BulkheadRejectedError) throw refused(request, 'has too many calls under way', 1)
      if (!progress.sent && request.signal?.aborted) throw left(error)
      if (!progress.sent && deadline.aborted) throw refused(request, 'has too many calls under way', 1)
      throw error
    }
  }

  /** Who was answered just now knows better than an instance whose own network may be what fails. */
  function hintedFor(kind: CallKind): number {
    return Date.now() - lastAnswered[kind] < options.breakerHalfOpenAfterMs ? 0 : hints.blockedMs(kind)
  }

  function blocked(request: RequestOptions, ms: number): ProviderUnavailableError {
    return refused(request, 'is failing, and is left alone for a moment', Math.max(1, Math.ceil(ms / 1000)))
  }

  function refused({ operation }: RequestOptions, why: string, retryAfterSeconds: number): ProviderUnavailableError {
    const at: ProviderErrorOptions = { operation, outcome: 'NOT_SENT', retryAfterSeconds }
    return new ProviderUnavailableError('PROVIDER_UNAVAILABLE', provider, `${provider} ${why}.`, at)
  }

  /** The worst of the circuits. */
  function circuit(): CircuitState {
    const states = Object.values(breakers).map(breaker => breaker.state)
    return states.find(state => state === 'OPEN') ?? states.find(state => state === 'HALF_OPEN') ?? 'CLOSED'
  }

  function circuits(): Readonly<Record<CallKind, CircuitState>> {
    return { READ: breakers.READ.state, CREATE: breakers.CREATE.state, WRITE: breakers.WRITE.state }
  }

  return { run, circuits, health: () => ({ ...health.read(), circuit: circuit() }), takeMinutes: health.takeMinutes }
}

function left(cause: unknown): DomainError {
  return new DomainError('DEADLINE_EXCEEDED', 'The request ended before the provider was asked.', { cause })
}

function newBreaker(options: GuardOptions, kind: CallKind, hints: BreakerHints): Breaker {
  return createBreaker({
    failureShare: options.breakerFailureShare,
    minimumCalls: options.breakerMinimumCalls,
    spanMs: options.breakerSpanMs,
    halfOpenAfterMs: options.breakerHalfOpenAfterMs,
    onOpen: () => hints.opened(kind, options.breakerHalfOpenAfterMs),
    isFailure,
    isAnswer,
  })
}
