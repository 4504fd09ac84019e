import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ProviderClient } from '../../src/providers/contract.ts'
import { rapidly } from '../../src/providers/rapidly/index.ts'
import { customerInput, sessionInput } from '../../src/providers/rapidly/input.ts'
import { sandbox } from '../../src/providers/rapidly/sandbox.ts'
import { READ_ONLY_KEY } from '../../src/providers/rapidly/sandbox-errors.ts'
import { type RunningSandbox, startSandbox } from '../../src/sandbox/server.ts'
import { DEFAULT_LIMITS } from '../../src/upstream/limits.ts'
import { createUpstream, type Upstream } from '../../src/upstream/upstream.ts'
import { memorySecrets } from '../harness/secrets.ts'

const UNKNOWN_ID = '992fae2a-2a17-4b7a-8d9e-e287cf90131b'

let running: RunningSandbox
const upstreams: Upstream[] = []

beforeAll(async () => {
  running = await startSandbox(sandbox, { port: 0 })
})

afterAll(async () => {
  await Promise.all(upstreams.map(upstream => upstream.close()))
  await running.close()
})

function connect(apiKey = sandbox.credentials.apiKey, now = () => new Date()): Required<ProviderClient> {
  const settings = rapidly.settings.parse({ baseUrl: running.baseUrl, apiKey })
  const upstream = createUpstream({
    provider: 'RAPIDLY',
    baseUrl: settings.baseUrl,
    ...DEFAULT_LIMITS,
    readRejection: rapidly.readRejection,
  })
  upstreams.push(upstream)
  return rapidly.connect({ settings, upstream, secrets: memorySecrets(), now }) as Required<ProviderClient>
}

const call = { reference: 'sg_reference_1', idempotencyKey: 'try-1' }
const usr1337 = { customer: { customerExternalId: 'usr_1337' } }

interface Exchanged {
  readonly status: number
  readonly headers: Headers
  readonly json: Record<string, unknown>
}

async function request(method: string, path: string, body?: unknown, headers: object = {}): Promise<Exchanged> {
  const response = await fetch(running.baseUrl + path, {
    method,
    redirect: 'manual',
    headers: {
      authorization: `Bearer ${sandbox.credentials.apiKey}`,
      'content-type': 'application/json',
      ...headers,
    },
    body: body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body),
  })
  const text = await response.text()
  return { status: response.status, headers: response.headers, json: text ? JSON.parse(text) : {} }
}

async function advance(id: string, to: string): Promise<number> {
  const body = JSON.stringify({ id, to })
  return (await fetch(`${running.origin}/_sandbox/advance`, { method: 'POST', body })).status
}

describe('sessions', () => {
  test('a session is created by external id, with its secrets and its customer', async () => {
    const session = await connect().createSession({ ...usr1337, redirectUrl: 'https://example.com' }, call)
    expect(session).toMatchObject({
      status: 'IN_PROGRESS',
      derived: true,
      outcome: 'NOT_APPLICABLE',
      providerStatus: null,
      redirectUrl: 'https://example.com/',
      access: { sdkToken: expect.stringMatching(/^rapidly_cst_[\w-]{48}$/), cancelToken: null },
      customer: { snapshot: { externalId: 'usr_1337', email: 'john.doe@example.com', name: 'John Doe' } },
    })
    expect(session.access?.hostedUrl).toContain(`${running.origin}/hosted/${session.providerId}/`)
    expect(session.access?.hostedUrl).toContain(`customer_session_token=${session.access?.sdkToken}`)
    expect(Number(session.expiresAt) - Number(session.createdAt)).toBeCloseTo(3_600_000, -2)
    expect(rapidly.details.session.parse(session.details)).toEqual(session.details)
  })

  test('a customer named by our id is sent as its provider id', async () => {
    const client = connect()
    const [customer] = (await client.listCustomers({ email: 'JANE.roe@example.com' }, {})).items
    const customerProviderId = customer?.providerId ?? ''
    const session = await client.createSession({ customer: { customerId: 'ours' } }, { ...call, customerProviderId })
    expect(session.customer?.providerId).toBe(customerProviderId)
    expect(session.customer?.snapshot?.metadata).toEqual({ plan: 'pro' })
  })

  test('a session past its hour is expired', async () => {
    const later = () => new Date(Date.now() + 3_601_000)
    const session = await connect(undefined, later).createSession(usr1337, call)
    expect(session).toMatchObject({ status: 'EXPIRED', derived: true, outcome: 'NOT_APPLICABLE' })
  })

  test('an unknown customer is a rejection that names the field of our input', async () => {
    const input = { customer: { customerProviderId: UNKNOWN_ID } }
    await expect(connect().createSession(input, call)).rejects.toMatchObject({
      code: 'PROVIDER_REJECTED',
      outcome: 'REFUSED',
      providerCode: 'RequestValidationError',
      issues: [{ path: ['customer_id'], message: 'Expected a value that Rapidly accepts.' }],
    })
  })

  test('of two ids the external one takes precedence', async () => {
    const answer = await request('POST', '/customer-sessions/', {
      customer_id: UNKNOWN_ID,
      customer_external_id: 'usr_1338',
    })
    expect(answer).toMatchObject({ status: 201, json: { customer: { external_id: 'usr_1338', type: 'team' } } })
  })

  test('invalid input is refused by client and sandbox, and reported once', async () => {
    const answer = await request('POST', '/customer-sessions/', {
      customer_id: '00000000-0000-1000-8000-000000000000',
      return_url: 'ftp://a',
    })
    const detail = (answer.json.detail as { type: string; loc: string[] }[]).map(({ type, loc }) => [type, ...loc])
    expect(detail).toEqual([
      ['url_scheme', 'body', 'CustomerSessionCustomerIDCreate', 'return_url'],
      ['uuid_version', 'body', 'CustomerSessionCustomerIDCreate', 'customer_id'],
      ['url_scheme', 'body', 'CustomerSessionCustomerExternalIDCreate', 'return_url'],
      ['missing', 'body', 'CustomerSessionCustomerExternalIDCreate', 'external_customer_id'],
    ])
    expect(rapidly.readRejection(422, answer.json)?.issues?.map(({ path }) => path)).toEqual([
      ['return_url'],
      ['customer_id'],
    ])
  })

  test('a session cannot be read', async () => {
    expect(connect()).not.toHaveProperty('getSession')
    expect((await request('GET', '/customer-sessions/')).status).toBe(405)
    expect((await request('GET', `/customer-sessions/${UNKNOWN_ID}`)).status).toBe(404)
  })

  test('a session can be expired, and has no other step', async () => {
    const { providerId } = await connect().createSession(usr1337, call)
    expect(await advance(providerId, 'expired')).toBe(200)
    expect(await advance(providerId, 'completed')).toBe(400)
    expect(await advance(UNKNOWN_ID, 'expired')).toBe(400)
  })
})

