import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { pruneOperations } from '../../db/repositories/operation-repository.ts'
import { type Instances, SLOW_START_MS, startInstances } from '../harness/app/instances.ts'
import type { TestApp } from '../harness/app/test-app.ts'
import { create, newKey } from '../harness/clients/reads.ts'
import { SESSION_INPUTS } from '../harness/documents/session-inputs.ts'
import {
  deliver,
  fromKayle,
  fromYorlet,
  openEndpoint,
  post,
  type WebhookTarget,
} from '../harness/providers/deliveries.ts'
import { createKayleSession } from '../harness/providers/kayle-session.ts'

/** Instances on one database, one of which cannot do what the other can, or does the same at the same moment. */

const MINUTE = 60_000

let at = Date.now()
const now = () => new Date(at)

describe.each([
  ['has no account', { lacks: ['KAYLE'] as const }],
  ['has wrong credentials', { env: { KAYLE_API_KEY: 'sk_wrong' } }],
])('an instance that %s leaves to other instances', (_, unable) => {
  let instances: Instances
  let endpoint: WebhookTarget
  let made = 0

  beforeAll(async () => {
    instances = await startInstances(
      ['KAYLE'],
      [
        { now, ...unable },
        { now, env: { POLLS_PER_MINUTE: '1000' } },
      ],
    )
    endpoint = await openEndpoint(instances.at(1), 'KAYLE')
  }, SLOW_START_MS)
  afterAll(() => instances.close())
  beforeEach(() => {
    // Everything that an instance gave up or leased is available again.
    at += 10 * MINUTE
    instances.provider('KAYLE').policy.behave()
  })

  const kayle = () => instances.provider('KAYLE')
  const session = () => createKayleSession(instances.at(1), `user-${++made}`)
  const statusOf = async (id: string) =>
    (await instances.at(1).execute('query ($id: ID!) { session(by: { id: $id }) { status } }', { id })).data.session
      .status

  test('the polls of its sessions, all of which are made', async () => {
    const sessions = [await session(), await session(), await session()]
    for (const { providerId } of sessions) await kayle().sandbox.advance({ id: providerId, to: 'cancelled' })
    at += MINUTE
    await instances.at(0).services.polling.run()
    const rows = await instances.at(1).db.sql.selectFrom('sessions').select(['next_poll_at', 'polls']).execute()
    expect(rows.filter(({ next_poll_at }) => next_poll_at === null)).toEqual([])
    // The budget belongs to the account, so the calls of the first instance count.
    at += MINUTE
    await instances.at(1).services.polling.run()

    for (const { id } of sessions) expect(await statusOf(id)).toBe('CANCELED')
  })

  test('webhook deliveries, however often it polls', async () => {
    const { id, providerId } = await session()
    await kayle().sandbox.advance({ id: providerId, to: 'cancelled' })
    // The first attempt of the other instance fails.
    kayle().policy.behave(() => ({ status: 500, text: '{}' }))
    const event = { type: 'verification.session.cancelled', sessionId: providerId }
    await deliver(instances.at(1), endpoint, await fromKayle(endpoint, event, now()))
    await instances.at(1).services.webhookInbox.applyDue()
    kayle().policy.behave()
    at += 10_000
    for (let variant = 0; variant < 5; variant++) await instances.at(0).services.webhookInbox.applyDue()
    at += 10_000
    await instances.at(1).services.webhookInbox.applyDue()

    expect(await statusOf(id)).toBe('CANCELED')
    const rows = await instances.at(1).db.sql.selectFrom('deliveries').select(['state', 'attempts']).execute()
    expect(rows.at(-1)?.state).toBe('APPLIED')
    expect(rows.at(-1)?.attempts).toBeLessThanOrEqual(3)
  })

  test('its creates of unknown outcome', async () => {
    kayle().policy.behave(({ method }) => (method === 'POST' ? 'RESET' : 'PASS'))
    const key = newKey()
    await create(instances.at(1), { recordType: 'session', input: { kayle: {} } }, key)
    kayle().policy.behave()
    at += 5 * MINUTE
    await instances.at(0).services.createReconciler.run()
    const query = 'query ($key: String!) { operation(by: { idempotencyKey: $key }) { state } }'
    const stateAt = async (app: TestApp) => (await app.execute(query, { key })).data.operation.state
    expect(await stateAt(instances.at(1))).toBe('UNKNOWN')
    // By then the object at the provider has expired.
    at += 75 * MINUTE
    await instances.at(1).services.createReconciler.run()

    expect(await stateAt(instances.at(1))).toBe('FAILED')
  })
})

