import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { countOldValues, reseal } from '../db/rotation.ts'
import { deliver, fromVerilock } from './harness/deliveries.ts'
import { type House, startHouse } from './harness/house.ts'

/** One encryption key takes the place of another while everything stays readable. */

const [OLD, NEW] = ['a1'.repeat(32), 'b2'.repeat(32)]
const folder = mkdtempSync(join(tmpdir(), 'sessiongraph-rotation-'))
const houses: House[] = []

async function start(file: string, keys: string): Promise<House> {
  const env = { DATABASE_URL: `sqlite:${join(folder, file)}`, ENCRYPTION_KEY: keys }
  const house = await startHouse(env, { jobs: false })
  houses.push(house)
  return house
}

afterAll(async () => {
  await Promise.all(houses.map(house => house.close()))
  rmSync(folder, { recursive: true, force: true })
})

const CREATE_CUSTOMER = `mutation ($input: CreateCustomerInput!) { createCustomer(input: $input) {
  __typename ... on CreateCustomerPayload { replayed customer { id email name metadata } }
  ... on IdempotencyConflictError { code } } }`
const CREATE_SESSION = `mutation ($input: CreateSessionInput!) { createSession(input: $input) {
  __typename ... on CreateSessionPayload { session { id metadata access { token hostedUrl } } } } }`
const CUSTOMERS = `query ($email: String, $after: String) { customers(first: 2, after: $after, filter: { email: $email }) {
  nodes { id email } pageInfo { endCursor } } }`
const SESSION = `query ($id: ID!) { node(id: $id) { ... on Session { metadata access { token hostedUrl } } } }`

async function createCustomer(house: House, email: string, idempotencyKey: string = randomUUID()) {
  const input = { idempotencyKey, customer: { rapidly: { name: 'Ada', email } } }
  return (await house.ask(CREATE_CUSTOMER, { input })).data.createCustomer
}

async function rotate(house: House) {
  return house.services.rotation.rotate(() => {})
}

describe('a rotation', () => {
  let before: House
  let key: string
  let customers: { id: string; email: string }[]
  let session: { id: string; access: object; metadata: object }
  let cursor: string

  beforeAll(async () => {
    before = await start('whole.db', OLD)
    key = randomUUID()
    const first = await createCustomer(before, 'first@rotation.example', key)
    const others = await Promise.all(
      Array.from({ length: 4 }, (_, index) => createCustomer(before, `other${index}@rotation.example`)),
    )
    customers = [first, ...others].map(({ customer }) => customer)
    const input = { idempotencyKey: randomUUID(), metadata: { shelf: '7' }, session: { kayle: {} } }
    session = (await before.ask(CREATE_SESSION, { input })).data.createSession.session
    cursor = (await before.ask(CUSTOMERS)).data.customers.pageInfo.endCursor
    const { endpoint, secret } = await before.services.endpoints.add({ tenantId: 'dev' }, { provider: 'VERILOCK' })
    const parcel = fromVerilock({ secret: secret ?? '' }, { event: 'aml.alert', webhook_id: 'wh_rotation', data: {} })
    const path = `/webhooks/verilock/${endpoint.id}`
    expect(await deliver(before, { path }, parcel)).toBe(204)
    await before.services.inbox.applyDue()
  })

  test('lets a server with both keys read, find, page and repeat what the older key wrote', async () => {
    const both = await start('whole.db', `${NEW},${OLD}`)
    const found = await both.ask(CUSTOMERS, { email: ' First@rotation.example' })
    expect(found.data.customers.nodes).toEqual([{ id: customers[0]?.id, email: 'first@rotation.example' }])
    expect((await both.ask(CUSTOMERS, { after: cursor })).data.customers.nodes).toHaveLength(2)
    expect(await createCustomer(both, 'first@rotation.example', key)).toMatchObject({ replayed: true })
    expect(await createCustomer(both, 'second@rotation.example', key)).toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED' })
    const read = await both.ask(SESSION, { id: session.id })
    expect(read.data.node).toEqual({ access: session.access, metadata: session.metadata })
    await both.close()
    houses.pop()
  })

  test('leaves nothing under the older key, whose end it tells, and changes nothing when it runs again', async () => {
    const both = await start('whole.db', `${NEW},${OLD}`)
    expect((await countOldValues(both.db)).size).toBe(1)
    const result = await rotate(both)
    expect(result).toMatchObject({ unreadable: 0, left: new Map() })
    expect(result.rewritten).toBeGreaterThan(7)
    expect(result.dropAfter?.getTime()).toBeGreaterThan(Date.now() + 23 * 3_600_000)
    expect(await rotate(both)).toMatchObject({ rewritten: 0, left: new Map() })
    await both.close()
    houses.pop()
  })

  test('opens everything after the older key is gone', async () => {
    const after = await start('whole.db', NEW)
    const all = await after.ask(`{ customers(first: 50) { nodes { id email } } }`)
    expect(all.data.customers.nodes).toEqual(expect.arrayContaining(customers.map(({ id, email }) => ({ id, email }))))
    const found = await after.ask(CUSTOMERS, { email: 'first@rotation.example' })
    expect(found.data.customers.nodes).toHaveLength(1)
    const read = await after.ask(SESSION, { id: session.id })
    expect(read.data.node).toEqual({ access: session.access, metadata: session.metadata })
    const [delivery] = await after.services.endpoints.deliveries({ tenantId: 'dev' }, 1)
    await after.services.inbox.replay({ tenantId: 'dev' }, delivery?.id ?? '')
    await after.services.inbox.applyDue()
    expect(await after.services.endpoints.delivery({ tenantId: 'dev' }, delivery?.id ?? '')).toMatchObject({
      state: 'APPLIED',
    })
  })
})

