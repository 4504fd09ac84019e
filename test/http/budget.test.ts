import { setTimeout } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { encodeGlobalId } from '../../src/domain/global-id.ts'
import { createRateLimiters } from '../../src/redis/redis-rate-limiter.ts'
import { API_KEY, startApp, type TestApp } from '../harness/app/test-app.ts'
import { withClientToken, withDevelopmentKey, withKey } from '../harness/clients/callers.ts'
import { follow } from '../harness/clients/subscriber.ts'
import { createKayleSession } from '../harness/providers/kayle-session.ts'

/** The budget of a key: reserved by the estimate, charged by what was done, and told in responses. */

/** What an operation costs that the budget of these tests allows often. */
const INTROSPECTION = { text: '{ __schema { queryType { name } } }', cost: 110 }
/** About 150 provider calls, if each record had to be read. */
const LIST = `{ sessions(first: 50) { nodes { attempts { nodes { id } } customer { id } applicant { id } } } }`
const READ_NOW = 'query ($id: ID!) { session(by: { id: $id }, freshness: { maxAgeSeconds: 0 }) { status } }'
const UNKNOWN = Array.from({ length: 100 }, (_, at) => encodeGlobalId('Session', `unknown-${at}`))
const COST_PER_MINUTE = 20_000
const SESSIONS = 20

let app: TestApp
beforeAll(async () => {
  app = await startApp({ COST_PER_MINUTE: String(COST_PER_MINUTE) }, { jobs: false })
  for (let at = 0; at < SESSIONS; at++) await createKayleSession(app, `budget-${at}`)
  // Their attempts are read at the provider once.
  await app.execute(LIST)
})
afterAll(() => app.close())

interface Reported {
  readonly status: number
  readonly cost: { requested: number; actual: number; remaining: number; resetAt: string } | undefined
  readonly policy: string | null
  readonly remaining: number
  readonly data: Record<string, unknown> | undefined
  readonly errorCount: number
}

async function post(
  query: string,
  token: string,
  variables = {},
  headers: Record<string, string> = {},
): Promise<Reported> {
  const response = await fetch(app.url, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      'x-graphql-cost': '1',
      ...headers,
    },
    body: JSON.stringify({ query, variables }),
  })
  const { extensions, data, errors } = (await response.json()) as {
    errors?: unknown[]
    extensions?: { cost: Reported['cost'] }
    data?: Reported['data']
  }
  const remaining = Number(/^"cost";r=(\d+);t=\d+$/.exec(response.headers.get('ratelimit') ?? '')?.[1])
  const policy = response.headers.get('ratelimit-policy')
  return { status: response.status, cost: extensions?.cost, policy, remaining, data, errorCount: errors?.length ?? 0 }
}

