import { createJobLease } from '../jobs/lease.ts'
import type { AccountSetup, Accounts } from './accounts.ts'
import { type Applicants, createApplicants } from './applicants.ts'
import { type Attempts, createAttempts } from './attempts.ts'
import { createBacklog } from './backlog.ts'
import { type ClientTokens, createClientTokens } from './client-tokens.ts'
import { createJournal, type JournalSettings } from './create-journal.ts'
import { type Creates, createCreates } from './creates.ts'
import { createCursors } from './cursor.ts'
import { type Customers, createCustomers } from './customers.ts'
import type { Deps } from './deps.ts'
import { createEndpoints, type Endpoints } from './endpoints.ts'
import { createErasure, type Erasure } from './erasure.ts'
import { expireOverdue } from './expiry.ts'
import { createFigures, type Figures } from './figures.ts'
import { createImports, type Imports } from './imports.ts'
import { createInbox, type Inbox } from './inbox.ts'
import { createKeys, type Keys } from './keys.ts'
import { createLinks, type Links } from './links.ts'
import { createLive, type Live } from './live.ts'
import { createNotices } from './notices.ts'
import { createObservations, type Observations } from './observations.ts'
import { createOperations, type Operations } from './operations.ts'
import { createPeople, type People } from './people.ts'
import { createPolling, type Polling, type PollingSettings } from './polling.ts'
import { createProviderSettings, type ProviderSettingsService } from './provider-settings.ts'
import { createRecovery, type RecoveryService, type RecoverySettings } from './recovery.ts'
import { createRotation, type Rotation } from './rotation.ts'
import { createSessions, type Sessions } from './sessions.ts'
import { createSightings, type Sightings } from './sightings.ts'
import { createTenants, type Tenants } from './tenants.ts'

/** Everything a resolver may ask for, each in one call. */
export interface Services {
  readonly accounts: Accounts
  readonly applicants: Applicants
  readonly attempts: Attempts
  readonly clientTokens: ClientTokens
  readonly creates: Creates
  readonly customers: Customers
  /** Writes down what the clock alone ends, and wakes who follows it. */
  readonly expireOverdue: () => Promise<void>
  readonly endpoints: Endpoints
  readonly erasure: Erasure
  readonly figures: Figures
  readonly imports: Imports
  readonly inbox: Inbox
  readonly keys: Keys
  readonly links: Links
  readonly live: Live
  readonly observations: Observations
  readonly operations: Operations
  readonly people: People
  readonly polling: Polling
  readonly providerSettings: ProviderSettingsService
  readonly recovery: RecoveryService
  readonly rotation: Rotation
  readonly sessions: Sessions
  readonly sightings: Sightings
  readonly tenants: Tenants
}

export interface ServicesOptions
  extends Omit<Deps, 'cursors' | 'sightings'>,
    JournalSettings,
    PollingSettings,
    RecoverySettings {
  readonly setups: readonly AccountSetup[]
  /** Whose accounts the environment's credentials are. */
  readonly firstTenant: string
}

/** Expiry is late by so much at most where the process that does it dies. */
const EXPIRY_LEASE_MS = 10_000

export function createServices(options: ServicesOptions): Services {
  const { db, hub, report } = options
  const sightings = createSightings(db, { wake: hub.wake, report })
  const deps = { ...options, sightings, cursors: createCursors(db.vault) }
  const sessions = createSessions(deps)
  const tenants = createTenants(deps)
  const applicants = createApplicants(deps)
  const customers = createCustomers(deps)
  const journal = createJournal(deps, options)
  const backlog = createBacklog(deps.report)
  const operations = createOperations(deps, journal)
  const expiry = createJobLease(deps.db, { name: 'expiry', ms: EXPIRY_LEASE_MS, now: deps.now })
  const polling = createPolling(deps, sessions, options)
  return {
    accounts: options.accounts,
    applicants,
    attempts: createAttempts(deps, sessions, applicants),
    clientTokens: createClientTokens(deps, sessions),
    creates: createCreates(deps, journal, backlog),
    customers,
    expireOverdue: async () => {
      if (!(await expiry.hold())) return
      for (const tenantId of await expireOverdue(deps.db, deps.now())) deps.hub.wake(tenantId)
    },
    endpoints: createEndpoints(deps),
    erasure: createErasure(deps),
    figures: createFigures(deps, polling, options),
    imports: createImports(deps, sessions, customers),
    inbox: createInbox(deps, createNotices(deps, sessions, operations)),
    keys: createKeys(deps, tenants),
    links: createLinks(deps, sessions),
    live: createLive(deps),
    observations: createObservations(deps),
    operations,
    people: createPeople(deps, sessions),
    polling,
    providerSettings: createProviderSettings(options),
    recovery: createRecovery(deps, journal, backlog, options),
    rotation: createRotation(options),
    sessions,
    sightings,
    tenants,
  }
}
