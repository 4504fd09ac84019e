import type { Exchange, Fixture, FixtureCall, FixtureError } from '../../sandbox/fixture.ts'

const CUSTOMER_ID = '8b2c1c3e-6f5d-4a8b-9c0d-1e2f3a4b5c6d'
const SESSION_ID = '5f0c7a52-1b9e-4d3f-8a6c-0d9e8f7a6b5c'
const MEMBER_ID = '0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d'
const WORKSPACE_ID = '1dbfc517-0bbf-4301-9ba8-555ca42b9737'
const TOKEN = 'rapidly_cst_AbCdEfGhIjKlMnOpQrStUvWxYz0123456789-_AbCdEfGhIj'
const PORTAL_URL = `https://rapidly.tech/acme/portal?customer_session_token=${TOKEN}&email=a%40b.co`
const AVATAR_URL = 'https://www.gravatar.com/avatar/xxx?d=404'
const REFERENCE = 'sg_reference_1'

const CUSTOMER = {
  metadata: {},
  created_at: '2026-06-17T09:00:00.123456Z',
  modified_at: null,
  id: CUSTOMER_ID,
  external_id: 'usr_1337',
  email: 'a@b.co',
  email_verified: false,
  type: 'individual',
  name: 'John Doe',
  billing_address: null,
  workspace_id: WORKSPACE_ID,
  deleted_at: null,
  avatar_url: AVATAR_URL,
}
const OWNER = {
  id: MEMBER_ID,
  created_at: '2026-06-17T09:00:00.123456Z',
  modified_at: null,
  customer_id: CUSTOMER_ID,
  email: 'a@b.co',
  name: 'John Doe',
  external_id: 'usr_1337',
  role: 'owner',
}
const SESSION = {
  created_at: '2026-06-17T10:00:00.123456Z',
  modified_at: null,
  id: SESSION_ID,
  token: TOKEN,
  expires_at: '2099-06-17T11:00:00.123400Z',
  return_url: 'https://example.com/account',
  customer_portal_url: PORTAL_URL,
  customer_id: CUSTOMER_ID,
  customer: CUSTOMER,
}

const createSession: FixtureCall = {
  method: 'createSession',
  argument: { customer: { customerProviderId: CUSTOMER_ID }, redirectUrl: 'https://example.com/account' },
}
const createCustomer: FixtureCall = {
  method: 'createCustomer',
  argument: { email: 'a@b.co' },
  call: { reference: REFERENCE },
}
const getCustomer: FixtureCall = { method: 'getCustomer', argument: { providerId: CUSTOMER_ID } }

const sessionRequest: Exchange['request'] = {
  method: 'POST',
  path: '/api/customer-sessions/',
  json: { customer_id: CUSTOMER_ID, return_url: 'https://example.com/account' },
}
const customerRequest: Exchange['request'] = {
  method: 'POST',
  path: '/api/customers/',
  json: { email: 'a@b.co', metadata: { sessiongraph_reference: REFERENCE } },
}
const getRequest: Exchange['request'] = { method: 'GET', path: `/api/customers/${CUSTOMER_ID}` }