describe('customers', () => {
  test('a customer is created and read, and our marker is visible to Rapidly alone', async () => {
    const client = connect()
    const input = {
      email: 'Ada@example.com',
      type: 'TEAM',
      metadata: { plan: 'pro', seats: 3, trial: false },
      billingAddress: { country: 'GB', postalCode: 'E1 6AN' },
    }
    const customer = await client.createCustomer(input, { ...call, externalId: 'usr_ada' })
    expect(customer).toMatchObject({
      externalId: 'usr_ada',
      email: 'Ada@example.com',
      name: null,
      metadata: input.metadata,
      details: { emailVerified: false, type: 'TEAM', billingAddress: { country: 'GB', postalCode: 'E1 6AN' } },
    })
    expect(customer.metadata).toEqual(input.metadata)
    expect(await client.getCustomer(customer, {})).toEqual(customer)
    expect(rapidly.details.customer?.parse(customer.details)).toEqual(customer.details)
    const raw = await request('GET', '/customers/external/usr_ada')
    expect(raw.json.metadata).toEqual({ ...input.metadata, sessiongraph_reference: call.reference })
    expect(raw.json.members).toMatchObject([{ role: 'owner', email: 'Ada@example.com' }])
    expect(raw.json.created_at).toMatch(/\.\d{6}Z$/)
  })

  test('an e-mail address and an external id are unique', async () => {
    const client = connect()
    await expect(client.createCustomer({ email: 'JOHN.DOE@example.com' }, call)).rejects.toMatchObject({
      code: 'PROVIDER_REJECTED',
      issues: [{ path: ['email'] }],
    })
    const again = client.createCustomer({ email: 'new@example.com' }, { ...call, externalId: 'usr_1337' })
    await expect(again).rejects.toMatchObject({ issues: [{ path: ['external_id'] }] })
  })

  test('an unknown customer is not found', async () => {
    await expect(connect().getCustomer({ providerId: UNKNOWN_ID }, {})).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })

  test('customers are listed page by page, newest first', async () => {
    const client = connect()
    const seen: string[] = []
    let cursor: string | undefined
    do {
      const page = await client.listCustomers({ limit: 1, cursor }, {})
      seen.push(...page.items.map(customer => customer.email ?? ''))
      cursor = page.nextCursor ?? undefined
    } while (cursor)
    expect(seen.slice(-3)).toEqual(['jane.roe@example.com', 'team@example.com', 'john.doe@example.com'])
  })

  test('a limit is capped at 100, a page past the end has no customers, and an invalid one is refused', async () => {
    expect((await request('GET', '/customers/?limit=1000')).json.meta).toMatchObject({ per_page: 100 })
    expect((await request('GET', '/customers/?page=99')).json).toMatchObject({ data: [], meta: { total: 0 } })
    expect((await request('GET', '/customers/?page=0&limit=x')).json).toMatchObject({
      detail: [{ type: 'greater_than', loc: ['query', 'page'] }, { type: 'int_parsing' }],
    })
    expect((await request('GET', '/customers/?metadata[plan]=pro&query=jane')).json.meta).toMatchObject({ total: 1 })
  })

  test('a customer can be changed, but neither its external id nor its type from team to person', async () => {
    const path = '/customers/external/usr_1338'
    const changed = await request('PATCH', path, { name: 'Renamed', type: 'individual' })
    expect(changed).toMatchObject({ status: 200, json: { name: 'Renamed', type: 'team' } })
    expect(changed.json.modified_at).not.toBeNull()
    const refused = await request('PATCH', `/customers/${changed.json.id}`, { external_id: 'other' })
    expect(refused).toMatchObject({
      status: 422,
      json: { detail: [{ msg: 'Customer external ID cannot be updated.' }] },
    })
    expect((await request('PATCH', `/customers/${changed.json.id}`, { type: 'individual' })).status).toBe(422)
  })

  test('a deleted customer is gone, and its external id is free again', async () => {
    const client = connect()
    const customer = await client.createCustomer({ email: 'gone@example.com' }, { ...call, externalId: 'usr_gone' })
    expect(await advance(customer.providerId, 'email_verified')).toBe(200)
    expect((await client.getCustomer(customer, {})).details).toMatchObject({ emailVerified: true })
    expect((await request('DELETE', `/customers/${customer.providerId}`)).status).toBe(204)
    await expect(client.getCustomer(customer, {})).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await client.createCustomer({ email: 'gone@example.com' }, { ...call, externalId: 'usr_gone' })
  })
})

