import type { BreakerHints } from '../upstream/breaker-hints.ts'
import type { Redis } from './redis.ts'

/** A hint is forgotten after so long, whatever it says. */
const LONGEST_MS = 30_000

/** An instance that leaves a provider alone tells the others, each of which may know better. */
export function shareBreakerHints(redis: Redis): (accountId: string) => BreakerHints {
  const until = new Map<string, number>()

  redis.onMessage('breaker', message => {
    const [, name = '', ms] = /^(\S+) (\d{1,6})$/.exec(message) ?? []
    if (ms === undefined) return
    for (const [known, end] of until) if (end <= Date.now()) until.delete(known)
    until.set(name, Date.now() + Math.min(Number(ms), LONGEST_MS))
  })

  return accountId => ({
    opened: (kind, ms) => redis.publish('breaker', `${accountId}|${kind} ${Math.ceil(ms)}`),
    blockedMs: kind => Math.max(0, (until.get(`${accountId}|${kind}`) ?? 0) - Date.now()),
  })
}
