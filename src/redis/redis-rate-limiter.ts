import { createHash } from 'node:crypto'
import { RateLimiterMemory, RateLimiterRedis, type RateLimiterRes } from 'rate-limiter-flexible'
import type { Redis } from './redis.ts'

export interface RateLimiterOptions {
  /** The namespace of the counts. */
  readonly name: string
  /** Points of each key … */
  readonly points: number
  /** … per this many seconds. */
  readonly seconds: number
}

export interface RateLimit {
  /** Consumes points. Returns the milliseconds to wait where too few are left, else 0. Never rejects. */
  consume(key: string, points?: number): Promise<number>
}

/** Rate limits that all instances share. Without Redis, or while it is down, each instance has its own counts. */
export function createRateLimiters(redis: Redis | undefined): (options: RateLimiterOptions) => RateLimit {
  return ({ name, points, seconds }) => {
    const keyPrefix = `sg:limit:${name}`
    const local = new RateLimiterMemory({ keyPrefix, points, duration: seconds })
    let shared: RateLimiterRedis | undefined

    async function count(key: string, spent: number): Promise<RateLimiterRes> {
      const sharedResult = await redis?.send(client => {
        shared ??= new RateLimiterRedis({ storeClient: client, keyPrefix, points, duration: seconds })
        // A key may be a secret or an IP address, so Redis receives only its hash.
        return shared.consume(hash(key), spent).catch(resultOrThrow)
      })
      return sharedResult ?? local.consume(key, spent).catch(resultOrThrow)
    }

    return {
      consume: async (key, spent = 1) => {
        const { consumedPoints, msBeforeNext } = await count(key, spent)
        return consumedPoints <= points ? 0 : Math.max(1, msBeforeNext)
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
