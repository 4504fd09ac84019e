import { createHash } from 'node:crypto'
import { RateLimiterMemory, RateLimiterRedis, type RateLimiterRes } from 'rate-limiter-flexible'
import type { Redis } from './redis.ts'

export interface LimitOptions {
  /** Keeps the counts of one limit apart from those of others. */
  readonly name: string
  /** So many points for each key … */
  readonly points: number
  /** … in so many seconds. */
  readonly seconds: number
}

/** Counts what each key does. */
export interface Limit {
  /** Spends points; gives the milliseconds to wait where there are too few, else 0. Never rejects. */
  spend(key: string, points?: number): Promise<number>
}

/** Makes limits that all instances share; without Redis, or while it is away, each instance counts for itself. */
export function createLimits(redis: Redis | undefined): (options: LimitOptions) => Limit {
  return ({ name, points, seconds }) => {
    const keyPrefix = `sg:limit:${name}`
    const own = new RateLimiterMemory({ keyPrefix, points, duration: seconds })
    let shared: RateLimiterRedis | undefined

    async function count(key: string, spent: number): Promise<RateLimiterRes> {
      const together = await redis?.ask(client => {
        shared ??= new RateLimiterRedis({ storeClient: client, keyPrefix, points, duration: seconds })
        // A key is a secret or names a person: only its hash leaves this process.
        return shared.consume(hash(key), spent).catch(orResult)
      })
      return together ?? own.consume(key, spent).catch(orResult)
    }

    return {
      spend: async (key, spent = 1) => {
        const { consumedPoints, msBeforeNext } = await count(key, spent)
        return consumedPoints <= points ? 0 : Math.max(1, msBeforeNext)
      },
    }
  }
}

/** Where a limit is used up the limiter rejects with its count, which is no error. */
function orResult(reason: unknown): RateLimiterRes {
  if (typeof reason === 'object' && reason !== null && 'msBeforeNext' in reason) return reason as RateLimiterRes
  throw reason
}

function hash(key: string): string {
  return createHash('sha256').update(key).digest('base64url')
}
