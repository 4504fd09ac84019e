import type { Database } from '../../db/core/database.ts'
import { lockErasure } from '../../db/core/dialect.ts'
import type { Provider } from '../domain/provider.ts'
import type { ReadLock } from '../upstream/read-lock.ts'
import type { Accounts } from './accounts/accounts.ts'
import type { FollowedSessions } from './events/followed-sessions.ts'
import type { Notifier } from './events/notifier.ts'
import type { Cursors } from './lists/cursor.ts'
import type { FetchedAtWriter } from './snapshots/fetched-at-writer.ts'
import type { KnownAnswers } from './snapshots/known-answers.ts'
import type { ReadSequence } from './snapshots/read-sequence.ts'
import type { TransactionSlots } from './transaction-slots.ts'

/** The dependencies of all services. */
export interface ServiceDeps {
  readonly db: Database
  readonly accounts: Accounts
  /** Wakes the readers of a tenant's events. */
  readonly notifier: Notifier
  readonly cursors: Cursors
  /** Orders provider reads. */
  readonly readSequence: ReadSequence
  readonly knownAnswers: KnownAnswers
  readonly fetchedAtWriter: FetchedAtWriter
  readonly transactionSlots: TransactionSlots
  /** The sessions with subscribers in this process. */
  readonly followedSessions: FollowedSessions
  /** Lets one instance at a time read the same record from its provider. */
  readonly readLock: ReadLock
  readonly now: () => Date
  readonly defaultMaxAgeSeconds: number
  /** Logs an unexpected error. */
  readonly report: (error: unknown) => void
}

/** Runs `run` in one transaction, then wakes the readers of the tenant's events. */
export async function storeAndNotify<T>(
  deps: ServiceDeps,
  tenantId: string,
  run: (db: Database) => Promise<T>,
): Promise<T> {
  const result = await deps.transactionSlots.run(tenantId, () =>
    deps.fetchedAtWriter.transaction(deps.db, async trx => {
      // Orders this transaction entirely before or after an erasure.
      await lockErasure(trx, tenantId, 'STORE')
      return run(trx)
    }),
  )
  deps.notifier.notify(tenantId)
  return result
}

/** Identifies a record by our id or by its provider's id. */
export interface Lookup {
  readonly id?: string | null
  readonly atProvider?: ProviderLookup | null
}

export interface ProviderLookup {
  readonly provider: Provider
  readonly providerId: string
  readonly parentProviderId?: string | null
}
