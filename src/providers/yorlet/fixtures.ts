import type { Exchange, Fixture } from '../../sandbox/fixture.ts'

const SESSION = {
  id: 'apps_manvc33t4jZUf3F7',
  created: 1747000000,
  object: 'application_session',
  application: 'app_manvb1x2k9QpLr3T',
  application_status: 'apst_manvb9c4m2WsXy5Z',
  customer: 'cus_lrhplff1u4ZhIPSU',
  mode: 'classic',
  status: 'pending',
  url: 'https://apply.yorlet.com/apps_manvc33t4jZUf3F7',
}
const APPLICANT = {
  id: 'apst_manvb9c4m2WsXy5Z',
  created: 1747000000,
  object: 'application.applicant',
  application: 'app_manvb1x2k9QpLr3T',
  customer: 'cus_lrhplff1u4ZhIPSU',
  status: 'awaiting_documents',
  currency: 'gbp',
  lead_tenant: true,
  permitted_occupier: false,
  share_of_rent: 100,
}
const CUSTOMER = {
  id: 'cus_lrhplff1u4ZhIPSU',
  created: 1705491484,
  object: 'customer',
  email: 'ada@example.com',
  name: 'Ada Byron',
  phone: null,
  description: null,
  delinquent: false,
  metadata: {},
}

const createSession = {
  method: 'createSession',
  argument: { applicantProviderId: 'apst_manvb9c4m2WsXy5Z', sendEmail: true },
  call: { idempotencyKey: 'key-1' },
} as const
const createCustomer = {
  method: 'createCustomer',
  argument: { email: 'ada@example.com', name: 'Ada Byron' },
  call: { idempotencyKey: 'key-2', reference: 'sg_reference_1' },
} as const
const getCustomer = { method: 'getCustomer', argument: { providerId: 'cus_lrhplff1u4ZhIPSU' } } as const
const getApplicant = {
  method: 'getApplicant',
  argument: { providerId: 'apst_manvb9c4m2WsXy5Z', parentProviderId: 'app_manvb1x2k9QpLr3T' },
} as const
const undocumented = { undocumentedReads: 'on' }

const sessionRequest: Exchange['request'] = {
  method: 'POST',
  path: '/v1/application_sessions',
  headers: { 'idempotency-key': 'key-1' },
  json: { application_status: 'apst_manvb9c4m2WsXy5Z', send_email: true },
}
const customerRequest: Exchange['request'] = {
  method: 'POST',
  path: '/v1/customers',
  headers: { 'idempotency-key': 'key-2' },
  json: { email: 'ada@example.com', name: 'Ada Byron', metadata: { sessiongraph_reference: 'sg_reference_1' } },
}
const customerReadRequest: Exchange['request'] = { method: 'GET', path: '/v1/customers/cus_lrhplff1u4ZhIPSU' }
const applicantsReadRequest: Exchange['request'] = {
  method: 'GET',
  path: '/v1/applications/app_manvb1x2k9QpLr3T/applicants',
}
const sessionReadRequest: Exchange['request'] = {
  method: 'GET',
  path: '/v1/application_sessions/apps_manvc33t4jZUf3F7',
}

const ok = (body: unknown): Exchange['response'] => ({ status: 200, body })
const refusal = (status: number, param?: string): Exchange['response'] => ({
  status,
  body: { error: { message: 'A message of Yorlet.', param, type: 'invalid_request' }, status },
})
const list = (data: readonly unknown[], more: { has_more: boolean; count: number }) =>
  ok({ object: 'list', ...more, data })