export const fixtures: readonly Fixture[] = [
  {
    name: "A session is created by Rapidly's id of the customer.",
    evidence: 'seed; src S/customers/customer_session',
    call: createSession,
    exchanges: [{ request: sessionRequest, response: { status: 201, body: SESSION } }],
    result: {
      value: {
        providerId: SESSION_ID,
        status: 'IN_PROGRESS',
        derived: true,
        outcome: 'NOT_APPLICABLE',
        providerStatus: null,
        redirectUrl: 'https://example.com/account',
        createdAt: new Date('2026-06-17T10:00:00.123Z'),
        expiresAt: new Date('2099-06-17T11:00:00.123Z'),
        access: { hostedUrl: PORTAL_URL, sdkToken: TOKEN, cancelToken: null },
        customer: { providerId: CUSTOMER_ID, snapshot: { externalId: 'usr_1337', email: 'a@b.co', name: 'John Doe' } },
        details: {
          customerProviderId: CUSTOMER_ID,
          memberId: null,
          externalMemberId: null,
        },
      },
    },
  },
  {
    name: "A session is created by the caller's own id of the customer, for a member.",
    evidence: 'openapi CustomerSessionCustomerExternalIDCreate',
    call: {
      method: 'createSession',
      argument: { customer: { customerExternalId: 'usr_1337' }, memberId: MEMBER_ID, externalMemberId: 'mem_1' },
    },
    exchanges: [
      {
        request: {
          ...sessionRequest,
          json: { external_customer_id: 'usr_1337', member_id: MEMBER_ID, external_member_id: 'mem_1' },
        },
        response: { status: 201, body: { ...SESSION, return_url: null } },
      },
    ],
    result: { value: { redirectUrl: null, details: { memberId: MEMBER_ID, externalMemberId: 'mem_1' } } },
  },
  {
    name: 'A session is created for a customer identified by our id.',
    evidence: 'seed',
    call: {
      method: 'createSession',
      argument: { customer: { customerId: 'Q3VzdG9tZXI6MQ' } },
      call: { customerProviderId: CUSTOMER_ID },
    },
    exchanges: [
      { request: { ...sessionRequest, json: { customer_id: CUSTOMER_ID } }, response: { status: 201, body: SESSION } },
    ],
    result: { value: { customer: { providerId: CUSTOMER_ID } } },
  },
  {
    name: 'A session past its expiry is expired by the clock.',
    evidence: 'src S/models/customer_session.py: no status exists',
    call: createSession,
    exchanges: [
      {
        request: sessionRequest,
        response: { status: 201, body: { ...SESSION, expires_at: '2026-06-17T11:00:00.123400Z' } },
      },
    ],
    result: { value: { status: 'EXPIRED', derived: true, outcome: 'NOT_APPLICABLE' } },
  },
  refused('A session for an unknown customer is 422, not 404.', 'src S/customers/customer_session/actions.py', {
    detail: [fault('value_error', ['body', 'customer_id'], 'Customer does not exist.', CUSTOMER_ID)],
  }),
  refused('A session whose body matches neither model is rejected by both.', 'ran: fastapi 0.142, pydantic 2.13', {
    detail: [
      fault('uuid_version', ['body', 'CustomerSessionCustomerIDCreate', 'customer_id'], 'UUID version 4 expected', 'x'),
      fault(
        'missing',
        ['body', 'CustomerSessionCustomerExternalIDCreate', 'external_customer_id'],
        'Field required',
        {},
      ),
    ],
  }),
  {
    ...refused('A session is rejected without an error class too, as documented.', 'openapi HTTPValidationError', {}),
    exchanges: [
      { request: sessionRequest, response: { status: 422, body: { detail: [fault('missing', ['body'], '', null)] } } },
    ],
    result: { error: { code: 'PROVIDER_REJECTED', providerCode: null, outcome: 'REFUSED' } },
  },
  failing('A bad request is rejected.', 400, 'BadRequest', 'PROVIDER_REJECTED'),
  failing('A conflict is rejected.', 409, 'ResourceAlreadyExists', 'PROVIDER_REJECTED'),
  failing('A create with an unknown resource is rejected.', 404, 'ResourceNotFound', 'PROVIDER_REJECTED'),
  failing('A missing token is an authentication failure.', 401, 'Unauthorized', 'PROVIDER_AUTH_FAILED'),
  failing('A forbidden create is an authentication failure.', 403, 'NotPermitted', 'PROVIDER_AUTH_FAILED'),
  failing('A failing server leaves the outcome uncertain.', 500, 'InternalServerError', 'PROVIDER_UNAVAILABLE'),
  {
    name: 'Too many requests are rejected with the time to retry.',
    evidence: 'docs R/rate-limits; src S/errors QuotaExceeded',
    call: createSession,
    exchanges: [
      {
        request: sessionRequest,
        response: {
          status: 429,
          headers: { 'retry-after': '30', 'x-ratelimit-remaining': '0' },
          body: { error: 'QuotaExceeded', detail: 'Too many requests' },
        },
      },
    ],
    result: { error: { code: 'PROVIDER_RATE_LIMITED', retryAfterSeconds: 30, outcome: 'REFUSED' } },
  },
  {
    name: 'An unknown token is an authentication failure.',
    evidence: 'src S/exception_handlers.py; text assumed',
    call: getCustomer,
    exchanges: [
      {
        request: getRequest,
        response: { status: 401, body: { error: 'invalid_token', error_description: 'The access token is invalid.' } },
      },
    ],
    result: { error: { code: 'PROVIDER_AUTH_FAILED' } },
  },
  {
    name: 'A token without the scope is an authentication failure.',
    evidence: 'src S/exception_handlers.py; text assumed',
    call: createCustomer,
    exchanges: [
      {
        request: customerRequest,
        response: { status: 403, body: { error: 'insufficient_scope', error_description: 'A scope is missing.' } },
      },
    ],
    result: { error: { code: 'PROVIDER_AUTH_FAILED', outcome: 'REFUSED' } },
  },
  {
    name: 'A redirect is never followed.',
    evidence: 'ran: FastAPI answers 307 to a path without its slash',
    call: createSession,
    exchanges: [
      {
        request: sessionRequest,
        response: { status: 307, headers: { location: 'https://api.rapidly.tech/api/customer-sessions/' } },
      },
    ],
    result: { error: { code: 'PROVIDER_CONTRACT_BROKEN', outcome: 'UNCERTAIN' } },
  },
  {
    name: 'A customer is created with our marker, which is not returned in its metadata.',
    evidence: 'openapi CustomerCreate; src S/customers/customer',
    call: {
      method: 'createCustomer',
      argument: {
        email: 'a@b.co',
        name: 'John Doe',
        type: 'TEAM',
        metadata: { plan: 'pro', seats: 3 },
        billingAddress: { country: 'SE', line1: 'Street 1', postalCode: '111 22', city: 'Stockholm' },
      },
      call: { reference: REFERENCE, externalId: 'usr_1337' },
    },
    exchanges: [
      {
        request: {
          method: 'POST',
          path: '/api/customers/',
          json: {
            email: 'a@b.co',
            external_id: 'usr_1337',
            name: 'John Doe',
            type: 'team',
            metadata: { plan: 'pro', seats: 3, sessiongraph_reference: REFERENCE },
            billing_address: { country: 'SE', line1: 'Street 1', postal_code: '111 22', city: 'Stockholm' },
          },
        },
        response: {
          status: 201,
          body: {
            ...CUSTOMER,
            type: 'team',
            metadata: { plan: 'pro', seats: 3, sessiongraph_reference: REFERENCE },
            billing_address: {
              country: 'SE',
              line1: 'Street 1',
              line2: null,
              postal_code: '111 22',
              city: 'Stockholm',
              state: null,
            },
            members: [OWNER],
          },
        },
      },
    ],
    result: {
      value: {
        providerId: CUSTOMER_ID,
        externalId: 'usr_1337',
        metadata: { plan: 'pro', seats: 3 },
        details: { type: 'TEAM', billingAddress: { country: 'SE', postalCode: '111 22', state: null } },
      },
    },
  },
  {
    name: 'A customer whose e-mail address is taken is rejected.',
    evidence: 'src S/customers/customer/actions.py',
    call: createCustomer,
    exchanges: [
      {
        request: customerRequest,
        response: {
          status: 422,
          body: {
            error: 'RequestValidationError',
            detail: [
              fault('value_error', ['body', 'email'], 'A customer with this email address already exists.', 'a@b.co'),
            ],
          },
        },
      },
    ],
    result: { error: { code: 'PROVIDER_REJECTED', providerCode: 'RequestValidationError', outcome: 'REFUSED' } },
  },
  {
    name: 'A customer is read with every nullable field null.',
    evidence: 'openapi CustomerWithMembers',
    call: getCustomer,
    exchanges: [
      {
        request: getRequest,
        response: { status: 200, body: { ...CUSTOMER, type: null, name: null, external_id: null, members: [] } },
      },
    ],
    result: {
      value: {
        externalId: null,
        name: null,
        email: 'a@b.co',
        updatedAt: new Date('2026-06-17T09:00:00.123Z'),
        details: {
          emailVerified: false,
          type: null,
          workspaceId: WORKSPACE_ID,
          avatarUrl: AVATAR_URL,
          billingAddress: null,
          deletedAt: null,
        },
      },
    },
  },
  {
    name: 'An unknown customer is not found.',
    evidence: 'openapi ResourceNotFound',
    call: getCustomer,
    exchanges: [
      { request: getRequest, response: { status: 404, body: { error: 'ResourceNotFound', detail: 'Not found' } } },
    ],
    result: { error: { code: 'NOT_FOUND' } },
  },
  {
    name: 'The customers with an e-mail address are listed.',
    evidence: 'openapi PaginatedList[CustomerWithMembers]',
    call: { method: 'listCustomers', argument: { limit: 1, cursor: '2', email: 'a@b.co' } },
    exchanges: [
      {
        request: { method: 'GET', path: '/api/customers/?limit=1&page=2&email=a%40b.co' },
        response: {
          status: 200,
          body: { data: [{ ...CUSTOMER, members: [OWNER] }], meta: { total: 3, page: 2, per_page: 1, pages: 3 } },
        },
      },
    ],
    result: { value: { items: [{ providerId: CUSTOMER_ID }], nextCursor: '3' } },
  },
  {
    name: 'A page past the end is empty and the last.',
    evidence: 'src S/core/pagination',
    call: { method: 'listCustomers', argument: { cursor: '9' } },
    exchanges: [
      {
        request: { method: 'GET', path: '/api/customers/?page=9' },
        response: { status: 200, body: { data: [], meta: { total: 0, page: 9, per_page: 10, pages: 0 } } },
      },
    ],
    result: { value: { items: [], nextCursor: null } },
  },
]

function fault(type: string, loc: readonly (string | number)[], msg: string, input: unknown) {
  return { type, loc, msg, input }
}

function refused(name: string, evidence: string, body: object): Fixture {
  const response = { status: 422, body: { error: 'RequestValidationError', ...body } }
  const error: FixtureError = {
    code: 'PROVIDER_REJECTED',
    providerCode: 'RequestValidationError',
    outcome: 'REFUSED',
  }
  return {
    name,
    evidence,
    call: createSession,
    exchanges: [{ request: sessionRequest, response }],
    result: { error },
  }
}

function failing(name: string, status: number, error: string, code: string): Fixture {
  return {
    name,
    evidence: 'src S/exception_handlers.py, S/errors',
    call: createSession,
    exchanges: [{ request: sessionRequest, response: { status, body: { error, detail: 'A message of Rapidly.' } } }],
    result: {
      error: {
        code,
        ...(code === 'PROVIDER_REJECTED' && { providerCode: error }),
        outcome: status === 500 ? 'UNCERTAIN' : 'REFUSED',
      },
    },
  }
}
