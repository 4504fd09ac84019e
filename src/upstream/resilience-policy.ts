import { setTimeout as sleep } from 'node:timers/promises'
import { BulkheadRejectedError, bulkhead } from 'cockatiel'
import { DomainError, type ProviderErrorOptions, ProviderUnavailableError } from '../domain/errors.ts'
import type { Provider } from '../domain/provider.ts'
import type { CallKind } from '../domain/provider-call.ts'
import {
  BrokenCircuitError,
  type CircuitBreaker,
  type CircuitState,
  createCircuitBreaker,
  NO_PEERS,
  type PeerCircuits,
} from './circuit-breaker.ts'
import {
  failureKindOf,
  isFailure,
  isOperatorRelevant,
  isOutcomeUnknown,
  isProviderResponse,
  isResponse,
  retryAfterMs,
} from './error-classification.ts'
import { createHealthMonitor, type OpenCircuit } from './health-monitor.ts'
import { createRetryBudget } from './retry-budget.ts'
import { rejectOnAbort } from './single-flight.ts'
import type { RequestOptions } from './transport.ts'

export interface ResilienceOptions {
  readonly provider: Provider
  readonly connections: number
  readonly queue: number
  /** A read is not retried if its pause would exceed this deadline. */
  readonly readDeadlineMs: number
  /** A retried write gets the same deadline again. */
  readonly createDeadlineMs: number
  readonly breakerFailureRatio: number
  readonly breakerMinimumCalls: number
  readonly breakerWindowMs: number
  readonly breakerHalfOpenAfterMs: number
  /** Retries are limited to this ratio of the successful calls … */
  readonly retryBudgetRatio: number
  /** … plus this many at the start. */
  readonly retryBudgetMin: number
  /** Circuit states of other instances for the same account. */
  readonly peerCircuits?: PeerCircuits
}

const NEVER = Number.NEGATIVE_INFINITY

/** Sends a request with the deadline `deadline`. */
type Send<T> = (deadline: AbortSignal) => Promise<T>

/** Whether the request was sent: if not, it was rejected here, and a retry would not help. */
interface CallProgress {
  sent: boolean
}

/**
 * Protects one account of a provider: a bulkhead, a circuit breaker per kind of call, one retry of reads within a
 * budget, and one retry of writes whose outcome is unknown. A call that it rejects was never sent.
 */
