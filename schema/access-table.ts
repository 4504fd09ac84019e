import {
  decide,
  KEY,
  needOfIds,
  needOfNoun,
  needOfPerson,
  needOfRepresentations,
  orClient,
  PARENT,
  scoped,
} from './access.ts'

/** The decisions about the nouns. Those about a provider's own members stand in its folder. */

const PII = scoped('pii:read')
const READS_SESSIONS = scoped('sessions:read')
const READS_APPLICANTS = scoped('applicants:read')
const READS_CUSTOMERS = scoped('customers:read')
const WRITES_SESSIONS = scoped('sessions:write')

decide(
  'Query',
  [({ id }) => needOfIds([id]), ['node']],
  // One call of a token is about the one thing that it opens.
  [({ ids }) => ({ ...needOfIds(ids), clients: false }), ['nodes']],
  [orClient(READS_SESSIONS), ['session']],
  [READS_SESSIONS, ['sessions']],
  [READS_APPLICANTS, ['applicant']],
  [READS_CUSTOMERS, ['customer']],
  [({ filter }) => scoped('applicants:read', ...emailNeeds(filter)), ['applicants']],
  [({ filter }) => scoped('customers:read', ...emailNeeds(filter)), ['customers']],
  [needOfNoun('CreateOperation'), ['createOperation']],
  [needOfPerson, ['person']],
  [({ representations }, caller) => needOfRepresentations(representations, caller), ['_entities']],
  [KEY, ['providers', '_service']],
)

/** Who asks which records have an e-mail address learns the address of a record. */
function emailNeeds(filter?: { readonly email?: unknown } | null): ['pii:read'] | [] {
  return filter?.email == null ? [] : ['pii:read']
}

decide(
  'Mutation',
  [WRITES_SESSIONS, ['createSession', 'cancelSession', 'refreshSession', 'linkSession']],
  [scoped('applicants:write'), ['createApplicant']],
  [scoped('customers:write'), ['createCustomer']],
  [scoped('session:access'), ['createClientToken']],
  [({ input }) => scoped(input.record.applicantId == null ? 'customers:write' : 'applicants:write'), ['linkRecord']],
)

// Every event of a tenant would be held against the token, so a token follows one session at a time.
decide('Subscription', [orClient(READS_SESSIONS), ['sessionUpdated']], [READS_SESSIONS, ['sessionsUpdated']])

const RECORD = ['id', 'provider', 'providerId', 'createdAt', 'updatedAt', 'details']

decide('Node', [PARENT, ['id']])
decide(
  'Session',
  [PARENT, [...RECORD, 'status', 'outcome', 'providerStatus', 'externalId', 'livemode', 'redirectUrl', 'sync']],
  [PARENT, ['expiresAt', 'completedAt', 'attempts', 'liveCursor', 'timeline']],
  [KEY, ['metadata']],
  [orClient(scoped('session:access')), ['access']],
  [READS_APPLICANTS, ['applicant']],
  [READS_CUSTOMERS, ['customer']],
)
decide('SessionAccess', [PARENT, ['hostedUrl', 'token', 'cancelToken', 'expiresAt']])
decide(
  'Applicant',
  [PARENT, [...RECORD, 'externalId', 'status', 'outcome', 'providerStatus', 'attempts', 'sync']],
  [PII, ['email', 'phone', 'firstName', 'lastName']],
  [READS_CUSTOMERS, ['customer']],
  [READS_SESSIONS, ['sessions']],
)
decide(
  'Customer',
  [PARENT, [...RECORD, 'externalId', 'metadata', 'sync']],
  [PII, ['email', 'name', 'phone']],
  [READS_SESSIONS, ['sessions']],
)
decide(
  'Attempt',
  [PARENT, [...RECORD, 'kind', 'status', 'providerStatus', 'failureCode', 'riskScore', 'completedAt']],
  [orClient(READS_SESSIONS), ['session']],
  [READS_APPLICANTS, ['applicant']],
)
decide(
  'CreateOperation',
  [PARENT, ['id', 'kind', 'idempotencyKey', 'provider', 'state', 'settles', 'nextCheckAt', 'recovered', 'lastError']],
  [PARENT, ['attemptsMade', 'createdAt', 'updatedAt']],
  [READS_SESSIONS, ['session']],
  [READS_APPLICANTS, ['applicant']],
  [READS_CUSTOMERS, ['customer']],
)
decide(
  'Person',
  [PARENT, ['externalId']],
  [orClient(READS_SESSIONS), ['sessions', 'nextAction']],
  [READS_APPLICANTS, ['applicants']],
  [READS_CUSTOMERS, ['customers']],
)
decide('NextAction', [PARENT, ['kind', 'session']], [orClient(scoped('session:access')), ['url', 'expiresAt']])
decide('_Service', [PARENT, ['sdl']])
decide('Sync', [PARENT, ['fetchedAt', 'stale', 'source', 'lastError']])
decide('SyncError', [PARENT, ['code', 'message', 'at']])

decide('TimelineEvent', [PARENT, ['id', 'at', 'cursor', 'source']])
decide('StatusChanged', [PARENT, ['from', 'to', 'outcome', 'providerStatus']])
decide('AttemptChanged', [PARENT, ['attempt', 'from', 'to']])
decide('WebhookReceived', [PARENT, ['providerEvent', 'applied']])
decide('LinkChanged', [READS_CUSTOMERS, ['customer']], [READS_APPLICANTS, ['applicant']])
decide('SessionEvent', [PARENT, ['cursor', 'event', 'session']])

for (const noun of ['Session', 'Applicant', 'Customer', 'Attempt', 'TimelineEvent']) {
  decide(`${noun}Connection`, [PARENT, ['edges', 'nodes', 'pageInfo', 'totalCount']])
  decide(`${noun}Edge`, [PARENT, ['cursor', 'node']])
}
decide('SessionConnection', [PARENT, ['liveCursor']])
decide('PageInfo', [PARENT, ['endCursor', 'hasNextPage', 'hasPreviousPage', 'startCursor']])

decide('ProviderInfo', [PARENT, ['provider', 'configured', 'sandbox', 'capabilities', 'health']])
decide('ProviderHealth', [PARENT, ['circuit', 'errorRate', 'p50Ms', 'p95Ms', 'inFlight', 'driftCount']])
decide('ProviderHealth', [PARENT, ['lastWebhookAt']])

for (const noun of ['session', 'applicant', 'customer']) {
  const capital = noun.charAt(0).toUpperCase() + noun.slice(1)
  decide(`Create${capital}Payload`, [PARENT, [noun, 'operation', 'replayed']])
}
for (const change of ['Cancel', 'Refresh', 'Link']) decide(`${change}SessionPayload`, [PARENT, ['session']])
decide('CreateClientTokenPayload', [PARENT, ['token', 'expiresAt']])
decide('LinkRecordPayload', [PARENT, ['applicant', 'customer']])

decide('Error', [PARENT, ['code', 'message']])
decide('InputIssue', [PARENT, ['path', 'message']])
decide('InvalidInputError', [PARENT, ['issues']])
decide('UnsupportedError', [PARENT, ['provider', 'capability']])
decide('ProviderRejectedError', [PARENT, ['provider', 'providerCode', 'issues']])
decide('ProviderUnavailableError', [PARENT, ['provider', 'retryAfterSeconds']])
decide('ProviderContractError', [PARENT, ['provider']])
decide('OutcomeUnknownError', [PARENT, ['operation']])
decide('IdempotencyConflictError', [PARENT, ['operation']])