const sessionResult = {
  providerId: 'apps_manvc33t4jZUf3F7',
  status: 'CREATED',
  outcome: 'NOT_APPLICABLE',
  providerStatus: 'pending',
  createdAt: new Date('2025-05-11T21:46:40Z'),
  applicant: { providerId: 'apst_manvb9c4m2WsXy5Z', parentProviderId: 'app_manvb1x2k9QpLr3T' },
  customer: { providerId: 'cus_lrhplff1u4ZhIPSU' },
  details: {
    applicationProviderId: 'app_manvb1x2k9QpLr3T',
    applicantProviderId: 'apst_manvb9c4m2WsXy5Z',
    customerProviderId: 'cus_lrhplff1u4ZhIPSU',
    mode: 'CLASSIC',
    account: null,
    deleted: false,
  },
}
const customerResult = {
  providerId: 'cus_lrhplff1u4ZhIPSU',
  email: 'ada@example.com',
  name: 'Ada Byron',
  phone: null,
  metadata: {},
  createdAt: new Date('2024-01-17T11:38:04Z'),
  details: { description: null, delinquent: false },
}

const sessions: readonly Fixture[] = [
  {
    name: 'An application session is created for an applicant, with its links and its hosted page.',
    evidence: 'seed',
    call: createSession,
    exchanges: [{ request: sessionRequest, response: ok(SESSION) }],
    result: { value: { ...sessionResult, access: { hostedUrl: SESSION.url } } },
  },
  {
    name: 'A context is sent in both of its headers, and the account is returned.',
    evidence: 'seed; docs Y/development/platforms/making-requests',
    call: { ...createSession, settings: { context: 'acct_manv8k2q7RtNx4Lp' } },
    exchanges: [
      {
        request: {
          ...sessionRequest,
          headers: { 'yorlet-context': 'acct_manv8k2q7RtNx4Lp', 'yorlet-account': 'acct_manv8k2q7RtNx4Lp' },
        },
        response: ok({ ...SESSION, account: 'acct_manv8k2q7RtNx4Lp' }),
      },
    ],
    result: { value: { details: { ...sessionResult.details, account: 'acct_manv8k2q7RtNx4Lp' } } },
  },
  {
    name: 'Expanded links are read by their ids.',
    evidence: 'seed, where these fields have no type',
    call: createSession,
    exchanges: [
      {
        request: sessionRequest,
        response: ok({
          ...SESSION,
          application: { id: SESSION.application, object: 'application' },
          application_status: APPLICANT,
          customer: CUSTOMER,
        }),
      },
    ],
    result: { value: sessionResult },
  },
  ...(
    [
      ['active', 'IN_PROGRESS'],
      ['complete', 'COMPLETED'],
      ['canceled', 'CANCELED'],
      ['expired', 'EXPIRED'],
      ['paused', 'UNKNOWN'],
    ] as const
  ).map(
    ([word, status]): Fixture => ({
      name: `A session with status ${word} is ${status}, without a decision.`,
      evidence: word === 'paused' ? 'assumed' : 'seed for the word; the read is assumed',
      call: { method: 'getSession', argument: { providerId: SESSION.id }, settings: undocumented },
      exchanges: [{ request: sessionReadRequest, response: ok({ ...SESSION, status: word }) }],
      drifts: word === 'paused' ? ['DEGRADED status'] : [],
      result: { value: { status, outcome: 'NOT_APPLICABLE', providerStatus: word } },
    }),
  ),
  {
    name: 'A deleted session with an unknown mode is still read.',
    evidence: 'seed for the fields; the read is assumed',
    call: { method: 'getSession', argument: { providerId: SESSION.id }, settings: undocumented },
    exchanges: [{ request: sessionReadRequest, response: ok({ ...SESSION, mode: 'express', deleted: true }) }],
    drifts: ['ABSORBED mode'],
    result: { value: { details: { ...sessionResult.details, mode: 'UNKNOWN', deleted: true } } },
  },
  {
    name: 'Sessions are listed page by page, from the last id of the page before.',
    evidence: 'assumed',
    call: { method: 'listSessions', argument: { limit: 1, cursor: 'apps_before' }, settings: undocumented },
    exchanges: [
      {
        request: { method: 'GET', path: '/v1/application_sessions?limit=1&starting_after=apps_before' },
        response: list([SESSION], { has_more: true, count: 3 }),
      },
    ],
    result: { value: { items: [sessionResult], nextCursor: SESSION.id } },
  },
  {
    name: 'A session is canceled.',
    evidence: 'assumed',
    call: { method: 'cancelSession', argument: { providerId: SESSION.id }, settings: undocumented },
    exchanges: [
      {
        request: { method: 'POST', path: `${sessionReadRequest.path}/cancel` },
        response: ok({ ...SESSION, status: 'canceled' }),
      },
    ],
    result: { value: undefined },
  },
]

