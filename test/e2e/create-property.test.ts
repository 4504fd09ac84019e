import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { type OpenDatabase, openDatabase } from '../../db/core/open-database.ts'
import { createFieldEncryption } from '../../src/security/field-encryption.ts'
import { onPostgres, type TestDatabase, takeDatabase } from '../harness/app/database.ts'
import {
  type Created,
  KINDS,
  type Kind,
  mutationOf,
  type ReportedOutcome,
  startWorkload,
  toReportedOutcome,
  type Workload,
} from '../harness/app/load.ts'
import { FATES, type Fate } from '../harness/app/server-process.ts'
import { API_KEY, startApp, type TestApp } from '../harness/app/test-app.ts'

/**
 * Two servers on one database, like two processes, with providers that fail in every way. `RUNS` runs longer, `SEED`
 * sets other scenarios.
 */

const RUNS = Number(process.env.RUNS ?? (onPostgres() ? 8 : 20))
const SEED = Number(process.env.SEED ?? 20_261_121)
/** Creates time out now and then in the random histories. */
const SHORT_DEADLINE_MS = 250
/** A busy machine sends a create, and receives its response, within this time. */
const LONG_DEADLINE_MS = 20_000
/** A busy machine sends a create within this time, and a test waits for its end. */
const HUNG_DEADLINE_MS = 5_000
const CREATE_ABSENCE_PROOF_SECONDS = 120

let folder: string
let world: Workload
let histories = 0
/** The fate of the next creates; ANSWERED by default. */
let fates: (Fate | Promise<Fate>)[] = []
let readsFail = false
/** The offset of the clocks of the servers and of the providers. */
let movedMs = 0

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sessiongraph-property-'))
  world = await startWorkload({
    delayMs: () => Math.random() * 3,
    fateOf: (provider, { method, path }) => {
      const isCreate = KINDS.some(kind => kind.provider === provider && path.endsWith(kind.path))
      if (method === 'POST' && isCreate) return fates.shift() ?? 'ANSWERED'
      return readsFail ? 'FAILED' : 'ANSWERED'
    },
  })
})

afterAll(async () => {
  await world.close()
  rmSync(folder, { recursive: true, force: true })
})

/** Two servers on one database with one clock, and every response that a client received. */
interface History {
  readonly name: string
  readonly database: TestDatabase
  readonly reader: OpenDatabase
  readonly apps: (TestApp | undefined)[]
  readonly createDeadlineMs: number
  /** The delay of a late create in seconds. */
  lateFor: number
  readonly reported: { readonly key: number; readonly variant: number; readonly reported: ReportedOutcome }[]
  readonly pending: Promise<unknown>[]
  readonly inputs: Map<string, Promise<object>>
}

async function startHistory(createDeadlineMs: number): Promise<History> {
  const name = `story${histories++}`
  const database = await takeDatabase()
  const history: History = {
    name,
    database,
    reader: await openDatabase(database.url, createFieldEncryption(Buffer.alloc(32))),
    apps: [],
    createDeadlineMs,
    lateFor: 0,
    reported: [],
    pending: [],
    inputs: new Map(),
  }
  fates = []
  readsFail = false
  await createContainer(history, 0)
  await createContainer(history, 1)
  return history
}

async function createContainer(history: History, place: number): Promise<TestApp> {
  const env = {
    ...world.env,
    DATABASE_URL: history.database.url,
    CREATE_DEADLINE_MS: String(history.createDeadlineMs),
    CREATE_ABSENCE_PROOF_SECONDS: String(CREATE_ABSENCE_PROOF_SECONDS),
    // The scenarios are about creates, not about open circuits.
    BREAKER_MINIMUM_CALLS: '1000000',
  }
  const app = await startApp(env, { now: () => new Date(Date.now() + movedMs), jobs: false })
  history.apps[place] = app
  return app
}

async function closeContainer(history: History, place: number): Promise<void> {
  const app = history.apps[place]
  history.apps[place] = undefined
  await app?.close()
}

async function endHistory(history: History): Promise<void> {
  await Promise.allSettled(history.pending)
  await Promise.all([closeContainer(history, 0), closeContainer(history, 1)])
  await history.reader.close()
  await history.database.release()
}

function keyOf(history: History, kind: Kind, key: number): string {
  return `${kind.name}-${history.name}-${key}`
}

