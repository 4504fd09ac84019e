import { LRUCache } from 'lru-cache'
import type { PeerCircuits } from '../upstream/circuit-breaker.ts'
import type { Redis } from './redis.ts'

/** The maximum time for which a message of another instance is valid. */
const MAX_TTL_MS = 30_000
const MAX_CIRCUITS = 10_000

/** Shares the open circuits of all instances. Each instance still decides about its own calls. */
export function createRedisPeerCircuits(redis: Redis): (accountId: string) => PeerCircuits {
  const open = new LRUCache<string, true>({ max: MAX_CIRCUITS, ttl: MAX_TTL_MS })

  redis.onMessage('breaker', message => {
    const [, name = '', ms] = /^(\S+) (\d{1,6})$/.exec(message) ?? []
    // A TTL of 0 means no expiry.
    if (ms !== undefined) open.set(name, true, { ttl: Math.min(Math.max(Number(ms), 1), MAX_TTL_MS) })
  })

  return accountId => ({
    opened: (kind, ms) => redis.publish('breaker', `${accountId}|${kind} ${Math.ceil(ms)}`),
    blockedMs: kind => Math.max(0, open.getRemainingTTL(`${accountId}|${kind}`)),
  })
}
