import type { Database } from '../../db/database.ts'
import type { Provider } from '../domain/provider.ts'
import type { Accounts } from './accounts.ts'
import type { Cursors } from './cursor.ts'

/** What the services work with. */
export interface Deps {
  readonly db: Database
  readonly accounts: Accounts
  readonly cursors: Cursors
  readonly now: () => Date
  readonly defaultMaxAgeSeconds: number
  /** Tells whoever watches that something unexpected happened. */
  readonly report: (error: unknown) => void
}

/** Names a record as a client may: by our id, or as its provider does. */
export interface Lookup {
  readonly id?: string | null
  readonly provider?: ProviderLookup | null
}

export interface ProviderLookup {
  readonly provider: Provider
  readonly providerId: string
  readonly parentProviderId?: string | null
}
