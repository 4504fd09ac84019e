/** How many retries may be made: a share of what succeeded, so that a provider that is down is not asked twice as often. */
export interface RetryBudget {
  /** A call succeeded. */
  deposit(): void
  /** True where a retry may be made; it is then spent. */
  spend(): boolean
}

const MOST = 20

export function createRetryBudget(share: number, reserve: number): RetryBudget {
  let balance = reserve
  return {
    deposit: () => {
      balance = Math.min(MOST, balance + share)
    },
    spend: () => {
      if (balance < 1) return false
      balance -= 1
      return true
    },
  }
}
