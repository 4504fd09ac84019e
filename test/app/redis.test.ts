import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis as Client } from 'ioredis'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { loadSandboxes } from '../../src/app/sandboxes.ts'
import { decodeGlobalId } from '../../src/domain/global-id.ts'
import { registry } from '../../src/providers/registry.ts'
import { openRedis, type Redis } from '../../src/redis/redis.ts'
import { createRateLimiters } from '../../src/redis/redis-rate-limiter.ts'
import { startSandboxes } from '../../src/sandbox/start-all.ts'
import { findRedis, NO_REDIS, openRedisLine, type RedisLine } from '../harness/app/redis.ts'
import { controlSandbox, type SandboxControl, startApp, type TestApp } from '../harness/app/test-app.ts'
import { follow } from '../harness/clients/subscriber.ts'
import { timed, until } from '../harness/waiting.ts'

/** Two instances on one database: what they share through Redis, and how they work without it. */

const CREATE = /* GraphQL */ `
  mutation ($key: String!) {
    createSession(input: { idempotencyKey: $key, session: { kayle: {} } }) {
      ... on CreateSessionPayload { session { id providerId } }
      ... on MutationError { code }
    }
  }
`
const READ = /* GraphQL */ `
  query ($id: ID!) { session(by: { id: $id }, freshness: { maxAgeSeconds: 0 }) { id status sync { stale lastError { code } } } }
`
const FOLLOW = 'subscription { sessionsUpdated { cursor session { id } event { __typename } } }'

const redis = await findRedis()
const folder = mkdtempSync(join(tmpdir(), 'sessiongraph-redis-'))
let lines: RedisLine[] = []
let apps: TestApp[] = []
let kayle: SandboxControl
let closeSandbox = async () => {}
let made = 0

beforeEach(context => context.skip(!redis, NO_REDIS))

beforeAll(async () => {
  const [sandbox] = await startSandboxes(await loadSandboxes([registry.KAYLE]), { port: 0, anyPort: true })
  if (!sandbox) throw new Error('There is no sandbox of KAYLE.')
  kayle = controlSandbox(sandbox.origin)
  closeSandbox = () => sandbox.close()
  if (!redis) return
  lines = [await openRedisLine(redis), await openRedisLine(redis)]
  const env = {
    DATABASE_URL: `sqlite:${join(folder, 'shared.db')}`,
    KAYLE_BASE_URL: sandbox.settings.baseUrl,
    KAYLE_API_KEY: String((sandbox.settings as { apiKey?: string }).apiKey),
    SANDBOX: 'off',
    BREAKER_HALF_OPEN_AFTER_MS: '1500',
  }
  apps = await Promise.all(lines.map(({ url }) => startApp({ ...env, REDIS_URL: url }, { jobs: false })))
  await Promise.all(apps.map(app => until(() => app.redis?.isUp === true)))
})
afterEach(async () => {
  await Promise.all(lines.map(line => line.mend()))
  await kayle.clearFaults()
  await Promise.all(apps.map(app => until(() => app.redis?.isUp === true)))
})
afterAll(async () => {
  await Promise.all(apps.map(app => app.close()))
  await Promise.all(lines.map(line => line.close()))
  await closeSandbox()
  rmSync(folder, { recursive: true, force: true })
})

const app = (place: number) => apps[place] as TestApp
const cutAll = () => Promise.all(lines.map(line => line.cut()))

async function create(at: TestApp): Promise<string> {
  const { data } = await at.execute(CREATE, { key: `redis-${made++}` })
  return data.createSession.session.id
}

async function readyz(at: TestApp) {
  const response = await fetch(new URL('/readyz', at.url))
  return { status: response.status, body: await response.json() }
}

const reads = async () => (await kayle.requests()).filter(({ method }) => method === 'GET').length

