import { DatabaseUnavailableError } from '../../../db/core/database-error.ts'
import { type CreateOutcome, type StoredOutcome, storeOutcome } from './create-outcome.ts'
import type { CreateDeps } from './operation-transitions.ts'

/**
 * Outcomes that could not be stored because the database was unavailable. They are stored when it is available again. If
 * the process ends before that, the create reconciler finds out what the provider made.
 */
export interface DeferredOutcomes {
  /** Stores the outcome. If the database is unavailable, throws and stores it later. */
  storeOrDefer(outcome: CreateOutcome): Promise<StoredOutcome>
  defer(outcome: CreateOutcome): void
  /** Stores all deferred outcomes that can be stored. */
  flush(): Promise<void>
}

export function createDeferredOutcomes(deps: CreateDeps): DeferredOutcomes {
  const pending = new Set<CreateOutcome>()

  async function storeOrDefer(outcome: CreateOutcome): Promise<StoredOutcome> {
    try {
      return await storeOutcome(deps, outcome)
    } catch (error) {
      if (error instanceof DatabaseUnavailableError) pending.add(outcome)
      throw error
    }
  }

  async function flush(): Promise<void> {
    for (const outcome of [...pending]) {
      pending.delete(outcome)
      // Any other failure means that the operation was settled otherwise meanwhile.
      await storeOrDefer(outcome).catch(error => {
        if (!(error instanceof DatabaseUnavailableError)) deps.report(error)
      })
    }
  }

  return { storeOrDefer, defer: outcome => void pending.add(outcome), flush }
}
