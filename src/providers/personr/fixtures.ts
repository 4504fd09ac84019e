import type { Fixture } from '../../sandbox/fixture.ts'

const APPLICANT = '4242424242424x424242424242424242'
const LINK = '1700000000000x111111111111111111'
const TOKEN = 'bus|4242424242424x424242424242424242|4343434343434x434343434343434343'
const NEXT_TOKEN = 'bus|4242424242424x424242424242424242|4444444444444x444444444444444444'
const REFERENCE = 'sg_fixture0001'
const REVIEWED_AT = 1700000600000

/** With a configured token, no login precedes the exchange. */
const settings = { apiKey: TOKEN }

function toRequest(workflow: string, form: Readonly<Record<string, string>>, token: string | undefined = TOKEN) {
  const path = `/api/1.1/wf/${workflow}`
  return { method: 'POST', path, form, ...(token && { headers: { authorization: `Bearer ${token}` } }) } as const
}

const applicant = {
  email: 'johndoe@mail.com',
  phone: '+61 424 424 424',
  firstName: 'John',
  lastName: 'Doe',
  flowName: 'KYC basic',
  sourceKey: 'Example Source Key',
  externalUserIds: ['UUID1', 'UUID2'],
}
const createCall = { method: 'createApplicant', argument: applicant, call: { reference: REFERENCE }, settings } as const
const createRequest = toRequest('api-applicant-create', {
  email: 'johndoe@mail.com',
  phone: '+61 424 424 424',
  nameFirst: 'John',
  nameLast: 'Doe',
  flowName: 'KYC basic',
  sourceKey: 'Example Source Key',
  externalUserId: JSON.stringify(['UUID1', 'UUID2', REFERENCE]),
})

const linkCall = {
  method: 'createSession',
  argument: { applicant: { applicantProviderId: APPLICANT } },
  settings,
} as const
const linkRequest = toRequest('api-verificationlink-create', { applicant: APPLICANT, applicantId: APPLICANT })
const hostedUrl = `https://enterprise.personr.co/verification/${LINK}`

const statusCall = {
  method: 'getSession',
  argument: { providerId: LINK, applicantProviderId: APPLICANT, createdAt: new Date(1700000000000) },
  settings,
} as const
const statusRequest = toRequest('api-applicant-status', { applicantId: APPLICANT })
const detailsRequest = toRequest('api-applicant-details', { applicantId: APPLICANT })

function statusResponse(applicantStatus: string, result?: Readonly<Record<string, unknown>>) {
  const base = { 'Created Date': REVIEWED_AT, 'Modified Date': REVIEWED_AT, applicant: APPLICANT, verification: LINK }
  const response = {
    applicantStatus,
    applicantActionStatus: result ? 'Reviewed' : 'Pending',
    ...(result && { result: { ...base, ...result } }),
    sourceKey: 'Example Source Key',
    externalUserId: ['UUID1', 'UUID2', REFERENCE],
  }
  return { status: 200, body: { status: 'success', response } }
}

/** The exchange about a session, which is read through its applicant's status. */
function reported(
  name: string,
  evidence: string,
  response: Fixture['exchanges'][number]['response'],
  value: unknown,
): Fixture {
  return {
    name,
    evidence,
    call: statusCall,
    exchanges: [{ request: statusRequest, response }],
    result: { value },
  }
}

const tokenRequest = toRequest('api-token-generate', { email: 'johndoe@mail.com', password: 'secret' }, '')
const login = (token: string) => ({
  request: tokenRequest,
  response: { status: 200, body: { status: 'success', response: { token, user_id: APPLICANT, expires: 31536000 } } },
})
const tokenRefused = {
  status: 401,
  body: { statusCode: 401, body: { status: 'INVALID_TOKEN', message: 'The token is not valid.' } },
}

