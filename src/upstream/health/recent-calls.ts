import type { CallKind } from '../../domain/provider-call.ts'
import type { FailureKind } from '../../domain/provider-failure.ts'

/** Calls of one kind, most of which failed lately. */
export interface FailingCalls {
  readonly kind: CallKind
  /** At most the latest 20 of the last 15 minutes. */
  readonly calls: number
  readonly failed: number
  /** The first failed call. */
  readonly since: Date
  readonly failure: FailureKind
}

interface RecentCall {
  /** Epoch milliseconds. */
  readonly at: number
  readonly failure: FailureKind | undefined
}

const MAX_CALLS = 20
const SPAN_MS = 15 * 60_000
const MINIMUM_FAILED = 3
const FAILED_RATIO = 0.5

/**
 * Judges a provider by its latest calls, so that one with few calls, too few to open a circuit, is still known to fail. Refused
 * credentials are reported on their own and do not count.
 */
export function createRecentCalls() {
  const callsOf: Record<CallKind, RecentCall[]> = { READ: [], CREATE: [], WRITE: [], SIGN_IN: [] }
  const failingSince: Partial<Record<CallKind, number>> = {}

  function add(kind: CallKind, at: number, failure: FailureKind | undefined): void {
    if (failure === 'AUTH_FAILED') return
    callsOf[kind] = [...latest(kind, at), { at, failure }].slice(-MAX_CALLS)
    const [first] = failedOf(callsOf[kind])
    if (isFailing(callsOf[kind])) failingSince[kind] ??= first?.at ?? at
    else delete failingSince[kind]
  }

  function latest(kind: CallKind, now: number): RecentCall[] {
    return callsOf[kind].filter(({ at }) => at > now - SPAN_MS)
  }

  function forget(kind: CallKind): void {
    callsOf[kind] = []
    delete failingSince[kind]
  }

  function failing(now: number): readonly FailingCalls[] {
    return (['CREATE', 'READ', 'WRITE', 'SIGN_IN'] as const).flatMap(kind => {
      const calls = latest(kind, now)
      const failed = failedOf(calls)
      const failure = failed.at(-1)?.failure
      if (!failure || !isFailing(calls)) return []
      const since = new Date(failingSince[kind] ?? failed[0]?.at ?? now)
      return [{ kind, calls: calls.length, failed: failed.length, since, failure }]
    })
  }

  return { add, forget, failing }
}

function isFailing(calls: readonly RecentCall[]): boolean {
  const failed = failedOf(calls).length
  return failed >= MINIMUM_FAILED && failed >= FAILED_RATIO * calls.length
}

function failedOf(calls: readonly RecentCall[]): readonly RecentCall[] {
  return calls.filter(({ failure }) => failure !== undefined)
}
