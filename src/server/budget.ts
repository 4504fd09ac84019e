import { type RateLimiterAbstract, RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible'

/** How much each key may spend per minute. */
export interface Budget {
  /** Takes `cost` from what the key has left. Gives the milliseconds to wait where that is too little, else 0. */
  spend(key: string, cost: number): Promise<number>
}

/** The budgets of one process. It knows as many keys as spent something in the last minute, and they are all real. */
export function createMemoryBudget(costPerMinute: number): Budget {
  return createBudget(new RateLimiterMemory({ points: costPerMinute, duration: 60 }), () => {})
}

/**
 * A budget kept by any limiter, so that several instances can share one. While the limiter cannot tell, everybody may
 * spend: it is reported, and nobody is kept waiting for it.
 */
export function createBudget(limiter: RateLimiterAbstract, report: (error: unknown) => void): Budget {
  return {
    spend: async (key, cost) => {
      try {
        await limiter.consume(key, cost)
        return 0
      } catch (refused) {
        // The limiter rejects with its result where the budget is spent, with an error where it cannot tell.
        if (refused instanceof RateLimiterRes) return Math.max(1, refused.msBeforeNext)
        report(refused)
        return 0
      }
    },
  }
}
