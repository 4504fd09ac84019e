import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type EncryptedColumn, placeIn } from '../../db/core/columns.ts'
import { countOldValues, reencryptBatch } from '../../db/encryption/rotation.ts'
import { startApp, type TestApp } from '../harness/app/test-app.ts'
import { deliver, fromVerilock } from '../harness/providers/deliveries.ts'

/** Replacing an encryption key keeps everything readable. */

const [OLD, NEW] = ['a1'.repeat(32), 'b2'.repeat(32)]
const folder = mkdtempSync(join(tmpdir(), 'sessiongraph-rotation-'))
const apps: TestApp[] = []

async function start(file: string, keys: string): Promise<TestApp> {
  const env = { DATABASE_URL: `sqlite:${join(folder, file)}`, ENCRYPTION_KEY: keys }
  const app = await startApp(env, { jobs: false })
  apps.push(app)
  return app
}

afterAll(async () => {
  await Promise.all(apps.map(app => app.close()))
  rmSync(folder, { recursive: true, force: true })
})

const CREATE_CUSTOMER = `mutation ($input: CreateCustomerInput!) { createCustomer(input: $input) {
  __typename ... on CreateCustomerPayload { replayed customer { id email name metadata } }
  ... on IdempotencyConflictError { code } } }`
const CREATE_SESSION = `mutation ($input: CreateSessionInput!) { createSession(input: $input) {
  __typename ... on CreateSessionPayload { session { id metadata access { sdkToken hostedUrl } } } } }`
const CUSTOMERS = `query ($email: String, $after: String) { customers(first: 2, after: $after, filter: { email: $email }) {
  nodes { id email } pageInfo { endCursor } } }`
const SESSION = `query ($id: ID!) { node(id: $id) { ... on Session { metadata access { sdkToken hostedUrl } } } }`

async function createCustomer(app: TestApp, email: string, idempotencyKey: string = randomUUID()) {
  const input = { idempotencyKey, customer: { rapidly: { name: 'Ada', email } } }
  return (await app.execute(CREATE_CUSTOMER, { input })).data.createCustomer
}

async function rotate(app: TestApp) {
  return app.services.keyRotation.rotate(() => {})
}

describe('a rotation', () => {
  let before: TestApp
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
    session = (await before.execute(CREATE_SESSION, { input })).data.createSession.session
    cursor = (await before.execute(CUSTOMERS)).data.customers.pageInfo.endCursor
    const { endpoint, secret } = await before.services.webhookEndpoints.add(
      { tenantId: 'dev' },
      { provider: 'VERILOCK' },
    )
    const parcel = fromVerilock({ secret: secret ?? '' }, { event: 'aml.alert', webhook_id: 'wh_rotation', data: {} })
    const path = `/webhooks/verilock/${endpoint.id}`
    expect(await deliver(before, { path }, parcel)).toBe(204)
    await before.services.webhookInbox.applyDue()
  })

  test('lets a server with both keys read, find, paginate and replay what the older key encrypted', async () => {
    const both = await start('whole.db', `${NEW},${OLD}`)
    const found = await both.execute(CUSTOMERS, { email: ' First@rotation.example' })
    expect(found.data.customers.nodes).toEqual([{ id: customers[0]?.id, email: 'first@rotation.example' }])
    expect((await both.execute(CUSTOMERS, { after: cursor })).data.customers.nodes).toHaveLength(2)
    expect(await createCustomer(both, 'first@rotation.example', key)).toMatchObject({ replayed: true })
    expect(await createCustomer(both, 'second@rotation.example', key)).toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED' })
    const read = await both.execute(SESSION, { id: session.id })
    expect(read.data.node).toEqual({ access: session.access, metadata: session.metadata })
    await both.close()
    apps.pop()
  })

  test('leaves nothing under the older key, reports that it can be removed, and changes nothing when it runs again', async () => {
    const both = await start('whole.db', `${NEW},${OLD}`)
    expect((await countOldValues(both.db)).size).toBe(1)
    const result = await rotate(both)
    expect(result).toMatchObject({ unreadable: 0, remaining: new Map() })
    expect(result.rewritten).toBeGreaterThan(7)
    expect(result.dropAfter?.getTime()).toBeGreaterThan(Date.now() + 23 * 3_600_000)
    expect(await rotate(both)).toMatchObject({ rewritten: 0, remaining: new Map() })
    await both.close()
    apps.pop()
  })

  test('leaves everything readable without the older key', async () => {
    const after = await start('whole.db', NEW)
    const all = await after.execute(`{ customers(first: 50) { nodes { id email } } }`)
    expect(all.data.customers.nodes).toEqual(expect.arrayContaining(customers.map(({ id, email }) => ({ id, email }))))
    const found = await after.execute(CUSTOMERS, { email: 'first@rotation.example' })
    expect(found.data.customers.nodes).toHaveLength(1)
    const read = await after.execute(SESSION, { id: session.id })
    expect(read.data.node).toEqual({ access: session.access, metadata: session.metadata })
    const [delivery] = await after.services.webhookEndpoints.deliveries({ tenantId: 'dev' }, 1)
    await after.services.webhookInbox.replay({ tenantId: 'dev' }, delivery?.id ?? '')
    await after.services.webhookInbox.applyDue()
    expect(await after.services.webhookEndpoints.delivery({ tenantId: 'dev' }, delivery?.id ?? '')).toMatchObject({
      state: 'APPLIED',
    })
  })
})

