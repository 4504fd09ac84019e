/** Accounts that this instance leaves to others for a while, because its own calls fail. */
export interface SkippedAccounts {
  /** `from`: when others can first use the account; now if left out. */
  skip(accountId: string, from?: Date): void
  ids(): string[]
}

const SKIP_MS = 60_000

export function createSkippedAccounts(now: () => Date): SkippedAccounts {
  const skipped = new Map<string, number>()

  return {
    skip: (accountId, from = now()) => void skipped.set(accountId, from.getTime()),
    ids: () => {
      const passed = (at: number) => now().getTime() - at
      // A start in the far future comes from before the clock was set back.
      const isOver = (at: number) => passed(at) >= SKIP_MS || passed(at) < -SKIP_MS
      for (const [accountId, at] of skipped) if (isOver(at)) skipped.delete(accountId)
      return [...skipped.keys()]
    },
  }
}

/** Errors that can be caused by this instance's credentials or network, so that another instance may succeed. */
export const INSTANCE_ERROR_CODES: readonly string[] = [
  'PROVIDER_AUTH_FAILED',
  'PROVIDER_NOT_CONFIGURED',
  'PROVIDER_UNAVAILABLE',
]