describe('an event at one instance', () => {
  test('reaches a subscriber at another instance long before its next poll', async () => {
    const stream = await follow(app(1).url, { query: FOLLOW })
    await until(() => app(1).services.eventStream.asleep() > 0)

    const { value: id, ms } = await timed(async () => {
      const id = await create(app(0))
      await stream.first(1)
      return id
    })

    expect(stream.messages[0]?.data.data.sessionsUpdated.session.id).toBe(id)
    expect(ms).toBeLessThan(3_000)
    await stream.unsubscribe()
  })

  test('reaches it without Redis too, once and in order, and again through Redis once it is back', async () => {
    const stream = await follow(app(1).url, { query: FOLLOW })
    const ids: string[] = []
    for (const step of ['with', 'cut', 'without', 'mended', 'with']) {
      if (step === 'cut') await cutAll()
      if (step === 'mended') await Promise.all(lines.map(line => line.mend()))
      ids.push(await create(app(0)))
    }
    await until(() => stream.messages.length >= 2 * ids.length, 15_000)

    const seen = stream.messages.map(({ data }) => data.data.sessionsUpdated)
    expect(seen.map(({ session }) => session.id)).toEqual(ids.flatMap(id => [id, id]))
    expect(new Set(seen.map(({ cursor }) => cursor)).size).toBe(seen.length)
    await stream.unsubscribe()
  })
})

describe('an instance whose Redis', () => {
  test('is unavailable reports it, is ready, and serves', async () => {
    expect(await readyz(app(0))).toEqual({ status: 200, body: { ready: true, database: 'CURRENT', redis: 'UP' } })

    await cutAll()
    await until(() => app(0).redis?.isUp === false)

    expect(await readyz(app(0))).toEqual({ status: 200, body: { ready: true, database: 'CURRENT', redis: 'AWAY' } })
    const id = await create(app(0))
    expect((await app(0).execute(READ, { id })).data.session).toMatchObject({ id, sync: { stale: false } })
  })

  test('hangs is slowed for a moment only, and accumulates no requests', async () => {
    const id = await create(app(0))
    for (const line of lines) line.stall()

    const answers = await Promise.all(Array.from({ length: 50 }, () => timed(() => app(0).execute(READ, { id }))))
    expect(answers.every(({ value }) => value.data.session.sync.stale === false)).toBe(true)
    expect(Math.max(...answers.map(({ ms }) => ms))).toBeLessThan(3_000)

    await until(() => app(0).redis?.isUp === false)
    for (let requests = 0; requests < 100; requests++) await app(0).execute(READ, { id })
    const client = await new Promise<Client | undefined>(
      resolve =>
        void app(0)
          .redis?.send(async c => resolve(c))
          .then(() => resolve(undefined)),
    )
    expect(client).toBeUndefined()
  })

  test('becomes unavailable and comes back logs each change once', async () => {
    const line = await openRedisLine(redis as string)
    const report = vi.fn()
    const own = openRedis({ url: line.url, report })
    await until(() => own.isUp)
    await line.cut()
    await until(() => !own.isUp)
    await new Promise(resolve => setTimeout(resolve, 2_500))
    await line.mend()
    await until(() => own.isUp)

    expect(report.mock.calls).toEqual([[true], [false], [true]])
    await own.close()
    await line.close()
  })

  test('was never available starts', async () => {
    const line = await openRedisLine(redis as string)
    await line.cut()
    const alone = await startApp({ REDIS_URL: line.url }, { jobs: false })

    expect((await alone.execute('{ __typename }')).status).toBe(200)
    await line.mend()
    await until(() => alone.redis?.isUp === true)
    await alone.close()
    await line.close()
  })
})