/** The same input for the same variant of the same key. */
function inputOf(history: History, kind: Kind, key: number, variant: number): Promise<object> {
  const idempotencyKey = keyOf(history, kind, key)
  const tag = `${idempotencyKey}-${variant}`
  const metadata = kind.recordType === 'session' ? { variant } : undefined
  const input =
    history.inputs.get(tag) ??
    Promise.resolve(kind.input(tag, world)).then(own => ({ ...own, metadata, idempotencyKey }))
  history.inputs.set(tag, input)
  return input
}

/** The response to the client; undefined if the server closed meanwhile. */
async function create(
  history: History,
  kind: Kind,
  at: { readonly app: number; readonly key: number; readonly variant: number },
): Promise<ReportedOutcome | undefined> {
  const { app, key, variant } = at
  const input = await inputOf(history, kind, key, variant)
  const running = history.apps[app]
  if (!running) return undefined
  const reported = await running.execute(mutationOf(kind), { input }).then(toReportedOutcome, () => undefined)
  if (reported?.record || (reported && history.apps[app] === running)) history.reported.push({ key, variant, reported })
  return reported
}

/** The ids of all objects that a key has at the provider, by input. */
async function objectsOf(history: History, kind: Kind, key: number): Promise<{ id: string; variant: number }[]> {
  const objects = (await world.sandbox(kind.provider).objects()) as Parameters<Kind['made']>[0]
  const rows = await operationsOf(history)
  const keyed = (reference: string) => rows.find(row => row.reference === reference)?.idempotency_key
  const wanted = keyOf(history, kind, key)
  return kind.made(objects, keyed).flatMap(([tag, id]) => {
    if (tag === wanted) return [{ id, variant: -1 }]
    return tag.startsWith(`${wanted}-`) ? [{ id, variant: Number(tag.slice(wanted.length + 1)) }] : []
  })
}

interface Row {
  readonly reference: string
  readonly idempotency_key: string
  readonly state: string
  readonly encrypted: number
}

async function operationsOf({ reader }: History): Promise<Row[]> {
  const rows = await reader.sql.selectFrom('operations').selectAll().execute()
  return rows.map(row => ({ ...row, encrypted: Number(row.input_encrypted !== null) }))
}

async function moveClock(seconds: number): Promise<void> {
  movedMs += seconds * 1000
  await Promise.all([...new Set(KINDS.map(kind => kind.provider))].map(name => world.sandbox(name).moveClock(seconds)))
}