export const fixtures: readonly Fixture[] = [
  {
    name: 'an applicant is created on a flow',
    evidence: 'seed',
    call: createCall,
    exchanges: [
      {
        request: createRequest,
        response: {
          status: 200,
          body: {
            status: 'success',
            response: {
              applicantId: APPLICANT,
              email: 'johndoe@mail.com',
              phone: '+61 424 424 424',
              nameFirst: 'John',
              nameLast: 'Doe',
              flowName: 'KYC basic',
              applicantStatus: 'Created',
            },
          },
        },
      },
    ],
    result: {
      value: {
        providerId: APPLICANT,
        status: 'CREATED',
        outcome: 'PENDING',
        providerStatus: 'Created',
        externalId: 'UUID1',
        email: 'johndoe@mail.com',
        phone: '+61 424 424 424',
        firstName: 'John',
        lastName: 'Doe',
        details: {
          flowName: 'KYC basic',
          sourceKey: 'Example Source Key',
          externalUserIds: ['UUID1', 'UUID2'],
          rejectLabels: [],
        },
      },
    },
  },
  {
    name: 'an unknown flow name is rejected',
    evidence: 'seed',
    call: createCall,
    exchanges: [
      {
        request: createRequest,
        response: {
          status: 400,
          body: { statusCode: 400, message: 'Error: Cannot read docSets - incorrect flow name' },
        },
      },
    ],
    result: { error: { code: 'PROVIDER_REJECTED', providerCode: null, outcome: 'REFUSED' } },
  },
  {
    name: 'an error with status 200 is a rejection',
    evidence: 'docs P/workspaces, on another call',
    call: createCall,
    exchanges: [
      { request: createRequest, response: { status: 200, body: { status: 'error', response: 'Workspace not found' } } },
    ],
    result: { error: { code: 'PROVIDER_REJECTED', providerCode: null, outcome: 'REFUSED' } },
  },
  {
    name: 'a missing field is refused with its code',
    evidence: "assumed: Bubble's workflow API",
    call: createCall,
    exchanges: [
      {
        request: createRequest,
        response: {
          status: 400,
          body: { statusCode: 400, body: { status: 'MISSING_DATA', message: 'Missing parameter phone' } },
        },
      },
    ],
    result: { error: { code: 'PROVIDER_REJECTED', providerCode: 'MISSING_DATA', outcome: 'REFUSED' } },
  },
  {
    name: 'a configured token that is rejected is not renewed',
    evidence: "assumed: Bubble's workflow API",
    call: createCall,
    exchanges: [{ request: createRequest, response: tokenRefused }],
    result: { error: { code: 'PROVIDER_AUTH_FAILED', outcome: 'REFUSED' } },
  },
  {
    name: 'a login precedes the first call, and a rejected token is renewed once',
    evidence: 'docs P/getting-started/generating-an-authentication-token',
    call: { ...linkCall, settings: { email: 'johndoe@mail.com', password: 'secret' } },
    exchanges: [
      login(TOKEN),
      { request: linkRequest, response: tokenRefused },
      login(NEXT_TOKEN),
      {
        request: toRequest('api-verificationlink-create', { applicant: APPLICANT, applicantId: APPLICANT }, NEXT_TOKEN),
        response: { status: 200, body: { status: 'success', response: { verificationLink: hostedUrl } } },
      },
    ],
    result: { value: { providerId: LINK, status: 'CREATED' } },
  },
  {
    name: 'a verification link is created, inside a response object',
    evidence: 'docs P',
    call: linkCall,
    exchanges: [
      {
        request: linkRequest,
        response: {
          status: 200,
          body: { status: 'success', response: { verificationLink: hostedUrl, customLink: null } },
        },
      },
    ],
    result: {
      value: {
        providerId: LINK,
        status: 'CREATED',
        outcome: 'PENDING',
        access: { hostedUrl },
        applicant: { providerId: APPLICANT },
      },
    },
  },
  {
    name: 'a verification link is created, without a response object',
    evidence: 'docs MS',
    call: linkCall,
    exchanges: [{ request: linkRequest, response: { status: 200, body: { verificationLink: hostedUrl } } }],
    result: { value: { providerId: LINK, access: { hostedUrl } } },
  },
  reported('a session is created before anything is uploaded', 'docs P/applicant-results', statusResponse('Created'), {
    providerId: LINK,
    status: 'CREATED',
    outcome: 'PENDING',
    attempts: [],
  }),
  reported(
    'a session is in progress while its images are processed',
    'docs P/applicant-results',
    statusResponse('Pre-Checked'),
    {
      status: 'IN_PROGRESS',
      outcome: 'PENDING',
      providerStatus: 'Pre-Checked',
    },
  ),
  reported(
    'an approved applicant completes the session',
    'docs P/applicant-results',
    statusResponse('Reviewed', { reviewAnswer: 'Approved', rejectLabels: [] }),
    {
      status: 'COMPLETED',
      outcome: 'APPROVED',
      completedAt: new Date(REVIEWED_AT),
      applicant: { providerId: APPLICANT, snapshot: { status: 'COMPLETED', externalId: 'UUID1' } },
      attempts: [{ providerId: LINK, kind: 'REVIEW', status: 'SUCCEEDED', providerStatus: 'Approved' }],
    },
  ),
  reported(
    'a retryable rejection keeps the session open',
    'docs P/applicant-results',
    statusResponse('Reviewed', { reviewAnswer: 'Rejected', rejectLabels: ['LOW_QUALITY'] }),
    { status: 'IN_PROGRESS', outcome: 'NEEDS_RETRY', attempts: [{ status: 'FAILED', failureCode: 'LOW_QUALITY' }] },
  ),
  reported(
    'a rejection with any other label is final',
    'docs P/applicant-results',
    statusResponse('Reviewed', { reviewAnswer: 'Rejected', rejectLabels: ['LOW_QUALITY', 'FORGERY'] }),
    { status: 'COMPLETED', outcome: 'REJECTED' },
  ),
  reported(
    'a rejection with the answer Rejected (Final) is final, whatever its labels are',
    'docs P/applicant-results',
    statusResponse('Reviewed', { reviewAnswer: 'Rejected (Final)', rejectLabels: ['LOW_QUALITY'] }),
    { status: 'COMPLETED', outcome: 'REJECTED' },
  ),
  reported(
    'a rejection with the answer Rejected (Retry) is retryable, whatever its labels are',
    'docs P/applicant-results',
    statusResponse('Reviewed', { reviewAnswer: 'Rejected (Retry)', rejectLabels: [] }),
    { status: 'IN_PROGRESS', outcome: 'NEEDS_RETRY' },
  ),
  {
    name: 'an unknown applicant is not found',
    evidence: 'assumed: no document says how',
    call: statusCall,
    exchanges: [
      {
        request: statusRequest,
        response: { status: 400, body: { statusCode: 400, message: 'Error: Cannot find applicant' } },
      },
    ],
    result: { error: { code: 'NOT_FOUND' } },
  },
  {
    name: 'an applicant is read by status and details',
    evidence: 'docs P/applicant-results, MS',
    call: { method: 'getApplicant', argument: { providerId: APPLICANT }, settings },
    exchanges: [
      { request: statusRequest, response: statusResponse('Pending') },
      {
        request: detailsRequest,
        response: {
          status: 200,
          body: {
            status: 'success',
            response: {
              email: 'johndoe@mail.com',
              phone: '+61 424 424 424',
              nameFirst: 'John',
              nameLast: 'Doe',
              tags: [],
              flowName: 'KYC basic',
              status: 'Pending',
            },
          },
        },
      },
    ],
    result: {
      value: {
        providerId: APPLICANT,
        status: 'IN_PROGRESS',
        outcome: 'PENDING',
        externalId: 'UUID1',
        email: 'johndoe@mail.com',
        details: { flowName: 'KYC basic', externalUserIds: ['UUID1', 'UUID2'] },
      },
    },
  },
  {
    name: 'an applicant is read without its details if they are unavailable',
    evidence: 'assumed: the details are documented by a third party only',
    call: { method: 'getApplicant', argument: { providerId: APPLICANT }, settings },
    exchanges: [
      { request: statusRequest, response: statusResponse('Pending') },
      {
        request: detailsRequest,
        response: {
          status: 404,
          body: { statusCode: 404, body: { status: 'NOT_FOUND', message: 'Workflow not found api-applicant-details' } },
        },
      },
    ],
    result: { value: { providerId: APPLICANT, status: 'IN_PROGRESS', details: { sourceKey: 'Example Source Key' } } },
  },
]