describe('a rate limit', () => {
  let own: Redis
  beforeEach(() => {
    own = openRedis({ url: lines[0]?.url ?? '', report: () => {} })
  })
  afterEach(() => own?.close())

  test('is counted by all instances together, under a key that does not identify the caller', async () => {
    await until(() => own.isUp)
    const name = `test-${process.pid}-${Date.now()}`
    const [first, second] = [own, app(1).redis].map(redis =>
      createRateLimiters(redis)({ name, points: 3, seconds: 60 }),
    )
    if (!first || !second) throw new Error('Expected two limits.')

    const output = [
      await first.consume('sg_secret_key'),
      await second.consume('sg_secret_key'),
      await first.consume('sg_secret_key'),
      await second.consume('sg_secret_key'),
    ]

    expect(output.slice(0, 3)).toEqual([0, 0, 0])
    expect(output[3]).toBeGreaterThan(0)
    expect(await second.consume('sg_other_key')).toBe(0)
    const client = new Client(redis as string)
    const keys = await client.keys(`*${name}*`)
    expect(keys).toHaveLength(2)
    for (const key of keys) expect(key).toMatch(/^sg:limit:(?!.*secret)/)
    await client.del(...keys)
    client.disconnect()
  })

  test('is counted by each instance alone while Redis is unavailable', async () => {
    await lines[0]?.cut()
    await until(() => !own.isUp)
    const limit = createRateLimiters(own)({ name: 'away', points: 2, seconds: 60 })

    const output = [await limit.consume('key'), await limit.consume('key', 1), await limit.consume('key')]

    expect(output.map(seconds => seconds > 0)).toEqual([false, false, true])
  })
})

describe('a read that two instances request at the same time', () => {
  /** A record that is older than the request allows, but may have been read a moment before. */
  const READ = /* GraphQL */ `
    query ($id: ID!) {
      session(by: { id: $id }, freshness: { maxAgeSeconds: 1 }) { id status sync { stale lastError { code } } }
    }
  `

  async function createOld(): Promise<string> {
    const id = await create(app(0))
    await sleep(1_100)
    return id
  }

  async function readTogether(id: string) {
    await kayle.forget()
    const answers = await Promise.all(apps.map(each => each.execute(READ, { id })))
    return { answers: answers.map(({ data }) => data.session), reads: await reads() }
  }

  test('calls the provider once', async () => {
    const id = await createOld()
    await kayle.faults([{ method: 'GET', fault: { kind: 'latency', ms: 400 } }])

    const { answers, reads } = await readTogether(id)

    expect(reads).toBe(1)
    for (const answer of answers) expect(answer).toMatchObject({ id, sync: { stale: false, lastError: null } })
  })

  test('calls the provider from each instance while Redis is unavailable', async () => {
    const id = await createOld()
    await cutAll()
    await Promise.all(apps.map(each => until(() => each.redis?.isUp === false)))
    await kayle.faults([{ method: 'GET', fault: { kind: 'latency', ms: 400 } }])

    expect((await readTogether(id)).reads).toBe(2)
  })

  test('is made by the other instance if the first one fails', async () => {
    const id = await createOld()
    await kayle.faults([{ method: 'GET', times: 1, fault: { kind: 'status', status: 404 } }])

    const { answers } = await readTogether(id)

    expect(answers.filter(answer => answer?.sync.stale === false).length).toBeGreaterThanOrEqual(1)
  })

  test('is made by each instance that requires a newer result than the other can promise', async () => {
    const id = await create(app(0))
    await kayle.faults([{ method: 'GET', fault: { kind: 'latency', ms: 400 } }])
    await kayle.forget()
    await Promise.all(apps.map(each => each.execute(NOW, { id })))

    expect(await reads()).toBe(2)
  })

  const NOW = READ.replace('maxAgeSeconds: 1', 'maxAgeSeconds: 0')
  const readLock = () => client.keys('sg:turn:*')
  let client: Client
  beforeEach(() => {
    client = new Client(redis as string)
  })
  afterEach(async () => {
    await client.quit()
  })

  test('leaves no read lock behind, whenever its client disconnects', async () => {
    const id = await createOld()
    const [session] = await app(0).services.sessions.findMany({ tenantId: 'dev' }, [decodeGlobalId(id)?.id ?? ''])
    if (!session) throw new Error('The session is missing.')
    await kayle.faults([{ method: 'GET', fault: { kind: 'latency', ms: 300 } }])
    for (let turnsOfLoop = 0; turnsOfLoop < 12; turnsOfLoop++) {
      const disconnect = new AbortController()
      const call = { tenantId: 'dev', signal: disconnect.signal }
      const providerRead = app(0).services.sessions.refresh(call, session, { maxAgeSeconds: 1, onError: 'FAIL' })
      for (let turn = 0; turn < turnsOfLoop; turn++) await new Promise(setImmediate)
      disconnect.abort()
      await expect(providerRead).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' })
    }

    await until(async () => (await readLock()).length === 0, 1_000)
  })

  test('is made by the waiting instance if the read lock is lost', async () => {
    const id = await createOld()
    await kayle.faults([{ method: 'GET', times: 1, fault: { kind: 'latency', ms: 400 } }])
    await kayle.forget()
    const first = app(0).execute(READ, { id })
    await until(async () => (await readLock()).length === 1)
    const second = app(1).execute(READ, { id })
    await sleep(100)
    for (const key of await readLock()) await client.del(key)
    await Promise.all([first, second])

    expect(await reads()).toBe(1)
  })

  test('is not waited for longer than leaves time for a read of its own', async () => {
    const id = await createOld()
    await kayle.faults([{ method: 'GET', times: 1, fault: { kind: 'hang' } }])
    await kayle.forget()
    const first = app(0).execute(READ, { id })
    await until(async () => (await reads()) === 1)
    const { data } = await app(1).execute(READ, { id })

    expect(data.session.sync).toEqual({ stale: false, lastError: null })
    await first
  })
})

