import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { listAudit } from '../../db/repositories/audit-repository.ts'
import { upsertDrift } from '../../db/repositories/drift-repository.ts'
import { listEvents } from '../../db/repositories/event-repository.ts'
import { findOperationByKey } from '../../db/repositories/operation-repository.ts'
import { insertMinutes } from '../../db/repositories/provider-stats-repository.ts'
import { insertDelivery, listDeliveries, saveEndpoint } from '../../db/repositories/webhook-repository.ts'
import { loadConfig, retentionPolicy } from '../../src/app/config.ts'
import { createJobLease, LeaseLostError } from '../../src/jobs/lease.ts'
import { createPrune } from '../../src/jobs/prune.ts'
import { recordAudit } from '../../src/services/access/tenants.ts'
import { startApp, type TestApp } from '../harness/app/test-app.ts'
import { follow } from '../harness/clients/subscriber.ts'

/** The retention of each type of data, and the errors for deleted data. */

const HOUR = 3_600_000
const DAY = 24 * HOUR
const RETENTION = retentionPolicy(loadConfig({}, []).server)
const TENANT = 'dev'

const CREATE = /* GraphQL */ `
  mutation ($key: String!) {
    createSession(
      input: { idempotencyKey: $key, session: { kayle: { redirectUrl: "https://app.example.com/done" } } }
    ) {
      ... on CreateSessionPayload { session { id providerId } }
      ... on MutationError { code }
    }
  }
`
const TIMELINE = /* GraphQL */ `
  query ($id: ID!, $after: String) {
    session(by: { id: $id }, freshness: { maxAgeSeconds: 999999999 }) {
      status
      access { hostedUrl }
      timeline(first: 100, after: $after) { edges { cursor node { __typename } } }
    }
  }
`
const BACK = /* GraphQL */ `
  query ($id: ID!, $before: String) {
    session(by: { id: $id }, freshness: { maxAgeSeconds: 999999999 }) {
      timeline(last: 5, before: $before) { edges { cursor node { __typename } } pageInfo { hasPreviousPage } }
    }
  }
`
const REFRESH = /* GraphQL */ `
  query ($id: ID!) {
    session(by: { id: $id }, freshness: { maxAgeSeconds: 0 }) { status sync { lastError { code message } } }
  }
`
const FOLLOW = 'subscription ($after: String) { sessionsUpdated(after: $after) { cursor } }'

let at: number
let app: TestApp

beforeEach(async () => {
  at = Date.now()
  app = await startApp({}, { jobs: false, now: () => new Date(at) })
})
afterEach(() => app.close())

const now = () => new Date(at)
const newLease = (name = `prune ${randomUUID()}`) => createJobLease(app.db, { name, ms: 60_000, now })
const newPrune = (lease = newLease()) => createPrune({ db: app.db, lease, retention: RETENTION, now })

async function create(key: string): Promise<{ id: string; providerId: string }> {
  return (await app.execute(CREATE, { key })).data.createSession.session
}

async function read(id: string, after?: string) {
  const { data, errors } = await app.execute(TIMELINE, { id, after })
  return { ...data?.session, edges: data?.session?.timeline?.edges, errors }
}

async function readBefore(id: string, before: string) {
  const { data } = await app.execute(BACK, { id, before })
  const { edges, pageInfo } = data.session.timeline
  return { edges, ...pageInfo }
}

const codes = (errors: readonly { extensions: Record<string, unknown> }[]) => errors.map(error => error.extensions.code)