export function createResiliencePolicy(options: ResilienceOptions) {
  const { provider } = options
  const slots = bulkhead(options.connections, options.queue)
  const budget = createRetryBudget(options.retryBudgetRatio, options.retryBudgetMin)
  const health = createHealthMonitor(circuit)
  const peerCircuits = options.peerCircuits ?? NO_PEERS
  /** Milliseconds of performance.now(), which is monotonic. */
  const lastRespondedAt: Record<CallKind, number> = { READ: NEVER, CREATE: NEVER, WRITE: NEVER }
  /** When a read last got any HTTP response, including 5xx and contract violations. */
  let readResponseAt = NEVER
  let isReading = false
  let harmlessRead: (() => Promise<void>) | undefined
  const breakers: Readonly<Record<CallKind, CircuitBreaker>> = {
    READ: newBreaker(options, 'READ', peerCircuits),
    CREATE: newBreaker(options, 'CREATE', peerCircuits),
    WRITE: newBreaker(options, 'WRITE', peerCircuits),
  }

  /**
   * Runs `send` once or twice: again for a read that can succeed before its deadline, or for a write without a
   * response. `probe` sends the same request in the background.
   */
  async function run<T>(
    request: RequestOptions,
    deadline: AbortSignal,
    send: Send<T>,
    probe: Send<unknown>,
  ): Promise<T> {
    const endsAt = performance.now() + options.readDeadlineMs
    const progress: CallProgress = { sent: false }
    try {
      admit(request, probe)
      return await sendOnce(request, deadline, send, progress)
    } catch (error) {
      if (!progress.sent) throw error
      const retryAt =
        request.kind === 'WRITE' ? newDeadline(error) : await deadlineAfterPause(request, error, deadline, endsAt)
      if (!retryAt || !isAdmitted(request, probe)) throw error
      return sendOnce(request, retryAt, send, { sent: false })
    }
  }

  /** A new deadline for a write that timed out or lost its connection. */
  function newDeadline(error: unknown): AbortSignal | undefined {
    return isOutcomeUnknown(error) ? AbortSignal.timeout(options.createDeadlineMs) : undefined
  }

  /** The deadline of a read after the pause that its error asks for; undefined if it may not be retried. */
  async function deadlineAfterPause(
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

  /**
   * Rejects a call at once while its circuit is open. Once the circuit was open for long enough, a probe runs in the
   * background: the read itself, or a harmless read for all other kinds. After a read got a response, creates and
   * writes pass one at a time. So a create is never sent without a caller, and no caller waits for a provider that does
   * not respond.
   */
  function admit(request: RequestOptions, probe: Send<unknown>): void {
    const { kind } = request
    const breaker = breakers[kind]
    const openMs = breaker.state === 'CLOSED' ? peerBlockedMs(kind) : 0
    if (openMs > 0) breaker.open(openMs)
    if (breaker.state === 'CLOSED') return
    if (breaker.state === 'OPEN' && breaker.blockedMs === 0) {
      if (kind === 'READ' || request.probesItself) sendProbe(kind, probe)
      else if (!harmlessRead || readResponseAt > breaker.openedAt) return
      else readInBackground(harmlessRead)
    }
    throw blocked(request, breaker.blockedMs)
  }

  function isAdmitted(request: RequestOptions, probe: Send<unknown>): boolean {
    try {
      admit(request, probe)
      return true
    } catch {
      return false
    }
  }

  /** A background probe: only the circuit breaker uses its result. */
  function sendProbe(kind: CallKind, send: Send<unknown>): void {
    const deadline = AbortSignal.timeout(kind === 'READ' ? options.readDeadlineMs : options.createDeadlineMs)
    const inSlot = () => slots.execute(() => attempt(kind, deadline, send))
    breakers[kind].execute(() => rejectOnAbort(inSlot(), deadline)).catch(() => {})
  }

  function readInBackground(read: () => Promise<void>): void {
    if (isReading) return
    isReading = true
    read()
      .catch(() => {})
      .finally(() => {
        isReading = false
      })
  }

  async function attempt<T>(kind: CallKind, deadline: AbortSignal, send: Send<T>): Promise<T> {
    // The caller is gone: send nothing, and report nothing to the circuit breaker.
    deadline.throwIfAborted()
    try {
      const result = await health.track(() => send(deadline), isOperatorRelevant, failureKindOf)
      recordResponse(kind, true)
      return result
    } catch (error) {
      if (isResponse(error)) recordResponse(kind, isProviderResponse(error))
      throw error
    }
  }

  function recordResponse(kind: CallKind, isResponded: boolean): void {
    if (isResponded) lastRespondedAt[kind] = performance.now()
    if (kind === 'READ') readResponseAt = performance.now()
  }

  async function sendOnce<T>(
    request: RequestOptions,
    deadline: AbortSignal,
    send: Send<T>,
    progress: CallProgress,
  ): Promise<T> {
    const breaker = breakers[request.kind]
    const sendIt = () =>
      attempt(request.kind, deadline, signal => {
        progress.sent = true
        return send(signal)
      })
    try {
      const admitted =
        breaker.state === 'CLOSED'
          ? slots.execute(() => runIfClosed(breaker, sendIt))
          : breaker.execute(() => slots.execute(sendIt))
      const result = await rejectOnAbort(admitted, deadline, () => !progress.sent)
      budget.deposit()
      return result
    } catch (error) {
      if (error instanceof BrokenCircuitError) throw blocked(request, breaker.blockedMs)
      if (error instanceof BulkheadRejectedError) throw refused(request, 'has too many calls in progress', 1)
      if (!progress.sent && request.signal?.aborted) throw callerGone(error)
      if (!progress.sent && deadline.aborted) throw refused(request, 'has too many calls in progress', 1)
      throw error
    }
  }

  /** A call that had to wait for its slot while the circuit opened is not a probe. */
  function runIfClosed<T>(breaker: CircuitBreaker, run: () => Promise<T>): Promise<T> {
    if (breaker.state !== 'CLOSED') throw new BrokenCircuitError()
    return breaker.execute(run)
  }

  /**
   * Ignore a peer's open circuit if this instance had a success within the half-open interval: the peer's network may
   * be the problem.
   */
  function peerBlockedMs(kind: CallKind): number {
    return performance.now() - lastRespondedAt[kind] < options.breakerHalfOpenAfterMs ? 0 : peerCircuits.blockedMs(kind)
  }

  function blocked(request: RequestOptions, ms: number): ProviderUnavailableError {
    return refused(request, 'is failing; its circuit breaker is open', Math.max(1, Math.ceil(ms / 1000)))
  }

  function refused({ operation }: RequestOptions, why: string, retryAfterSeconds: number): ProviderUnavailableError {
    const at: ProviderErrorOptions = { operation, outcome: 'NOT_SENT', retryAfterSeconds }
    return new ProviderUnavailableError('PROVIDER_UNAVAILABLE', provider, `${provider} ${why}.`, at)
  }

  /** The worst state of the circuits. */
  function circuit(): CircuitState {
    const states = Object.values(breakers).map(breaker => breaker.state)
    return states.find(state => state === 'OPEN') ?? states.find(state => state === 'HALF_OPEN') ?? 'CLOSED'
  }

  function circuits(): Readonly<Record<CallKind, CircuitState>> {
    return { READ: breakers.READ.state, CREATE: breakers.CREATE.state, WRITE: breakers.WRITE.state }
  }

  function openCircuits(): OpenCircuit[] {
    return Object.entries(breakers).flatMap(([kind, { state, trip, blockedMs }]) => {
      if (state === 'CLOSED' || !trip) return []
      const failure = failureKindOf(trip.failure) ?? null
      return [{ kind: kind as CallKind, state, since: trip.since, failure, blockedMs }]
    })
  }

  /** Sets the read that runs before a create or a write may probe an open circuit. */
  function probeWith(read: () => Promise<void>): void {
    harmlessRead = read
  }

  return {
    run,
    probeWith,
    circuits,
    health: () => ({ ...health.read(), circuit: circuit(), openCircuits: openCircuits() }),
    takeMinutes: health.takeMinutes,
  }
}

function callerGone(cause: unknown): DomainError {
  return new DomainError('DEADLINE_EXCEEDED', 'The request ended before the provider was called.', { cause })
}

function newBreaker(options: ResilienceOptions, kind: CallKind, peerCircuits: PeerCircuits): CircuitBreaker {
  return createCircuitBreaker({
    failureShare: options.breakerFailureRatio,
    minimumCalls: options.breakerMinimumCalls,
    spanMs: options.breakerWindowMs,
    halfOpenAfterMs: options.breakerHalfOpenAfterMs,
    onOpen: () => peerCircuits.opened(kind, options.breakerHalfOpenAfterMs),
    isFailure,
    isResponse: isProviderResponse,
  })
}
