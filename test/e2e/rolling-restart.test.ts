import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Cluster, startCluster } from '../harness/app/cluster.ts'
import { startWorkload, type Workload } from '../harness/app/load.ts'
import { whyNoPostgres } from '../harness/app/postgres.ts'
import { findRedis, NO_REDIS, openRedisLine, type RedisLine } from '../harness/app/redis.ts'
import type { Stopped } from '../harness/app/server-process.ts'
import { openPostgresStore, openSqliteStore, type SharedStore } from '../harness/app/shared-store.ts'
import { createClient } from '../harness/clients/keep-alive.ts'
import { follow } from '../harness/clients/subscriber.ts'
import { until } from '../harness/waiting.ts'

/**
 * Three servers on one PostgreSQL and Redis, under load, while each is restarted repeatedly, and Redis is interrupted.
 * `RESTARTS` runs longer; with TEST_STORE=sqlite they share a file.
 */

const RESTARTS = Number(process.env.RESTARTS ?? 6)
const CLIENTS = 6

const CREATE = /* GraphQL */ `
  mutation ($key: String!) {
    createSession(
      input: { idempotencyKey: $key, session: { kayle: { redirectUrl: "https://app.example.com/done" } } }
    ) {
      ... on CreateSessionPayload { session { id providerId } }
      ... on MutationError { code message }
    }
  }
`
const READ = /* GraphQL */ `
  query ($id: ID!) { session(by: { id: $id }, freshness: { maxAgeSeconds: 0 }) { id sync { stale } } }
`
const FOLLOW = 'subscription { sessionsUpdated { cursor event { id } } }'

const redis = await findRedis()
const onFile = process.env.TEST_STORE === 'sqlite'
const whyNot = onFile ? undefined : await whyNoPostgres()

let store: SharedStore
let world: Workload
let line: RedisLine
let cluster: Cluster

beforeEach(context => {
  context.skip(!redis, NO_REDIS)
  context.skip(whyNot !== undefined, whyNot)
})

beforeAll(async () => {
  if (!redis || whyNot) return
  store = onFile ? openSqliteStore('rolling') : await openPostgresStore('rolling')
  world = await startWorkload({ fateOf: () => 'ANSWERED', delayMs: () => Math.random() * 40 })
  line = await openRedisLine(redis)
  cluster = await startCluster(3, () => ({
    ...world.env,
    ...store.env,
    REDIS_URL: line.url,
    COST_PER_MINUTE: '1000000000',
    DRAIN_DELAY_MS: '500',
  }))
}, 120_000)

afterAll(async () => {
  await cluster?.close()
  await line?.close()
  await world?.close()
  await store?.close()
})

