import type { Exchange, Fixture, FixtureCall, FixtureError } from '../../sandbox/fixture.ts'

const SESSION_ID = 'vs_mza7vecksrtyfw193ekcvl5vnws3bt1lz96buu3iw7zidckf8dga2zx2echb3t16'
const ATTEMPT_ID = 'va_kpfybr16z3va60qysmnu3yi3iqxevbyhu86n2m6q9odfujisophtdl06h4u726sj'
const LATER_ATTEMPT_ID = 'va_xxjt7vdww9z26q7polj97ay11ewnhf0mggzp4662os0qlk4vuxtsuviy2itel46s'
const CANCEL_TOKEN = 'si28w2i641v6f99xr0k5k3u38w8we0oo4wygryj708c4jct7'
const HOSTED_URL = `https://verify.kayle.id/${SESSION_ID}?cancel_token=${CANCEL_TOKEN}`

const SESSION = {
  id: SESSION_ID,
  status: 'created',
  contract_version: 1,
  share_fields: {
    date_of_birth: { reason: 'Needed to verify age eligibility', source: 'rc', required: true },
    kayle_document_id: { reason: 'Sharing "Kayle Document ID"', source: 'default', required: true },
  },
  redirect_url: 'https://example.com/redirect?sg_ref=reference_1',
  verification_url: `https://verify.kayle.id/${SESSION_ID}`,
  expires_at: '2026-11-21T12:00:00.000Z',
  completed_at: null,
  created_at: '2026-11-21T11:00:00.000Z',
  updated_at: '2026-11-21T11:00:00.000Z',
}
const CREATED = { ...SESSION, verification_url: HOSTED_URL, cancel_token: CANCEL_TOKEN }
const ATTEMPT = {
  id: ATTEMPT_ID,
  session_id: SESSION_ID,
  status: 'in_progress',
  failure_code: null,
  risk_score: 0,
  completed_at: null,
  created_at: '2026-11-21T11:05:00.000Z',
  updated_at: '2026-11-21T11:05:00.000Z',
}
const SUCCEEDED = { ...ATTEMPT, status: 'succeeded', risk_score: 0.125, completed_at: '2026-11-21T11:10:00.000Z' }
const FAILED = {
  ...ATTEMPT,
  id: LATER_ATTEMPT_ID,
  status: 'failed',
  failure_code: 'selfie_face_mismatch',
  completed_at: '2026-11-21T11:10:00.000Z',
}
const OVER = { ...SESSION, status: 'completed', completed_at: '2026-11-21T11:10:00.000Z' }

const create: FixtureCall = {
  method: 'createSession',
  argument: {
    redirectUrl: 'https://example.com/redirect',
    shareFields: [{ key: 'date_of_birth', required: true, reason: 'Needed to verify age eligibility' }],
  },
}
const unmarkedRequest: Exchange['request'] = {
  method: 'POST',
  path: '/v1/sessions',
  json: {
    redirect_url: 'https://example.com/redirect',
    share_fields: { date_of_birth: { required: true, reason: 'Needed to verify age eligibility' } },
  },
}
const get: FixtureCall = { method: 'getSession', argument: { providerId: SESSION_ID } }
const list: FixtureCall = { method: 'listSessions', argument: {} }
const cancel: FixtureCall = { method: 'cancelSession', argument: { providerId: SESSION_ID } }
const listAttempts: FixtureCall = { method: 'listAttempts', argument: { providerId: SESSION_ID } }

const createRequest: Exchange['request'] = {
  method: 'POST',
  path: '/v1/sessions',
  headers: { 'content-type': 'application/json' },
  json: {
    redirect_url: 'https://example.com/redirect?sg_ref=reference_1',
    share_fields: { date_of_birth: { required: true, reason: 'Needed to verify age eligibility' } },
  },
}
const getRequest: Exchange['request'] = { method: 'GET', path: `/v1/sessions/${SESSION_ID}?include_attempts=true` }
const listRequest: Exchange['request'] = { method: 'GET', path: '/v1/sessions?include_attempts=true' }
const cancelRequest: Exchange['request'] = { method: 'POST', path: `/v1/sessions/${SESSION_ID}/cancel` }
const listAttemptsRequest: Exchange['request'] = {
  method: 'GET',
  path: `/v1/sessions/attempts/attempts?session_id=${SESSION_ID}`,
}