test('a rotation that was broken off goes on where it was', async () => {
  const before = await start('broken.db', OLD)
  for (let index = 0; index < 5; index++) await createCustomer(before, `n${index}@rotation.example`)
  await before.ask(CREATE_SESSION, { input: { idempotencyKey: randomUUID(), session: { kayle: {} } } })
  const both = await start('broken.db', `${NEW},${OLD}`)
  const all = [...(await countOldValues(both.db)).values()].reduce((sum, count) => sum + count, 0)
  for await (const { rewritten } of reseal(both.db)) if (rewritten > 0) break
  const left = [...(await countOldValues(both.db)).values()].reduce((sum, count) => sum + count, 0)
  expect(left).toBeGreaterThan(0)
  expect(left).toBeLessThan(all)
  expect(await rotate(both)).toMatchObject({ unreadable: 0, left: new Map() })
})

test('rows that running servers write meanwhile are neither lost nor overwritten', async () => {
  const old = await start('busy.db', OLD)
  const server = await start('busy.db', `${NEW},${OLD}`)
  for (let index = 0; index < 10; index++) await createCustomer(old, `n${index}@busy.example`)
  const [results] = await Promise.all([
    rotate(server),
    ...Array.from({ length: 10 }, (_, index) => createCustomer(server, `m${index}@busy.example`)),
  ])
  expect(results.left.size).toBe(0)
  const all = await server.ask(`{ customers(first: 50) { nodes { email } } }`)
  expect(all.data.customers.nodes).toHaveLength(20)
  expect(all.data.customers.nodes.map(({ email }: { email: string }) => email)).not.toContain(null)
})

