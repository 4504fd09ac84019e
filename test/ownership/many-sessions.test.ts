import { afterAll, beforeAll, expect, test } from 'vitest'
import { startApp, type TestApp } from '../harness/app/test-app.ts'

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
  const create = (at: number) =>
    app.execute(CREATE_SESSION, { input: { idempotencyKey: `many-${at}`, customerId, session: { kayle: {} } } })
  for (let at = 0; at < SESSIONS; at += 20)
    await Promise.all(Array.from({ length: 20 }, (_, next) => create(at + next)))

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
