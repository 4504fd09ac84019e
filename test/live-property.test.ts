import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type OpenDatabase, openDatabase } from '../db/database.ts'
import { createVault } from '../src/security/vault.ts'
import { onPostgres, type TestDatabase, takeDatabase } from './harness/database.ts'
import { type House, startHouse } from './harness/house.ts'
import { startWorld, type World } from './harness/load.ts'
import { follow, type Message, type Subscriber } from './harness/subscriber.ts'

/**
 * Two houses on one database, as two processes are, and clients that come, drop and come again while both write and are
 * started anew. `RUNS` runs longer, `SEED` runs other stories.
 */
const RUNS = Number(process.env.RUNS ?? (onPostgres() ? 4 : 20))
const SEED = Number(process.env.SEED ?? 20_261_121)

const CREATE = /* GraphQL */ `
  mutation ($input: CreateSessionInput!) {
    createSession(input: $input) { ... on CreateSessionPayload { session { id providerId } } }
  }
`
const CANCEL = /* GraphQL */ `
  mutation ($id: ID!) { cancelSession(input: { id: $id }) { __typename } }
`
const ALL = /* GraphQL */ `
  subscription ($after: String) { sessionsUpdated(after: $after) { event { id } session { id } } }
`
const ONE = /* GraphQL */ `
  subscription ($id: ID!, $after: String) { sessionUpdated(id: $id, after: $after) { event { id } session { id } } }
`

let world: World
let made = 0

beforeAll(async () => {
  world = await startWorld({ fateOf: () => 'ANSWERED', delayMs: () => 0 })
})
afterAll(async () => {
  await world.close()
})

interface Place {
  house: House
  readonly writes: Promise<unknown>[]
}

interface Story {
  readonly database: TestDatabase
  /** Neither of the houses: it sees what is committed. */
  readonly reader: OpenDatabase
  readonly places: readonly [Place, Place]
  /** Sessions that can still be moved on. */
  readonly open: string[]
}

async function openStory(): Promise<Story> {
  const database = await takeDatabase()
  const open = async (): Promise<Place> => ({ house: await openHouse(database), writes: [] })
  const reader = await openDatabase(database.url, createVault(Buffer.alloc(32)))
  return { database, reader, places: [await open(), await open()], open: [] }
}

function openHouse({ url }: TestDatabase): Promise<House> {
  return startHouse({ ...world.env, DATABASE_URL: url }, { jobs: false })
}

/** Closes and opens a house, while its clients are connected. */
async function restart(story: Story, place: Place): Promise<void> {
  await Promise.all(place.writes)
  await place.house.close()
  place.house = await openHouse(story.database)
}

async function endStory({ places, reader, database }: Story): Promise<void> {
  for (const { house, writes } of places) {
    await Promise.all(writes)
    await house.close()
  }
  await reader.close()
  await database.release()
}

async function create(story: Story, { house }: Place): Promise<string> {
  made += 1
  const { data } = await house.ask(CREATE, { input: { idempotencyKey: `key-${made}`, session: { kayle: {} } } })
  const { id } = data.createSession.session
  story.open.push(id)
  return id
}

async function cancel(story: Story, { house }: Place): Promise<void> {
  const id = story.open.pop()
  if (id) await house.ask(CANCEL, { id })
}

/** A client that knows how to resume: it keeps what it saw, and the cursor it began with. */
interface Client {
  readonly query: string
  readonly variables: Record<string, unknown>
  readonly seen: Message[]
  connection: Subscriber | undefined
}

/** By the header as an EventSource does, which keeps its `after`, or by `after` alone. */
async function connect(client: Client, { house }: Place, by: 'HEADER' | 'AFTER'): Promise<void> {
  await drop(client)
  const { query } = client
  const lastEventId = client.seen.at(-1)?.id ?? undefined
  const following =
    by === 'HEADER'
      ? { query, variables: client.variables, lastEventId }
      : { query, variables: { ...client.variables, ...(lastEventId !== undefined && { after: lastEventId }) } }
  client.connection = await follow(house.url, following)
}

async function drop(client: Client): Promise<void> {
  await client.connection?.leave()
  const messages = client.connection?.messages ?? []
  // A server that stops says so in a message of its own, which is no event.
  client.seen.push(...messages.filter(({ event, data }) => event === 'next' && data.data))
  client.connection = undefined
}

function eventIdsOf({ seen }: Client): string[] {
  return seen.map(({ data }) => (Object.values(data.data)[0] as { event: { id: string } }).event.id)
}