test('an interrupted rotation resumes', async () => {
  const before = await start('broken.db', OLD)
  for (let index = 0; index < 5; index++) await createCustomer(before, `n${index}@rotation.example`)
  await before.execute(CREATE_SESSION, { input: { idempotencyKey: randomUUID(), session: { kayle: {} } } })
  const both = await start('broken.db', `${NEW},${OLD}`)
  const all = [...(await countOldValues(both.db)).values()].reduce((sum, count) => sum + count, 0)
  for await (const { rewritten } of reencryptBatch(both.db)) if (rewritten > 0) break
  const left = [...(await countOldValues(both.db)).values()].reduce((sum, count) => sum + count, 0)
  expect(left).toBeGreaterThan(0)
  expect(left).toBeLessThan(all)
  expect(await rotate(both)).toMatchObject({ unreadable: 0, remaining: new Map() })
})

test('rows that servers write during a rotation are neither lost nor overwritten', async () => {
  const old = await start('busy.db', OLD)
  const server = await start('busy.db', `${NEW},${OLD}`)
  for (let index = 0; index < 10; index++) await createCustomer(old, `n${index}@busy.example`)
  const [results] = await Promise.all([
    rotate(server),
    ...Array.from({ length: 10 }, (_, index) => createCustomer(server, `m${index}@busy.example`)),
  ])
  expect(results.remaining.size).toBe(0)
  const all = await server.execute(`{ customers(first: 50) { nodes { email } } }`)
  expect(all.data.customers.nodes).toHaveLength(20)
  expect(all.data.customers.nodes.map(({ email }: { email: string }) => email)).not.toContain(null)
})

