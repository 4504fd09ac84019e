import type { ProviderCall } from '../domain/provider-call.ts'
import type { StartedCall } from '../domain/provider-call-observer.ts'
import type { Logger } from './log.ts'

const EVERY_MS = 10_000

/** Outcomes that indicate a failing provider or network. The rejection of a client's input does not. */
const FAILURES = new Set([
  'INTERNAL_ERROR',
  'NOT_SENT',
  'PROVIDER_AUTH_FAILED',
  'PROVIDER_CONTRACT_BROKEN',
  'PROVIDER_RATE_LIMITED',
  'PROVIDER_UNAVAILABLE',
])

/** Logs failing provider requests: at most one line per failure in ten seconds, with the number of suppressed lines. */
export function logCalls(log: Logger): (call: ProviderCall, begun: StartedCall) => void {
  const kinds = new Map<string, { at: number; suppressed: number }>()
  return ({ provider, operation, kind, attempt, ms, outcome, status }, { callLog }) => {
    if (!FAILURES.has(outcome)) return
    const key = `${provider}|${operation}|${outcome}|${status}`
    const known = kinds.get(key) ?? { at: Number.NEGATIVE_INFINITY, suppressed: 0 }
    kinds.set(key, known)
    if (performance.now() - known.at < EVERY_MS) {
      known.suppressed++
      return
    }
    const line = {
      id: callLog?.requestId,
      provider,
      call: operation,
      kind,
      attempt,
      ms: Math.round(ms),
      outcome,
      status,
    }
    log.warn({ ...line, ...(known.suppressed > 0 && { suppressed: known.suppressed }) }, 'provider call failed')
    kinds.set(key, { at: performance.now(), suppressed: 0 })
  }
}