const successes: readonly Fixture[] = [
  {
    name: 'A session is created, with the link and the cancel token that only this response has, and without our marker.',
    evidence: 'seed; recorded 01; the marker is ours',
    call: { ...create, settings: { apiKey: 'kk_0123456789abcdefghijklmnopqrstuv' } },
    exchanges: [
      {
        request: { ...createRequest, headers: { authorization: 'Bearer kk_0123456789abcdefghijklmnopqrstuv' } },
        response: ok(CREATED),
      },
    ],
    result: {
      value: {
        providerId: SESSION_ID,
        status: 'CREATED',
        derived: false,
        outcome: 'PENDING',
        providerStatus: 'created',
        redirectUrl: 'https://example.com/redirect',
        createdAt: new Date('2026-11-21T11:00:00Z'),
        expiresAt: new Date('2026-11-21T12:00:00Z'),
        completedAt: null,
        access: { hostedUrl: HOSTED_URL, sdkToken: null, cancelToken: CANCEL_TOKEN },
        details: {
          contractVersion: 1,
          shareFields: [
            {
              key: 'date_of_birth',
              required: true,
              reason: 'Needed to verify age eligibility',
              source: 'REQUEST',
            },
            {
              key: 'kayle_document_id',
              required: true,
              reason: 'Sharing "Kayle Document ID"',
              source: 'DEFAULT',
            },
          ],
          failureCode: null,
        },
      },
    },
  },
  {
    name: 'A create without share fields omits them, which requests all claims.',
    evidence: 'recorded 02, 09',
    call: { method: 'createSession', argument: {} },
    exchanges: [{ request: { ...createRequest, json: {} }, response: ok({ ...CREATED, redirect_url: null }) }],
    result: { value: { providerId: SESSION_ID, redirectUrl: null } },
  },
  {
    name: 'A create with an empty list of share fields requests the document id alone.',
    evidence: 'notes: given, even {}',
    call: { method: 'createSession', argument: { redirectUrl: null, shareFields: [] } },
    exchanges: [{ request: { ...createRequest, json: { share_fields: {} } }, response: ok(CREATED) }],
    result: { value: { providerId: SESSION_ID } },
  },
  {
    name: 'A session is read with its attempts, and without a link.',
    evidence: 'recorded 40, 58',
    call: get,
    exchanges: [{ request: getRequest, response: ok({ ...SESSION, attempts: [ATTEMPT] }) }],
    result: {
      value: {
        providerId: SESSION_ID,
        status: 'CREATED',
        outcome: 'PENDING',
        attempts: [
          {
            providerId: ATTEMPT_ID,
            kind: 'ATTEMPT',
            status: 'IN_PROGRESS',
            providerStatus: 'in_progress',
            failureCode: null,
            riskScore: null,
            details: { sessionProviderId: SESSION_ID },
          },
        ],
      },
    },
  },
  {
    name: 'A completed session with a succeeded attempt is approved.',
    evidence: 'docs K/verifications/sessions',
    call: get,
    exchanges: [{ request: getRequest, response: ok({ ...OVER, attempts: [FAILED, SUCCEEDED] }) }],
    result: {
      value: {
        status: 'COMPLETED',
        outcome: 'APPROVED',
        completedAt: new Date('2026-11-21T11:10:00Z'),
        attempts: [
          { status: 'FAILED', failureCode: 'selfie_face_mismatch', riskScore: null },
          { status: 'SUCCEEDED', riskScore: 0.125 },
        ],
      },
    },
  },
  {
    name: 'A completed session whose attempts failed is rejected.',
    evidence: 'docs K/verifications/sessions',
    call: get,
    exchanges: [{ request: getRequest, response: ok({ ...OVER, attempts: [FAILED] }) }],
    result: { value: { status: 'COMPLETED', outcome: 'REJECTED' } },
  },
  {
    name: 'A completed session without attempts has an unknown outcome.',
    evidence: 'recorded 39: attempts may be absent',
    call: get,
    exchanges: [{ request: getRequest, response: ok(OVER) }],
    result: { value: { status: 'COMPLETED', outcome: 'UNKNOWN' } },
  },
  {
    name: 'A completed session with an empty list of attempts has an unknown outcome, and is read again.',
    evidence: 'recorded 40: the list is empty until an attempt is there',
    call: get,
    exchanges: [{ request: getRequest, response: ok({ ...OVER, attempts: [] }) }],
    result: { value: { status: 'COMPLETED', outcome: 'UNKNOWN', unrecognized: true } },
  },
  {
    name: 'A completed session whose last attempt is open has an unknown outcome, and is read again.',
    evidence: 'assumed: the attempt is written after its session',
    call: get,
    exchanges: [{ request: getRequest, response: ok({ ...OVER, attempts: [FAILED, ATTEMPT] }) }],
    result: { value: { status: 'COMPLETED', outcome: 'UNKNOWN', unrecognized: true } },
  },
  {
    name: 'An open session past its expiry is expired by the clock.',
    evidence: 'recorded 78',
    call: get,
    exchanges: [{ request: getRequest, response: ok({ ...SESSION, expires_at: '2025-11-21T12:00:00.000Z' }) }],
    result: { value: { status: 'EXPIRED', derived: true, outcome: 'NOT_APPLICABLE', providerStatus: 'created' } },
  },
  {
    name: 'A session that Kayle reports as expired is expired.',
    evidence: 'recorded 80',
    call: get,
    exchanges: [{ request: getRequest, response: ok({ ...OVER, status: 'expired' }) }],
    result: { value: { status: 'EXPIRED', derived: false, outcome: 'NOT_APPLICABLE' } },
  },
  {
    name: 'A cancelled session has a failed attempt.',
    evidence: 'recorded 72',
    call: get,
    exchanges: [
      {
        request: getRequest,
        response: ok({
          ...OVER,
          status: 'cancelled',
          attempts: [{ ...ATTEMPT, status: 'failed', failure_code: 'session_cancelled' }],
        }),
      },
    ],
    result: {
      value: {
        status: 'CANCELED',
        outcome: 'NOT_APPLICABLE',
        attempts: [{ status: 'FAILED', failureCode: 'session_cancelled' }],
      },
    },
  },
  {
    name: 'Version 1.6 reports the outcome in the status, and has no attempts.',
    evidence: 'src C',
    call: get,
    exchanges: [{ request: getRequest, response: ok({ ...OVER, status: 'failed', failure_code: 'liveness_failed' }) }],
    result: { value: { status: 'COMPLETED', outcome: 'REJECTED', details: { failureCode: 'liveness_failed' } } },
  },
  {
    name: 'The earliest version has ids of another format.',
    evidence: 'src A',
    call: get,
    exchanges: [{ request: getRequest, response: ok({ ...SESSION, id: SESSION_ID.replace('vs_', 'vs_live_') }) }],
    result: { value: { providerId: SESSION_ID.replace('vs_', 'vs_live_'), status: 'CREATED' } },
  },
  {
    name: 'A page of sessions has the cursor of the next page.',
    evidence: 'recorded 53',
    call: {
      method: 'listSessions',
      argument: {
        limit: 1,
        cursor: SESSION_ID,
        createdFrom: new Date('2026-11-21T10:00:00Z'),
        createdTo: new Date('2026-11-21T12:00:00Z'),
      },
    },
    exchanges: [
      {
        request: {
          method: 'GET',
          path: `/v1/sessions?limit=1&starting_after=${SESSION_ID}&created_from=2026-11-21T10%3A00%3A00.000Z&created_to=2026-11-21T12%3A00%3A00.000Z&include_attempts=true`,
        },
        response: okPage([{ ...SESSION, attempts: [] }], SESSION_ID),
      },
    ],
    result: { value: { items: [{ providerId: SESSION_ID, attempts: [] }], nextCursor: SESSION_ID } },
  },
  {
    name: 'The last page of sessions may be empty.',
    evidence: 'recorded 48',
    call: list,
    exchanges: [{ request: listRequest, response: okPage([], null) }],
    result: { value: { items: [], nextCursor: null } },
  },
  {
    name: 'A cancel returns no body, also for an ended session.',
    evidence: 'recorded 69, 70',
    call: cancel,
    exchanges: [{ request: cancelRequest, response: { status: 204 } }],
    result: { value: undefined },
  },
  {
    name: 'All attempts of a session are listed, page by page, on the doubled path and without a limit.',
    evidence: 'recorded 60, 62',
    call: listAttempts,
    exchanges: [
      { request: listAttemptsRequest, response: okPage([SUCCEEDED], ATTEMPT_ID) },
      {
        request: { ...listAttemptsRequest, path: `${listAttemptsRequest.path}&starting_after=${ATTEMPT_ID}` },
        response: okPage([FAILED], null),
      },
    ],
    result: {
      value: [
        { providerId: ATTEMPT_ID, status: 'SUCCEEDED' },
        { providerId: LATER_ATTEMPT_ID, status: 'FAILED' },
      ],
    },
  },
]