describe('the API', () => {
  test('redirects a path without its slash, and keeps its query', async () => {
    const answer = await request('GET', '/customers?limit=1')
    expect(answer.status).toBe(307)
    expect(answer.headers.get('location')).toBe(`${running.baseUrl}/customers/?limit=1`)
    expect((await request('GET', '/nothing')).json).toEqual({ detail: 'Not Found' })
  })

  test('has stub rate-limit headers, and an id on every response', async () => {
    const { headers } = await request('GET', '/nothing')
    expect(headers.get('x-ratelimit-remaining')).toBe('0')
    expect(headers.get('x-request-id')).toBeTruthy()
  })

  test('refuses a missing token, a wrong one and one without the scope with different errors', async () => {
    const none = await request('GET', '/customers/', undefined, { authorization: '' })
    expect(none).toMatchObject({ status: 401, json: { error: 'Unauthorized' } })
    expect(none.headers.get('www-authenticate')).toBe('Bearer realm="rapidly"')
    const wrong = await request('GET', '/customers/', undefined, { authorization: 'Bearer rapidly_oat_wrong' })
    expect(wrong).toMatchObject({ status: 401, json: { error: 'invalid_token' } })
    await expect(connect(READ_ONLY_KEY).createSession(usr1337, call)).rejects.toMatchObject({
      code: 'PROVIDER_AUTH_FAILED',
      status: 403,
    })
    expect((await connect(READ_ONLY_KEY).listCustomers({}, {})).items).not.toHaveLength(0)
  })

  test('refuses an empty, truncated or non-JSON body', async () => {
    const types = async (body: string | undefined, type = 'application/json') => {
      const answer = await request('POST', '/customer-sessions/', body, { 'content-type': type })
      return (answer.json.detail as { type: string }[]).map(fault => fault.type)
    }
    expect(await types(undefined)).toEqual(['missing'])
    expect(await types('{')).toEqual(['json_invalid'])
    expect(await types('{}', 'text/plain')).toEqual(['model_attributes_type', 'model_attributes_type'])
  })

  test('refuses an invalid metadata value for each type that it is not, and reports it once', async () => {
    const answer = await request('POST', '/customers/', { email: 'm@example.com', metadata: { plan: '' } })
    expect(answer.json.detail).toHaveLength(4)
    expect(rapidly.readRejection(422, answer.json)?.issues?.map(({ path }) => path)).toEqual([['metadata', 'plan']])
  })
})

describe('input validation', () => {
  const paths = (result: { error?: { issues: { path: PropertyKey[] }[] } }) =>
    result.error?.issues.map(issue => issue.path.join('.'))

  test('reports every issue of a session at once', () => {
    const input = { customer: { customerProviderId: 'x' }, redirectUrl: 'http://example.com', memberId: 'x' }
    expect(paths(sessionInput.safeParse(input))).toEqual(['customer.customerProviderId', 'redirectUrl', 'memberId'])
    expect(paths(sessionInput.safeParse({ customer: {} }))).toEqual(['customer'])
  })

  test('reports every issue of a customer at once, and reserves our own metadata key', () => {
    const metadata = { empty: '', nested: {}, sessiongraph_reference: 'x', ['k'.repeat(41)]: 1, fine: 'x' }
    const input = { email: 'x', type: 'UNKNOWN', metadata, billingAddress: { country: 'KP' } }
    expect(paths(customerInput.safeParse(input))).toEqual([
      'email',
      'type',
      'metadata.empty',
      'metadata.nested',
      'metadata.sessiongraph_reference',
      `metadata.${'k'.repeat(41)}`,
      'billingAddress.country',
    ])
    const many = Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`key${index}`, index]))
    expect(paths(customerInput.safeParse({ email: 'a@b.co', metadata: many }))).toEqual(['metadata'])
  })
})