describe('a cluster under load', () => {
  const failures: string[] = []
  const made = new Map<string, string>()
  const seen: string[] = []
  const stops: Stopped[] = []
  let requests = 0
  let moves = 0
  let over = false

  /** No request is retried, so that a failure counts. */
  async function execute(client: ReturnType<typeof createClient>, query: string, variables: object) {
    const url = await cluster.pick()
    requests++
    const reply = await client.exchange(url, { query, variables }).catch((error: Error) => {
      failures.push(`${error.message} at ${url}`)
      return undefined
    })
    if (reply && (reply.status !== 200 || reply.body.errors)) failures.push(JSON.stringify([reply.status, reply.body]))
    return reply?.body.data
  }

  async function runClient(name: number): Promise<void> {
    const client = createClient()
    for (let count = 0; !over; count++) {
      const key = `rolling-${name}-${count}`
      const session = (await execute(client, CREATE, { key }))?.createSession
      if (!session?.session) failures.push(`${key}: ${JSON.stringify(session)}`)
      else {
        made.set(key, session.session.providerId)
        const read = (await execute(client, READ, { id: session.session.id }))?.session
        if (read?.id !== session.session.id) failures.push(`${key} cannot be read: ${JSON.stringify(read)}`)
      }
      await sleep(Math.random() * 60)
    }
    client.close()
  }

  /** Resumes at another server each time one ends its stream, after the last event that it received. */
  async function runSubscriber(): Promise<void> {
    let lastEventId: string | undefined
    let url: string | undefined
    while (!over) {
      url = await cluster.pick(url)
      const stream = await follow(url, { query: FOLLOW, lastEventId }).catch(() => undefined)
      if (!stream) continue
      moves++
      const ended = stream.all().catch(() => stream.messages)
      await Promise.race([ended, until(() => over, 1_000_000)])
      if (over) await sleep(3_000)
      for (const { id, data } of stream.messages) {
        if (id !== null) lastEventId = id
        if (data?.data) seen.push(data.data.sessionsUpdated.event.id)
      }
      await stream.unsubscribe().catch(() => {})
    }
  }

  beforeAll(
    async () => {
      if (!redis || whyNot) return
      const running = [runSubscriber(), ...Array.from({ length: CLIENTS }, (_, name) => runClient(name))]
      await until(() => moves > 0 && made.size > 0, 20_000)
      for (let restart = 0; restart < RESTARTS; restart++) {
        const place = restart % 3
        // Part of the time without Redis.
        if (restart === Math.floor(RESTARTS * 0.4)) await line.cut()
        if (restart === Math.floor(RESTARTS * 0.6)) await line.mend()
        stops.push(await cluster.at(place).stop())
        await cluster.start(place)
      }
      await sleep(500)
      over = true
      await Promise.all(running)
    },
    60_000 + RESTARTS * 15_000,
  )

  test('received load', () => {
    console.log(
      `rolling: ${RESTARTS} restarts, ${requests} requests, ${made.size} creates, ${failures.length} failures, ${seen.length} events over ${moves} connections, slowest stop ${Math.round(Math.max(...stops.map(({ ms }) => ms)))} ms`,
    )
    expect(made.size).toBeGreaterThan(RESTARTS * 3)
    expect(moves).toBeGreaterThan(1)
  })

  test('fails no request, whichever server stops and whether Redis is available or not', () => {
    expect(failures).toEqual([])
  })

  test('stops each server with exit code 0 within 15 seconds', () => {
    expect(stops).toHaveLength(RESTARTS)
    expect(stops.filter(({ code }) => code !== 0)).toEqual([])
    expect(Math.max(...stops.map(({ ms }) => ms))).toBeLessThan(15_000)
    expect(cluster.deaths).toEqual([])
  })

  test('makes each record once, at the provider and in the store', async () => {
    const { sessions } = await world.sandbox('KAYLE').objects()
    const stored = await store.query<{ provider_id: string }>('select provider_id from sessions')

    expect(Object.keys(sessions ?? {}).sort()).toEqual([...made.values()].sort())
    expect(stored.map(row => row.provider_id).sort()).toEqual([...made.values()].sort())
    expect(await store.query("select 1 from operations where state <> 'SUCCEEDED'")).toEqual([])
  })

  test('delivers each event once to a subscriber that moves from server to server', async () => {
    const events = await store.query<{ id: string }>('select id from events order by position')
    const from = events.findIndex(({ id }) => id === seen[0])

    expect(from).toBeGreaterThanOrEqual(0)
    expect(seen).toEqual(events.slice(from).map(({ id }) => id))
  })
})

test('a server exits at once on a second stop signal', async () => {
  const [client, url] = [createClient(), cluster.at(0).url]
  await world.sandbox('KAYLE').faults([{ method: 'POST', fault: { kind: 'latency', ms: 6_000 } }])
  const create = client.exchange(url, { query: CREATE, variables: { key: 'slow' } }).catch(() => 'broken off')
  await sleep(500)

  const first = cluster.at(0).stop()
  await sleep(200)
  const { code, ms } = await cluster.at(0).stop('SIGINT')

  expect(code).toBe(1)
  expect(ms).toBeLessThan(3_000)
  expect((await first).code).toBe(1)
  expect(await create).toBe('broken off')
})