describe('of two events about a session that cannot be read', () => {
  let instances: Instances
  let endpoint: WebhookTarget

  beforeAll(async () => {
    at = Date.now()
    instances = await startInstances(['YORLET'], [{ now }, { now }])
    endpoint = await openEndpoint(instances.at(0), 'YORLET')
  }, SLOW_START_MS)
  afterAll(() => instances.close())

  interface ReportedOutcome {
    readonly place: number
    readonly status: string
    /** The time of the event in seconds from now, and of its arrival in milliseconds from now. */
    readonly happened: number
    readonly comes: number
  }

  async function deliverNotice(
    providerId: string,
    { place, status, happened, comes }: ReportedOutcome,
    began: number,
  ): Promise<void> {
    at = began + comes
    const created = Math.floor(began / 1000) + happened
    const object = { ...APPLICATION, id: providerId, object: 'application_session', created, status }
    const event = {
      id: `evt_${randomUUID().replaceAll('-', '')}`,
      object: 'event',
      type: 'application_session.updated',
    }
    await deliver(
      instances.at(place),
      endpoint,
      fromYorlet(endpoint, { ...event, created, data: { object, previous_attributes: null } }),
    )
    await instances.at(place).services.webhookInbox.applyDue()
  }

  const APPLICATION = {
    application: 'app_manvb1x2k9QpLr3T',
    application_status: 'apst_manvb9c4m2WsXy5Z',
    customer: 'cus_lrhplff1u4ZhIPSU',
  }
  const COMPLETE = { place: 0, status: 'complete', happened: 10 }
  const ACTIVE = { place: 1, status: 'active', happened: 5 }

  test.each([
    [
      'arrives later',
      [
        { ...ACTIVE, comes: 0 },
        { ...COMPLETE, comes: 2 },
      ],
    ],
    [
      'arrives earlier',
      [
        { ...COMPLETE, comes: 0 },
        { ...ACTIVE, comes: 2 },
      ],
    ],
    [
      'arrives earlier and is applied later',
      [
        { ...ACTIVE, comes: 2 },
        { ...COMPLETE, comes: 0 },
      ],
    ],
    [
      'arrives at another instance than the one that stored the session',
      [
        { ...ACTIVE, place: 0, comes: 0 },
        { ...COMPLETE, place: 1, comes: 2 },
      ],
    ],
  ])('the later one counts: it %s', async (_, reported) => {
    const session = await make()
    const began = at + MINUTE
    for (const each of reported) await deliverNotice(session, each, began)
    expect(await statusOf(session)).toBe('COMPLETED')
  })

  test('the later one counts, even if another instance applies it at the same moment', async () => {
    for (let round = 0; round < 10; round++) {
      const session = await make()
      const began = at + MINUTE
      await Promise.all([
        deliverNotice(session, { ...COMPLETE, comes: 0 }, began),
        deliverNotice(session, { ...ACTIVE, comes: 2 }, began),
      ])
      expect(await statusOf(session)).toBe('COMPLETED')
    }
  })

  async function make(): Promise<string> {
    const subject = { recordType: 'session', input: SESSION_INPUTS.YORLET } as const
    return (await create(instances.at(0), subject)).data.made.record.providerId
  }

  async function statusOf(providerId: string): Promise<string | undefined> {
    const query = instances.at(0).db.sql.selectFrom('sessions').select('status')
    return (await query.where('provider_id', '=', providerId).executeTakeFirst())?.status
  }
})

