import type { ExecutionResult, GraphQLError } from 'graphql'
import { budgetsOf, type Caller } from '../../domain/access/caller.ts'
import { queryTooComplex } from '../document/parse-document.ts'
import { httpError } from '../errors/http-error.ts'
import type { RequestLimits } from '../limits.ts'

/** Limits the cost per key and minute, in this process or in all instances. */
export interface RateLimiter {
  /**
   * Takes `cost` from the budget of a key, also if it is too small: `limit` per minute, or that of the server if the key has no
   * limit of its own. Returns the milliseconds to wait if the budget was too small, else 0.
   */
  consume(key: string, cost: number, limit?: number): Promise<number>
  /** Gives back a cost that was taken at that time (`performance.now()`), unless its minute is over. */
  giveBack?(key: string, cost: number, takenAtMs: number): Promise<void>
  /** The budget of a key in the current minute, as far as this instance knows. */
  stateOf?(key: string, limit?: number): BudgetState | undefined
}

export interface BudgetState {
  readonly limit: number
  readonly remaining: number
  /** The length of the window. */
  readonly seconds: number
  /** In the time of `performance.now()`. */
  readonly resetAtMs: number
}

/** Allows every request while the limiter's store is unavailable, and reports the error. */
export function failOpen(limiter: RateLimiter, report: (error: unknown) => void): RateLimiter {
  return {
    consume: async (...taken) => {
      try {
        return await limiter.consume(...taken)
      } catch (error) {
        report(error)
        return 0
      }
    },
    giveBack: async (...taken) => limiter.giveBack?.(...taken).catch(report),
    stateOf: (...known) => limiter.stateOf?.(...known),
  }
}

/** All client tokens of one subject may use this share of their API key's budget. */
const TOKEN_SHARE = 1 / 10

/** The cost of a request before its operation is known. It is charged for rejected requests too. */
export const REQUEST_COST = 10

/** What a part of a request costs beside it: a whole number, 0 if the part costs less than the smallest request. */
export function costBesideRequest(exactCost: number): number {
  return exactCost < REQUEST_COST ? 0 : Math.floor(exactCost)
}

/** What a request with an operation of this cost is charged: a whole number. */
function toCharge(exactCost: number): number {
  return REQUEST_COST + Math.round(exactCost)
}

/** Takes the cost from the caller's budgets. Returns the milliseconds to wait if one is too small, else 0: then nothing is taken. */
export async function chargeCaller(limiter: RateLimiter, caller: Caller, cost: number): Promise<number> {
  const { key, token, limit } = budgetsOf(caller)
  const ofToken = Math.ceil(cost / TOKEN_SHARE)
  const tokenWaitMs = token ? await limiter.consume(token, ofToken, limit) : 0
  const tokenAtMs = performance.now()
  const waitMs = tokenWaitMs || (await limiter.consume(key, cost, limit))
  const keyAtMs = performance.now()
  if (waitMs === 0) return 0
  if (token) await limiter.giveBack?.(token, ofToken, tokenAtMs)
  if (tokenWaitMs === 0) await limiter.giveBack?.(key, cost, keyAtMs)
  return waitMs
}

/**
 * Takes a cost from the caller's budgets also where less is left: then nothing is left. Returns the milliseconds to wait if one
 * was too small, else 0.
 */
export async function chargeInFull(limiter: RateLimiter, caller: Caller, cost: number): Promise<number> {
  const { key, token, limit } = budgetsOf(caller)
  const tokenWaitMs = token ? await limiter.consume(token, Math.ceil(cost / TOKEN_SHARE), limit) : 0
  return Math.max(tokenWaitMs, await limiter.consume(key, cost, limit))
}

/** Takes the cost from the caller's budgets. Throws RATE_LIMITED if one is too small. */
export async function chargeOrRefuse(limiter: RateLimiter, caller: Caller, cost: number): Promise<void> {
  const waitMs = await chargeCaller(limiter, caller, cost)
  if (waitMs > 0) throw rateLimitedError(waitMs)
}

/** The cost of an operation that is executed: what it may cause is taken in advance. */
export interface Reservation {
  readonly requested: number
  readonly takenAtMs: number
}

export interface CostLimiter {
  /**
   * Takes the cost of an operation from its caller's budgets, except what the request was charged already. Returns the error
   * if the cost or the sum is too high.
   */
  reserve(caller: Caller, cost: number, charged?: number): Promise<Reservation | GraphQLError>
  /** Gives back what was taken and not spent, and charges what no estimate has. Returns the cost that was charged. */
  settle(caller: Caller, reservation: Reservation, spent: number, beyondEstimate: number): number
  /** The result with `extensions.cost`. */
  withCost<T extends ExecutionResult>(result: T, caller: Caller, reservation: Reservation, actual: number): T
}

