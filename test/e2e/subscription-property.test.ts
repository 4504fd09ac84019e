import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type OpenDatabase, openDatabase } from '../../db/core/open-database.ts'
import { createFieldEncryption } from '../../src/security/field-encryption.ts'
import { onPostgres, type TestDatabase, takeDatabase } from '../harness/app/database.ts'
import { startWorkload, type Workload } from '../harness/app/load.ts'
import { startApp, type TestApp } from '../harness/app/test-app.ts'
import { follow, type Message, type Subscriber } from '../harness/clients/subscriber.ts'

/**
 * Two servers on one database, like two processes, and clients that disconnect and reconnect while both write and
 * restart. `RUNS` runs longer, `SEED` sets other scenarios.
 */
const RUNS = Number(process.env.RUNS ?? (onPostgres() ? 4 : 12))
const SEED = Number(process.env.SEED ?? 20_261_121)

const CREATE = /* GraphQL */ `
  mutation ($input: CreateSessionInput!) {
    createSession(input: $input) { ... on CreateSessionPayload { session { id providerId } } }
  }
`
const CANCEL = /* GraphQL */ `
  mutation ($id: ID!) { cancelSession(input: { sessionId: $id }) { __typename } }
`
const ALL = /* GraphQL */ `
  subscription ($after: String) { sessionsUpdated(after: $after) { event { id } session { id } } }
`
const ONE = /* GraphQL */ `
  subscription ($id: ID!, $after: String) { sessionUpdated(id: $id, after: $after) { event { id } session { id } } }
`

let world: Workload
let made = 0

beforeAll(async () => {
  world = await startWorkload({ fateOf: () => 'ANSWERED', delayMs: () => 0 })
})
afterAll(async () => {
  await world.close()
})

interface Place {
  app: TestApp
  readonly writes: Promise<unknown>[]
}

interface History {
  readonly database: TestDatabase
  /** A third connection, which sees committed rows. */
  readonly reader: OpenDatabase
  readonly positions: readonly [Place, Place]
  /** Sessions that are not final. */
  readonly open: string[]
}

async function startHistory(): Promise<History> {
  const database = await takeDatabase()
  const open = async (): Promise<Place> => ({ app: await createContainer(database), writes: [] })
  const reader = await openDatabase(database.url, createFieldEncryption(Buffer.alloc(32)))
  return { database, reader, positions: [await open(), await open()], open: [] }
}

function createContainer({ url }: TestDatabase): Promise<TestApp> {
  return startApp({ ...world.env, DATABASE_URL: url }, { jobs: false })
}

/** Closes and opens a server while its clients are connected. */
async function restart(history: History, place: Place): Promise<void> {
  await Promise.all(place.writes)
  await place.app.close()
  place.app = await createContainer(history.database)
}

async function endHistory({ positions, reader, database }: History): Promise<void> {
  for (const { app, writes } of positions) {
    await Promise.all(writes)
    await app.close()
  }
  await reader.close()
  await database.release()
}

async function create(history: History, { app }: Place): Promise<string> {
  made += 1
  const { data } = await app.execute(CREATE, { input: { idempotencyKey: `key-${made}`, session: { kayle: {} } } })
  const { id } = data.createSession.session
  history.open.push(id)
  return id
}

async function cancel(history: History, { app }: Place): Promise<void> {
  const id = history.open.pop()
  if (id) await app.execute(CANCEL, { id })
}

/** A client that resumes: it stores the events that it received, and its first cursor. */
interface Client {
  readonly query: string
  readonly variables: Record<string, unknown>
  readonly seen: Message[]
  connection: Subscriber | undefined
}

/** By the header as an EventSource does, which keeps its `after`, or by `after` alone. */
async function connect(client: Client, { app }: Place, by: 'HEADER' | 'AFTER'): Promise<void> {
  await drop(client)
  const { query } = client
  const lastEventId = client.seen.at(-1)?.id ?? undefined
  const following =
    by === 'HEADER'
      ? { query, variables: client.variables, lastEventId }
      : { query, variables: { ...client.variables, ...(lastEventId !== undefined && { after: lastEventId }) } }
  client.connection = await follow(app.url, following)
}

