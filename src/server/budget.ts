/** How much each key may spend per minute, in this process or in all of them. */
export interface Budget {
  /** Takes `cost` from what the key has left. Gives the milliseconds to wait where that is too little, else 0. */
  spend(key: string, cost: number): Promise<number>
}

/** While its store cannot tell, everybody may spend: it is reported, and nobody is kept waiting for it. */
export function lenient(budget: Budget, report: (error: unknown) => void): Budget {
  return {
    spend: async (key, cost) => {
      try {
        return await budget.spend(key, cost)
      } catch (error) {
        report(error)
        return 0
      }
    },
  }
}
