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
const sendsUnmarked: Exchange['sends'] = {
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

const sendsCreate: Exchange['sends'] = {
  method: 'POST',
  path: '/v1/sessions',
  headers: { 'content-type': 'application/json' },
  json: {
    redirect_url: 'https://example.com/redirect?sg_ref=reference_1',
    share_fields: { date_of_birth: { required: true, reason: 'Needed to verify age eligibility' } },
  },
}
const sendsGet: Exchange['sends'] = { method: 'GET', path: `/v1/sessions/${SESSION_ID}?include_attempts=true` }
const sendsList: Exchange['sends'] = { method: 'GET', path: '/v1/sessions?include_attempts=true' }
const sendsCancel: Exchange['sends'] = { method: 'POST', path: `/v1/sessions/${SESSION_ID}/cancel` }
const sendsListAttempts: Exchange['sends'] = {
  method: 'GET',
  path: `/v1/sessions/attempts/attempts?session_id=${SESSION_ID}`,
}

const successes: readonly Fixture[] = [
  {
    name: 'A session is created, with the link and the cancel token that only this answer has, and without our marker.',
    evidence: 'seed; recorded 01; the marker is ours',
    call: { ...create, settings: { apiKey: 'kk_0123456789abcdefghijklmnopqrstuv' } },
    exchanges: [
      {
        sends: { ...sendsCreate, headers: { authorization: 'Bearer kk_0123456789abcdefghijklmnopqrstuv' } },
        answers: ok(CREATED),
      },
    ],
    means: {
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
    name: 'A create without share fields leaves them out, which asks for all claims.',
    evidence: 'recorded 02, 09',
    call: { method: 'createSession', argument: {} },
    exchanges: [{ sends: { ...sendsCreate, json: {} }, answers: ok({ ...CREATED, redirect_url: null }) }],
    means: { value: { providerId: SESSION_ID, redirectUrl: null } },
  },
  {
    name: 'A create with an empty list of share fields asks for the document id alone.',
    evidence: 'notes: given, even {}',
    call: { method: 'createSession', argument: { redirectUrl: null, shareFields: [] } },
    exchanges: [{ sends: { ...sendsCreate, json: { share_fields: {} } }, answers: ok(CREATED) }],
    means: { value: { providerId: SESSION_ID } },
  },
  {
    name: 'A session is read with its attempts, and without a link.',
    evidence: 'recorded 40, 58',
    call: get,
    exchanges: [{ sends: sendsGet, answers: ok({ ...SESSION, attempts: [ATTEMPT] }) }],
    means: {
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
    exchanges: [{ sends: sendsGet, answers: ok({ ...OVER, attempts: [FAILED, SUCCEEDED] }) }],
    means: {
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
    exchanges: [{ sends: sendsGet, answers: ok({ ...OVER, attempts: [FAILED] }) }],
    means: { value: { status: 'COMPLETED', outcome: 'REJECTED' } },
  },
  {
    name: 'A completed session without attempts says nothing about its outcome.',
    evidence: 'recorded 39: attempts may be absent',
    call: get,
    exchanges: [{ sends: sendsGet, answers: ok(OVER) }],
    means: { value: { status: 'COMPLETED', outcome: 'UNKNOWN' } },
  },
  {
    name: 'A completed session with an empty list of attempts says nothing about its outcome, and is asked again.',
    evidence: 'recorded 40: the list is empty until an attempt is there',
    call: get,
    exchanges: [{ sends: sendsGet, answers: ok({ ...OVER, attempts: [] }) }],
    means: { value: { status: 'COMPLETED', outcome: 'UNKNOWN', unrecognized: true } },
  },
  {
    name: 'A completed session whose last attempt is not over yet says nothing about its outcome, and is asked again.',
    evidence: 'assumed: the attempt is written after its session',
    call: get,
    exchanges: [{ sends: sendsGet, answers: ok({ ...OVER, attempts: [FAILED, ATTEMPT] }) }],
    means: { value: { status: 'COMPLETED', outcome: 'UNKNOWN', unrecognized: true } },
  },
  {
    name: 'A session that is past its time and still open is expired, by the clock.',
    evidence: 'recorded 78',
    call: get,
    exchanges: [{ sends: sendsGet, answers: ok({ ...SESSION, expires_at: '2025-11-21T12:00:00.000Z' }) }],
    means: { value: { status: 'EXPIRED', derived: true, outcome: 'NOT_APPLICABLE', providerStatus: 'created' } },
  },
  {
    name: 'A session that Kayle calls expired is expired, by its word.',
    evidence: 'recorded 80',
    call: get,
    exchanges: [{ sends: sendsGet, answers: ok({ ...OVER, status: 'expired' }) }],
    means: { value: { status: 'EXPIRED', derived: false, outcome: 'NOT_APPLICABLE' } },
  },
  {
    name: 'A cancelled session has its open attempt failed.',
    evidence: 'recorded 72',
    call: get,
    exchanges: [
      {
        sends: sendsGet,
        answers: ok({
          ...OVER,
          status: 'cancelled',
          attempts: [{ ...ATTEMPT, status: 'failed', failure_code: 'session_cancelled' }],
        }),
      },
    ],
    means: {
      value: {
        status: 'CANCELED',
        outcome: 'NOT_APPLICABLE',
        attempts: [{ status: 'FAILED', failureCode: 'session_cancelled' }],
      },
    },
  },
  {
    name: 'The later generation says the outcome in the status, and has no attempts.',
    evidence: 'src C',
    call: get,
    exchanges: [{ sends: sendsGet, answers: ok({ ...OVER, status: 'failed', failure_code: 'liveness_failed' }) }],
    means: { value: { status: 'COMPLETED', outcome: 'REJECTED', details: { failureCode: 'liveness_failed' } } },
  },
  {
    name: 'The earlier generation has another kind of id.',
    evidence: 'src A',
    call: get,
    exchanges: [{ sends: sendsGet, answers: ok({ ...SESSION, id: SESSION_ID.replace('vs_', 'vs_live_') }) }],
    means: { value: { providerId: SESSION_ID.replace('vs_', 'vs_live_'), status: 'CREATED' } },
  },
  {
    name: 'A page of sessions names the page after it.',
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
        sends: {
          method: 'GET',
          path: `/v1/sessions?limit=1&starting_after=${SESSION_ID}&created_from=2026-11-21T10%3A00%3A00.000Z&created_to=2026-11-21T12%3A00%3A00.000Z&include_attempts=true`,
        },
        answers: okPage([{ ...SESSION, attempts: [] }], SESSION_ID),
      },
    ],
    means: { value: { items: [{ providerId: SESSION_ID, attempts: [] }], nextCursor: SESSION_ID } },
  },
  {
    name: 'The last page of sessions may be empty.',
    evidence: 'recorded 48',
    call: list,
    exchanges: [{ sends: sendsList, answers: okPage([], null) }],
    means: { value: { items: [], nextCursor: null } },
  },
  {
    name: 'A cancel answers nothing, also when the session was over.',
    evidence: 'recorded 69, 70',
    call: cancel,
    exchanges: [{ sends: sendsCancel, answers: { status: 204 } }],
    means: { value: undefined },
  },
  {
    name: 'All attempts of a session are listed, page by page, on the doubled path and without a limit.',
    evidence: 'recorded 60, 62',
    call: listAttempts,
    exchanges: [
      { sends: sendsListAttempts, answers: okPage([SUCCEEDED], ATTEMPT_ID) },
      {
        sends: { ...sendsListAttempts, path: `${sendsListAttempts.path}&starting_after=${ATTEMPT_ID}` },
        answers: okPage([FAILED], null),
      },
    ],
    means: {
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
    name: 'A redirect whose pattern Kayle refuses with our marker is sent once more without it.',
    evidence: 'notes; the marker is ours',
    call: create,
    exchanges: [
      { sends: sendsCreate, answers: PATTERN_REFUSED },
      { sends: sendsUnmarked, answers: ok({ ...CREATED, redirect_url: 'https://example.com/redirect' }) },
    ],
    means: { value: { providerId: SESSION_ID, redirectUrl: 'https://example.com/redirect' } },
  },
  {
    name: 'A redirect whose pattern Kayle refuses without our marker too is rejected.',
    evidence: 'notes; the marker is ours',
    call: create,
    exchanges: [
      { sends: sendsCreate, answers: PATTERN_REFUSED },
      { sends: sendsUnmarked, answers: PATTERN_REFUSED },
    ],
    means: {
      error: {
        code: 'PROVIDER_REJECTED',
        providerCode: 'REDIRECT_URL_PATTERN_NOT_REGISTERED',
        outcome: 'REFUSED',
      },
    },
  },
  {
    name: 'A create whose marker is switched off sends the redirect as it is.',
    evidence: 'notes; the marker is ours',
    call: { ...create, settings: { marker: 'off' } },
    exchanges: [{ sends: sendsUnmarked, answers: ok({ ...CREATED, redirect_url: 'https://example.com/redirect' }) }],
    means: { value: { redirectUrl: 'https://example.com/redirect' } },
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
    refused(`A create is rejected with ${code}.`, 'notes; recorded 10, 15-24', create, sendsCreate, full(400, code), {
      code: 'PROVIDER_REJECTED',
      providerCode: code,
      outcome: 'REFUSED',
    }),
  ),
  refused(
    'A create of a frozen organization is for its operator to mend.',
    'src: ORGANIZATION_FROZEN',
    create,
    sendsCreate,
    full(410, 'ORGANIZATION_FROZEN'),
    { code: 'PROVIDER_AUTH_FAILED', providerCode: 'ORGANIZATION_FROZEN', outcome: 'REFUSED' },
  ),
  refused(
    'The sixth session of an unverified organization is too many, and Kayle does not say until when.',
    'observed 1.5.0',
    create,
    sendsCreate,
    full(429, 'ORG_NOT_VERIFIED_LIMIT_EXCEEDED'),
    { code: 'PROVIDER_RATE_LIMITED', providerCode: 'ORG_NOT_VERIFIED_LIMIT_EXCEEDED', outcome: 'REFUSED' },
  ),
  refused(
    'A body that a schema refuses is rejected with the fields it names.',
    'recorded 08',
    create,
    sendsCreate,
    zodError('redirect_url', 'Must be an https:// URL with no embedded credentials.'),
    { code: 'PROVIDER_REJECTED', providerCode: 'ZodError', outcome: 'REFUSED' },
  ),
  refused(
    'A body that is no JSON is rejected in plain text.',
    'recorded 25',
    create,
    sendsCreate,
    { status: 400, headers: { 'content-type': 'text/plain;charset=UTF-8' }, body: 'Malformed JSON in request body' },
    { code: 'PROVIDER_REJECTED', providerCode: null, outcome: 'REFUSED' },
  ),
  refused(
    'A body over 2 MiB is rejected.',
    'recorded 31',
    create,
    sendsCreate,
    short(413, 'PAYLOAD_TOO_LARGE', 'Request body is too large.'),
    { code: 'PROVIDER_REJECTED', providerCode: 'PAYLOAD_TOO_LARGE', outcome: 'REFUSED' },
  ),
  refused('A wrong key is refused.', 'recorded 33', create, sendsCreate, short(401, 'UNAUTHORIZED', 'Unauthorized'), {
    code: 'PROVIDER_AUTH_FAILED',
    outcome: 'REFUSED',
  }),
  refused(
    'A key that may only read is refused a create.',
    'recorded 37',
    create,
    sendsCreate,
    short(403, 'FORBIDDEN', 'Forbidden'),
    { code: 'PROVIDER_AUTH_FAILED', outcome: 'REFUSED' },
  ),
  refused(
    'A failure of Kayle leaves a create uncertain.',
    'src: INTERNAL_SERVER_ERROR',
    create,
    sendsCreate,
    full(500, 'INTERNAL_SERVER_ERROR'),
    { code: 'PROVIDER_UNAVAILABLE', outcome: 'UNCERTAIN' },
  ),
  refused('A session that does not exist is not found.', 'recorded 42', get, sendsGet, full(404, 'NOT_FOUND'), {
    code: 'NOT_FOUND',
  }),
  refused(
    'An id that Kayle cannot have given is not found.',
    'recorded 43',
    get,
    sendsGet,
    zodError('id', 'Invalid session ID format'),
    { code: 'NOT_FOUND', providerCode: 'ZodError' },
  ),
  refused(
    'A cursor that is no session id is rejected.',
    'recorded 52',
    list,
    sendsList,
    zodError('starting_after', 'Invalid session ID format'),
    { code: 'PROVIDER_REJECTED', providerCode: 'ZodError' },
  ),
  refused(
    'A cancel of a session that does not exist is not found.',
    'recorded 71',
    cancel,
    sendsCancel,
    full(404, 'NOT_FOUND'),
    { code: 'NOT_FOUND' },
  ),
  refused(
    'A list of attempts that a handler refuses is rejected, pagination or not.',
    'recorded 63',
    listAttempts,
    sendsListAttempts,
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
    'The later generation has no list of attempts.',
    'observed 1.6.0',
    listAttempts,
    sendsListAttempts,
    { status: 404, headers: { 'content-type': 'text/plain; charset=UTF-8' }, body: '404 Not Found' },
    { code: 'NOT_FOUND' },
  ),
]

export const fixtures: readonly Fixture[] = [...successes, ...refusals]

function refused(
  name: string,
  evidence: string,
  call: FixtureCall,
  sends: Exchange['sends'],
  answers: Exchange['answers'],
  error: FixtureError,
): Fixture {
  return { name, evidence, call, exchanges: [{ sends, answers }], means: { error } }
}

function ok(data: unknown): Exchange['answers'] {
  return { status: 200, headers: { 'content-type': 'application/json' }, body: { data, error: null } }
}

function okPage(data: readonly unknown[], next_cursor: string | null): Exchange['answers'] {
  const pagination = { limit: 1, has_more: next_cursor !== null, next_cursor }
  return { status: 200, body: { data, error: null, pagination } }
}

function full(status: number, code: string): Exchange['answers'] {
  const error = { code, message: 'What Kayle says.', hint: 'What Kayle advises.', docs: `${DOCS}#create` }
  return { status, body: { data: null, error } }
}

function short(status: number, code: string, message: string): Exchange['answers'] {
  return { status, body: { error: { code, message } } }
}

function zodError(field: string, message: string): Exchange['answers'] {
  const issues = JSON.stringify([{ code: 'custom', path: [field], message }], null, 2)
  return { status: 400, body: { success: false, error: { name: 'ZodError', message: issues } } }
}