async function drop(client: Client): Promise<void> {
  await client.connection?.unsubscribe()
  const messages = client.connection?.messages ?? []
  // A server that stops sends a message about it, which is no event.
  client.seen.push(...messages.filter(({ event, data }) => event === 'next' && data.data))
  client.connection = undefined
}

function eventIdsOf({ seen }: Client): string[] {
  return seen.map(({ data }) => (Object.values(data.data)[0] as { event: { id: string } }).event.id)
}

/** The rows of the table in the order of their positions; of one session, if given. */
async function eventsIn({ reader }: History, sessionId?: string): Promise<{ id: string; position: number }[]> {
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

async function take(history: History, clients: readonly [Client, Client], it: Step): Promise<void> {
  switch (it.what) {
    case 'CREATE':
    case 'CANCEL': {
      const at = history.positions[it.place]
      const write = it.what === 'CREATE' ? create : cancel
      const writes = Array.from({ length: it.count }, () => write(history, at))
      at.writes.push(...writes)
      if (it.waits) await Promise.all(writes)
      return
    }
    case 'CONNECT':
      return connect(clients[it.client], history.positions[it.place], it.by)
    case 'DROP':
      return drop(clients[it.client])
    case 'PAUSE':
      return new Promise(resolve => setTimeout(resolve, it.ms))
    case 'RESTART':
      return restart(history, history.positions[it.place])
  }
}

test(
  'a client that drops and resumes sees every event once, in order, whichever server wrote it or restarted',
  async () => {
    let events = 0
    let resumed = 0
    const property = fc.asyncProperty(fc.array(step, { minLength: 6, maxLength: 20 }), place, async (steps, last) => {
      const history = await startHistory()
      try {
        const [first] = history.positions
        const session = await create(history, first)
        const after = (await first.app.execute('{ sessions { liveCursor } }')).data.sessions.liveCursor
        const begun = (await eventsIn(history)).length
        const toClient = (query: string, variables: object): Client => ({
          query,
          variables: { ...variables, after },
          seen: [],
          connection: undefined,
        })
        const clients = [toClient(ALL, {}), toClient(ONE, { id: session })] as const
        for (const it of steps) await take(history, clients, it)
        await Promise.all(history.positions.flatMap(({ writes }) => writes))
        await first.app.execute(CANCEL, { id: session })

        const all = (await eventsIn(history)).slice(begun)
        const storedId = Buffer.from(session, 'base64url').toString().split(':')[1]
        const ofOne = (await eventsIn(history, storedId)).filter(({ position }) => position > begun)
        for (const [index, expected] of [all, ofOne].entries()) {
          const it = clients[index === 0 ? 0 : 1]
          await connect(it, history.positions[last], index === 0 ? 'HEADER' : 'AFTER')
          const left = expected.length - it.seen.length
          resumed += it.seen.length
          await it.connection?.first(left)
          // An extra event would arrive directly afterwards.
          await new Promise(resolve => setTimeout(resolve, 10))
          await drop(it)
          expect(eventIdsOf(it)).toEqual(expected.map(({ id }) => id))
        }
        events += all.length
      } finally {
        await endHistory(history)
      }
    })
    await fc.assert(property, { seed: SEED, numRuns: RUNS })
    console.log(`stories: ${RUNS} (SEED=${SEED})`, { events, resumed })
    expect(resumed).toBeGreaterThan(RUNS)
  },
  60_000 + RUNS * 3_000,
)

test('event_positions appear in commit order, whichever of two processes writes', async () => {
  const history = await startHistory()
  try {
    let writing = true
    const variant: number[] = []
    const look = async (): Promise<void> => {
      while (writing) {
        const positions = (await eventsIn(history)).map(({ position }) => position)
        // A reader that saw a position has seen all positions before it.
        expect(positions).toEqual(positions.map((_, index) => index + 1))
        variant.push(positions.length)
        await new Promise(resolve => setTimeout(resolve, 1))
      }
    }
    const looking = look()
    await Promise.all(Array.from({ length: 60 }, (_, index) => create(history, history.positions[index % 2 ? 1 : 0])))
    writing = false
    await looking

    expect(await eventsIn(history)).toHaveLength(120)
    expect(new Set(variant).size).toBeGreaterThan(3)
  } finally {
    await endHistory(history)
  }
})