export function createCostLimiter({ maxCost }: RequestLimits, limiter: RateLimiter, now: () => Date): CostLimiter {
  return {
    reserve: async (caller, exactCost, charged = 0) => {
      const requested = toCharge(exactCost)
      const isTooComplex = requested > maxCost
      const beyondBudget = exceedsBudget(requested, budgetOf(limiter, caller))
      // The request itself is charged, whether or not its operation is executed.
      const due = (isTooComplex || beyondBudget ? REQUEST_COST : requested) - charged
      const waitMs = due > 0 ? await chargeCaller(limiter, caller, due) : 0
      if (waitMs > 0) {
        if (charged === 0 && due > REQUEST_COST) await chargeCaller(limiter, caller, REQUEST_COST)
        return exceedsBudget(requested, budgetOf(limiter, caller)) ?? rateLimitedError(waitMs)
      }
      if (isTooComplex)
        return queryTooComplex(`a cost of at most ${maxCost}, not ${requested}: select fewer rows or fields`)
      return beyondBudget ?? { requested, takenAtMs: performance.now() }
    },
    settle: (caller, { requested, takenAtMs }, spent, beyondEstimate) => {
      const actual = Math.min(requested, toCharge(spent)) + beyondEstimate
      const unspent = requested - actual
      if (unspent < 0) void chargeInFull(limiter, caller, -unspent)
      if (unspent <= 0) return actual
      const { key, token } = budgetsOf(caller)
      void limiter.giveBack?.(key, unspent, takenAtMs)
      if (token) void limiter.giveBack?.(token, Math.floor(unspent / TOKEN_SHARE), takenAtMs)
      return actual
    },
    withCost: (result, caller, { requested }, actual) => {
      const budget = budgetOf(limiter, caller)
      const resetMs = budget ? Math.max(0, budget.resetAtMs - performance.now()) : 0
      const resetAt = budget ? new Date(now().getTime() + resetMs) : null
      const cost = { requested, actual, limit: budget?.limit ?? null, remaining: budget?.remaining ?? null, resetAt }
      return { ...result, extensions: { ...result.extensions, cost } }
    },
  }
}

/** The budget of a caller that is spent first: for a client token its share, in the costs that it may still use. */
function budgetOf(limiter: RateLimiter, caller: Caller): BudgetState | undefined {
  const { key, token, limit } = budgetsOf(caller)
  const ofKey = limiter.stateOf?.(key, limit)
  const ofToken = token ? limiter.stateOf?.(token, limit) : null
  if (!ofKey || !ofToken) return ofKey
  const remaining = Math.min(ofKey.remaining, Math.floor(ofToken.remaining * TOKEN_SHARE))
  return { ...ofToken, limit: Math.floor(ofToken.limit * TOKEN_SHARE), remaining }
}

/** True if a request of the caller would be refused, as far as this instance knows. */
export function isSpent(limiter: RateLimiter, caller: Caller): boolean {
  const { remaining = REQUEST_COST } = budgetOf(limiter, caller) ?? {}
  return remaining < REQUEST_COST
}

/** The header fields of draft-ietf-httpapi-ratelimit-headers: names, each followed by its value. */
export function budgetHeaders(limiter: RateLimiter, caller: Caller): readonly string[] {
  const budget = budgetOf(limiter, caller)
  if (!budget) return NONE
  const { limit, remaining, seconds, resetAtMs } = budget
  const resetSeconds = Math.max(0, Math.ceil((resetAtMs - performance.now()) / 1_000))
  const policy = `"cost";q=${limit};w=${seconds}`
  return ['ratelimit-policy', policy, 'ratelimit', `"cost";r=${remaining};t=${resetSeconds}`]
}

const NONE: readonly string[] = []

/** The error of an operation that costs more than the whole budget: waiting does not help it. */
function exceedsBudget(requested: number, budget: BudgetState | undefined): GraphQLError | undefined {
  if (!budget || requested <= budget.limit) return undefined
  return queryTooComplex(
    `a cost of at most the ${budget.limit} that the key may use in ${budget.seconds} seconds, not ${requested}: select fewer rows or fields`,
  )
}

/** Requests with this header get `extensions.cost`. */
export const COST_HEADER = 'x-graphql-cost'

export function rateLimitedError(waitMs: number): GraphQLError {
  const retryAfterSeconds = Math.ceil(waitMs / 1_000)
  const message = `The budget of this API key or client token is spent. Retry after ${retryAfterSeconds} seconds. Select fewer rows or fields to spend less; the operator can raise the limit of the key.`
  return httpError('RATE_LIMITED', message, { status: 429, retryAfterSeconds })
}
