import type { Exchange, Fixture } from '../../sandbox/fixture.ts'

const PROFILE_ID = '01234567-89ab-cdef-0123-456789abcdef'
const SESSION_ID = 'ses_a1b2c3d4-e5f6-7890-abcd-ef1234567890'
const HOSTED_URL = 'https://verilock.io/verify/tok_abc123def456'

const RESULTS = {
  document: {
    status: 'approved',
    type: 'passport',
    details: { document_number: '12AB34567', issuing_country: 'FR', expiry_date: '2030-08-21' },
  },
  selfie: { status: 'approved' },
  face_match: { status: 'approved', score: 0.97, details: { similarity: 'very_high' } },
  liveness: { status: 'approved', score: 0.99, details: { is_live: true } },
  aml: { status: 'approved', score: 0.02, details: { pep: false, sanctions: false, adverse_media: false } },
}

const SUMMARY = {
  id: SESSION_ID,
  type: 'kyc',
  status: 'approved',
  reference_id: 'usr_12345',
  steps: ['document', 'selfie', 'face_match', 'liveness', 'aml'],
  applicant: { first_name: 'Jean', last_name: 'Dupont', email: 'jean.dupont@example.com' },
  created_at: '2026-03-15T10:30:00Z',
  completed_at: '2026-03-15T10:45:22Z',
}

const OLDER = {
  ...SUMMARY,
  applicant: { ...SUMMARY.applicant, date_of_birth: '1990-05-15', nationality: 'FR' },
  results: RESULTS,
  hosted_url: `https://verilock.io/verify/${SESSION_ID}`,
}

const create = {
  method: 'createSession',
  argument: { profileId: PROFILE_ID },
  call: { reference: 'ref_fixture' },
} as const
const get = { method: 'getSession', argument: { providerId: SESSION_ID } } as const

const refusals: readonly Fixture[] = [
  {
    name: 'a create with an unknown profile is rejected with the field that Verilock names',
    evidence: 'docs V response-codes; the message is assumed',
    call: create,
    exchanges: [
      creates(422, {
        error: 'validation_error',
        message: 'The given data was invalid.',
        details: { profile_id: ['The selected profile id is invalid.'] },
      }),
    ],
    result: { error: { code: 'PROVIDER_REJECTED', providerCode: 'validation_error', outcome: 'REFUSED' } },
  },
  {
    name: 'a conflict is a rejection with its code',
    evidence: 'docs V response-codes; the code is assumed',
    call: create,
    exchanges: [creates(409, { error: 'conflict', message: 'The session was declined.', details: null })],
    result: { error: { code: 'PROVIDER_REJECTED', providerCode: 'conflict', outcome: 'REFUSED' } },
  },
  {
    name: 'a wrong key is an authentication failure',
    evidence: 'docs V',
    call: get,
    exchanges: [gets(401, { error: 'authentication_error', message: 'Invalid or missing API key.', details: null })],
    result: { error: { code: 'PROVIDER_AUTH_FAILED', outcome: 'REFUSED' } },
  },
  {
    name: 'a wrong key is an authentication failure with the older error, too',
    evidence: 'docs V/kyc-sessions',
    call: create,
    exchanges: [creates(401, { error: 'Unauthorized', message: 'Invalid or missing API key.' })],
    result: { error: { code: 'PROVIDER_AUTH_FAILED', outcome: 'REFUSED' } },
  },
  {
    name: 'an unknown session is not found',
    evidence: 'docs V',
    call: get,
    exchanges: [gets(404, { error: 'not_found', message: 'The requested resource was not found.', details: null })],
    result: { error: { code: 'NOT_FOUND' } },
  },
  {
    name: 'too many calls are rejected with the time to retry',
    evidence: 'docs V',
    call: create,
    exchanges: [
      creates(
        429,
        { error: 'rate_limit_exceeded', message: 'Too many requests.', details: { retry_after: 30 } },
        { 'retry-after': '30' },
      ),
    ],
    result: { error: { code: 'PROVIDER_RATE_LIMITED', retryAfterSeconds: 30, outcome: 'REFUSED' } },
  },
  {
    name: 'a create with a server error has an uncertain outcome',
    evidence: 'docs V',
    call: create,
    exchanges: [creates(500, { error: 'server_error', message: 'An unexpected error occurred.', details: null })],
    result: { error: { code: 'PROVIDER_UNAVAILABLE', outcome: 'UNCERTAIN' } },
  },
  {
    name: 'a create response without a link has an uncertain outcome',
    evidence: 'assumed',
    call: create,
    exchanges: [creates(201, { id: SESSION_ID, status: 'created' })],
    result: { error: { code: 'PROVIDER_CONTRACT_BROKEN', outcome: 'UNCERTAIN' } },
  },
]