describe('the timeline', () => {
  test('is stored for its retention; an older cursor is CURSOR_EXPIRED, and a newer one misses nothing', async () => {
    const old = await create('old')
    const before = (await read(old.id)).edges
    at += 300 * DAY
    const fresh = await create('fresh')
    const since = (await read(fresh.id)).edges
    expect([before.length, since.length]).toEqual([2, 2])

    const all = await listEvents(app.db, { tenantId: TENANT, after: 0, limit: 100 })
    const stored = all.filter(event => event.at.getTime() > at - DAY)
    expect(stored.length).toBeLessThan(all.length)
    at += 101 * DAY
    expect(await newPrune()()).toBeGreaterThanOrEqual(all.length - stored.length)

    expect(await listEvents(app.db, { tenantId: TENANT, after: 0, limit: 100 })).toEqual(stored)
    const gone = before.map(({ cursor }: { cursor: string }) => cursor)
    for (const { cursor } of (await read(old.id)).edges) expect(gone).not.toContain(cursor)
    expect((await read(fresh.id)).edges.slice(0, 2)).toEqual(since)
    expect(codes((await read(fresh.id, before[0].cursor)).errors)).toEqual(['CURSOR_EXPIRED'])
    // Everything after the last deleted event remains.
    expect((await read(fresh.id, before[1].cursor)).edges.slice(0, 2)).toEqual(since)
    for (const wanted of [{ variables: { after: before[0].cursor } }, { lastEventId: before[0].cursor }]) {
      const [message] = await (await follow(app.url, { query: FOLLOW, ...wanted })).all()
      expect(codes(message?.data.errors)).toEqual(['CURSOR_EXPIRED'])
    }
    // Backward pagination ends at the beginning of the timeline, and so does a page that starts before it.
    expect(await readBefore(fresh.id, since[1].cursor)).toEqual({ edges: since.slice(0, 1), hasPreviousPage: false })
    expect(await readBefore(fresh.id, before[1].cursor)).toEqual({ edges: [], hasPreviousPage: false })
    const stream = await follow(app.url, { query: FOLLOW, lastEventId: before[1].cursor })
    const seen = (await stream.first(stored.length)).map(({ id }) => id)
    expect(seen).toEqual(expect.arrayContaining(since.map(({ cursor }: { cursor: string }) => cursor)))
    await stream.unsubscribe()
  })

  test('of a tenant whose events were all deleted starts at the present', async () => {
    const { id } = await create('gone')
    const [first] = (await read(id)).edges
    at += 500 * DAY
    const last = (await read(id)).edges.at(-1)
    at += 500 * DAY
    await newPrune()()
    expect(await listEvents(app.db, { tenantId: TENANT, after: 0, limit: 100 })).toEqual([])

    expect(codes((await read(id, first.cursor)).errors)).toEqual(['CURSOR_EXPIRED'])
    expect(await read(id, last.cursor)).toMatchObject({ edges: [], errors: [] })
  })
})

describe('links and tokens', () => {
  test('are deleted a day after the end of their session, and not before', async () => {
    const ended = await create('ended')
    const open = await create('open')
    for (const to of ['attempt_started', 'attempt_succeeded']) {
      await app.sandbox('KAYLE').advance({ id: ended.providerId, to })
    }
    at += 1_000
    const { data } = await app.execute(REFRESH, { id: ended.id })
    expect(data.session).toMatchObject({ status: 'COMPLETED', sync: { lastError: null } })
    expect((await read(ended.id)).status).toBe('COMPLETED')
    at += 23 * HOUR
    await newPrune()()
    expect((await read(ended.id)).access).not.toBeNull()

    at += 2 * HOUR
    await newPrune()()

    expect((await read(ended.id)).access).toBeNull()
    expect((await read(open.id)).access).toMatchObject({ hostedUrl: expect.any(String) })
  })
})

describe('creates', () => {
  test('are deleted after their retention once settled, and never before', async () => {
    await create('done')
    await app.sandbox('KAYLE').faults([{ method: 'POST', fault: { kind: 'reset', when: 'after' } }])
    expect((await app.execute(CREATE, { key: 'lost' })).data.createSession).toEqual({ code: 'UNCONFIRMED' })

    at += 29 * DAY
    await newPrune()()
    expect(await findOperationByKey(app.db, TENANT, 'done')).toMatchObject({ state: 'SUCCEEDED' })

    at += 900 * DAY
    await newPrune()()

    expect(await findOperationByKey(app.db, TENANT, 'done')).toBeUndefined()
    expect(await findOperationByKey(app.db, TENANT, 'lost')).toMatchObject({ state: 'UNKNOWN' })
  })
})