/** Operations take both paths through the server: as prepared ones, and through all plugins. */
describe.each([
  ['prepared', {}],
  ['through all plugins', { accept: 'application/json; charset=utf-8' }],
])('an operation that is %s', (name, headers) => {
  test('is charged for what it did, and the rest of its estimate is given back', async () => {
    const { cost: first } = await post(LIST, (await withKey(app)).token, {}, headers)
    const { token } = await withKey(app)
    const actual = first?.actual ?? 0
    expect(actual).toBeGreaterThan(2 * SESSIONS)
    expect(actual).toBeLessThan(6 * SESSIONS)
    for (let times = 1; times <= 3; times++) {
      const { status, cost, remaining, policy } = await post(LIST, token, {}, headers)
      expect([status, policy]).toEqual([200, `"cost";q=${COST_PER_MINUTE};w=60`])
      expect(cost).toMatchObject({ requested: 5_042, actual, remaining: COST_PER_MINUTE - times * actual })
      expect(remaining).toBe(cost?.remaining)
      expect(Math.abs(Date.parse(String(cost?.resetAt)) - Date.now() - 60_000)).toBeLessThan(10_000)
    }
  })

  test('is charged for the rows that there are, and not for those that it asked for', async () => {
    const { token } = await withKey(app)
    const empty = LIST.replace('first: 50', 'first: 50, filter: { externalId: "unknown" }')
    for (let times = 1; times <= 3; times++) {
      expect((await post(empty, token, {}, headers)).cost).toMatchObject({ requested: 5_042, actual: 12 })
    }
    const unknown = 'query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Session { customer { id } } } }'
    for (let times = 1; times <= 3; times++) {
      expect((await post(unknown, token, { ids: UNKNOWN }, headers)).cost).toMatchObject({
        requested: 3_172,
        actual: 26,
      })
    }
  })

  test('is charged an eighth of a row for each id without a record', async () => {
    const { token } = await withKey(app)
    const lists = ['a', 'b', 'c', 'd'].map(alias => `${alias}: nodes(ids: $ids) { id }`)
    const { cost } = await post(`query ($ids: [ID!]!) { ${lists.join(' ')} }`, token, { ids: UNKNOWN }, headers)
    expect(cost).toMatchObject({ requested: 518, actual: 74 })
  })

  test('is charged for each provider call', async () => {
    const { id } = await createKayleSession(app, `budget ${name}`)
    const { token } = await withKey(app)
    const fields = [1, 2, 3].map(
      at => `s${at}: session(by: { id: $id }, freshness: { maxAgeSeconds: ${at % 2} }) { status }`,
    )
    await app.sandbox('KAYLE').forget()
    const { cost } = await post(`query ($id: ID!) { ${fields.join(' ')} }`, token, { id }, headers)
    const calls = (await app.sandbox('KAYLE').requests()).length
    expect(cost).toMatchObject({ requested: 101, actual: 12 + 30 * calls })
  })

  test('is not executed if its estimate exceeds what is left, and is charged as a request', async () => {
    const { token } = await withKey(app)
    let last: Reported | undefined
    for (let spent = 0; COST_PER_MINUTE - spent >= 5_042; spent += INTROSPECTION.cost) {
      last = await post(INTROSPECTION.text, token, {}, headers)
    }
    expect(last?.status).toBe(200)
    last = await post(LIST, token, {}, headers)
    expect(last).toMatchObject({ status: 429, cost: undefined })
    const { status, remaining } = await post('{ __typename }', token, {}, headers)
    expect(status, 'what is left can be used').toBe(200)
    expect(remaining).toBeLessThan(5_042)
    expect(remaining).toBeGreaterThan(4_800)
  })
})

test.each(['multipart/mixed', 'multipart/mixed;incrementalSpec=v0.2'])(
  'a response in parts, accepted as %s, is charged for its rows',
  async accept => {
    const { token } = await withKey(app)
    const fields = Array.from({ length: 3 }, (_, at) => `a${at}: timeline(first: 1) { nodes { id } }`).join(' ')
    const query = `{ sessions(first: ${SESSIONS}) { nodes { ${fields} ... @defer { __typename } } } }`
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json', accept }
    const send = async () => {
      const response = await fetch(app.url, { method: 'POST', headers, body: JSON.stringify({ query }) })
      expect(response.headers.get('content-type')).toContain('multipart/mixed')
      await response.text()
      return (await post('{ __typename }', token)).remaining
    }
    const first = await send()
    const costOfRows = SESSIONS * 3 * 2
    expect(first - (await send())).toBeGreaterThan(costOfRows)
  },
)

describe.each([
  ['prepared', {}],
  ['through all plugins', { accept: 'application/json; charset=utf-8' }],
])('of an operation that is %s', (name, headers) => {
  const ROWS = 30
  beforeAll(async () => {
    for (let at = 0; at < ROWS - SESSIONS; at++) await createKayleSession(app, `errors-${name}-${at}`)
  })

  test.each([
    ['each error is charged, also where that is more than its estimate', 20],
    ['more than 750 errors are refused, and charged', 30],
  ])('%s', async (_what, count) => {
    const { token } = await withKey(app)
    const aliases = Array.from({ length: count - 1 }, (_, at) => `a${at}: nextAction(providers: $providers) { kind }`)
    const query = `query ($providers: [Provider!]) { sessions(first: ${ROWS}) { nodes { person { ${aliases.join(' ')} } } } }`
    const { cost, errorCount } = await post(query, token, { providers: Array(21).fill('KAYLE') }, headers)
    const errors = (count - 1) * ROWS
    expect(errorCount).toBe(errors > 750 ? 1 : errors)
    expect(cost?.actual).toBeGreaterThan((errors * 5) / 3)
    expect(cost?.actual).toBeGreaterThan(cost?.requested ?? 0)
    const { remaining } = await post('{ __typename }', token, {}, headers)
    expect(remaining).toBeLessThan(COST_PER_MINUTE - (cost?.actual ?? 0))
  })
})

