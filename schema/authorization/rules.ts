import { canAccessPerson } from '../../src/domain/access/caller.ts'
import {
  ANY_API_KEY,
  defineRule,
  INHERIT,
  orClientToken,
  orTokenOfKey,
  READS_PERSONS,
  requirementOfIds,
  requirementOfPerson,
  requirementOfRecord,
  requirementOfRepresentations,
  SCORE,
  scoped,
} from './authorization.ts'

/** The rules of the provider-independent types. Each provider folder has the rules of its own types. */

const PII = scoped('pii:read')
const READS_SESSIONS = scoped('sessions:read')
const READS_APPLICANTS = scoped('applicants:read')
const READS_CUSTOMERS = scoped('customers:read')

defineRule(
  'Query',
  [
    {
      requirementOf: ({ id }, caller) => requirementOfIds([id], caller),
      description:
        'Requires the scope that reads the type of the record, or a client token for the session or the person.',
    },
    ['node'],
  ],
  [
    {
      // A client token reads one record per request.
      requirementOf: ({ ids }, caller) => ({ ...requirementOfIds(ids, caller), clients: false }),
      description: 'Requires the scopes that read the types of the records.',
    },
    ['nodes'],
  ],
  [orClientToken(READS_SESSIONS), ['session']],
  [READS_SESSIONS, ['sessions', 'events']],
  [READS_APPLICANTS, ['applicant']],
  [READS_CUSTOMERS, ['customer']],
  [
    {
      requirementOf: ({ filter }) => scoped('applicants:read', ...emailRequirements(filter)),
      description: 'Requires scope `applicants:read`; with the condition `email` also `pii:read`.',
    },
    ['applicants'],
  ],
  [
    {
      requirementOf: ({ filter }) => scoped('customers:read', ...emailRequirements(filter)),
      description: 'Requires scope `customers:read`; with the condition `email` also `pii:read`.',
    },
    ['customers'],
  ],
  [requirementOfRecord('ProviderOperation'), ['operation']],
  [
    {
      requirementOf: requirementOfPerson,
      description:
        'Requires one of the scopes `sessions:read`, `applicants:read`, `customers:read`, or a client token for the person.',
    },
    ['person'],
  ],
  [
    {
      requirementOf: ({ representations }, caller) => requirementOfRepresentations(representations, caller),
      description: 'Requires the scopes that read the entities.',
    },
    ['_entities'],
  ],
  [ANY_API_KEY, ['providers', '_service']],
)

/** Filtering by e-mail reveals the address of each matching record. */
function emailRequirements(filter?: { readonly email?: unknown } | null): ['pii:read'] | [] {
  return filter?.email == null ? [] : ['pii:read']
}

defineRule(
  'Mutation',
  [scoped('sessions:write'), ['createSession']],
  [scoped('applicants:write'), ['createApplicant']],
  [scoped('customers:write'), ['createCustomer']],
  // A change takes the id of any record and returns the record, so it also requires the scope that reads it.
  [scoped('sessions:write', 'sessions:read'), ['cancelSession', 'linkSession']],
  [scoped('applicants:write', 'applicants:read'), ['linkApplicant']],
  [scoped('customers:write', 'customers:read'), ['linkCustomer']],
  // A client token reads sessions and their access, so only a key that may read both creates one.
  [scoped('session:access', 'sessions:read'), ['createClientToken']],
)

// `sessionsUpdated` would check every event of a tenant against the token, so a token may only subscribe to its subject.
defineRule(
  'Subscription',
  [orClientToken(READS_SESSIONS), ['sessionUpdated']],
  [READS_SESSIONS, ['sessionsUpdated']],
  [
    {
      requirementOf: ({ externalId }, { subject }) => ({
        ...READS_SESSIONS,
        clients: canAccessPerson(subject, externalId),
      }),
      description: 'Requires scope `sessions:read`, or a client token for the person.',
    },
    ['personUpdated'],
  ],
)

const RECORD = ['id', 'provider', 'providerId', 'createdAt', 'updatedAt', 'details']