describe('in any order of events', () => {
  const call = fc.record({
    do: fc.constant('CREATE' as const),
    app: fc.nat(1),
    key: fc.nat(1),
    variant: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.constant(1) }),
  })
  const step = fc.oneof(
    { weight: 6, arbitrary: call },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('WAIT' as const) }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('RECONCILE' as const), app: fc.nat(1) }) },
    {
      weight: 2,
      arbitrary: fc.record({ do: fc.constant('TICK' as const), seconds: fc.constantFrom(1, 10, 40, 130, 5000) }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('RESTART' as const), app: fc.nat(1) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('OUTAGE' as const), reads: fc.boolean() }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('REACH' as const), reachable: fc.boolean() }) },
  )
  type Step = typeof step extends fc.Arbitrary<infer T> ? T : never
  const history = fc.record({
    kind: fc.constantFrom(...KINDS),
    fates: fc.array(fc.constantFrom(...FATES), { maxLength: 6 }),
    steps: fc.array(step, { minLength: 3, maxLength: 16 }),
  })

  async function take(history: History, kind: Kind, step: Step): Promise<void> {
    switch (step.do) {
      case 'CREATE':
        return void history.pending.push(create(history, kind, step))
      case 'WAIT':
        return void (await Promise.all(history.pending))
      case 'RECONCILE':
        return void (await history.apps[step.app]?.services.createReconciler.run())
      case 'RESTART':
        await closeContainer(history, step.app)
        return void (await createContainer(history, step.app))
      case 'TICK':
        await Promise.all(history.pending)
        return tick(history, step.seconds)
      case 'OUTAGE':
        readsFail = step.reads
        return
      case 'REACH':
        return setAllReachable(step.reachable)
    }
  }

  /** A late create arrives before the settle delay is over. */
  async function tick(history: History, seconds: number): Promise<void> {
    history.lateFor += seconds
    if (history.lateFor >= CREATE_ABSENCE_PROOF_SECONDS) {
      await deliverAll()
      history.lateFor = 0
    }
    await moveClock(seconds)
  }

  /** All faults end, and every create that can be settled is settled. */
  async function comeToRest(history: History): Promise<void> {
    await Promise.all(history.pending)
    readsFail = false
    fates = []
    await setAllReachable(true)
    await deliverAll()
    for (let round = 0; round < 4; round++) {
      await moveClock(130)
      await history.apps[round % 2]?.services.createReconciler.run()
    }
  }

  async function check(history: History, kind: Kind): Promise<void> {
    for (const row of await operationsOf(history)) {
      const key = Number(row.idempotency_key.split('-').at(-1))
      const made = await objectsOf(history, kind, key)
      const heard = history.reported.filter(each => each.key === key)
      expect(made.length, 'objects of one key').toBeLessThanOrEqual(kind.most)
      expect(['SUCCEEDED', 'FAILED', 'UNKNOWN']).toContain(row.state)
      expect(row.encrypted, 'the input is stored while UNKNOWN').toBe(row.state === 'UNKNOWN' ? 1 : 0)
      if (row.state === 'FAILED') expect(made, 'objects of what failed').toEqual([])
      const winner = await findWinner(history, kind, key, row.state)
      for (const { variant, reported } of heard) checkReported(reported, variant === winner)
      expect([-1, winner]).toEqual(expect.arrayContaining([...new Set(made.map(object => object.variant))]))
      const held = heard.flatMap(({ reported }) => reported.record ?? [])
      if (row.state !== 'SUCCEEDED') expect(held, 'records of what did not succeed').toEqual([])
      else await checkReplays(history, kind, { key, winner, held, made: made.map(({ id }) => id) })
    }
  }

  /** In every state, an input other than the first is refused. */
  async function findWinner(history: History, kind: Kind, key: number, state: string): Promise<number> {
    // A FAILED create would be sent again with the right input, so only earlier responses can show it.
    const reused = history.reported.find(each => each.key === key && each.reported.code === 'IDEMPOTENCY_KEY_REUSED')
    if (state === 'FAILED') {
      const other = history.reported.find(each => each.key === key && each.reported.code !== 'IDEMPOTENCY_KEY_REUSED')
      return reused ? 1 - reused.variant : (other?.variant ?? 0)
    }
    const first = await create(history, kind, { app: 0, key, variant: 0 })
    const second = await create(history, kind, { app: 1, key, variant: 1 })
    const refused = [first, second].filter(reported => reported?.code === 'IDEMPOTENCY_KEY_REUSED')
    expect(refused).toHaveLength(1)
    return first === refused[0] ? 1 : 0
  }

  function checkReported(reported: ReportedOutcome, isWinner: boolean): void {
    // A server that could not store the create did not send it.
    if (reported.code === 'OVERLOADED' || reported.code === 'INTERNAL_ERROR') return
    if (isWinner) expect(reported.code).not.toBe('IDEMPOTENCY_KEY_REUSED')
    else expect(reported.code).toBe('IDEMPOTENCY_KEY_REUSED')
  }

  async function checkReplays(
    history: History,
    kind: Kind,
    it: { readonly key: number; readonly winner: number; readonly held: Created[]; readonly made: string[] },
  ): Promise<void> {
    const replays = [
      await create(history, kind, { app: 0, key: it.key, variant: it.winner }),
      await create(history, kind, { app: 1, key: it.key, variant: it.winner }),
    ]
    for (const replay of replays) {
      expect(replay).toMatchObject({ replayed: true })
      for (const record of it.held) expect(replay?.record).toEqual(record)
      expect(it.made).toContain(replay?.record?.providerId)
    }
    expect(await objectsOf(history, kind, it.key)).toHaveLength(it.made.length)
  }

  test(
    'an idempotency key makes at most one object, returns the same record, and fails only if none exists',
    async () => {
      const seen = new Map<string, number>()
      const property = fc.asyncProperty(history, async ({ kind, fates: planned, steps }) => {
        const history = await startHistory(SHORT_DEADLINE_MS)
        try {
          fates = [...planned]
          for (const step of steps) await take(history, kind, step)
          await comeToRest(history)
          await check(history, kind)
          for (const { state } of await operationsOf(history)) {
            seen.set(`${kind.name} ${state}`, (seen.get(`${kind.name} ${state}`) ?? 0) + 1)
          }
        } finally {
          await setAllReachable(true)
          await endHistory(history)
        }
      })
      await fc.assert(property, { seed: SEED, numRuns: RUNS, endOnFailure: false })
      console.log(`stories: ${RUNS} (SEED=${SEED})`, Object.fromEntries([...seen].sort()))
      for (const state of ['SUCCEEDED', 'FAILED', 'UNKNOWN']) {
        expect([...seen.keys()].filter(name => name.endsWith(state))).not.toEqual([])
      }
    },
    60_000 + RUNS * 2_000,
  )
})