test('two instances, one of them unable to poll, share the budget of an account', async () => {
  at = Date.now()
  const POLLS_PER_MINUTE = '10'
  const instances = await startInstances(
    ['KAYLE'],
    [
      { now, env: { POLLS_PER_MINUTE, KAYLE_API_KEY: 'sk_wrong' } },
      { now, env: { POLLS_PER_MINUTE } },
    ],
  )
  for (let n = 0; n < 25; n++) await createKayleSession(instances.at(1), `user-${n}`)
  await instances.at(1).db.sql.updateTable('sessions').set({ next_poll_at: at }).execute()
  const { policy } = instances.provider('KAYLE')
  const calls: number[] = []
  for (let second = 0; second < 125; second++) {
    at += 1_000
    policy.behave()
    // The instance that cannot poll is first.
    await instances.at(0).services.polling.run()
    await instances.at(1).services.polling.run()
    for (const _ of policy.received) calls.push(second)
  }
  await instances.close()

  expect(calls[0]).toBe(0)
  expect(calls.length).toBeGreaterThan(20)
  for (const from of calls)
    expect(calls.filter(second => second >= from && second < from + 60).length).toBeLessThanOrEqual(10)
}, 60_000)

test('an instance without an account has its deliveries sent again, until an instance with the account takes them', async () => {
  at = Date.now()
  const instances = await startInstances(['KAYLE'], [{ now, lacks: ['KAYLE'] }, { now }])
  const endpoint = await openEndpoint(instances.at(1), 'KAYLE')
  const { providerId } = await createKayleSession(instances.at(1), 'user')
  const event = { type: 'verification.session.cancelled', sessionId: providerId }
  const parcel = await fromKayle(endpoint, event, now())

  const refused = await post(instances.at(0), endpoint.path, parcel)
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '5'])
  expect((await post(instances.at(0), `${endpoint.path}x`, parcel)).status).toBe(404)
  expect((await post(instances.at(1), endpoint.path, parcel)).status).toBe(204)

  await instances.at(1).services.webhookEndpoints.remove({ tenantId: 'dev' }, endpoint.path.split('/').at(-1) ?? '')
  expect((await post(instances.at(0), endpoint.path, parcel)).status).toBe(404)
  await instances.close()
})

test('an instance that cannot read sessions leaves their polls to one that can', async () => {
  at = Date.now()
  const reads = { YORLET_UNDOCUMENTED_READS: 'on' }
  const instances = await startInstances(['YORLET'], [{ now }, { now, env: reads }])
  await create(instances.at(1), { recordType: 'session', input: SESSION_INPUTS.YORLET })
  at += MINUTE
  await instances.at(0).services.polling.run()
  instances.provider('YORLET').policy.behave()
  await instances.at(1).services.polling.run()

  const { received } = instances.provider('YORLET').policy
  expect(received.filter(({ method }) => method === 'GET')).toHaveLength(1)
  await instances.close()
})

test('a delivery that is repeated during pruning is stored', async () => {
  at = Date.now()
  const instances = await startInstances(['KAYLE'], [{ now }, { now }])
  const { policy } = instances.provider('KAYLE')
  policy.behave(() => ({ status: 422, text: '{}' }))
  const key = newKey()
  await create(instances.at(0), { recordType: 'session', input: { kayle: {} } }, key)
  const before = new Date(at + MINUTE)
  let pruned: Promise<number> | undefined
  await instances
    .at(0)
    .db.sql.transaction()
    .execute(async trx => {
      await sql`update operations set state = 'SENT' where idempotency_key = ${key}`.execute(trx)
      pruned = pruneOperations(instances.at(1).db, before, 500)
      await new Promise(resolve => setTimeout(resolve, 200))
    })

  expect(await pruned).toBe(0)
  const rows = await instances.at(0).db.sql.selectFrom('operations').select('state').execute()
  expect(rows).toEqual([{ state: 'SENT' }])
  await instances.close()
})
