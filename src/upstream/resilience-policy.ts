import { DomainError, type ProviderErrorOptions, ProviderUnavailableError } from '../domain/errors.ts'
import type { Provider } from '../domain/provider.ts'
import { CALL_KINDS, type CallKind } from '../domain/provider-call.ts'
import type { ProviderCallObserver } from '../domain/provider-call-observer.ts'
import { beginAttempt, codeOf, statusOf } from './attempt-report.ts'
import { CallDeadline, pause } from './call-deadline.ts'
import { createCallSlots, SlotsFullError } from './call-slots.ts'
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
  isOutcomeUnknown,
  isProviderResponse,
  isResponse,
  retryAfterMs,
} from './error-classification.ts'
import { createHealthMonitor, type OpenCircuit } from './health/health-monitor.ts'
import { createRetryBudget } from './retry-budget.ts'
import type { RawResponse, RequestOptions, Transport } from './transport.ts'

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
  /** Gets every attempt. */
  readonly observer?: ProviderCallObserver
}

const NEVER = Number.NEGATIVE_INFINITY

/** What a call returns of its response. Throws the error of a rejection or of a broken contract. */
type ReadResponse<T> = (response: RawResponse) => T

interface OutgoingCall<T> {
  readonly request: RequestOptions
  readonly read: ReadResponse<T>
  readonly deadline: CallDeadline
  /** The attempts that were sent. */
  sent: number
}

/**
 * Calls one account of a provider: limited slots, a circuit breaker per kind of call, one retry of reads within a budget,
 * and one retry of writes whose outcome is unknown. A call that is rejected here was never sent.
 */