/** What the table has, in the order of its positions; of one session, if given. */
async function eventsIn({ reader }: Story, sessionId?: string): Promise<{ id: string; position: number }[]> {
  const query = reader.sql.selectFrom('events').select(['id', 'position', 'session_id']).orderBy('position')
  return (await query.execute()).filter(row => sessionId === undefined || row.session_id === sessionId)
}

const place = fc.constantFrom(0, 1) as fc.Arbitrary<0 | 1>
const client = fc.constantFrom(0, 1) as fc.Arbitrary<0 | 1>
const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      what: fc.constantFrom('CREATE', 'CANCEL'),
      place,
      waits: fc.boolean(),
      count: fc.integer({ min: 1, max: 3 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      what: fc.constant('CONNECT' as const),
      place,
      client,
      by: fc.constantFrom('HEADER', 'AFTER'),
    }),
  },
  { weight: 2, arbitrary: fc.record({ what: fc.constant('DROP' as const), client }) },
  { weight: 2, arbitrary: fc.record({ what: fc.constant('PAUSE' as const), ms: fc.nat(20) }) },
  { weight: 1, arbitrary: fc.record({ what: fc.constant('RESTART' as const), place }) },
)
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

async function take(story: Story, clients: readonly [Client, Client], it: Step): Promise<void> {
  switch (it.what) {
    case 'CREATE':
    case 'CANCEL': {
      const at = story.places[it.place]
      const write = it.what === 'CREATE' ? create : cancel
      const writes = Array.from({ length: it.count }, () => write(story, at))
      at.writes.push(...writes)
      if (it.waits) await Promise.all(writes)
      return
    }
    case 'CONNECT':
      return connect(clients[it.client], story.places[it.place], it.by)
    case 'DROP':
      return drop(clients[it.client])
    case 'PAUSE':
      return new Promise(resolve => setTimeout(resolve, it.ms))
    case 'RESTART':
      return restart(story, story.places[it.place])
  }
}

test(
  'a client that drops and resumes sees every event exactly once, in order, whoever wrote it and was started anew',
  async () => {
    let events = 0
    let resumed = 0
    const property = fc.asyncProperty(fc.array(step, { minLength: 6, maxLength: 20 }), place, async (steps, last) => {
      const story = await openStory()
      try {
        const [first] = story.places
        const session = await create(story, first)
        const after = (await first.house.ask('{ sessions { liveCursor } }')).data.sessions.liveCursor
        const begun = (await eventsIn(story)).length
        const toClient = (query: string, variables: object): Client => ({
          query,
          variables: { ...variables, after },
          seen: [],
          connection: undefined,
        })
        const clients = [toClient(ALL, {}), toClient(ONE, { id: session })] as const
        for (const it of steps) await take(story, clients, it)
        await Promise.all(story.places.flatMap(({ writes }) => writes))
        await first.house.ask(CANCEL, { id: session })

        const all = (await eventsIn(story)).slice(begun)
        const storedId = Buffer.from(session, 'base64url').toString().split(':')[1]
        const ofOne = (await eventsIn(story, storedId)).filter(({ position }) => position > begun)
        for (const [index, expected] of [all, ofOne].entries()) {
          const it = clients[index === 0 ? 0 : 1]
          await connect(it, story.places[last], index === 0 ? 'HEADER' : 'AFTER')
          const left = expected.length - it.seen.length
          resumed += it.seen.length
          await it.connection?.first(left)
          // What came too much would come right behind.
          await new Promise(resolve => setTimeout(resolve, 10))
          await drop(it)
          expect(eventIdsOf(it)).toEqual(expected.map(({ id }) => id))
        }
        events += all.length
      } finally {
        await endStory(story)
      }
    })
    await fc.assert(property, { seed: SEED, numRuns: RUNS })
    console.log(`stories: ${RUNS} (SEED=${SEED})`, { events, resumed })
    expect(resumed).toBeGreaterThan(RUNS)
  },
  60_000 + RUNS * 3_000,
)

test('positions appear in the order of the commits, whichever of two processes writes', async () => {
  const story = await openStory()
  try {
    let writing = true
    const looks: number[] = []
    const look = async (): Promise<void> => {
      while (writing) {
        const positions = (await eventsIn(story)).map(({ position }) => position)
        // Whoever saw a position has seen all before it.
        expect(positions).toEqual(positions.map((_, index) => index + 1))
        looks.push(positions.length)
        await new Promise(resolve => setTimeout(resolve, 1))
      }
    }
    const looking = look()
    await Promise.all(Array.from({ length: 60 }, (_, index) => create(story, story.places[index % 2 ? 1 : 0])))
    writing = false
    await looking

    expect(await eventsIn(story)).toHaveLength(120)
    expect(new Set(looks).size).toBeGreaterThan(3)
  } finally {
    await endStory(story)
  }
})