const applicants: readonly Fixture[] = [
  {
    name: 'An applicant is found in the list of its application.',
    evidence: 'docs Y/api/applications/list-all-applicants-for-an-application',
    call: getApplicant,
    exchanges: [
      {
        request: applicantsReadRequest,
        response: list([{ ...APPLICANT, id: 'apst_manvb9c5Jk7HqW3e' }, APPLICANT], { has_more: false, count: 2 }),
      },
    ],
    result: {
      value: {
        providerId: APPLICANT.id,
        parentProviderId: APPLICANT.application,
        status: 'UNKNOWN',
        outcome: 'NOT_APPLICABLE',
        providerStatus: 'awaiting_documents',
        createdAt: new Date('2025-05-11T21:46:40Z'),
        customer: { providerId: CUSTOMER.id },
        details: { applicationProviderId: APPLICANT.application, leadTenant: true, permittedOccupier: false },
      },
    },
  },
  {
    name: 'An applicant on the second page of the list is found.',
    evidence: 'docs Y for has_more; starting_after is assumed',
    call: getApplicant,
    exchanges: [
      {
        request: applicantsReadRequest,
        response: list([{ ...APPLICANT, id: 'apst_first' }], { has_more: true, count: 2 }),
      },
      {
        request: { method: 'GET', path: `${applicantsReadRequest.path}?starting_after=apst_first` },
        response: list([APPLICANT], { has_more: false, count: 2 }),
      },
    ],
    result: { value: { providerId: APPLICANT.id } },
  },
  {
    name: 'A list that repeats the same page ends the search.',
    evidence: 'assumed',
    call: getApplicant,
    exchanges: [
      {
        request: applicantsReadRequest,
        response: list([{ ...APPLICANT, id: 'apst_first' }], { has_more: true, count: 2 }),
      },
      {
        request: { method: 'GET', path: `${applicantsReadRequest.path}?starting_after=apst_first` },
        response: list([{ ...APPLICANT, id: 'apst_first' }], { has_more: true, count: 2 }),
      },
    ],
    result: { error: { code: 'NOT_FOUND' } },
  },
  {
    name: 'An applicant of another application is not found.',
    evidence: 'docs Y/api/applications/list-all-applicants-for-an-application',
    call: getApplicant,
    exchanges: [{ request: applicantsReadRequest, response: list([], { has_more: false, count: 0 }) }],
    result: { error: { code: 'NOT_FOUND' } },
  },
  {
    name: 'An applicant without its application cannot be read, and nothing is sent.',
    evidence: 'docs Y/api/applications/*, where no page gets one applicant',
    call: { method: 'getApplicant', argument: { providerId: APPLICANT.id } },
    exchanges: [],
    result: { error: { code: 'UNSUPPORTED_BY_PROVIDER' } },
  },
]

