import type { GraphQLError } from 'graphql'
import { budgetsOf, type Caller } from '../../domain/access/caller.ts'
import { queryTooComplex } from '../document/parse-document.ts'
import { httpError } from '../errors/http-error.ts'
import type { RequestLimits } from '../limits.ts'

/** Limits the cost per key and minute, in this process or in all instances. */
export interface RateLimiter {
  /** Takes `cost` from the budget of a key. Returns the milliseconds to wait if the budget is too small, else 0. */
  consume(key: string, cost: number): Promise<number>
}

/** Allows every request while the limiter's store is unavailable, and reports the error. */
export function failOpen(limiter: RateLimiter, report: (error: unknown) => void): RateLimiter {
  return {
    consume: async (key, cost) => {
      try {
        return await limiter.consume(key, cost)
      } catch (error) {
        report(error)
        return 0
      }
    },
  }
}

/** All client tokens of one subject may use this share of their API key's budget. */
const TOKEN_SHARE = 1 / 10

/** The cost of a request before its operation is known. It is charged for rejected requests too. */
export const REQUEST_COST = 1

/** What an operation of this cost is charged: the nearest whole number, at least that of its request. */
export function toCharge(exactCost: number): number {
  return Math.max(REQUEST_COST, Math.round(exactCost))
}

/** Takes the cost from the caller's budgets. Returns the milliseconds to wait if one is too small, else 0. */
export async function chargeCaller(limiter: RateLimiter, caller: Caller, cost: number): Promise<number> {
  const { key, token } = budgetsOf(caller)
  const waitMs = token ? await limiter.consume(token, Math.ceil(cost / TOKEN_SHARE)) : 0
  return waitMs || limiter.consume(key, cost)
}

/**
 * Takes the cost of an operation from its caller's budgets, except what the request was charged already. Returns the error
 * if the cost or the sum is too high.
 */
export type RateLimitByCost = (caller: Caller, cost: number, charged?: number) => Promise<GraphQLError | undefined>

export function createCostLimiter({ maxCost }: RequestLimits, limiter: RateLimiter): RateLimitByCost {
  return async (caller, exactCost, charged = 0) => {
    const cost = toCharge(exactCost)
    const isTooComplex = cost > maxCost
    const due = (isTooComplex ? REQUEST_COST : cost) - charged
    const waitMs = due > 0 ? await chargeCaller(limiter, caller, due) : 0
    if (waitMs > 0) return rateLimitedError(waitMs)
    return isTooComplex ? queryTooComplex(`a cost of at most ${maxCost}, not ${cost}`) : undefined
  }
}

export function rateLimitedError(waitMs: number): GraphQLError {
  const retryAfterSeconds = Math.ceil(waitMs / 1_000)
  return httpError('RATE_LIMITED', 'Rate limit exceeded for this API key.', { status: 429, retryAfterSeconds })
}