defineRule('Node', [INHERIT, ['id']])
defineRule(
  'Session',
  [INHERIT, [...RECORD, 'status', 'outcome', 'providerStatus', 'externalId', 'testMode', 'redirectUrl', 'sync']],
  [INHERIT, ['expiresAt', 'completedAt', 'attempts', 'liveCursor', 'nextAction', 'timeline']],
  [ANY_API_KEY, ['metadata']],
  [orClientToken(scoped('session:access')), ['access']],
  [orTokenOfKey(READS_APPLICANTS), ['applicant']],
  [orTokenOfKey(READS_CUSTOMERS), ['customer']],
  [orClientToken(READS_PERSONS), ['person']],
)
defineRule('SessionAccess', [INHERIT, ['hostedUrl', 'sdkToken', 'cancelToken', 'expiresAt']])
// A client token reads which applicant and customer its sessions have, and how far they got: no personal data and no notes.
defineRule(
  'Applicant',
  [INHERIT, [...RECORD, 'externalId', 'status', 'outcome', 'providerStatus', 'sync']],
  [PII, ['email', 'phone', 'firstName', 'lastName']],
  [READS_CUSTOMERS, ['customer']],
  [READS_SESSIONS, ['sessions', 'attempts']],
  [READS_PERSONS, ['person']],
)
defineRule(
  'Customer',
  [ANY_API_KEY, ['metadata']],
  [INHERIT, [...RECORD, 'externalId', 'sync']],
  [PII, ['email', 'name', 'phone']],
  [READS_SESSIONS, ['sessions']],
  [READS_PERSONS, ['person']],
)
defineRule(
  'Attempt',
  [INHERIT, [...RECORD, 'kind', 'status', 'providerStatus', 'failureCode', 'completedAt']],
  [SCORE, ['riskScore']],
  [orClientToken(READS_SESSIONS), ['session']],
  [READS_APPLICANTS, ['applicant']],
)
defineRule(
  'ProviderOperation',
  [
    INHERIT,
    ['id', 'kind', 'idempotencyKey', 'provider', 'state', 'settlesItself', 'nextCheckAt', 'recovered', 'lastError'],
  ],
  [INHERIT, ['sendCount', 'createdAt', 'updatedAt']],
  [READS_SESSIONS, ['session']],
  [READS_APPLICANTS, ['applicant']],
  [READS_CUSTOMERS, ['customer']],
)
defineRule(
  'Person',
  [INHERIT, ['id', 'externalId', 'liveCursor']],
  [orClientToken(READS_SESSIONS), ['sessions', 'nextAction']],
  [orTokenOfKey(READS_APPLICANTS), ['applicants']],
  [orTokenOfKey(READS_CUSTOMERS), ['customers']],
)
defineRule(
  'NextAction',
  [INHERIT, ['kind', 'needsNewSession', 'session']],
  [orClientToken(scoped('session:access')), ['url', 'expiresAt']],
)
defineRule('_Service', [INHERIT, ['sdl']])
defineRule('Sync', [INHERIT, ['fetchedAt', 'stale', 'source', 'lastError']])
defineRule('ProviderFailure', [INHERIT, ['code', 'message', 'at', 'providerCode']])

defineRule('TimelineEvent', [INHERIT, ['id', 'at', 'cursor', 'source', 'session']])
defineRule('SessionStatusChanged', [
  INHERIT,
  ['sessionStatus', 'previousSessionStatus', 'outcome', 'previousOutcome', 'providerStatus'],
])
defineRule('AttemptStatusChanged', [INHERIT, ['attempt', 'attemptStatus', 'previousAttemptStatus']])
defineRule('WebhookReceived', [INHERIT, ['providerEvent', 'applied']])
defineRule('SessionLinksChanged', [READS_CUSTOMERS, ['customer']], [READS_APPLICANTS, ['applicant']])
defineRule('SessionUpdate', [INHERIT, ['cursor', 'event', 'session', 'matchesFilter']])
defineRule('PersonUpdate', [INHERIT, ['cursor', 'event', 'person']])

for (const recordType of ['Session', 'Applicant', 'Customer', 'Attempt', 'TimelineEvent']) {
  defineRule(`${recordType}Connection`, [INHERIT, ['edges', 'nodes', 'pageInfo', 'totalCount']])
  defineRule(`${recordType}Edge`, [INHERIT, ['cursor', 'node']])
}
defineRule('SessionConnection', [INHERIT, ['liveCursor']])
defineRule('AttemptConnection', [INHERIT, ['sync']])
defineRule('PageInfo', [INHERIT, ['endCursor', 'hasNextPage', 'hasPreviousPage', 'startCursor']])

defineRule('ProviderInfo', [INHERIT, ['provider', 'name', 'configured', 'sandbox', 'capabilities', 'health']])
defineRule('ProviderHealth', [INHERIT, ['state', 'errorRate', 'p50Ms', 'p95Ms', 'lastWebhookAt']])

// A repeated create returns a record as it is now, whoever created it.
defineRule('CreateSessionPayload', [READS_SESSIONS, ['session']], [INHERIT, ['operation', 'replayed']])
defineRule('CreateApplicantPayload', [READS_APPLICANTS, ['applicant']], [INHERIT, ['operation', 'replayed']])
defineRule('CreateCustomerPayload', [READS_CUSTOMERS, ['customer']], [INHERIT, ['operation', 'replayed']])
for (const change of ['Cancel', 'Link']) defineRule(`${change}SessionPayload`, [INHERIT, ['session']])
defineRule('CreateClientTokenPayload', [INHERIT, ['token', 'expiresAt']])
defineRule('LinkApplicantPayload', [INHERIT, ['applicant']])
defineRule('LinkCustomerPayload', [INHERIT, ['customer']])

defineRule('MutationError', [INHERIT, ['code', 'message', 'retryable', 'retryAfterSeconds']])
defineRule('InputIssue', [INHERIT, ['path', 'message']])
defineRule('ProviderIssue', [INHERIT, ['path', 'message']])
defineRule('InvalidInputError', [INHERIT, ['issues']])
defineRule('UnsupportedError', [INHERIT, ['provider', 'capability']])
defineRule('ProviderRejectedError', [INHERIT, ['provider', 'providerCode', 'providerIssues']])
defineRule('ProviderUnavailableError', [INHERIT, ['provider', 'providerCode']])
defineRule('ProviderContractError', [INHERIT, ['provider', 'providerCode']])
defineRule('NotFoundError', [INHERIT, ['providerCode']])
defineRule('UnconfirmedError', [INHERIT, ['operation']])
defineRule('IdempotencyConflictError', [INHERIT, ['operation']])
