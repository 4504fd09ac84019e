import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type TestDatabase, takeDatabase } from '../harness/app/database.ts'
import {
  type Created,
  KINDS,
  type Kind,
  mutationOf,
  startWorkload,
  toReportedOutcome,
  type Workload,
} from '../harness/app/load.ts'
import { onServer } from '../harness/app/postgres.ts'
import { startApp, type TestApp } from '../harness/app/test-app.ts'
import { follow } from '../harness/clients/subscriber.ts'
import { type FlakyNetwork, startFlakyNetwork } from '../harness/providers/flaky-network.ts'

/** PostgreSQL fails under load, in each way, and recovers. `RUNS` sets the number of rounds. */
const ROUNDS = Number(process.env.RUNS ?? 2)
const AWAY_MS = 1_200
const BETWEEN_MS = 600
const CLIENTS = 6

/** The error codes that a client may receive during the outage. */
const HONEST = ['OVERLOADED', 'UNCONFIRMED', 'IDEMPOTENCY_IN_PROGRESS', 'DEADLINE_EXCEEDED']

let database: TestDatabase
let network: FlakyNetwork
let world: Workload
let app: TestApp
let movedMs = 0

beforeAll(async () => {
  database = await takeDatabase()
  const address = new URL(database.url)
  network = await startFlakyNetwork({ host: address.hostname, port: Number(address.port || 5432) })
  address.hostname = '127.0.0.1'
  address.port = String(network.port)
  world = await startWorkload({ fateOf: () => 'ANSWERED', delayMs: () => Math.random() * 10 })
  const env = { ...world.env, DATABASE_URL: address.href, DATABASE_CONNECT_MS: '500', DATABASE_STATEMENT_MS: '500' }
  app = await startApp(
    { ...env, JOB_INTERVAL_MS: '100', BREAKER_MINIMUM_CALLS: '1000000' },
    { now: () => new Date(Date.now() + movedMs) },
  )
})
afterAll(async () => {
  await app.close()
  await network.close()
  await world.close()
  await database.release()
})

/** Terminates all connections, as a restart does. */
async function terminateAll(): Promise<void> {
  const name = new URL(database.url).pathname.slice(1)
  await onServer(client =>
    client.query('select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [name]),
  )
}

const WAYS: Readonly<Record<string, () => Promise<void>>> = {
  'terminates its connections': async () => {
    for (let times = 0; times < 4; times++) {
      await terminateAll()
      await sleep(AWAY_MS / 4)
    }
  },
  'refuses connections': async () => {
    network.setUp(false)
    await sleep(AWAY_MS)
    network.setUp(true)
  },
  'does not respond': async () => {
    network.setSilent(true)
    await sleep(AWAY_MS * 2)
    network.setSilent(false)
  },
}

interface Load {
  /** The used idempotency keys, with the last result of each. */
  readonly keys: Map<string, { kind: Kind; input: object; record?: Created }>
  readonly codes: Map<string, number>
  stop(): Promise<void>
}

/** Clients that create with a key until they succeed, and that list. */
function startLoad(): Load {
  const load = { keys: new Map(), codes: new Map<string, number>() }
  let running = true

  async function client(number: number): Promise<void> {
    for (let count = number; running; count++) {
      const kind = KINDS[count % KINDS.length] as Kind
      const key = `${kind.name}-${randomUUID()}`
      const entry: { kind: Kind; input: object; record?: Created } = { kind, input: await kind.input(key, world) }
      load.keys.set(key, entry)
      for (let attempt = 0; attempt < 3 && running && !entry.record; attempt++)
        entry.record = await create(key, entry, load.codes)
      const { errors } = await app.execute(LIST)
      for (const { extensions } of errors) countCode(load.codes, `list ${extensions.code}`)
    }
  }

  const clients = Promise.all(Array.from({ length: CLIENTS }, (_, number) => client(number)))
  return {
    ...load,
    stop: async () => {
      running = false
      await clients
    },
  }
}

const LIST = '{ sessions(first: 5) { nodes { id status } liveCursor } }'

async function create(key: string, { kind, input }: { kind: Kind; input: object }, codes: Map<string, number>) {
  const reported = toReportedOutcome(await app.execute(mutationOf(kind), { input: { idempotencyKey: key, ...input } }))
  if (reported.code) countCode(codes, reported.code)
  return reported.record
}

function countCode(codes: Map<string, number>, code: string): void {
  codes.set(code, (codes.get(code) ?? 0) + 1)
}

async function operations() {
  return app.db.sql.selectFrom('operations').selectAll().execute()
}

describe('while PostgreSQL', () => {
  test.each(Object.keys(WAYS))(
    '%s, clients receive an error, and no record is lost or duplicated',
    async way => {
      const { data } = await app.execute('{ sessions { liveCursor } }')
      const subscriber = await follow(app.url, {
        query: 'subscription ($after: String) { sessionsUpdated(after: $after) { event { id } } }',
        variables: { after: data.sessions.liveCursor },
      })
      const [last] = await app.db.sql.selectFrom('event_positions').select('position').execute()
      const load = startLoad()
      for (let round = 0; round < ROUNDS; round++) {
        await sleep(BETWEEN_MS)
        await WAYS[way]?.()
      }
      await sleep(BETWEEN_MS)
      await load.stop()

      const codes = [...load.codes.keys()].map(code => code.replace('list ', ''))
      expect(load.codes.get('OVERLOADED'), 'the outage was felt').toBeGreaterThan(0)
      expect(codes.filter(code => !HONEST.includes(code))).toEqual([])

      await settle()
      for (const [key, entry] of load.keys) {
        const record = await create(key, entry, load.codes)
        expect(record, key).toBeDefined()
        if (entry.record) expect(record, key).toEqual(entry.record)
      }
      await checkObjects(load)
      const rows = await app.db.sql
        .selectFrom('events')
        .select('id')
        .where('position', '>', last?.position ?? 0)
        .orderBy('position')
        .execute()
      const seen = await subscriber.first(rows.length)
      expect(seen.map(({ data: { data } }) => data.sessionsUpdated.event.id)).toEqual(rows.map(({ id }) => id))
      await subscriber.unsubscribe()
      console.log(way, Object.fromEntries(load.codes), { keys: load.keys.size, events: rows.length })
    },
    60_000 + ROUNDS * 20_000,
  )
})

/** Runs the jobs until no create is open. */
async function settle(): Promise<void> {
  await expect
    .poll(
      async () => {
        movedMs += 60_000
        for (const { provider } of KINDS) await world.sandbox(provider).moveClock(0)
        await app.services.createReconciler.run()
        return (await operations()).filter(({ state }) => state !== 'SUCCEEDED' && state !== 'FAILED')
      },
      { timeout: 30_000, interval: 200 },
    )
    .toEqual([])
}

/** Each key has one object at its provider, or as many as the provider's recovery permits. */
async function checkObjects({ keys }: Load): Promise<void> {
  const rows = await operations()
  const tagOf = (reference: string) => rows.find(row => row.reference === reference)?.idempotency_key
  for (const kind of KINDS) {
    const made = kind.made(await world.sandbox(kind.provider).objects(), tagOf).map(([tag]) => tag)
    for (const [key, entry] of keys) {
      if (entry.kind !== kind) continue
      const count = made.filter(tag => tag === key).length
      expect(count, key).toBeGreaterThanOrEqual(1)
      expect(count, key).toBeLessThanOrEqual(kind.most)
    }
  }
}