const DOCS = 'https://kayle.id/docs/api/sessions'

const PATTERN_REFUSED = full(400, 'REDIRECT_URL_PATTERN_NOT_REGISTERED')

const refusals: readonly Fixture[] = [
  {
    name: 'A redirect that Kayle rejects with our marker is sent again without it.',
    evidence: 'notes; the marker is ours',
    call: create,
    exchanges: [
      { request: createRequest, response: PATTERN_REFUSED },
      { request: unmarkedRequest, response: ok({ ...CREATED, redirect_url: 'https://example.com/redirect' }) },
    ],
    result: { value: { providerId: SESSION_ID, redirectUrl: 'https://example.com/redirect' } },
  },
  {
    name: 'A redirect that Kayle rejects without our marker too is rejected.',
    evidence: 'notes; the marker is ours',
    call: create,
    exchanges: [
      { request: createRequest, response: PATTERN_REFUSED },
      { request: unmarkedRequest, response: PATTERN_REFUSED },
    ],
    result: {
      error: {
        code: 'PROVIDER_REJECTED',
        providerCode: 'REDIRECT_URL_PATTERN_NOT_REGISTERED',
        outcome: 'REFUSED',
      },
    },
  },
  {
    name: 'A create with markers switched off sends the redirect unchanged.',
    evidence: 'notes; the marker is ours',
    call: { ...create, settings: { marker: 'off' } },
    exchanges: [
      { request: unmarkedRequest, response: ok({ ...CREATED, redirect_url: 'https://example.com/redirect' }) },
    ],
    result: { value: { redirectUrl: 'https://example.com/redirect' } },
  },
  ...[
    'DOB_AND_AGE_GATE_CONFLICT',
    'INVALID_AGE_GATE_KEY',
    'INVALID_REDIRECT_URL',
    'INVALID_SHARE_FIELDS',
    'MULTIPLE_AGE_GATES_NOT_ALLOWED',
    'ONBOARDING_INCOMPLETE',
    'REASON_REQUIRED',
    'REASON_TOO_LONG',
    'REDIRECT_URL_DOMAIN_NOT_VERIFIED',
    'RP_TERMS_ACCEPTANCE_REQUIRED',
    'TOO_MANY_SHARE_FIELDS',
    'UNKNOWN_CLAIM_KEY',
    'WEBHOOK_ENDPOINT_UNAVAILABLE',
  ].map(code =>
    refused(`A create is rejected with ${code}.`, 'notes; recorded 10, 15-24', create, createRequest, full(400, code), {
      code: 'PROVIDER_REJECTED',
      providerCode: code,
      outcome: 'REFUSED',
    }),
  ),
  refused(
    'A create of a frozen organization is an authentication failure for its operator.',
    'src: ORGANIZATION_FROZEN',
    create,
    createRequest,
    full(410, 'ORGANIZATION_FROZEN'),
    { code: 'PROVIDER_AUTH_FAILED', providerCode: 'ORGANIZATION_FROZEN', outcome: 'REFUSED' },
  ),
  refused(
    'The sixth session of an unverified organization is over the limit, without a time to retry.',
    'observed 1.5.0',
    create,
    createRequest,
    full(429, 'ORG_NOT_VERIFIED_LIMIT_EXCEEDED'),
    { code: 'PROVIDER_RATE_LIMITED', providerCode: 'ORG_NOT_VERIFIED_LIMIT_EXCEEDED', outcome: 'REFUSED' },
  ),
  refused(
    'A body that does not match the schema is rejected with its fields.',
    'recorded 08',
    create,
    createRequest,
    zodError('redirect_url', 'Must be an https:// URL with no embedded credentials.'),
    { code: 'PROVIDER_REJECTED', providerCode: 'ZodError', outcome: 'REFUSED' },
  ),
  refused(
    'A body that is not JSON is rejected in plain text.',
    'recorded 25',
    create,
    createRequest,
    { status: 400, headers: { 'content-type': 'text/plain;charset=UTF-8' }, body: 'Malformed JSON in request body' },
    { code: 'PROVIDER_REJECTED', providerCode: null, outcome: 'REFUSED' },
  ),
  refused(
    'A body over 2 MiB is rejected.',
    'recorded 31',
    create,
    createRequest,
    short(413, 'PAYLOAD_TOO_LARGE', 'Request body is too large.'),
    { code: 'PROVIDER_REJECTED', providerCode: 'PAYLOAD_TOO_LARGE', outcome: 'REFUSED' },
  ),
  refused(
    'A wrong key is rejected.',
    'recorded 33',
    create,
    createRequest,
    short(401, 'UNAUTHORIZED', 'Unauthorized'),
    {
      code: 'PROVIDER_AUTH_FAILED',
      outcome: 'REFUSED',
    },
  ),
  refused(
    'A create with a read-only key is rejected.',
    'recorded 37',
    create,
    createRequest,
    short(403, 'FORBIDDEN', 'Forbidden'),
    { code: 'PROVIDER_AUTH_FAILED', outcome: 'REFUSED' },
  ),
  refused(
    'A server error leaves the outcome of a create uncertain.',
    'src: INTERNAL_SERVER_ERROR',
    create,
    createRequest,
    full(500, 'INTERNAL_SERVER_ERROR'),
    { code: 'PROVIDER_UNAVAILABLE', outcome: 'UNCERTAIN' },
  ),
  refused('A session that does not exist is not found.', 'recorded 42', get, getRequest, full(404, 'NOT_FOUND'), {
    code: 'NOT_FOUND',
  }),
  refused('A malformed id is not found.', 'recorded 43', get, getRequest, zodError('id', 'Invalid session ID format'), {
    code: 'NOT_FOUND',
    providerCode: 'ZodError',
  }),
  refused(
    'A cursor that is no session id is rejected.',
    'recorded 52',
    list,
    listRequest,
    zodError('starting_after', 'Invalid session ID format'),
    { code: 'PROVIDER_REJECTED', providerCode: 'ZodError' },
  ),
  refused(
    'A cancel of a session that does not exist is not found.',
    'recorded 71',
    cancel,
    cancelRequest,
    full(404, 'NOT_FOUND'),
    { code: 'NOT_FOUND' },
  ),
  refused(
    'A list of attempts without a filter is rejected, with and without pagination.',
    'recorded 63',
    listAttempts,
    listAttemptsRequest,
    {
      status: 400,
      body: {
        data: null,
        error: { code: 'BAD_REQUEST', message: 'Bad request.', hint: 'You must …', docs: `${DOCS}/attempts` },
        pagination: { limit: 10, has_more: false, next_cursor: null },
      },
    },
    { code: 'PROVIDER_REJECTED', providerCode: 'BAD_REQUEST' },
  ),
  refused(
    'Version 1.6 has no list of attempts.',
    'observed 1.6.0',
    listAttempts,
    listAttemptsRequest,
    { status: 404, headers: { 'content-type': 'text/plain; charset=UTF-8' }, body: '404 Not Found' },
    { code: 'NOT_FOUND' },
  ),
]

