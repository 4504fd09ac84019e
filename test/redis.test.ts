import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis as Client } from 'ioredis'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { registry } from '../src/providers/registry.ts'
import { createLimits } from '../src/redis/limits.ts'
import { openRedis, type Redis } from '../src/redis/redis.ts'
import { startSandboxes } from '../src/sandbox/start-all.ts'
import { loadSandboxes } from '../src/sandboxes.ts'
import { controlSandbox, type House, type SandboxControl, startHouse } from './harness/house.ts'
import { findRedis, NO_REDIS, openRedisLine, type RedisLine } from './harness/redis.ts'
import { follow } from './harness/subscriber.ts'
import { timed, until } from './harness/waiting.ts'

/** Two instances on one database: what they tell each other through Redis, and how they do without it. */

const CREATE = /* GraphQL */ `
  mutation ($key: String!) {
    createSession(input: { idempotencyKey: $key, session: { kayle: {} } }) {
      ... on CreateSessionPayload { session { id providerId } }
      ... on Error { code }
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
let houses: House[] = []
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
  houses = await Promise.all(lines.map(({ url }) => startHouse({ ...env, REDIS_URL: url }, { jobs: false })))
  await Promise.all(houses.map(house => until(() => house.redis?.isUp === true)))
})
afterEach(async () => {
  await Promise.all(lines.map(line => line.mend()))
  await kayle.clearFaults()
  await Promise.all(houses.map(house => until(() => house.redis?.isUp === true)))
})
afterAll(async () => {
  await Promise.all(houses.map(house => house.close()))
  await Promise.all(lines.map(line => line.close()))
  await closeSandbox()
  rmSync(folder, { recursive: true, force: true })
})

const house = (place: number) => houses[place] as House
const cutAll = () => Promise.all(lines.map(line => line.cut()))

async function create(at: House): Promise<string> {
  const { data } = await at.ask(CREATE, { key: `redis-${made++}` })
  return data.createSession.session.id
}

async function readyz(at: House) {
  const response = await fetch(new URL('/readyz', at.url))
  return { status: response.status, body: await response.json() }
}

const reads = async () => (await kayle.requests()).filter(({ method }) => method === 'GET').length

describe('what happens at one instance', () => {
  test('is seen by who follows at another, long before that one would have looked', async () => {
    const stream = await follow(house(1).url, { query: FOLLOW })
    await until(() => house(1).services.live.asleep() > 0)

    const { value: id, ms } = await timed(async () => {
      const id = await create(house(0))
      await stream.first(1)
      return id
    })

    expect(stream.messages[0]?.data.data.sessionsUpdated.session.id).toBe(id)
    expect(ms).toBeLessThan(3_000)
    await stream.leave()
  })

  test('is seen without Redis too, each once and in order, and again with it when it is back', async () => {
    const stream = await follow(house(1).url, { query: FOLLOW })
    const ids: string[] = []
    for (const step of ['with', 'cut', 'without', 'mended', 'with']) {
      if (step === 'cut') await cutAll()
      if (step === 'mended') await Promise.all(lines.map(line => line.mend()))
      ids.push(await create(house(0)))
    }
    await until(() => stream.messages.length >= 2 * ids.length, 15_000)

    const seen = stream.messages.map(({ data }) => data.data.sessionsUpdated)
    expect(seen.map(({ session }) => session.id)).toEqual(ids.flatMap(id => [id, id]))
    expect(new Set(seen.map(({ cursor }) => cursor)).size).toBe(seen.length)
    await stream.leave()
  })
})

describe('an instance whose Redis', () => {
  test('is away says so, is ready all the same, and serves', async () => {
    expect(await readyz(house(0))).toEqual({ status: 200, body: { ready: true, database: 'CURRENT', redis: 'UP' } })

    await cutAll()
    await until(() => house(0).redis?.isUp === false)

    expect(await readyz(house(0))).toEqual({ status: 200, body: { ready: true, database: 'CURRENT', redis: 'AWAY' } })
    const id = await create(house(0))
    expect((await house(0).ask(READ, { id })).data.session).toMatchObject({ id, sync: { stale: false } })
  })

  test('hangs is slowed for a moment only, and nothing gathers', async () => {
    const id = await create(house(0))
    for (const line of lines) line.stall()

    const answers = await Promise.all(Array.from({ length: 50 }, () => timed(() => house(0).ask(READ, { id }))))
    expect(answers.every(({ value }) => value.data.session.sync.stale === false)).toBe(true)
    expect(Math.max(...answers.map(({ ms }) => ms))).toBeLessThan(3_000)

    await until(() => house(0).redis?.isUp === false)
    for (let asked = 0; asked < 100; asked++) await house(0).ask(READ, { id })
    const client = await new Promise<Client>(
      resolve =>
        void house(0)
          .redis?.ask(async c => resolve(c))
          .then(() => resolve(undefined as never)),
    )
    expect(client).toBeUndefined()
  })

  test('is away and comes back: told once each time', async () => {
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

  test('was never there starts all the same', async () => {
    const line = await openRedisLine(redis as string)
    await line.cut()
    const alone = await startHouse({ REDIS_URL: line.url }, { jobs: false })

    expect((await alone.ask('{ __typename }')).status).toBe(200)
    await line.mend()
    await until(() => alone.redis?.isUp === true)
    await alone.close()
    await line.close()
  })
})

describe('a limit', () => {
  let own: Redis
  beforeEach(() => {
    own = openRedis({ url: lines[0]?.url ?? '', report: () => {} })
  })
  afterEach(() => own?.close())

  test('is counted by all instances together, under a key that tells nobody whose it is', async () => {
    await until(() => own.isUp)
    const name = `test-${process.pid}-${Date.now()}`
    const [first, second] = [own, house(1).redis].map(redis => createLimits(redis)({ name, points: 3, seconds: 60 }))
    if (!first || !second) throw new Error('Expected two limits.')

    const said = [
      await first.spend('sg_secret_key'),
      await second.spend('sg_secret_key'),
      await first.spend('sg_secret_key'),
      await second.spend('sg_secret_key'),
    ]

    expect(said.slice(0, 3)).toEqual([0, 0, 0])
    expect(said[3]).toBeGreaterThan(0)
    expect(await second.spend('sg_other_key')).toBe(0)
    const client = new Client(redis as string)
    const keys = await client.keys(`*${name}*`)
    expect(keys).toHaveLength(2)
    for (const key of keys) expect(key).toMatch(/^sg:limit:(?!.*secret)/)
    await client.del(...keys)
    client.disconnect()
  })

  test('is counted by each instance alone while Redis is away', async () => {
    await lines[0]?.cut()
    await until(() => !own.isUp)
    const limit = createLimits(own)({ name: 'away', points: 2, seconds: 60 })

    const said = [await limit.spend('key'), await limit.spend('key', 1), await limit.spend('key')]

    expect(said.map(seconds => seconds > 0)).toEqual([false, false, true])
  })
})

describe('a read that two instances want at the same time', () => {
  async function readTogether(id: string) {
    await kayle.forget()
    const answers = await Promise.all(houses.map(each => each.ask(READ, { id })))
    return { answers: answers.map(({ data }) => data.session), reads: await reads() }
  }

  test('is made once', async () => {
    const id = await create(house(0))
    await kayle.faults([{ method: 'GET', fault: { kind: 'latency', ms: 400 } }])

    const { answers, reads } = await readTogether(id)

    expect(reads).toBe(1)
    for (const answer of answers) expect(answer).toMatchObject({ id, sync: { stale: false, lastError: null } })
  })

  test('is made by each while Redis is away', async () => {
    const id = await create(house(0))
    await cutAll()
    await Promise.all(houses.map(each => until(() => each.redis?.isUp === false)))
    await kayle.faults([{ method: 'GET', fault: { kind: 'latency', ms: 400 } }])

    expect((await readTogether(id)).reads).toBe(2)
  })

  test('is made by the other where the first one failed', async () => {
    const id = await create(house(0))
    await kayle.faults([{ method: 'GET', times: 1, fault: { kind: 'status', status: 404 } }])

    const { answers } = await readTogether(id)

    expect(answers.filter(answer => answer?.sync.stale === false).length).toBeGreaterThanOrEqual(1)
  })
})

describe('a provider that one instance leaves alone', () => {
  const isOpen = async (at: House) =>
    (await at.services.accounts.get('dev', 'KAYLE')).upstream.health().circuit === 'OPEN'

  async function breakAt(at: House, id: string): Promise<void> {
    await kayle.faults([{ method: 'GET', fault: { kind: 'status', status: 500 } }])
    for (let call = 0; call < 40 && !(await isOpen(at)); call++) await at.ask(READ, { id })
    expect(await isOpen(at)).toBe(true)
  }

  test('is left alone by the others for as long, and no longer', async () => {
    const id = await create(house(0))
    // What another instance was answered a moment ago counts more than the hint.
    await new Promise(resolve => setTimeout(resolve, 1_600))
    await breakAt(house(0), id)
    await kayle.forget()

    const { data } = await house(1).ask(READ, { id })

    expect(await reads()).toBe(0)
    expect(data.session.sync).toMatchObject({ stale: true, lastError: { code: 'PROVIDER_UNAVAILABLE' } })
    await kayle.clearFaults()
    await until(async () => (await house(1).ask(READ, { id })).data.session.sync.stale === false)
  })

  test('is asked by an instance that was answered just now', async () => {
    await new Promise(resolve => setTimeout(resolve, 1_600))
    const id = await create(house(0))
    expect((await house(1).ask(READ, { id })).data.session.sync.stale).toBe(false)
    await breakAt(house(0), id)
    await kayle.clearFaults()
    await kayle.forget()

    await house(1).ask(READ, { id })

    expect(await reads()).toBeGreaterThanOrEqual(1)
  })
})

test('what a key may spend per minute is counted by all instances together', async () => {
  const budget = 10
  const env = { REDIS_URL: lines[0]?.url, COST_PER_MINUTE: String(budget) }
  const client = new Client(redis as string)
  const forget = async () => {
    const keys = await client.keys('sg:limit:cost*')
    if (keys.length > 0) await client.del(...keys)
  }
  await forget()
  const pair = await Promise.all([1, 2].map(() => startHouse(env, { jobs: false })))
  await Promise.all(pair.map(each => until(() => each.redis?.isUp === true)))
  const statuses: number[] = []
  for (let asked = 0; asked < 2 * budget; asked++) {
    const at = pair[asked % 2] as House
    statuses.push((await at.ask('{ sessions(first: 1) { edges { node { id } } } }')).status)
  }

  expect(statuses).toEqual([...Array(budget).fill(200), ...Array(budget).fill(429)])
  await forget()
  client.disconnect()
  await Promise.all(pair.map(each => each.close()))
})
