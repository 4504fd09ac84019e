import { afterAll, beforeAll, expect, test } from 'vitest'
import { API_KEY, startApp, type TestApp } from '../harness/app/test-app.ts'
import { countTurns } from '../harness/load/turns.ts'

/** A record with more sessions than one statement writes. */

const SESSIONS = 520
const CREATE_CUSTOMER = `mutation ($input: CreateCustomerInput!) {
  createCustomer(input: $input) { ... on CreateCustomerPayload { customer { id } } } }`
const CREATE_SESSION = `mutation ($input: CreateSessionInput!) {
  createSession(input: $input) { ... on CreateSessionPayload { session { id } } } }`
const LINK = `mutation ($input: LinkCustomerInput!) { linkCustomer(input: $input) { __typename } }`
const COUNT = 'query ($externalId: String!) { sessions(filter: { externalId: $externalId }) { totalCount } }'

let app: TestApp
beforeAll(async () => {
  app = await startApp({}, { jobs: false })
})
afterAll(() => app.close())

test('all sessions follow the externalId of their customer, each with one event, in positions without gaps', async () => {
  const customer = { idempotencyKey: 'many', customer: { rapidly: { email: 'many@example.com' } } }
  const customerId = (await app.execute(CREATE_CUSTOMER, { input: customer })).data.createCustomer.customer.id
  await createSessions(customerId, 'many', SESSIONS)

  const { data } = await app.execute(LINK, { input: { customerId, externalId: 'usr_many' } })

  expect(data.linkCustomer.__typename).toBe('LinkCustomerPayload')
  expect((await app.execute(COUNT, { externalId: 'usr_many' })).data.sessions.totalCount).toBe(SESSIONS)
  const selected = app.db.sql.selectFrom('events').select(['position', 'session_id', 'data'])
  const events = await selected.orderBy('position').execute()
  const ofLink = events.slice(-SESSIONS)
  expect(ofLink.every(({ data }) => data.includes('SessionLinksChanged'))).toBe(true)
  expect(new Set(ofLink.map(({ session_id }) => session_id)).size).toBe(SESSIONS)
  const positions = events.map(({ position }) => Number(position))
  expect(positions).toEqual(Array.from({ length: events.length }, (_, at) => at + 1))
})

test('a link that changes nothing reads no sessions, and is charged for none', async () => {
  const customer = { idempotencyKey: 'same', customer: { rapidly: { email: 'same@example.com' } } }
  const customerId = (await app.execute(CREATE_CUSTOMER, { input: customer })).data.createCustomer.customer.id
  await createSessions(customerId, 'same', 80)
  const costs = []
  for (const externalId of ['usr_same', 'usr_same', null, null])
    costs.push(await costOf(LINK, { customerId, externalId }))
  const [first, same, removed, again] = costs as [number, number, number, number]
  expect([first - same, removed - again]).toEqual([80 / 4 + 80 / 20, 80 / 4 + 80 / 20])
  expect(same).toBe(again)
})

test('sessions that a refused link reads are charged', async () => {
  const customer = { idempotencyKey: 'other', customer: { rapidly: { email: 'other@example.com' } } }
  const customerId = (await app.execute(CREATE_CUSTOMER, { input: customer })).data.createCustomer.customer.id
  const none = await costOf(LINK, { customerId, externalId: null })
  await createSessions(customerId, 'other', 80, 'usr_other')
  const refused = await costOf(LINK, { customerId, externalId: 'usr_contradiction' })
  expect(refused - none).toBeGreaterThanOrEqual(80 / 20)
})

test('a session that follows its customer was updated at that time', async () => {
  const customer = { idempotencyKey: 'updated', customer: { rapidly: { email: 'updated@example.com' } } }
  const customerId = (await app.execute(CREATE_CUSTOMER, { input: customer })).data.createCustomer.customer.id
  await createSessions(customerId, 'updated', 1)
  const before = new Date()
  await app.execute(LINK, { input: { customerId, externalId: 'usr_updated' } })
  const updated =
    'query ($after: DateTime!) { sessions(filter: { updatedAfter: $after, externalId: "usr_updated" }) { totalCount } }'
  expect((await app.execute(updated, { after: before.toISOString() })).data.sessions.totalCount).toBe(1)
})

test('other requests run while the sessions of a record follow it', async () => {
  const customer = { idempotencyKey: 'turns', customer: { rapidly: { email: 'turns@example.com' } } }
  const customerId = (await app.execute(CREATE_CUSTOMER, { input: customer })).data.createCustomer.customer.id
  await createSessions(customerId, 'turns', 1)
  await copySessions(3_000)
  const count = countTurns()
  await app.execute(LINK, { input: { customerId, externalId: 'usr_turns' } })
  count.isDone = true
  expect((await app.execute(COUNT, { externalId: 'usr_turns' })).data.sessions.totalCount).toBe(3_001)
  expect(count.turn).toBeGreaterThan(12)
})

test('a record with more than 10,000 sessions keeps its externalId, and the link says why', async () => {
  const customer = { idempotencyKey: 'bounded', customer: { rapidly: { email: 'bounded@example.com' } } }
  const customerId = (await app.execute(CREATE_CUSTOMER, { input: customer })).data.createCustomer.customer.id
  await createSessions(customerId, 'bounded', 1)
  await copySessions(10_000, 'bounded')
  const link = `mutation ($input: LinkCustomerInput!) { linkCustomer(input: $input) {
    __typename ... on InvalidInputError { issues { path message } } } }`
  expect((await app.execute(link, { input: { customerId, externalId: 'usr_bounded' } })).data.linkCustomer).toEqual({
    __typename: 'InvalidInputError',
    issues: [
      {
        path: ['input', 'customerId'],
        message: 'Expected a customer with at most 10000 sessions: an externalId moves all of them along.',
      },
    ],
  })
  expect((await app.execute(COUNT, { externalId: 'usr_bounded' })).data.sessions.totalCount).toBe(0)
})

async function createSessions(customerId: string, name: string, count: number, externalId?: string): Promise<void> {
  const create = (at: number) => {
    const input = { idempotencyKey: `${name}-${at}`, customerId, externalId, session: { kayle: {} } }
    return app.execute(CREATE_SESSION, { input })
  }
  for (let at = 0; at < count; at += 20)
    await Promise.all(Array.from({ length: Math.min(20, count - at) }, (_, next) => create(at + next)))
}

/** Copies the newest session. */
async function copySessions(count: number, name = 'copy'): Promise<void> {
  const newest = app.db.sql.selectFrom('sessions').selectAll().orderBy('id', 'desc').limit(1)
  const row = await newest.executeTakeFirstOrThrow()
  for (let start = 0; start < count; start += 100) {
    const copies = Array.from({ length: 100 }, (_, at) => ({
      ...row,
      id: `${row.id.slice(0, -8)}${String(start + at).padStart(8, '0')}`,
      provider_id: `${name}-${start + at}`,
    }))
    await app.db.sql.insertInto('sessions').values(copies).execute()
  }
}

async function costOf(query: string, input: object): Promise<number> {
  const headers = { authorization: `Bearer ${API_KEY}`, 'content-type': 'application/json', 'x-graphql-cost': '1' }
  const response = await fetch(app.url, {
    method: 'POST',
    headers,
    body: JSON.stringify({ query, variables: { input } }),
  })
  const { extensions } = (await response.json()) as { extensions: { cost: { actual: number } } }
  return extensions.cost.actual
}
