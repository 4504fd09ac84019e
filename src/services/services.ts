import { randomUUID } from 'node:crypto'
import type { SharedClock } from '../../db/core/clock.ts'
import { type Journeys, PLAIN_JOURNEY } from '../domain/records/journey.ts'
import { createJobLease } from '../jobs/lease.ts'
import { type ClientTokens, createClientTokens } from './access/client-tokens.ts'
import { createKeys, type Keys } from './access/keys.ts'
import { createTenants, type Tenants } from './access/tenants.ts'
import type { AccountSetup, Accounts } from './accounts/accounts.ts'
import { createProviderSettings, type ProviderSettingsService } from './accounts/provider-settings.ts'
import { type CreateReconciler, createCreateReconciler, type ReconcilerSettings } from './creates/create-reconciler.ts'
import { type CreateService, createCreateService } from './creates/create-service.ts'
import { createDeferredOutcomes } from './creates/deferred-outcomes.ts'
import type { CreateOperationSettings } from './creates/operation-transitions.ts'
import { createOperations, type Operations } from './creates/operations.ts'
import type { ServiceDeps } from './deps.ts'
import { createEventStream, type EventStream } from './events/event-stream.ts'
import { expireOverdueSessions } from './jobs/expiry.ts'
import { createImports, type Imports } from './jobs/imports.ts'
import { createPolling, type Polling, type PollingSettings } from './jobs/polling.ts'
import { createCursors } from './lists/cursor.ts'
import { createErasure, type Erasure } from './privacy/erasure.ts'
import { createRotation, type Rotation } from './privacy/key-rotation.ts'
import { type Attempts, createAttempts } from './records/attempts.ts'
import { createLinkedRecords, type LinkedRecords } from './records/linked-records.ts'
import { createLinks, type Links } from './records/links.ts'
import { createPersons, type Persons } from './records/persons.ts'
import { APPLICANT_TYPE, type Applicants, CUSTOMER_TYPE, type Customers } from './records/record-definitions.ts'
import { createRecords } from './records/records.ts'
import { createSessions, type Sessions } from './records/sessions.ts'
import { createFetchedAtWriter, type FetchedAtWriter } from './snapshots/fetched-at-writer.ts'
import { createKnownAnswers } from './snapshots/known-answers.ts'
import { createReadSequence, type ReadSequence } from './snapshots/read-sequence.ts'
import { createProviderStatsRecorder, type ProviderStatsRecorder } from './stats/provider-stats-recorder.ts'
import { createStoreStats, type StoreStats } from './stats/store-stats.ts'
import { createEndpoints, type Endpoints } from './webhooks/webhook-endpoints.ts'
import { createInbox, type Inbox } from './webhooks/webhook-inbox.ts'

/** All services of one instance. A resolver makes one call to one of them. */
export interface Services {
  readonly accounts: Accounts
  readonly applicants: Applicants
  readonly attempts: Attempts
  readonly clientTokens: ClientTokens
  readonly creates: CreateService
  readonly customers: Customers
  /** Expires overdue sessions of all tenants. Only one instance at a time does. */
  readonly expireOverdue: () => Promise<void>
  readonly webhookEndpoints: Endpoints
  readonly erasure: Erasure
  readonly storeStats: StoreStats
  readonly imports: Imports
  readonly webhookInbox: Inbox
  readonly keys: Keys
  readonly linkedRecords: LinkedRecords
  readonly links: Links
  readonly eventStream: EventStream
  readonly providerStats: ProviderStatsRecorder
  readonly operations: Operations
  readonly persons: Persons
  readonly polling: Polling
  readonly providerSettings: ProviderSettingsService
  readonly readSequence: ReadSequence
  readonly createReconciler: CreateReconciler
  readonly keyRotation: Rotation
  readonly sessions: Sessions
  readonly fetchedAtWriter: FetchedAtWriter
  readonly tenants: Tenants
}

export interface ServicesOptions
  extends Omit<ServiceDeps, 'cursors' | 'readSequence' | 'knownAnswers' | 'fetchedAtWriter'>,
    CreateOperationSettings,
    PollingSettings,
    ReconcilerSettings {
  readonly setups: readonly AccountSetup[]
  /** The clock that all instances share. */
  readonly clock: Pick<SharedClock, 'ms'>
  /** The tenant of the accounts whose credentials the environment has. */
  readonly firstTenant: string
}

/** The longest delay of expiry after the instance that runs it died. */
const EXPIRY_LEASE_MS = 10_000

export function createServices(options: ServicesOptions): Services {
  const { db, report } = options
  const fetchedAtWriter = createFetchedAtWriter(db, report)
  const readSequence = createReadSequence({ now: options.now, ms: options.clock.ms })
  const deps = {
    ...options,
    readSequence,
    fetchedAtWriter,
    knownAnswers: createKnownAnswers(),
    cursors: createCursors(db.encryption),
  }
  const sessions = createSessions(deps)
  const tenants = createTenants(deps)
  const applicants = createRecords(deps, APPLICANT_TYPE)
  const customers = createRecords(deps, CUSTOMER_TYPE)
  const createDeps = { ...deps, instanceId: randomUUID() }
  const deferredOutcomes = createDeferredOutcomes(createDeps)
  const operations = createOperations(createDeps)
  const expiry = createJobLease(deps.db, { name: 'expiry', ms: EXPIRY_LEASE_MS, now: deps.now })
  const polling = createPolling(deps, sessions, applicants, options)
  return {
    accounts: options.accounts,
    applicants,
    attempts: createAttempts(deps, sessions, applicants),
    clientTokens: createClientTokens(deps, sessions),
    creates: createCreateService({ ...createDeps, deferredOutcomes, applicants, customers }),
    customers,
    expireOverdue: async () => {
      if (await expiry.acquire()) await expireOverdueSessions(deps)
    },
    webhookEndpoints: createEndpoints(deps),
    erasure: createErasure(deps),
    storeStats: createStoreStats(deps, polling, options),
    imports: createImports(deps, sessions, customers),
    webhookInbox: createInbox({ ...deps, sessions, applicants, operations }),
    keys: createKeys(deps, tenants),
    linkedRecords: createLinkedRecords(applicants, customers),
    links: createLinks(deps, { sessions, applicants, customers }),
    eventStream: createEventStream(deps),
    providerStats: createProviderStatsRecorder(deps),
    operations,
    persons: createPersons(deps, { applicants, customers, sessions, journeys: toJourneys(options.setups) }),
    polling,
    providerSettings: createProviderSettings(options),
    readSequence,
    createReconciler: createCreateReconciler({ ...createDeps, deferredOutcomes }),
    keyRotation: createRotation(options),
    sessions,
    fetchedAtWriter,
    tenants,
  }
}

function toJourneys(setups: readonly AccountSetup[]): Journeys {
  return new Map(setups.map(({ module: { provider, journey = PLAIN_JOURNEY } }) => [provider, journey]))
}