describe('a value that cannot be decrypted', () => {
  test('is null in its record, and its list is complete', async () => {
    const app = await start('damaged.db', OLD)
    for (let index = 0; index < 3; index++) await createCustomer(app, `n${index}@damaged.example`)
    const encrypted = await app.db.sql.selectFrom('customers').select(['id', 'pii_encrypted']).executeTakeFirstOrThrow()
    const changed = {
      pii_encrypted: `${encrypted.pii_encrypted?.slice(0, -4)}AAAA`,
      metadata_encrypted: 'v1.0badc0de.AAAA',
    }
    await app.db.sql.updateTable('customers').set(changed).where('id', '=', encrypted.id).execute()
    const { data, errors } = await app.execute(`{ customers(first: 5) { nodes { id email metadata } } }`)
    expect(errors).toEqual([])
    expect(data.customers.nodes).toHaveLength(3)
    expect(data.customers.nodes.filter(({ email }: { email: string | null }) => email === null)).toHaveLength(1)
    expect(await rotate(app)).toMatchObject({ unreadable: 1 })
  })

  test('is an error of its own field if it is no JSON, and other fields are answered', async () => {
    const app = await start('nonsense.db', OLD)
    for (let index = 0; index < 2; index++) await createCustomer(app, `n${index}@nonsense.example`)
    const customer = await app.db.sql.selectFrom('customers').select('id').executeTakeFirstOrThrow()
    const nonsense = <Table extends 'customers' | 'sessions'>(
      table: Table,
      column: EncryptedColumn<Table>,
      id: string,
    ) => app.db.encryption.encrypt('{', placeIn(table, column, { id, tenantId: 'dev' }))
    await app.db.sql
      .updateTable('customers')
      .set({
        pii_encrypted: nonsense('customers', 'pii_encrypted', customer.id),
        metadata_encrypted: nonsense('customers', 'metadata_encrypted', customer.id),
      })
      .where('id', '=', customer.id)
      .execute()
    const input = { idempotencyKey: randomUUID(), session: { kayle: { redirectUrl: 'https://app.example.com/x' } } }
    const { id } = (await app.execute(CREATE_SESSION, { input })).data.createSession.session
    const session = await app.db.sql.selectFrom('sessions').select('id').executeTakeFirstOrThrow()
    await app.db.sql
      .updateTable('sessions')
      .set({
        metadata_encrypted: nonsense('sessions', 'metadata_encrypted', session.id),
        access_encrypted: nonsense('sessions', 'access_encrypted', session.id),
      })
      .execute()

    const list = await app.execute(`{ customers(first: 5) { nodes { id email metadata } } }`)
    const one = await app.execute(SESSION, { id })
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

  test('makes a webhook wait for its keys instead of being refused as forged', async () => {
    const app = await start('damaged-endpoint.db', OLD)
    const { endpoint, secret } = await app.services.webhookEndpoints.add({ tenantId: 'dev' }, { provider: 'VERILOCK' })
    await app.db.sql.updateTable('webhook_endpoints').set({ keys_encrypted: 'v1.0badc0de.AAAA' }).execute()
    const parcel = fromVerilock({ secret: secret ?? '' }, { event: 'aml.alert', webhook_id: 'wh_damaged', data: {} })
    expect(await deliver(app, { path: `/webhooks/verilock/${endpoint.id}` }, parcel)).toBe(503)
    expect(await app.services.webhookEndpoints.list({ tenantId: 'dev' })).toHaveLength(1)
  })
})

test('a webhook endpoint keeps its URL under another key', async () => {
  const webhooks = { SANDBOX_WEBHOOKS: 'on', DATABASE_URL: `sqlite:${join(folder, 'webhookRoutes.db')}` }
  const paths: (string[] | undefined)[] = []
  for (const ENCRYPTION_KEY of [OLD, `${NEW},${OLD}`, NEW]) {
    const app = await startApp({ ...webhooks, ENCRYPTION_KEY }, { jobs: false })
    await rotate(app)
    paths.push(app.webhookRoutes.map(({ path }) => path))
    await app.close()
  }
  expect(paths[1]).toEqual(paths[0])
  expect(paths[2]).toEqual(paths[0])
})

test('a server with the wrong encryption key does not start, and prints the id of the right key', async () => {
  await start('another-key.db', OLD)
  const refused = await start('another-key.db', NEW).catch(error => error)
  expect(refused.name).toBe('ConfigError')
  expect(refused.message).toMatch(/ENCRYPTION_KEY: Expected the key of this database, whose key id is [0-9a-f]{8}\./)
  expect(refused.message).not.toContain(NEW)
})
