import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type SqliteDatabase from 'better-sqlite3'
import fc from 'fast-check'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { type OpenDatabase, openDatabase } from '../db/database.ts'
import { createVault } from '../src/security/vault.ts'
import { onPostgres, type TestDatabase, takeDatabase } from './harness/database.ts'
import { API_KEY, type House, startHouse } from './harness/house.ts'
import { type Held, KINDS, type Kind, mutationOf, startWorld, type Told, toTold, type World } from './harness/load.ts'
import { FATES, type Fate } from './harness/server-process.ts'

/**
 * Two houses on one database, as two processes are, before providers that fail in every way. `RUNS` runs longer, `SEED`
 * runs other stories.
 */

const RUNS = Number(process.env.RUNS ?? (onPostgres() ? 15 : 150))
const SEED = Number(process.env.SEED ?? 20_261_121)
const CREATE_DEADLINE_MS = 150
const SETTLE_DELAY_SECONDS = 120

const driver = vi.hoisted(() => ({ staysNormal: false }))

/** The real driver; on demand it leaves `synchronous` at NORMAL without a word, as builds of it are known to do. */
vi.mock('better-sqlite3', async original => {
  const { default: Real } = await original<{ default: typeof SqliteDatabase }>()
  class Driver extends Real {
    override pragma(source: string, options?: SqliteDatabase.PragmaOptions): unknown {
      const ignored = driver.staysNormal && source === 'synchronous = FULL'
      return super.pragma(ignored ? 'synchronous = NORMAL' : source, options)
    }
  }
  return { default: Driver }
})