describe('a value that cannot be opened', () => {
  test('is null in its record, and the list it is in is whole', async () => {
    const house = await start('damaged.db', OLD)
    for (let index = 0; index < 3; index++) await createCustomer(house, `n${index}@damaged.example`)
    const sealed = await house.db.sql.selectFrom('customers').select(['id', 'pii_sealed']).executeTakeFirstOrThrow()
    const changed = { pii_sealed: `${sealed.pii_sealed?.slice(0, -4)}AAAA`, metadata_sealed: 'v1.0badc0de.AAAA' }
    await house.db.sql.updateTable('customers').set(changed).where('id', '=', sealed.id).execute()
    const { data, errors } = await house.ask(`{ customers(first: 5) { nodes { id email metadata } } }`)
    expect(errors).toEqual([])
    expect(data.customers.nodes).toHaveLength(3)
    expect(data.customers.nodes.filter(({ email }: { email: string | null }) => email === null)).toHaveLength(1)
    expect(await rotate(house)).toMatchObject({ unreadable: 1 })
  })

  test('is an error of its own field where it is no JSON, and everything else is answered', async () => {
    const house = await start('nonsense.db', OLD)
    for (let index = 0; index < 2; index++) await createCustomer(house, `n${index}@nonsense.example`)
    const customer = await house.db.sql.selectFrom('customers').select('id').executeTakeFirstOrThrow()
    const nonsense = house.db.vault.seal('{')
    await house.db.sql
      .updateTable('customers')
      .set({ pii_sealed: nonsense, metadata_sealed: nonsense })
      .where('id', '=', customer.id)
      .execute()
    const input = { idempotencyKey: randomUUID(), session: { kayle: { redirectUrl: 'https://app.example.com/x' } } }
    const { id } = (await house.ask(CREATE_SESSION, { input })).data.createSession.session
    await house.db.sql.updateTable('sessions').set({ metadata_sealed: nonsense, access_sealed: nonsense }).execute()

    const list = await house.ask(`{ customers(first: 5) { nodes { id email metadata } } }`)
    const one = await house.ask(SESSION, { id })
    expect(list.data.customers.nodes.map(({ email }: { email: string | null }) => email === null).sort()).toEqual([
      false,
      true,
    ])
    expect(one.data.node).toEqual({ metadata: null, access: null })
    for (const { errors } of [list, one]) {
      expect(errors.map(({ extensions }: { extensions: object }) => extensions)).toMatchObject(
        Array(2).fill({ code: 'INTERNAL_ERROR' }),
      )
    }
  })

  test('makes a webhook wait for its keys instead of being taken for forged', async () => {
    const house = await start('damaged-endpoint.db', OLD)
    const { endpoint, secret } = await house.services.endpoints.add({ tenantId: 'dev' }, { provider: 'VERILOCK' })
    await house.db.sql.updateTable('webhook_endpoints').set({ keys_sealed: 'v1.0badc0de.AAAA' }).execute()
    const parcel = fromVerilock({ secret: secret ?? '' }, { event: 'aml.alert', webhook_id: 'wh_damaged', data: {} })
    expect(await deliver(house, { path: `/webhooks/verilock/${endpoint.id}` }, parcel)).toBe(503)
    expect(await house.services.endpoints.list({ tenantId: 'dev' })).toHaveLength(1)
  })
})

test('the address of a webhook that a provider knows stays the same under another key', async () => {
  const webhooks = { SANDBOX_WEBHOOKS: 'on', DATABASE_URL: `sqlite:${join(folder, 'doors.db')}` }
  const paths: (string[] | undefined)[] = []
  for (const ENCRYPTION_KEY of [OLD, `${NEW},${OLD}`, NEW]) {
    const house = await startHouse({ ...webhooks, ENCRYPTION_KEY }, { jobs: false })
    await rotate(house)
    paths.push(house.doors.map(({ path }) => path))
    await house.close()
  }
  expect(paths[1]).toEqual(paths[0])
  expect(paths[2]).toEqual(paths[0])
})

test('what sessions from before hold in clear is read, and sealed by a rotation', async () => {
  const house = await start('before.db', OLD)
  const redirectUrl = 'https://app.example.com/before'
  const input = { idempotencyKey: randomUUID(), session: { kayle: { redirectUrl } } }
  const { id } = (await house.ask(CREATE_SESSION, { input })).data.createSession.session
  const query = `query ($id: ID!) { node(id: $id) { ... on Session { redirectUrl details { ... on KayleSession { contractVersion } } } } }`
  const before = (await house.ask(query, { id })).data.node
  expect(before).toEqual({ redirectUrl, details: { contractVersion: 1 } })
  const clear = { details: '{"contractVersion":1,"shareFields":[],"failureCode":null}', redirect_url: redirectUrl }
  await house.db.sql
    .updateTable('sessions')
    .set({ ...clear, details_sealed: null, redirect_url_sealed: null })
    .execute()
  expect((await house.ask(query, { id })).data.node).toEqual(before)
  expect(await rotate(house)).toMatchObject({ rewritten: 1 })
  const row = await house.db.sql.selectFrom('sessions').select(['details', 'redirect_url']).executeTakeFirst()
  expect(row).toEqual({ details: '{}', redirect_url: null })
  expect((await house.ask(query, { id })).data.node).toEqual(before)
})

test('a server whose key opens nothing of its database does not start, and says which key it was', async () => {
  await start('another-key.db', OLD)
  const refused = await start('another-key.db', NEW).catch(error => error)
  expect(refused.name).toBe('ConfigError')
  expect(refused.message).toMatch(/ENCRYPTION_KEY: It does not open this database, whose key is [0-9a-f]{8}\./)
  expect(refused.message).not.toContain(NEW)
})