const customers: readonly Fixture[] = [
  {
    name: 'A customer is created with our marker in its metadata, which is not returned.',
    evidence: 'docs Y/api/customers/*; metadata on a create is assumed',
    call: createCustomer,
    exchanges: [
      {
        request: customerRequest,
        response: ok({ ...CUSTOMER, metadata: { sessiongraph_reference: 'sg_reference_1' } }),
      },
    ],
    result: { value: customerResult },
  },
  {
    name: 'A customer is created without our marker if it is switched off.',
    evidence: 'docs Y/api/customers/*',
    call: { ...createCustomer, settings: { customerMarker: 'off' } },
    exchanges: [
      {
        request: { ...customerRequest, json: { email: 'ada@example.com', name: 'Ada Byron' } },
        response: ok(CUSTOMER),
      },
    ],
    result: { value: customerResult },
  },
  {
    name: 'A customer is read; an optional field of a wrong type is dropped.',
    evidence: 'docs Y/api/customers/*; the wrong type is assumed',
    call: getCustomer,
    exchanges: [{ request: customerReadRequest, response: ok({ ...CUSTOMER, phone: 7 }) }],
    drifts: ['DEGRADED phone'],
    result: { value: customerResult },
  },
  {
    name: 'Customers are listed; the last page has no cursor.',
    evidence: 'docs Y for the envelope; the parameters are assumed',
    call: { method: 'listCustomers', argument: { limit: 10 } },
    exchanges: [
      {
        request: { method: 'GET', path: '/v1/customers?limit=10' },
        response: list([CUSTOMER], { has_more: false, count: 1 }),
      },
    ],
    result: { value: { items: [customerResult], nextCursor: null } },
  },
]

const refusals: readonly Fixture[] = [
  {
    name: 'An invalid create is rejected with its field.',
    evidence: 'docs Y/api/errors',
    call: createSession,
    exchanges: [{ request: sessionRequest, response: refusal(400, 'application_status') }],
    result: { error: { code: 'PROVIDER_REJECTED', providerCode: 'invalid_request', outcome: 'REFUSED' } },
  },
  {
    name: 'A create for an unknown applicant is rejected.',
    evidence: 'docs Y/api/errors',
    call: createSession,
    exchanges: [{ request: sessionRequest, response: refusal(404) }],
    result: { error: { code: 'PROVIDER_REJECTED', providerCode: 'invalid_request', outcome: 'REFUSED' } },
  },
  {
    name: 'A conflict on the Idempotency-Key leaves the outcome of the first create uncertain.',
    evidence: 'assumed',
    call: createSession,
    exchanges: [{ request: sessionRequest, response: refusal(409) }],
    result: { error: { code: 'PROVIDER_REJECTED', outcome: 'UNCERTAIN' } },
  },
  ...[401, 403].map(
    (status): Fixture => ({
      name: `Credentials rejected with ${status} are an authentication failure.`,
      evidence: 'docs Y/api/errors',
      call: createCustomer,
      exchanges: [{ request: customerRequest, response: refusal(status) }],
      result: { error: { code: 'PROVIDER_AUTH_FAILED', outcome: 'REFUSED' } },
    }),
  ),
  {
    name: 'An unknown customer is not found.',
    evidence: 'docs Y/api/errors',
    call: getCustomer,
    exchanges: [{ request: customerReadRequest, response: refusal(404) }],
    result: { error: { code: 'NOT_FOUND' } },
  },
  {
    name: 'Too many requests are rejected with the time to retry, if Yorlet sends it.',
    evidence: 'docs Y/api/errors; the header is assumed',
    call: createSession,
    exchanges: [{ request: sessionRequest, response: { ...refusal(429), headers: { 'retry-after': '7' } } }],
    result: { error: { code: 'PROVIDER_RATE_LIMITED', retryAfterSeconds: 7, outcome: 'REFUSED' } },
  },
  {
    name: 'A server error leaves the outcome of a create uncertain.',
    evidence: 'docs Y/api/errors',
    call: createSession,
    exchanges: [{ request: sessionRequest, response: refusal(500) }],
    result: { error: { code: 'PROVIDER_UNAVAILABLE', outcome: 'UNCERTAIN' } },
  },
  {
    name: 'A created session without its link breaks the contract.',
    evidence: 'seed, where the link is required',
    call: createSession,
    exchanges: [{ request: sessionRequest, response: ok({ ...SESSION, url: undefined }) }],
    result: { error: { code: 'PROVIDER_CONTRACT_BROKEN', outcome: 'UNCERTAIN' } },
  },
]

export const fixtures: readonly Fixture[] = [...sessions, ...applicants, ...customers, ...refusals]