let folder: string
let world: World
let stories = 0
/** What becomes of the next creates; ANSWERED where none is left. */
let fates: Fate[] = []
let readsFail = false
let delayMs = 3
/** How far the clocks of the houses and of the providers were moved. */
let movedMs = 0

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sessiongraph-property-'))
  world = await startWorld({
    delayMs: () => Math.random() * delayMs,
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

/** Two houses on one database with one clock, and what every client of theirs was told. */
interface Story {
  readonly name: string
  readonly database: TestDatabase
  readonly reader: OpenDatabase
  readonly houses: (House | undefined)[]
  /** For how many seconds a late create may have been on its way. */
  lateFor: number
  readonly told: { readonly key: number; readonly variant: number; readonly told: Told }[]
  readonly underWay: Promise<unknown>[]
  readonly inputs: Map<string, Promise<object>>
}

async function openStory(): Promise<Story> {
  const name = `story${stories++}`
  const database = await takeDatabase()
  const story: Story = {
    name,
    database,
    reader: await openDatabase(database.url, createVault(Buffer.alloc(32))),
    houses: [],
    lateFor: 0,
    told: [],
    underWay: [],
    inputs: new Map(),
  }
  fates = []
  readsFail = false
  await openHouse(story, 0)
  await openHouse(story, 1)
  return story
}

async function openHouse(story: Story, place: number): Promise<House> {
  const env = {
    ...world.env,
    DATABASE_URL: story.database.url,
    CREATE_DEADLINE_MS: String(CREATE_DEADLINE_MS),
    SETTLE_DELAY_SECONDS: String(SETTLE_DELAY_SECONDS),
    // The stories are about creates, not about giving up on a provider.
    BREAKER_MINIMUM_CALLS: '1000000',
  }
  const house = await startHouse(env, { now: () => new Date(Date.now() + movedMs), jobs: false })
  story.houses[place] = house
  return house
}

async function closeHouse(story: Story, place: number): Promise<void> {
  const house = story.houses[place]
  story.houses[place] = undefined
  await house?.close()
}

async function endStory(story: Story): Promise<void> {
  await Promise.allSettled(story.underWay)
  await Promise.all([closeHouse(story, 0), closeHouse(story, 1)])
  await story.reader.close()
  await story.database.release()
}

function keyOf(story: Story, kind: Kind, key: number): string {
  return `${kind.name}-${story.name}-${key}`
}

/** The same input for the same variant of the same key. */
function inputOf(story: Story, kind: Kind, key: number, variant: number): Promise<object> {
  const idempotencyKey = keyOf(story, kind, key)
  const tag = `${idempotencyKey}-${variant}`
  const metadata = kind.noun === 'session' ? { variant } : undefined
  const input =
    story.inputs.get(tag) ?? Promise.resolve(kind.input(tag, world)).then(own => ({ ...own, metadata, idempotencyKey }))
  story.inputs.set(tag, input)
  return input
}

/** What the client was told; undefined where the house went down meanwhile. */
async function create(
  story: Story,
  kind: Kind,
  at: { readonly house: number; readonly key: number; readonly variant: number },
): Promise<Told | undefined> {
  const { house, key, variant } = at
  const input = await inputOf(story, kind, key, variant)
  const running = story.houses[house]
  if (!running) return undefined
  const told = await running.ask(mutationOf(kind), { input }).then(toTold, () => undefined)
  if (told?.record || (told && story.houses[house] === running)) story.told.push({ key, variant, told })
  return told
}

/** The ids of all objects that a key has at the provider, by the input that made each. */
async function objectsOf(story: Story, kind: Kind, key: number): Promise<{ id: string; variant: number }[]> {
  const objects = (await world.sandbox(kind.provider).objects()) as Parameters<Kind['made']>[0]
  const rows = await operationsOf(story)
  const keyed = (reference: string) => rows.find(row => row.reference === reference)?.idempotency_key
  const wanted = keyOf(story, kind, key)
  return kind.made(objects, keyed).flatMap(([tag, id]) => {
    if (tag === wanted) return [{ id, variant: -1 }]
    return tag.startsWith(`${wanted}-`) ? [{ id, variant: Number(tag.slice(wanted.length + 1)) }] : []
  })
}

interface Row {
  readonly reference: string
  readonly idempotency_key: string
  readonly state: string
  readonly sealed: number
}

async function operationsOf({ reader }: Story): Promise<Row[]> {
  const rows = await reader.sql.selectFrom('operations').selectAll().execute()
  return rows.map(row => ({ ...row, sealed: Number(row.input_sealed !== null) }))
}

async function moveClock(seconds: number): Promise<void> {
  movedMs += seconds * 1000
  await Promise.all([...new Set(KINDS.map(kind => kind.provider))].map(name => world.sandbox(name).moveClock(seconds)))
}

describe('whatever happens in whatever order', () => {
  const call = fc.record({
    do: fc.constant('CREATE' as const),
    house: fc.nat(1),
    key: fc.nat(1),
    variant: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.constant(1) }),
  })
  const step = fc.oneof(
    { weight: 6, arbitrary: call },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('WAIT' as const) }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('RECONCILE' as const), house: fc.nat(1) }) },
    {
      weight: 2,
      arbitrary: fc.record({ do: fc.constant('TICK' as const), seconds: fc.constantFrom(1, 10, 40, 130, 5000) }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('RESTART' as const), house: fc.nat(1) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('OUTAGE' as const), reads: fc.boolean() }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('REACH' as const), reachable: fc.boolean() }) },
  )
  type Step = typeof step extends fc.Arbitrary<infer T> ? T : never
  const story = fc.record({
    kind: fc.constantFrom(...KINDS),
    fates: fc.array(fc.constantFrom(...FATES), { maxLength: 6 }),
    steps: fc.array(step, { minLength: 3, maxLength: 16 }),
  })

  async function take(story: Story, kind: Kind, step: Step): Promise<void> {
    switch (step.do) {
      case 'CREATE':
        return void story.underWay.push(create(story, kind, step))
      case 'WAIT':
        return void (await Promise.all(story.underWay))
      case 'RECONCILE':
        return void (await story.houses[step.house]?.services.recovery.run())
      case 'RESTART':
        await closeHouse(story, step.house)
        return void (await openHouse(story, step.house))
      case 'TICK':
        await Promise.all(story.underWay)
        return tick(story, step.seconds)
      case 'OUTAGE':
        readsFail = step.reads
        return
      case 'REACH':
        return setAllReachable(step.reachable)
    }
  }

  /** What comes late is there before the settle delay is over, and no sooner than it has to be. */
  async function tick(story: Story, seconds: number): Promise<void> {
    story.lateFor += seconds
    if (story.lateFor >= SETTLE_DELAY_SECONDS) {
      await deliverAll()
      story.lateFor = 0
    }
    await moveClock(seconds)
  }

  /** The trouble is over, and everything that can be settled is. */
  async function comeToRest(story: Story): Promise<void> {
    await Promise.all(story.underWay)
    readsFail = false
    fates = []
    await setAllReachable(true)
    await deliverAll()
    for (let round = 0; round < 4; round++) {
      await moveClock(130)
      await story.houses[round % 2]?.services.recovery.run()
    }
  }

  async function check(story: Story, kind: Kind): Promise<void> {
    for (const row of await operationsOf(story)) {
      const key = Number(row.idempotency_key.split('-').at(-1))
      const made = await objectsOf(story, kind, key)
      const heard = story.told.filter(each => each.key === key)
      expect(made.length, 'objects of one key').toBeLessThanOrEqual(kind.most)
      expect(['SUCCEEDED', 'FAILED', 'UNKNOWN']).toContain(row.state)
      expect(row.sealed, 'the input is kept while UNKNOWN').toBe(row.state === 'UNKNOWN' ? 1 : 0)
      if (row.state === 'FAILED') expect(made, 'objects of what failed').toEqual([])
      const winner = await findWinner(story, kind, key, row.state)
      for (const { variant, told } of heard) checkTold(told, variant === winner)
      expect([-1, winner]).toEqual(expect.arrayContaining([...new Set(made.map(object => object.variant))]))
      const held = heard.flatMap(({ told }) => told.record ?? [])
      if (row.state !== 'SUCCEEDED') expect(held, 'records of what did not succeed').toEqual([])
      else await checkReplays(story, kind, { key, winner, held, made: made.map(({ id }) => id) })
    }
  }

  /** The input that came first: in every state, the other one is refused. */
  async function findWinner(story: Story, kind: Kind, key: number, state: string): Promise<number> {
    // A FAILED one would be sent again by the right input, so there only what was told before can say it.
    const reused = story.told.find(each => each.key === key && each.told.code === 'IDEMPOTENCY_KEY_REUSED')
    if (state === 'FAILED') {
      const other = story.told.find(each => each.key === key && each.told.code !== 'IDEMPOTENCY_KEY_REUSED')
      return reused ? 1 - reused.variant : (other?.variant ?? 0)
    }
    const first = await create(story, kind, { house: 0, key, variant: 0 })
    const second = await create(story, kind, { house: 1, key, variant: 1 })
    const refused = [first, second].filter(told => told?.code === 'IDEMPOTENCY_KEY_REUSED')
    expect(refused).toHaveLength(1)
    return first === refused[0] ? 1 : 0
  }

  function checkTold(told: Told, isWinner: boolean): void {
    // A house that could not write down what it was to do did nothing.
    if (told.code === 'OVERLOADED' || told.code === 'INTERNAL_ERROR') return
    if (isWinner) expect(told.code).not.toBe('IDEMPOTENCY_KEY_REUSED')
    else expect(told.code).toBe('IDEMPOTENCY_KEY_REUSED')
  }

  async function checkReplays(
    story: Story,
    kind: Kind,
    it: { readonly key: number; readonly winner: number; readonly held: Held[]; readonly made: string[] },
  ): Promise<void> {
    const replays = [
      await create(story, kind, { house: 0, key: it.key, variant: it.winner }),
      await create(story, kind, { house: 1, key: it.key, variant: it.winner }),
    ]
    for (const replay of replays) {
      expect(replay).toMatchObject({ replayed: true })
      for (const record of it.held) expect(replay?.record).toEqual(record)
      expect(it.made).toContain(replay?.record?.providerId)
    }
    expect(await objectsOf(story, kind, it.key)).toHaveLength(it.made.length)
  }

  test(
    'a key never makes two objects, always tells the same record, and fails only where nothing exists',
    async () => {
      const seen = new Map<string, number>()
      const property = fc.asyncProperty(story, async ({ kind, fates: planned, steps }) => {
        const story = await openStory()
        try {
          fates = [...planned]
          for (const step of steps) await take(story, kind, step)
          await comeToRest(story)
          await check(story, kind)
          for (const { state } of await operationsOf(story)) {
            seen.set(`${kind.name} ${state}`, (seen.get(`${kind.name} ${state}`) ?? 0) + 1)
          }
        } finally {
          await setAllReachable(true)
          await endStory(story)
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

describe('one key', () => {
  let story: Story

  beforeEach(async () => {
    story = await openStory()
  })
  afterEach(() => {
    delayMs = 3
    return endStory(story)
  })

  test.each(KINDS)('at two processes at the same moment makes one object ($name)', async kind => {
    const at = [0, 1, 0, 1, 1, 0].map(house => ({ house, key: 0, variant: 0 }))

    const told = await Promise.all(at.map(each => create(story, kind, each)))

    expect(await objectsOf(story, kind, 0)).toHaveLength(1)
    expect(told.filter(each => each?.replayed === false)).toHaveLength(1)
    const others = told.filter(each => each?.replayed !== false)
    expect(others.filter(each => !each?.replayed && each?.code !== 'IDEMPOTENCY_IN_PROGRESS')).toEqual([])
  })

  // On a busy machine the create may be over before it was seen, or its time.
  test.each(KINDS)('goes on where its client hangs up ($name)', { retry: 3 }, async kind => {
    delayMs = 60
    const input = await inputOf(story, kind, 0, 0)
    const leaving = new AbortController()
    const asked = fetch(story.houses[0]?.url ?? '', {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${API_KEY}` },
      body: JSON.stringify({ query: mutationOf(kind), variables: { input } }),
      signal: leaving.signal,
    })
    await vi.waitUntil(async () => (await operationsOf(story)).some(({ state }) => state === 'SENT'), {
      timeout: 5_000,
      interval: 1,
    })
    leaving.abort()

    await expect(asked).rejects.toThrow()
    await vi.waitUntil(async () => (await operationsOf(story))[0]?.state === 'SUCCEEDED', { timeout: 5_000 })
    expect(await create(story, kind, { house: 1, key: 0, variant: 0 })).toMatchObject({ replayed: true })
    expect(await objectsOf(story, kind, 0)).toHaveLength(1)
  })

  test.each(KINDS.filter(({ noun }) => noun === 'session'))(
    'gives the same secrets after both processes were started anew ($name)',
    async kind => {
      const made = await create(story, kind, { house: 0, key: 0, variant: 0 })
      await Promise.all([closeHouse(story, 0), closeHouse(story, 1)])
      await openHouse(story, 0)

      const again = await create(story, kind, { house: 0, key: 0, variant: 0 })

      expect(made?.record?.access?.hostedUrl).toMatch(/^http/)
      expect(again).toEqual({ record: made?.record, replayed: true })
    },
  )

  test.each([
    ['ANSWERED', 'SUCCEEDED', 0],
    ['REFUSED', 'FAILED', 0],
    ['LOST', 'UNKNOWN', 1],
    ['HUNG', 'UNKNOWN', 1],
  ] as const)(
    'whose create is %s is %s, and its input is kept as long as it may be needed',
    async (fate, state, sealed) => {
      for (const kind of KINDS) {
        fates = [fate]
        await create(story, kind, { house: 0, key: 0, variant: 0 })
      }

      expect(await operationsOf(story)).toHaveLength(KINDS.length)
      for (const row of await operationsOf(story)) expect(row).toMatchObject({ state, sealed })
    },
  )
})

describe('the database', () => {
  const open = (name: string) => openDatabase(`sqlite:${join(folder, name)}`, createVault(Buffer.alloc(32)))

  afterEach(() => {
    driver.staysNormal = false
  })

  test('is refused at start where its synchronous did not become FULL', async () => {
    driver.staysNormal = true

    await expect(open('normal.db')).rejects.toThrow('synchronous=1, expected 2 (FULL)')
  })

  test('is taken where it did', async () => {
    await (await open('full.db')).close()
  })
})