describe('the webhook inbox', () => {
  async function deliver(count: number, state: 'STORED' | 'APPLIED' | 'QUARANTINED'): Promise<void> {
    const { id: accountId } = await app.services.accounts.get(TENANT, 'KAYLE')
    const endpoint = {
      id: 'endpoint',
      tenantId: TENANT,
      accountId,
      provider: 'KAYLE',
      secrets: [],
      privateKeys: [],
    } as const
    await saveEndpoint(app.db, { ...endpoint, createdAt: now() })
    for (let made = 0; made < count; made++) {
      await insertDelivery(app.db, {
        id: randomUUID(),
        tenantId: TENANT,
        accountId,
        endpointId: 'endpoint',
        provider: 'KAYLE',
        key: randomUUID(),
        event: null,
        subjectId: null,
        state,
        error: null,
        receivedAt: now(),
        raw: {},
      })
    }
  }
  const states = async () => (await listDeliveries(app.db, TENANT, 5_000)).map(({ state }) => state)

  test('deletes applied and failed deliveries, and none that waits', async () => {
    await deliver(1, 'APPLIED')
    await deliver(1, 'QUARANTINED')
    await deliver(1, 'STORED')
    at += 29 * DAY
    await newPrune()()
    expect((await states()).sort()).toEqual(['APPLIED', 'QUARANTINED', 'STORED'])

    at += 2 * DAY
    await newPrune()()

    expect(await states()).toEqual(['STORED'])
  })

  test('is pruned in batches, however large it is', async () => {
    await deliver(1_203, 'APPLIED')
    at += 31 * DAY

    expect(await newPrune()()).toBe(1_203)
    expect(await states()).toEqual([])
  }, 60_000)

  test('is pruned once an hour, by one of all processes', async () => {
    const [first, second] = [newPrune(newLease('one')), newPrune(newLease('one'))]
    await deliver(3, 'APPLIED')
    at += 31 * DAY
    expect(await first()).toBe(3)

    await deliver(2, 'APPLIED')
    at += 31 * DAY
    expect(await second()).toBe(2)
    await deliver(1, 'APPLIED')
    const hour = at + HOUR
    at += 31 * DAY
    at = hour - 1
    expect([await first(), await second()]).toEqual([0, 0])
  })
})

test('the audit log is kept for its retention', async () => {
  await recordAudit(app.db, { tenantId: TENANT, action: 'key.create', at: now() })
  const entries = async () => (await listAudit(app.db, TENANT, 1_000)).filter(({ action }) => action === 'key.create')
  at += 729 * DAY
  await newPrune()()
  expect(await entries()).toHaveLength(1)
  at += 2 * DAY
  await newPrune()()
  expect(await entries()).toEqual([])
})