describe.each(['multipart/mixed', 'multipart/mixed;incrementalSpec=v0.2'])(
  'of a response in parts, accepted as %s,',
  accept => {
    const person = Array.from({ length: 20 }, (_, at) => `a${at}: nextAction(providers: $p) { kind }`).join(' ')
    const rows = `sessions(first: 40) { nodes { person { ${person} } } }`
    test.each([
      ['a later part', `{ __typename ... @defer { ${rows} } }`],
      ['the first part', `{ ${rows} ... @defer { __typename } }`],
    ])('%s with more than 750 errors is refused, and charged for them', async (_what, selected) => {
      const { token } = await withKey(app)
      const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json', accept }
      const variables = { p: Array(21).fill('KAYLE') }
      const body = JSON.stringify({ query: `query ($p: [Provider!]) ${selected}`, variables })
      const response = await fetch(app.url, { method: 'POST', headers, body })
      const text = await response.text()
      expect(text).toContain('at most 750 errors')
      expect(text.match(/"requestId"/g)).toHaveLength(1)
      const { remaining } = await post('{ __typename }', token)
      expect(remaining).toBeLessThan(COST_PER_MINUTE - (800 * 5) / 3)
    })
  },
)

test.each([
  ['prepared', {}],
  ['through all plugins', { accept: 'application/json; charset=utf-8' }],
])(
  'of an operation that is %s, what it costs beside its estimate leaves nothing where less is left',
  async (_name, headers) => {
    const aliases = Array.from({ length: 19 }, (_, at) => `a${at}: nextAction(providers: $providers) { kind }`)
    const query = `query ($providers: [Provider!]) { sessions(first: 20) { nodes { person { ${aliases.join(' ')} } } } }`
    const variables = { providers: Array(21).fill('KAYLE') }
    const { cost } = await post(query, (await withKey(app)).token, variables, headers)
    const { token } = await withKey(app, { costPerMinute: (cost?.requested ?? 0) + 100 })
    const served = await post(query, token, variables, headers)
    expect([served.status, served.errorCount]).toEqual([200, 380])
    const { status, remaining } = await post('{ __typename }', token, {}, headers)
    expect([status, remaining]).toEqual([429, 0])
  },
)

const CREATE_CUSTOMER = `mutation ($input: CreateCustomerInput!) {
  createCustomer(input: $input) { ... on CreateCustomerPayload { customer { id } } } }`
const CREATE_SESSION = `mutation ($input: CreateSessionInput!) {
  createSession(input: $input) { ... on CreateSessionPayload { session { customer { id } } } } }`
const LINK_CUSTOMER = `mutation ($input: LinkCustomerInput!) { linkCustomer(input: $input) { __typename } }`

test.each([
  ['prepared', {}],
  ['through all plugins', { accept: 'application/json; charset=utf-8' }],
])(
  'of an operation that is %s, each four sessions that follow a linked customer are charged beside its estimate',
  async (name, headers) => {
    const { token } = await withKey(app)
    const customer = { rapidly: { email: `${name.length}@example.com` } }
    const created = await app.execute(CREATE_CUSTOMER, { input: { idempotencyKey: `linked-${name}`, customer } })
    const customerId = created.data.createCustomer.customer.id
    const link = (externalId: string | null) =>
      post(LINK_CUSTOMER, token, { input: { customerId, externalId } }, headers)
    await link(null)
    const alone = await link(`linked ${name}`)
    for (let at = 0; at < 80; at++) {
      const session = { idempotencyKey: `linked-${name}-${at}`, customerId, session: { kayle: {} } }
      const { data } = await app.execute(CREATE_SESSION, { input: session })
      expect(data.createSession.session.customer.id).toBe(customerId)
    }
    const linked = await link(null)
    expect([linked.data, linked.cost?.requested]).toEqual([alone.data, alone.cost?.requested])
    expect(linked.cost?.actual).toBe((alone.cost?.actual ?? 0) + 80 / 4 + 80 / 20)
  },
)

test('what is given back after the end of its minute does not enlarge the next one', async () => {
  const limit = createRateLimiters(undefined)({ name: 'window', points: 10, seconds: 1 })
  const takenAtMs = performance.now()
  expect(await limit.consume('key', 10)).toBe(0)
  await setTimeout(1_100)
  await limit.giveBack('key', 9, takenAtMs)
  expect([await limit.consume('key', 10), await limit.consume('key', 1)]).toEqual([0, expect.toSatisfy(ms => ms > 0)])
})