describe('a circuit that one instance opens', () => {
  const isOpen = async (at: TestApp) =>
    (await at.services.accounts.get('dev', 'KAYLE')).upstream.health().circuit === 'OPEN'

  async function breakAt(at: TestApp, id: string): Promise<void> {
    await kayle.faults([{ method: 'GET', fault: { kind: 'status', status: 500 } }])
    for (let call = 0; call < 40 && !(await isOpen(at)); call++) await at.execute(READ, { id })
    expect(await isOpen(at)).toBe(true)
  }

  test('is open at the others for as long, and no longer', async () => {
    const id = await create(app(0))
    // A recent success of this instance outweighs the open circuit of another one.
    await new Promise(resolve => setTimeout(resolve, 1_600))
    await breakAt(app(0), id)
    await kayle.forget()

    const { data } = await app(1).execute(READ, { id })

    expect(await reads()).toBe(0)
    expect(data.session.sync).toMatchObject({ stale: true, lastError: { code: 'PROVIDER_UNAVAILABLE' } })
    await kayle.clearFaults()
    await until(async () => (await app(1).execute(READ, { id })).data.session.sync.stale === false)
  })

  test('is ignored by an instance that had a successful call just now', async () => {
    await new Promise(resolve => setTimeout(resolve, 1_600))
    const id = await create(app(0))
    expect((await app(1).execute(READ, { id })).data.session.sync.stale).toBe(false)
    await breakAt(app(0), id)
    await kayle.clearFaults()
    await kayle.forget()

    await app(1).execute(READ, { id })

    expect(await reads()).toBeGreaterThanOrEqual(1)
  })
})

test('the rate limit of a key is counted by all instances together', async () => {
  const requestsPerMinute = 10
  // The request, and a page with a row.
  const env = { REDIS_URL: lines[0]?.url, COST_PER_MINUTE: String(13 * requestsPerMinute) }
  const client = new Client(redis as string)
  const forget = async () => {
    const keys = await client.keys('sg:limit:cost*')
    if (keys.length > 0) await client.del(...keys)
  }
  await forget()
  const pair = await Promise.all([1, 2].map(() => startApp(env, { jobs: false })))
  await Promise.all(pair.map(each => until(() => each.redis?.isUp === true)))
  const statuses: number[] = []
  for (let requests = 0; requests < 2 * requestsPerMinute; requests++) {
    const at = pair[requests % 2] as TestApp
    statuses.push((await at.execute('{ sessions(first: 1) { edges { node { id } } } }')).status)
  }

  expect(statuses).toEqual([...Array(requestsPerMinute).fill(200), ...Array(requestsPerMinute).fill(429)])
  await forget()
  client.disconnect()
  await Promise.all(pair.map(each => each.close()))
})
