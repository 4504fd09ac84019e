import type { BegunCall, ProviderCall } from '../domain/provider-call.ts'
import type { Logger } from './log.ts'

const EVERY_MS = 10_000

/** What says that the provider, or the way to it, is not well; a refusal of what a client sent does not. */
const FAILURES = new Set([
  'INTERNAL_ERROR',
  'NOT_SENT',
  'PROVIDER_AUTH_FAILED',
  'PROVIDER_CONTRACT_BROKEN',
  'PROVIDER_RATE_LIMITED',
  'PROVIDER_UNAVAILABLE',
])

/** Warns of failing requests towards providers: of the same failure at most one line in ten seconds, with how many there were. */
export function logCalls(log: Logger): (call: ProviderCall, begun: BegunCall) => void {
  const kinds = new Map<string, { at: number; unsaid: number }>()
  return ({ provider, operation, kind, attempt, ms, outcome, status }, { trail }) => {
    if (!FAILURES.has(outcome)) return
    const key = `${provider}|${operation}|${outcome}|${status}`
    const known = kinds.get(key) ?? { at: Number.NEGATIVE_INFINITY, unsaid: 0 }
    kinds.set(key, known)
    if (performance.now() - known.at < EVERY_MS) {
      known.unsaid++
      return
    }
    const line = { id: trail?.requestId, provider, call: operation, kind, attempt, ms: Math.round(ms), outcome, status }
    log.warn({ ...line, ...(known.unsaid > 0 && { unsaid: known.unsaid }) }, 'provider call failed')
    kinds.set(key, { at: performance.now(), unsaid: 0 })
  }
}