export const fixtures: readonly Fixture[] = [
  {
    name: 'a create returns the link, and the input because Verilock does not return it',
    evidence: 'seed',
    call: {
      method: 'createSession',
      argument: {
        profileId: PROFILE_ID,
        applicantEmail: 'jean.dupont@example.com',
        applicantName: 'Jean Dupont',
        redirectUrl: 'https://example.com/kyc/complete',
      },
      call: { reference: 'ref_fixture', externalId: 'usr_12345', metadata: { plan: 'premium' } },
      settings: { apiKey: 'qi_test_fixture' },
    },
    exchanges: [
      {
        request: {
          method: 'POST',
          path: '/api/v1/sessions',
          headers: { authorization: 'Bearer qi_test_fixture', accept: 'application/json' },
          json: {
            profile_id: PROFILE_ID,
            applicant_email: 'jean.dupont@example.com',
            applicant_name: 'Jean Dupont',
            external_id: 'usr_12345',
            redirect_url: 'https://example.com/kyc/complete',
            metadata: { plan: 'premium', sessiongraph_reference: 'ref_fixture' },
          },
        },
        response: {
          status: 201,
          body: {
            id: SESSION_ID,
            session_token: 'tok_abc123def456',
            session_url: HOSTED_URL,
            status: 'created',
            expires_at: '2026-03-15T11:30:00Z',
          },
        },
      },
    ],
    result: {
      value: {
        providerId: SESSION_ID,
        status: 'CREATED',
        outcome: 'PENDING',
        providerStatus: 'created',
        externalId: 'usr_12345',
        redirectUrl: 'https://example.com/kyc/complete',
        expiresAt: new Date('2026-03-15T11:30:00Z'),
        access: { hostedUrl: HOSTED_URL, sdkToken: 'tok_abc123def456', cancelToken: null },
        applicant: {
          providerId: `${SESSION_ID}:applicant`,
          snapshot: { email: 'jean.dupont@example.com', details: { fullName: 'Jean Dupont' } },
        },
        details: { profileId: PROFILE_ID },
      },
    },
  },
  {
    name: 'a session of the older documentation is read with its applicant and its checks',
    evidence: 'docs V/kyc-sessions/get-session',
    call: get,
    exchanges: [gets(200, OLDER)],
    result: {
      value: {
        providerId: SESSION_ID,
        status: 'COMPLETED',
        outcome: 'APPROVED',
        externalId: 'usr_12345',
        createdAt: new Date('2026-03-15T10:30:00Z'),
        completedAt: new Date('2026-03-15T10:45:22Z'),
        access: { hostedUrl: OLDER.hosted_url, sdkToken: null },
        applicant: {
          snapshot: {
            status: 'COMPLETED',
            outcome: 'APPROVED',
            firstName: 'Jean',
            lastName: 'Dupont',
            details: { fullName: 'Jean Dupont' },
          },
        },
        attempts: [
          { providerId: `${SESSION_ID}:document`, kind: 'CHECK', status: 'SUCCEEDED', details: { score: null } },
          { providerId: `${SESSION_ID}:selfie`, status: 'SUCCEEDED' },
          {
            providerId: `${SESSION_ID}:face_match`,
            riskScore: null,
            details: { step: 'face_match', score: 0.97 },
          },
          { providerId: `${SESSION_ID}:liveness`, details: { step: 'liveness', score: 0.99 } },
          { providerId: `${SESSION_ID}:aml`, details: { step: 'aml', score: 0.02 } },
        ],
      },
    },
  },
  {
    name: 'a session with the field names of the newer documentation is read as well',
    evidence: 'assumed',
    call: get,
    exchanges: [
      gets(200, {
        id: SESSION_ID,
        status: 'processing',
        profile_id: PROFILE_ID,
        external_id: 'usr_12345',
        applicant_email: 'jean.dupont@example.com',
        applicant_name: 'Jean Dupont',
        session_url: HOSTED_URL,
        expires_at: '2026-03-15T11:30:00Z',
        risk_score: 12,
      }),
    ],
    result: {
      value: {
        status: 'IN_PROGRESS',
        outcome: 'PENDING',
        externalId: 'usr_12345',
        access: { hostedUrl: HOSTED_URL },
        applicant: { snapshot: { email: 'jean.dupont@example.com', details: { fullName: 'Jean Dupont' } } },
        details: { profileId: PROFILE_ID, riskScore: 0.12 },
      },
    },
  },
  {
    name: 'a list is read by page and day',
    evidence: 'docs V/kyc-sessions/list-sessions',
    call: {
      method: 'listSessions',
      argument: {
        limit: 1,
        cursor: '2',
        createdFrom: new Date('2026-03-14T23:00:00Z'),
        createdTo: new Date('2026-03-15T12:00:00Z'),
      },
    },
    exchanges: [
      {
        request: { method: 'GET', path: '/api/v1/sessions?page=2&per_page=1&from=2026-03-14&to=2026-03-15' },
        response: {
          status: 200,
          body: { data: [SUMMARY], meta: { current_page: 2, last_page: 3, per_page: 1, total: 3 } },
        },
      },
    ],
    result: {
      value: { items: [{ providerId: SESSION_ID, status: 'COMPLETED', externalId: 'usr_12345' }], nextCursor: '3' },
    },
  },
  {
    name: 'the last page of a list has no next cursor',
    evidence: 'docs V/kyc-sessions/list-sessions',
    call: { method: 'listSessions', argument: {} },
    exchanges: [
      {
        request: { method: 'GET', path: '/api/v1/sessions' },
        response: { status: 200, body: { data: [], meta: { current_page: 1, last_page: 1, per_page: 15, total: 0 } } },
      },
    ],
    result: { value: { items: [], nextCursor: null } },
  },
  ...refusals,
]

function creates(status: number, body: unknown, headers: Exchange['response']['headers'] = {}): Exchange {
  return { request: { method: 'POST', path: '/api/v1/sessions' }, response: { status, headers, body } }
}

function gets(status: number, body: unknown): Exchange {
  return { request: { method: 'GET', path: `/api/v1/sessions/${SESSION_ID}` }, response: { status, body } }
}