describe('provider statistics', () => {
  const EPOCH = new Date(0)

  async function accountOf(provider: 'KAYLE' | 'YORLET') {
    const { id, tenantId } = await app.services.accounts.get(TENANT, provider)
    return { tenantId, accountId: id, provider } as const
  }

  /** The same path in each account, so that no part of the key depends on the age. */
  async function drifts(provider: 'KAYLE' | 'YORLET', paths: readonly string[]): Promise<void> {
    const place = {
      ...(await accountOf(provider)),
      operation: 'getSession',
      grade: 'ABSORBED',
      shape: 'string',
    } as const
    for (const path of paths) await upsertDrift(app.db, { ...place, path, count: 1, firstAt: now(), lastAt: now() })
  }

  const MINUTE = { calls: 1, failures: {}, latencies: new Map([[0, 1]]), circuit: 'CLOSED' } as const
  async function minutes(provider: 'KAYLE' | 'YORLET', instances: readonly string[]): Promise<void> {
    const owner = await accountOf(provider)
    for (let next = 0; next < instances.length; next += 50) {
      const some = instances.slice(next, next + 50)
      await insertMinutes(
        app.db,
        some.map(instance => ({ ...owner, ...MINUTE, id: randomUUID(), at: now(), instance })),
      )
    }
  }

  test('are stored for their retention: drift since it was last seen, calls per minute for a week', async () => {
    await drifts('KAYLE', ['data.old', 'data.again'])
    await minutes('KAYLE', ['one'])
    at += 6 * DAY
    await newPrune()()
    expect(await app.services.providerStats.minutes({ tenantId: TENANT }, EPOCH, 10_000)).toHaveLength(1)
    at += 2 * DAY
    await newPrune()()
    expect(await app.services.providerStats.minutes({ tenantId: TENANT }, EPOCH, 10_000)).toEqual([])

    at += 20 * DAY
    await drifts('KAYLE', ['data.again'])
    await drifts('YORLET', ['data.old'])
    at += 3 * DAY
    await newPrune()()
    const stored = await app.services.providerStats.drift({ tenantId: TENANT }, 10)
    expect(stored.map(({ provider, path }) => `${provider} ${path}`).sort()).toEqual([
      'KAYLE data.again',
      'YORLET data.old',
    ])
  })

  test('are pruned in batches, however large they are', async () => {
    await drifts(
      'KAYLE',
      Array.from({ length: 501 }, (_, n) => `data.${n}`),
    )
    await minutes(
      'KAYLE',
      Array.from({ length: 502 }, (_, n) => `instance ${n}`),
    )
    at += 31 * DAY
    expect(await newPrune()()).toBe(1_003)
    expect(await newPrune()()).toBe(0)
  })

  test('are not pruned by a process without the lease', async () => {
    await drifts('KAYLE', ['data.old'])
    at += 31 * DAY
    const [holder, other] = [newLease('one'), newLease('one')]
    await holder.acquire()
    expect(await newPrune(other)()).toBe(0)
    await app.services.providerStats.flush()
    expect(await app.services.providerStats.drift({ tenantId: TENANT }, 10)).toHaveLength(1)
  })
})

describe('a lease', () => {
  test('belongs to one process until it expires, and then to another', async () => {
    const [first, second] = [newLease('job'), newLease('job')]
    expect(await first.acquire()).toBeDefined()
    expect(await second.acquire()).toBeUndefined()

    at += 59_000
    expect(await second.acquire()).toBeUndefined()
    at += 2_000
    expect(await second.acquire()).toBeDefined()
    expect(await first.acquire()).toBeUndefined()
  })

  test('is held while it is renewed', async () => {
    const [first, second] = [newLease('job'), newLease('job')]
    for (let round = 0; round < 10; round++, at += 40_000) {
      expect(await first.acquire()).toBeDefined()
      expect(await second.acquire()).toBeUndefined()
    }
  })

  test('prevents writes by a process that slept past it', async () => {
    const [sleeper, other] = [newLease('job'), newLease('job')]
    const held = await sleeper.acquire()
    at += 61_000
    await expect(held?.runFenced(async () => 'written')).rejects.toThrow(LeaseLostError)
    const taken = await other.acquire()

    await expect(held?.runFenced(async () => 'written')).rejects.toThrow(LeaseLostError)
    await held?.holdOff(new Date(at + HOUR))
    expect(await taken?.runFenced(async () => 'written')).toBe('written')
    // Even if the other process released it meanwhile, and no process has it.
    await taken?.holdOff(now())
    at += 1
    await expect(held?.runFenced(async () => 'written')).rejects.toThrow(LeaseLostError)
    expect(await sleeper.acquire()).toBeDefined()
  })
})