export const fixtures: readonly Fixture[] = [...successes, ...refusals]

function refused(
  name: string,
  evidence: string,
  call: FixtureCall,
  request: Exchange['request'],
  response: Exchange['response'],
  error: FixtureError,
): Fixture {
  return { name, evidence, call, exchanges: [{ request, response }], result: { error } }
}

function ok(data: unknown): Exchange['response'] {
  return { status: 200, headers: { 'content-type': 'application/json' }, body: { data, error: null } }
}

function okPage(data: readonly unknown[], next_cursor: string | null): Exchange['response'] {
  const pagination = { limit: 1, has_more: next_cursor !== null, next_cursor }
  return { status: 200, body: { data, error: null, pagination } }
}

function full(status: number, code: string): Exchange['response'] {
  const error = { code, message: 'A message of Kayle.', hint: 'A hint of Kayle.', docs: `${DOCS}#create` }
  return { status, body: { data: null, error } }
}

function short(status: number, code: string, message: string): Exchange['response'] {
  return { status, body: { error: { code, message } } }
}

function zodError(field: string, message: string): Exchange['response'] {
  const issues = JSON.stringify([{ code: 'custom', path: [field], message }], null, 2)
  return { status: 400, body: { success: false, error: { name: 'ZodError', message: issues } } }
}