test('what is given back of the last milliseconds of a window does not enlarge the next one', async () => {
  vi.useFakeTimers({ toFake: ['Date', 'performance', 'setTimeout', 'clearTimeout'] })
  const limit = createRateLimiters(undefined)({ name: 'next-window', points: 1_000, seconds: 1 })
  await limit.consume('key', 1)
  await vi.advanceTimersByTimeAsync(997)
  await limit.consume('key', 900)
  const takenAtMs = performance.now()
  await vi.advanceTimersByTimeAsync(5)
  let spent = 1
  expect(await limit.consume('key', 1)).toBe(0)
  await limit.giveBack('key', 899, takenAtMs)
  while ((await limit.consume('key', 1)) === 0) spent++
  expect(spent).toBe(1_000)
  vi.useRealTimers()
})

test('tells a client token its share', async () => {
  const { token } = await withClientToken(app, await withKey(app), { externalId: 'budget-share' })
  const first = await post('{ person(externalId: "budget-share") { id } }', token)
  expect(first).toMatchObject({ policy: '"cost";q=2000;w=60', remaining: 1990, cost: { actual: 10, remaining: 1990 } })
})

test('of a key that has spent its budget, no document is prepared', async () => {
  const own = await startApp({ COST_PER_MINUTE: '1000' }, { jobs: false, prepareAfter: 1 })
  const send = async (query: string, token: string) => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
    const response = await fetch(own.url, { method: 'POST', headers, body: JSON.stringify({ query }) })
    return { status: response.status, remaining: /r=(\d+)/.exec(response.headers.get('ratelimit') ?? '')?.[1] }
  }
  const spent = await withKey(own, { costPerMinute: 100 })
  while ((await send('{ __typename }', spent.token)).status === 200);
  const document = '{ sessions(first: 1) { nodes { providerStatus } } }'
  for (let times = 0; times < 10; times++) expect((await send(document, spent.token)).status).toBe(429)
  const other = await withKey(own)
  const costOfNewDocument = 31
  for (const times of [1, 2]) {
    const remaining = 1_000 - costOfNewDocument - 12 * times
    expect(await send(document, other.token)).toEqual({ status: 200, remaining: String(remaining) })
  }
  await own.close()
})

test('tells nothing in the result unless the header requests it', async () => {
  const response = await fetch(app.url, {
    method: 'POST',
    headers: { authorization: `Bearer ${API_KEY}`, 'content-type': 'application/json' },
    body: '{"query":"{ __typename }"}',
  })
  expect(await response.json()).toEqual({ data: { __typename: 'Query' } })
  expect(response.headers.get('ratelimit')).toBeTruthy()
})

test('the console has its own budget, whatever the operations of its key have spent', async () => {
  const tight = await startApp({ COST_PER_MINUTE: '20' }, { jobs: false })
  for (let times = 0; times < 3; times++) await tight.execute('{ __typename }')
  const headers = { authorization: `Bearer ${API_KEY}` }
  const response = await fetch(tight.url.replace('/graphql', '/console/api/overview'), { headers })
  expect(response.status).not.toBe(429)
  expect((await tight.execute('{ __typename }')).errors[0]?.extensions.code).toBe('RATE_LIMITED')
  await tight.close()
})

test('an event of a stream is charged for what it selects', async () => {
  const { id, providerId } = await createKayleSession(app, 'budget-stream')
  const key = await withKey(app)
  const query = `subscription ($id: ID!) { sessionUpdated(id: $id) { session { attempts { nodes { id } } customer { id } } } }`
  const subscriber = await follow(app.url, { query, variables: { id }, token: key.token })
  await expect.poll(() => app.streams.count()).toBe(1)
  await app.sandbox('KAYLE').advance({ id: providerId, to: 'attempt_started' })
  await withDevelopmentKey(app).execute(READ_NOW, { id })
  await subscriber.first(2)
  await subscriber.unsubscribe()
  const { remaining } = await post('{ __typename }', key.token)
  expect(remaining).toBeGreaterThanOrEqual(COST_PER_MINUTE - 300)
})

test('an app that opens 50 screens of 20 sessions a second does not meet the default', async () => {
  const ordinary = await startApp({ COST_PER_MINUTE: undefined }, { jobs: false })
  const screen =
    '{ sessions(first: 20) { nodes { id status attempts { nodes { id status } } customer { id } applicant { id } } } }'
  const headers = { authorization: `Bearer ${API_KEY}`, 'content-type': 'application/json', 'x-graphql-cost': '1' }
  const response = await fetch(ordinary.url, { method: 'POST', headers, body: JSON.stringify({ query: screen }) })
  const { extensions } = (await response.json()) as { extensions: { cost: { actual: number; remaining: number } } }
  expect(extensions.cost.actual * 50 * 60).toBeLessThanOrEqual(3_000_000)
  expect(extensions.cost.remaining).toBeGreaterThan(2_999_000)
  await ordinary.close()
})
