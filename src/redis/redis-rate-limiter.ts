import { createHash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { RateLimiterMemory, RateLimiterRedis, type RateLimiterRes } from 'rate-limiter-flexible'
import type { Redis } from './redis.ts'

export interface RateLimiterOptions {
  /** The namespace of the counts. */
  readonly name: string
  /** Points of each key that is not used with a limit of its own … */
  readonly points: number
  /** … per this many seconds. */
  readonly seconds: number
}

export interface RateLimit {
  /** Consumes points. Returns the milliseconds to wait where fewer than these are left of the limit, else 0. Never rejects. */
  consume(key: string, points?: number, limit?: number): Promise<number>
  /** Gives back points that were consumed at that time, unless their window is over. */
  giveBack(key: string, points: number, consumedAtMs: number): Promise<void>
  /** What this instance knows of the points of a key in the current window; undefined if it consumed none. */
  stateOf(key: string, limit?: number): RateLimitState | undefined
}

export interface RateLimitState {
  readonly limit: number
  readonly remaining: number
  readonly seconds: number
  readonly resetAtMs: number
}

/** The times of a window are whole milliseconds. */
const ROUNDING_MS = 10

interface Window {
  readonly consumed: number
  readonly resetAtMs: number
}

/** A key that is not among them has its state again after its next request. */
const MAX_KNOWN_KEYS = 10_000

/** Rate limits that all instances share. Without Redis, or while it is down, each instance has its own counts. */
export function createRateLimiters(redis: Redis | undefined): (options: RateLimiterOptions) => RateLimit {
  return ({ name, points, seconds }) => {
    const keyPrefix = `sg:limit:${name}`
    const local = new RateLimiterMemory({ keyPrefix, points, duration: seconds })
    let shared: RateLimiterRedis | undefined
    const windows = new LRUCache<string, Window>({ max: MAX_KNOWN_KEYS })

    async function count(key: string, change: 'consume' | 'reward', amount: number): Promise<RateLimiterRes> {
      const sharedResult = await redis?.send(client => {
        shared ??= new RateLimiterRedis({ storeClient: client, keyPrefix, points, duration: seconds })
        // A key may be a secret or an IP address, so Redis receives only its hash.
        return shared[change](hash(key), amount).catch(resultOrThrow)
      })
      const result = sharedResult ?? (await local[change](key, amount).catch(resultOrThrow))
      windows.set(key, { consumed: result.consumedPoints, resetAtMs: resetAt(key, result) })
      return result
    }

    /** The same for all results of a window, which come with different delays: the earliest one is the most accurate. */
    function resetAt(key: string, { msBeforeNext }: RateLimiterRes): number {
      const reportedMs = performance.now() + msBeforeNext
      const knownMs = windows.get(key)?.resetAtMs
      const isSameWindow = knownMs !== undefined && Math.abs(knownMs - reportedMs) < seconds * 500
      return isSameWindow ? Math.min(knownMs, reportedMs) : reportedMs
    }

    return {
      consume: async (key, spent = 1, limit = points) => {
        const { consumedPoints, msBeforeNext } = await count(key, 'consume', spent)
        return consumedPoints <= limit ? 0 : Math.max(1, msBeforeNext)
      },
      giveBack: async (key, unspent, consumedAtMs) => {
        const current = windows.get(key)
        if (!current) return
        const startMs = current.resetAtMs - seconds * 1_000
        // Points for a window that is over would enlarge the next one.
        const isOver = performance.now() >= current.resetAtMs - ROUNDING_MS
        if (isOver || consumedAtMs < startMs) return
        // `stateOf` has the points at once.
        windows.set(key, { ...current, consumed: current.consumed - unspent })
        await count(key, 'reward', unspent)
      },
      stateOf: (key, limit = points) => {
        const current = windows.get(key)
        if (!current || current.resetAtMs <= performance.now()) return undefined
        const remaining = Math.min(limit, Math.max(0, limit - current.consumed))
        return { limit, remaining, seconds, resetAtMs: current.resetAtMs }
      },
    }
  }
}

/** The library rejects with a RateLimiterRes where the limit is exceeded. */
function resultOrThrow(reason: unknown): RateLimiterRes {
  if (typeof reason === 'object' && reason !== null && 'msBeforeNext' in reason) return reason as RateLimiterRes
  throw reason
}

function hash(key: string): string {
  return createHash('sha256').update(key).digest('base64url')
}
