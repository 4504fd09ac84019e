import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { inTransaction } from '../../db/core/database.ts'
import { startApp, type TestApp } from '../harness/app/test-app.ts'
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

test('of more links of one customer than there are connections, some wait and the others are refused, and another tenant reads meanwhile', async () => {
  const customer = { idempotencyKey: 'locked', customer: { rapidly: { email: 'locked@example.com' } } }
  const customerId = (await app.execute(CREATE_CUSTOMER, { input: customer })).data.createCustomer.customer.id
  let unlock = () => {}
  const unlocked = new Promise<void>(resolve => {
    unlock = resolve
  })
  let locked = () => {}
  const whenLocked = new Promise<void>(resolve => {
    locked = resolve
  })
  const blocking = inTransaction(app.db, async trx => {
    await sql`select id from customers for update`.execute(trx.sql)
    locked()
    await unlocked
  })
  await whenLocked
  const links = Array.from({ length: 4 * CONNECTIONS }, (_, at) =>
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
  unlock()
  await blocking
  const results = (await Promise.all(links)).map(({ data, errors }) =>
    errors.length > 0 ? errors[0]?.extensions.code : (data.linkCustomer.code ?? data.linkCustomer.__typename),
  )
  const linked = results.filter(result => result === 'LinkCustomerPayload')
  expect(linked.length).toBe(CONNECTIONS / 2)
  expect(results.filter(result => result === 'OVERLOADED')).toHaveLength(results.length - linked.length)
  expect((await app.execute(LINK, { input: { customerId, externalId: 'at the end' } })).errors).toEqual([])
})
