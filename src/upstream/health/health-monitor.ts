import type { CallKind } from '../../domain/provider-call.ts'
import type { FailureKind } from '../../domain/provider-failure.ts'
import type { CircuitState } from '../circuit-breaker.ts'
import { failureKindOf, isOperatorRelevant } from '../error-classification.ts'
import { createMinuteStats, type MinuteStats } from './minute-stats.ts'
import { createRecentCalls, type FailingCalls } from './recent-calls.ts'
import { createWindow, quantile } from './sample-window.ts'

export type { MinuteStats as Minute }

/** The latest test of the connection that an operator requested at this instance. */
export interface ConnectionTest {
  readonly at: Date
  readonly ok: boolean
}

/** A circuit that rejects calls, or lets only a probe through. */
export interface OpenCircuit {
  readonly kind: CallKind
  /** HALF_OPEN: a probe is in progress, or the next call of this kind is sent as one. */
  readonly state: CircuitState
  readonly since: Date
  /** The latest failure; null if another instance reported that its circuit is open. */
  readonly failure: FailureKind | null
  /** Milliseconds until a probe is allowed. */
  readonly blockedMs: number
}

/** The calls of an account in the last minute. */
export interface Health {
  readonly circuit: CircuitState
  readonly openCircuits: readonly OpenCircuit[]
  /** The kinds of calls of which most of the latest failed, however few there were. */
  readonly failing: readonly FailingCalls[]
  /** Null if there was none since the start of this instance. */
  readonly lastTest: ConnectionTest | null
  /** When the provider refused the credentials first, if it refused them at the latest answer. */
  readonly authFailedSince: Date | null
  /** True if the provider accepted the credentials since the start of this instance. */
  readonly isAuthProven: boolean
  readonly calls: number
  /** 0 to 1: the ratio of calls that the provider failed. */
  readonly errorRate: number
  /** Null if there were no calls. */
  readonly p50Ms: number | null
  readonly p95Ms: number | null
  readonly inFlight: number
  readonly driftCount: number
}

const SPAN_MS = 60_000

/** Measures the calls of one account. */
export function createHealthMonitor(circuit: () => CircuitState) {
  const window = createWindow()
  const recent = createRecentCalls()
  const history = createMinuteStats(circuit)
  let inFlight = 0
  let authFailedSince: Date | null = null
  let isAuthProven = false
  let lastTest: ConnectionTest | null = null

  /** Returns when the call began, in milliseconds of performance.now(). */
  function begin(): number {
    inFlight++
    return performance.now()
  }

  function succeeded(kind: CallKind, startedMs: number): void {
    end(kind, startedMs, false)
    authFailedSince = null
    isAuthProven = true
  }

  function failed(kind: CallKind, startedMs: number, error: unknown): void {
    end(kind, startedMs, isOperatorRelevant(error), failureKindOf(error))
  }

  function end(kind: CallKind, startedMs: number, failed: boolean, failure?: FailureKind): void {
    inFlight--
    const sample = { at: Date.now(), ms: performance.now() - startedMs, failed }
    window.add(sample)
    recent.add(kind, sample.at, failure)
    history.add({ ...sample, failure })
    if (failure === 'AUTH_FAILED') authFailedSince ??= new Date(sample.at)
  }

  /** Records the result of a test. After a passed one, earlier failures of reads and of the sign-in do not count any more. */
  function tested(ok: boolean): void {
    lastTest = { at: new Date(), ok }
    if (!ok) return
    recent.forget('READ')
    recent.forget('SIGN_IN')
  }

  function read(): Omit<Health, 'circuit' | 'openCircuits' | 'driftCount'> {
    const calls = window.since(Date.now(), SPAN_MS)
    const sorted = calls.map(call => call.ms).sort((a, b) => a - b)
    return {
      calls: calls.length,
      errorRate: calls.length === 0 ? 0 : calls.filter(call => call.failed).length / calls.length,
      p50Ms: quantile(sorted, 0.5),
      p95Ms: quantile(sorted, 0.95),
      inFlight,
      failing: recent.failing(Date.now()),
      lastTest,
      authFailedSince,
      isAuthProven,
    }
  }

  return { begin, succeeded, failed, tested, forget: recent.forget, read, takeMinutes: history.take }
}
