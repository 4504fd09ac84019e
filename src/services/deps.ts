import type { Database } from '../../db/database.ts'
import type { Provider } from '../domain/provider.ts'
import type { Hub } from '../live/hub.ts'
import type { Watched } from '../live/watched.ts'
import type { Turns } from '../upstream/turns.ts'
import type { Accounts } from './accounts.ts'
import type { Cursors } from './cursor.ts'
import type { Sightings } from './sightings.ts'

/** What the services work with. */
export interface Deps {
  readonly db: Database
  readonly accounts: Accounts
  /** Wakes who waits for a tenant's events. */
  readonly hub: Hub
  readonly cursors: Cursors
  readonly sightings: Sightings
  /** The sessions that somebody follows live in this process, each as often as it is followed. */
  readonly watched: Watched
  /** Whose turn it is to read something, where several instances want it. */
  readonly turns: Turns
  readonly now: () => Date
  readonly defaultMaxAgeSeconds: number
  /** Tells whoever watches that something unexpected happened. */
  readonly report: (error: unknown) => void
}

/** Runs `run` in one transaction, then wakes who waits for the tenant's events. */
export async function change<T>(deps: Deps, tenantId: string, run: (db: Database) => Promise<T>): Promise<T> {
  const result = await deps.sightings.transaction(deps.db, run)
  deps.hub.wake(tenantId)
  return result
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