async function setAllReachable(reachable: boolean): Promise<void> {
  await Promise.all(world.networks.map(network => network.setReachable(reachable)))
}

async function deliverAll(): Promise<void> {
  await Promise.all(world.networks.map(network => network.deliver()))
}

describe('one idempotency key', () => {
  let history: History

  beforeEach(async () => {
    history = await startHistory(LONG_DEADLINE_MS)
  })
  afterEach(() => endHistory(history))

  test.each(KINDS)('used by two processes at the same moment makes one object ($name)', async kind => {
    const at = [0, 1, 0, 1, 1, 0].map(app => ({ app, key: 0, variant: 0 }))

    const reported = await Promise.all(at.map(each => create(history, kind, each)))

    expect(await objectsOf(history, kind, 0)).toHaveLength(1)
    expect(reported.filter(each => each?.replayed === false)).toHaveLength(1)
    const others = reported.filter(each => each?.replayed !== false)
    expect(others.filter(each => !each?.replayed && each?.code !== 'IDEMPOTENCY_IN_PROGRESS')).toEqual([])
  })

  test.each(KINDS)('works on after its client disconnects ($name)', async kind => {
    const input = await inputOf(history, kind, 0, 0)
    const disconnect = new AbortController()
    let answer: (fate: Fate) => void = () => {}
    fates = [new Promise(resolve => (answer = resolve))]
    const request = fetch(history.apps[0]?.url ?? '', {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${API_KEY}` },
      body: JSON.stringify({ query: mutationOf(kind), variables: { input } }),
      signal: disconnect.signal,
    })
    await vi.waitUntil(() => fates.length === 0, { timeout: 15_000, interval: 1 })
    expect(await operationsOf(history)).toMatchObject([{ state: 'SENT' }])

    disconnect.abort()
    await expect(request).rejects.toThrow()
    answer('ANSWERED')

    await vi.waitUntil(async () => (await operationsOf(history))[0]?.state === 'SUCCEEDED', { timeout: 15_000 })
    expect(await create(history, kind, { app: 1, key: 0, variant: 0 })).toMatchObject({ replayed: true })
    expect(await objectsOf(history, kind, 0)).toHaveLength(1)
  })

  test.each(KINDS.filter(({ recordType }) => recordType === 'session'))(
    'returns the same secrets after both processes restarted ($name)',
    async kind => {
      const made = await create(history, kind, { app: 0, key: 0, variant: 0 })
      await Promise.all([closeContainer(history, 0), closeContainer(history, 1)])
      await createContainer(history, 0)

      const again = await create(history, kind, { app: 0, key: 0, variant: 0 })

      expect(made?.record?.access?.hostedUrl).toMatch(/^http/)
      expect(again).toEqual({ record: made?.record, replayed: true })
    },
  )

  test.each([
    ['ANSWERED', 'SUCCEEDED', 0, LONG_DEADLINE_MS],
    ['REFUSED', 'FAILED', 0, LONG_DEADLINE_MS],
    ['LOST', 'UNKNOWN', 1, LONG_DEADLINE_MS],
    ['HUNG', 'UNKNOWN', 1, HUNG_DEADLINE_MS],
  ] as const)(
    'whose create is %s is %s, and its input is stored as long as it may be needed',
    async (fate, state, encrypted, createDeadlineMs) => {
      await endHistory(history)
      history = await startHistory(createDeadlineMs)
      fates = KINDS.map(() => fate)
      await Promise.all(KINDS.map(kind => create(history, kind, { app: 0, key: 0, variant: 0 })))

      expect(await operationsOf(history)).toHaveLength(KINDS.length)
      for (const row of await operationsOf(history)) expect(row).toMatchObject({ state, encrypted })
    },
  )
})
