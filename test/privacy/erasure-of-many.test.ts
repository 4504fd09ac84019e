import { type RawBuilder, sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { decodeGlobalId } from '../../src/domain/global-id.ts'
import { startApp, type TestApp } from '../harness/app/test-app.ts'
import { DEV } from '../harness/providers/deliveries.ts'

/** A person with more records than one statement has parameters: 32,766 on SQLite, and 65,535 on PostgreSQL. */

const COPIES = 33_000
const COPIES_AT_ONCE = 5_500
const EXTERNAL_ID = 'usr_many'
const CREATE_CUSTOMER = `mutation ($input: CreateCustomerInput!) {
  created: createCustomer(input: $input) { ... on CreateCustomerPayload { record: customer { id } } } }`
const CREATE_SESSION = `mutation ($input: CreateSessionInput!) {
  created: createSession(input: $input) { ... on CreateSessionPayload { record: session { id } } } }`

let app: TestApp
beforeAll(async () => {
  app = await startApp({}, { jobs: false })
})
afterAll(() => app.close())

async function create(mutation: string, input: object): Promise<string> {
  const { data, errors } = await app.execute(mutation, { input })
  expect(errors).toEqual([])
  return decodeGlobalId(data.created.record.id)?.id ?? ''
}

/** Inserts copies of a row, which differ from it in these columns. `n` counts the copies from 1. */
async function copy(
  table: 'customers' | 'sessions',
  id: string,
  changed: Record<string, RawBuilder<unknown>>,
): Promise<void> {
  const row = await app.db.sql.selectFrom(table).selectAll().where('id', '=', id).executeTakeFirstOrThrow()
  const columns = Object.keys(row)
  for (let before = 0; before < COPIES; before += COPIES_AT_ONCE) {
    await sql`
      with recursive numbers (n) as (
        select ${sql.lit(before + 1)} union all select n + 1 from numbers where n < ${sql.lit(before + COPIES_AT_ONCE)})
      insert into ${sql.table(table)} (${sql.join(columns.map(column => sql.ref(column)))})
      select ${sql.join(columns.map(column => changed[column] ?? sql.ref(column)))}
      from ${sql.table(table)} cross join numbers where id = ${id}`.execute(app.db.sql)
  }
}

async function countRows(table: 'customers' | 'operations' | 'sessions'): Promise<number> {
  const query = app.db.sql.selectFrom(table).select(eb => eb.fn.countAll<number | string>().as('count'))
  return Number((await query.executeTakeFirstOrThrow()).count)
}

test('a person with any number of records is erased completely, and no other person is', {
  timeout: 120_000,
}, async () => {
  await create(CREATE_SESSION, { idempotencyKey: 'other', externalId: 'usr_other', session: { kayle: {} } })
  const customer = { rapidly: { email: 'many@example.com' } }
  const customerId = await create(CREATE_CUSTOMER, { idempotencyKey: 'customer', customer })
  const session = { idempotencyKey: 'session', externalId: EXTERNAL_ID, session: { kayle: {} } }
  const sessionId = await create(CREATE_SESSION, session)
  await copy('customers', customerId, { id: sql`'customer-' || n`, provider_id: sql`'at-rapidly-' || n` })
  await copy('sessions', sessionId, {
    id: sql`'session-' || n`,
    provider_id: sql`'at-kayle-' || n`,
    customer_id: sql`'customer-' || n`,
  })
  // Done in the background otherwise.
  if (app.db.engine === 'postgres') await sql`analyze`.execute(app.db.sql)

  const report = await app.services.erasure.erase(DEV, EXTERNAL_ID)

  expect(report).toMatchObject({ sessions: COPIES + 1, customers: COPIES, creates: 1 })
  expect(await countRows('sessions')).toBe(1)
  expect(await countRows('customers')).toBe(1)
  expect(await countRows('operations')).toBe(2)
})
