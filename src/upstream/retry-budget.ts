/** Limits retries to a ratio of the successful calls, so that retries do not double the load of a failing provider. */
export interface RetryBudget {
  /** Records a successful call. */
  deposit(): void
  /** Takes one retry from the budget; false if it is empty. */
  spend(): boolean
}

const MAX_TOKENS = 20

export function createRetryBudget(share: number, reserve: number): RetryBudget {
  let balance = reserve
  return {
    deposit: () => {
      balance = Math.min(MAX_TOKENS, balance + share)
    },
    spend: () => {
      if (balance < 1) return false
      balance -= 1
      return true
    },
  }
}
