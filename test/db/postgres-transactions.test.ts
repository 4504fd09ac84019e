import { setTimeout as sleep } from 'node:timers/promises'
import { type RawBuilder, sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { inTransaction } from '../../db/core/database.ts'
import { type Answer, startApp, type TestApp } from '../harness/app/test-app.ts'
import { type Client, withKey } from '../harness/clients/callers.ts'

/** Transactions that wait for the locks of another one leave connections for everybody else. */

const CREATE_CUSTOMER = `mutation ($input: CreateCustomerInput!) {
  createCustomer(input: $input) { ... on CreateCustomerPayload { customer { id } } } }`
const LINK = `mutation ($input: LinkCustomerInput!) {
  linkCustomer(input: $input) { __typename ... on MutationError { code } } }`
const CONNECTIONS = 6
const WAIT_MS = 2_000

let app: TestApp
let other: Client
beforeAll(async () => {
  const settings = { DATABASE_CONNECTIONS: String(CONNECTIONS), DATABASE_CONNECT_MS: String(WAIT_MS) }
  app = await startApp(settings, { jobs: false })
  await app.services.tenants.create({ id: 'other' })
  other = await withKey(app, { tenantId: 'other' })
})
afterAll(() => app.close())

const CREATE_SESSION = `mutation ($input: CreateSessionInput!) {
  createSession(input: $input) { __typename ... on CreateSessionPayload { session { id } } ... on MutationError { code } } }`

async function createCustomer(name: string): Promise<string> {
  const input = { idempotencyKey: name, customer: { rapidly: { email: `${name}@example.com` } } }
  return (await app.execute(CREATE_CUSTOMER, { input })).data.createCustomer.customer.id
}

/** Runs `run` while another transaction holds what `take` locks. */
async function whileLocked<T>(take: RawBuilder<unknown>, run: () => Promise<T>): Promise<T> {
  const [locked, unlocked] = [createGate(), createGate()]
  const blocking = inTransaction(app.db, async trx => {
    await take.execute(trx.sql)
    locked.open()
    await unlocked.opened
  })
  await locked.opened
  try {
    return await run()
  } finally {
    unlocked.open()
    await blocking
  }
}

function createGate() {
  let open = () => {}
  const opened = new Promise<void>(resolve => {
    open = resolve
  })
  return { open, opened }
}

test('a transaction does not wait for a locked record of somebody else that was read meanwhile', async () => {
  const { data } = await app.execute(CREATE_SESSION, { input: { idempotencyKey: 'read', session: { kayle: {} } } })
  const { id } = data.createSession.session
  const customerId = await createCustomer('free')
  const read =
    'query ($id: ID!) { session(by: { id: $id }, freshness: { maxAgeSeconds: 0 }) { sync { stale fetchedAt } } }'
  await app.execute(read, { id })
  const before = await app.db.sql.selectFrom('sessions').select('fetched_at').executeTakeFirstOrThrow()
  await whileLocked(sql`select id from sessions for update`, async () => {
    expect((await app.execute(read, { id })).data.session.sync.stale).toBe(false)
    const since = performance.now()
    const { data } = await app.execute(LINK, { input: { customerId, externalId: 'usr_free' } })
    expect(data.linkCustomer.__typename).toBe('LinkCustomerPayload')
    expect(performance.now() - since).toBeLessThan(WAIT_MS)
  })
  const stored = async () =>
    (await app.db.sql.selectFrom('sessions').select('fetched_at').executeTakeFirstOrThrow()).fetched_at
  await expect.poll(stored).toBeGreaterThan(Number(before.fetched_at))
})

test('creates that name a record and wait for an erasure leave connections for the reads of another tenant', async () => {
  const customerId = await createCustomer('named')
  const create = (at: number) =>
    app.execute(CREATE_SESSION, { input: { idempotencyKey: `named-${at}`, customerId, session: { kayle: {} } } })
  let creates: Promise<unknown>[] = []
  await whileLocked(sql`select pg_advisory_xact_lock(734502118, hashtext('dev'))`, async () => {
    creates = Array.from({ length: 4 * CONNECTIONS }, (_, at) => create(at))
    await sleep(200)
    for (let times = 0; times < 3; times++)
      expect((await other.execute('{ sessions(first: 1) { totalCount } }')).errors).toEqual([])
  })
  await Promise.all(creates)
})

test('of more links of one customer than there are connections, some wait and the others are refused, and another tenant reads meanwhile', async () => {
  const customerId = await createCustomer('locked')
  let links: Promise<Answer>[] = []
  await whileLocked(sql`select id from customers for update`, async () => {
    links = Array.from({ length: 4 * CONNECTIONS }, (_, at) =>
      app.execute(LINK, { input: { customerId, externalId: `user-${at}` } }),
    )
    await sleep(200)
    for (let times = 0; times < 3; times++) {
      expect(await other.execute('{ sessions(first: 1) { totalCount } }')).toMatchObject({
        errors: [],
        data: { sessions: { totalCount: 0 } },
      })
    }
    await sleep(WAIT_MS)
  })
  const results = (await Promise.all(links)).map(({ data, errors }) =>
    errors.length > 0 ? errors[0]?.extensions.code : (data.linkCustomer.code ?? data.linkCustomer.__typename),
  )
  const linked = results.filter(result => result === 'LinkCustomerPayload')
  expect(linked.length).toBe(CONNECTIONS / 2)
  expect(results.filter(result => result === 'OVERLOADED')).toHaveLength(results.length - linked.length)
  expect((await app.execute(LINK, { input: { customerId, externalId: 'at the end' } })).errors).toEqual([])
})