export function createResiliencePolicy(options: ResilienceOptions, transport: Transport) {
  const { provider, observer } = options
  const slots = createCallSlots(options.connections, options.queue)
  const budget = createRetryBudget(options.retryBudgetRatio, options.retryBudgetMin)
  const health = createHealthMonitor(circuit)
  const peerCircuits = options.peerCircuits ?? NO_PEERS
  /** Milliseconds of performance.now(), which is monotonic. */
  const lastRespondedAt: Record<CallKind, number> = { READ: NEVER, CREATE: NEVER, WRITE: NEVER, SIGN_IN: NEVER }
  /** When a read last got any HTTP response, including 5xx and contract violations. */
  let readResponseAt = NEVER
  let isReading = false
  /** The tests of the connection in progress: their reads are sent although the circuit is open. */
  let tests = 0
  let harmlessRead: (() => Promise<void>) | undefined
  const breakers: Readonly<Record<CallKind, CircuitBreaker>> = {
    READ: newBreaker(options, 'READ', peerCircuits, () => health.forget('READ')),
    CREATE: newBreaker(options, 'CREATE', peerCircuits, () => health.forget('CREATE')),
    WRITE: newBreaker(options, 'WRITE', peerCircuits, () => health.forget('WRITE')),
    SIGN_IN: newBreaker(options, 'SIGN_IN', peerCircuits, () => health.forget('SIGN_IN')),
  }

  /**
   * Sends the request once or twice: again for a read that can succeed before its deadline, or for a write without a
   * response. Every attempt is reported, and so is a call without one.
   */
  async function run<T>(request: RequestOptions, read: ReadResponse<T>): Promise<T> {
    const deadline = deadlineOf(request)
    const call = { request, read, deadline, sent: 0 }
    try {
      admit(request, read)
      return await send(call)
    } catch (error) {
      if (call.sent === 0) {
        reportUnsent(request)
        throw error
      }
      const retryDeadline = await deadlineOfRetry(request, error, deadline)
      if (!retryDeadline) throw error
      if (!isAdmitted(request, read)) {
        retryDeadline.clear()
        throw error
      }
      return await send({ ...call, deadline: retryDeadline }).finally(() => retryDeadline.clear())
    } finally {
      deadline.clear()
    }
  }

  /** A disconnected client cancels its reads, and nothing else. */
  function deadlineOf({ kind, signal }: RequestOptions): CallDeadline {
    return kind === 'READ'
      ? new CallDeadline(options.readDeadlineMs, signal)
      : new CallDeadline(options.createDeadlineMs)
  }

  /**
   * For a write or a sign-in that timed out or lost its connection, a new deadline. For a read, its own after the pause that the error
   * requires. Undefined if the call may not be retried.
   */
  async function deadlineOfRetry(
    { kind }: RequestOptions,
    error: unknown,
    deadline: CallDeadline,
  ): Promise<CallDeadline | undefined> {
    if (kind === 'WRITE' || kind === 'SIGN_IN')
      return isOutcomeUnknown(error) ? new CallDeadline(options.createDeadlineMs) : undefined
    const pauseMs = kind === 'READ' ? retryAfterMs(error) : undefined
    if (pauseMs === undefined || deadline.isOver || performance.now() + pauseMs >= deadline.endsAt) return undefined
    if (!budget.spend()) return undefined
    return (await pause(pauseMs, deadline)) ? deadline : undefined
  }

  /**
   * Rejects a call at once while its circuit is open. Once the circuit was open for long enough, a probe runs in the
   * background: the read or the sign-in itself, or a harmless read for creates and writes. After a read got a response, creates and
   * writes pass one at a time. So a create is never sent without a caller, and no caller waits for a provider that does
   * not respond.
   */
  function admit(request: RequestOptions, read: ReadResponse<unknown>): void {
    const { kind } = request
    const breaker = breakers[kind]
    const openMs = breaker.state === 'CLOSED' ? peerBlockedMs(kind) : 0
    if (openMs > 0) breaker.open(openMs)
    if (breaker.state === 'CLOSED') return
    if (tests > 0 && probesItself(kind)) {
      breaker.allowProbe()
      return
    }
    if (breaker.state === 'OPEN' && breaker.blockedMs === 0) {
      if (probesItself(kind)) sendProbe(request, read)
      else if (!harmlessRead || readResponseAt > breaker.openedAt) return
      else readInBackground(harmlessRead)
    }
    throw blocked(request, breaker.blockedMs)
  }

  function isAdmitted(request: RequestOptions, read: ReadResponse<unknown>): boolean {
    try {
      admit(request, read)
      return true
    } catch {
      return false
    }
  }

  /** Sends the request in the background: only the circuit breaker uses the result. */
  function sendProbe(request: RequestOptions, read: ReadResponse<unknown>): void {
    const unattended = { ...request, signal: undefined, callLog: undefined }
    const deadline = deadlineOf(unattended)
    const call = { request: unattended, read, deadline, sent: 0 }
    breakers[request.kind]
      .probe(
        () => sendInSlot(call),
        () => call.sent > 0,
      )
      .catch(() => {})
      .finally(() => deadline.clear())
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

  /** One attempt through the circuit breaker. Throws a DomainError. */
  async function send<T>(call: OutgoingCall<T>): Promise<T> {
    const { request, deadline, sent: sentBefore } = call
    const breaker = breakers[request.kind]
    try {
      if (breaker.state === 'CLOSED') return await sendCounted(call, breaker)
      return await breaker.probe(
        () => sendInSlot(call),
        () => call.sent > sentBefore,
      )
    } catch (error) {
      if (error instanceof BrokenCircuitError) throw blocked(request, breaker.blockedMs)
      if (error instanceof SlotsFullError) throw refused(request, 'has too many calls in progress', 1)
      if (call.sent > sentBefore) throw error
      if (request.signal?.aborted) throw callerGone(error)
      if (deadline.isOver) throw refused(request, 'has too many calls in progress', 1)
      throw error
    }
  }

  async function sendCounted<T>(call: OutgoingCall<T>, breaker: CircuitBreaker): Promise<T> {
    try {
      const result = await sendInSlot(call, breaker)
      breaker.succeeded()
      return result
    } catch (error) {
      breaker.failed(error)
      throw error
    }
  }

  /** `breaker`: a call that had to wait for its slot while this circuit opened is not a probe. */
  async function sendInSlot<T>(call: OutgoingCall<T>, breaker?: CircuitBreaker): Promise<T> {
    const { deadline } = call
    const free = slots.take(deadline)
    if (free) await free
    try {
      if (breaker && breaker.state !== 'CLOSED') throw new BrokenCircuitError()
      // The caller is gone: send nothing, and report nothing to the circuit breaker.
      if (deadline.isOver) throw deadline.reason
      return await attempt(call)
    } finally {
      slots.release()
    }
  }

  /** Sends the request, reads the response, and reports both to all who count. */
  async function attempt<T>(call: OutgoingCall<T>): Promise<T> {
    const { request, read, deadline } = call
    const report = beginAttempt(provider, request, ++call.sent, observer)
    const startedMs = health.begin()
    let status: number | null = null
    try {
      const response = await transport.send(request, deadline, report.headers)
      status = response.status
      const result = read(response)
      health.succeeded(request.kind, startedMs)
      recordResponse(request.kind, true)
      budget.deposit()
      report.end('SUCCEEDED', status)
      return result
    } catch (error) {
      health.failed(request.kind, startedMs, error)
      if (isResponse(error)) recordResponse(request.kind, isProviderResponse(error))
      report.end(codeOf(error), status ?? statusOf(error))
      throw error
    }
  }

  function reportUnsent(request: RequestOptions): void {
    beginAttempt(provider, request, 1, observer).end('NOT_SENT', null)
  }

  function recordResponse(kind: CallKind, isResponded: boolean): void {
    if (isResponded) lastRespondedAt[kind] = performance.now()
    if (kind === 'READ') readResponseAt = performance.now()
  }

  /**
   * Ignore a peer's open circuit if this instance had a success within the half-open interval: the peer's network may
   * be the problem.
   */
  function peerBlockedMs(kind: CallKind): number {
    return performance.now() - lastRespondedAt[kind] < options.breakerHalfOpenAfterMs ? 0 : peerCircuits.blockedMs(kind)
  }

  function blocked(request: RequestOptions, ms: number): ProviderUnavailableError {
    return refused(
      request,
      'failed too often, so that calls to it are paused (its circuit breaker is open)',
      Math.max(1, Math.ceil(ms / 1000)),
    )
  }

  function refused({ operation }: RequestOptions, why: string, retryAfterSeconds: number): ProviderUnavailableError {
    const at: ProviderErrorOptions = { operation, outcome: 'NOT_SENT', retryAfterSeconds }
    return new ProviderUnavailableError('PROVIDER_UNAVAILABLE', provider, `${provider} ${why}.`, at)
  }

  /**
   * Half open also while the next create or write is sent as a probe: the circuit was open for long enough, and a read got a
   * response since.
   */
  function stateOf(kind: CallKind): CircuitState {
    const { state, blockedMs, openedAt } = breakers[kind]
    const isAdmitting = !probesItself(kind) && blockedMs === 0 && (!harmlessRead || readResponseAt > openedAt)
    return state === 'OPEN' && isAdmitting ? 'HALF_OPEN' : state
  }

  /** The worst state of the circuits. */
  function circuit(): CircuitState {
    const states = Object.values(circuits())
    return states.find(state => state === 'OPEN') ?? states.find(state => state === 'HALF_OPEN') ?? 'CLOSED'
  }

  function circuits(): Readonly<Record<CallKind, CircuitState>> {
    return { READ: stateOf('READ'), CREATE: stateOf('CREATE'), WRITE: stateOf('WRITE'), SIGN_IN: stateOf('SIGN_IN') }
  }

  function openCircuits(): OpenCircuit[] {
    return CALL_KINDS.flatMap(kind => {
      const { trip, blockedMs } = breakers[kind]
      const state = stateOf(kind)
      if (state === 'CLOSED' || !trip) return []
      const failure = failureKindOf(trip.failure) ?? null
      return [{ kind, state, since: trip.since, failure, blockedMs }]
    })
  }

  /**
   * Runs the reads of an operator's test, which are sent although the circuit is open. If they succeed, the next create and the
   * next write are sent, too.
   */
  async function test(read: () => Promise<void>): Promise<void> {
    tests++
    try {
      await read()
      breakers.CREATE.allowProbe()
      breakers.WRITE.allowProbe()
      health.tested(true)
    } catch (error) {
      health.tested(false)
      throw error
    } finally {
      tests--
    }
  }

  /** Sets the read that runs before a create or a write may probe an open circuit. */
  function probeWith(read: () => Promise<void>): void {
    harmlessRead = read
  }

  return {
    run,
    probeWith,
    test,
    circuits,
    health: () => ({ ...health.read(), circuit: circuit(), openCircuits: openCircuits() }),
    takeMinutes: health.takeMinutes,
  }
}

/** A read changes nothing, and a sign-in gets a token that every read requires. */
function probesItself(kind: CallKind): boolean {
  return kind === 'READ' || kind === 'SIGN_IN'
}

function callerGone(cause: unknown): DomainError {
  return new DomainError(
    'DEADLINE_EXCEEDED',
    'The request ended before the provider was called. Send it again, or select less; a create with the same idempotency key.',
    { cause },
  )
}

function newBreaker(
  options: ResilienceOptions,
  kind: CallKind,
  peerCircuits: PeerCircuits,
  onClose: () => void,
): CircuitBreaker {
  return createCircuitBreaker({
    failureShare: options.breakerFailureRatio,
    minimumCalls: options.breakerMinimumCalls,
    spanMs: options.breakerWindowMs,
    halfOpenAfterMs: options.breakerHalfOpenAfterMs,
    onOpen: () => peerCircuits.opened(kind, options.breakerHalfOpenAfterMs),
    onClose,
    isFailure,
    isResponse: isProviderResponse,
  })
}
