import { createClient } from 'graphql-ws'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { appendEvents } from '../../db/repositories/event-repository.ts'
import { decodeGlobalId } from '../../src/domain/global-id.ts'
import { API_KEY, startApp, type TestApp } from '../harness/app/test-app.ts'
import { follow } from '../harness/clients/subscriber.ts'
import { countTurns, takeLong } from '../harness/load/turns.ts'
import { webhookEvent } from '../harness/load/webhook-event.ts'

/** A replay of many events of many sessions runs in turns with other requests, and takes linear time. */

const SESSIONS = 120
/** Of each session, after its first ones. */
const EVENTS = 10
const COST_OF_EVENT = 20
/** Of 20 events that are read and do not match. */
const COST_OF_READS = 60
/** The charges that are awaited. */
const CHARGES = 15
const QUERY = `subscription ($filter: SessionFilter, $after: String) {
  sessionsUpdated(filter: $filter, after: $after) { cursor } }`

const FILTERS: readonly (readonly [string, object])[] = [
  ['that match', {}],
  ['that do not match', { createdBefore: '2001-01-01T00:00:00Z' }],
  ['that do not match by what later events changed', { outcomes: ['APPROVED'] }],
]

let app: TestApp
let after: string
let consume = (_cost: number) => {}

beforeAll(async () => {
  const rateLimiter = {
    consume: async (_key: string, cost: number) => {
      consume(cost)
      return 0
    },
  }
  app = await startApp({}, { jobs: false, rateLimiter })
  const { data } = await app.execute('{ sessions(first: 0) { liveCursor } }')
  after = data.sessions.liveCursor
  const sessionIds = await Promise.all(Array.from({ length: SESSIONS }, (_, nth) => create(nth)))
  for (let nth = 0; nth < EVENTS; nth++) await appendEvents(app.db, sessionIds.map(webhookEvent))
})
afterAll(() => app.close())

async function create(nth: number): Promise<string> {
  const { data } = await app.execute(
    `mutation ($input: CreateSessionInput!) { createSession(input: $input) {
      ... on CreateSessionPayload { session { id } } } }`,
    { input: { idempotencyKey: `session-${nth}`, session: { kayle: {} } } },
  )
  return decodeGlobalId(data.createSession.session.id)?.id ?? ''
}

/** Calls back before each read of events from the database, and after it with the rows. Returns the function that ends it. */
function observeReads(onRead: () => void, onRows: (rows: number) => void): () => void {
  const executor = Object.getPrototypeOf(Object.getPrototypeOf(app.db.sql.getExecutor()))
  const { executeQuery } = executor
  const { readNow } = app.db
  // Without it, all reads use the executor.
  Object.assign(app.db, { readNow: undefined })
  executor.executeQuery = async function (query: { sql: string }, ...rest: unknown[]) {
    const isRead = query.sql.includes('from "events"')
    if (isRead) onRead()
    const result = await executeQuery.call(this, query, ...rest)
    if (isRead) onRows(result.rows.length)
    return result
  }
  return () => {
    executor.executeQuery = executeQuery
    Object.assign(app.db, { readNow })
  }
}

/** Subscribes. Returns the function that ends it. */
type Follow = (variables: { readonly filter: object; readonly after: string }) => Promise<() => Promise<void>>

const overServerSentEvents: Follow = async variables => {
  const subscriber = await follow(app.url, { query: QUERY, variables })
  return async () => {
    await subscriber.unsubscribe()
    await expect.poll(() => app.streams.count()).toBe(0)
  }
}

const overWebSocket: Follow = async variables => {
  const client = createClient({
    url: app.url.replace('http', 'ws'),
    webSocketImpl: WebSocket,
    connectionParams: { authorization: `Bearer ${API_KEY}` },
  })
  client.subscribe({ query: QUERY, variables }, { next: () => {}, error: () => {}, complete: () => {} })
  return async () => {
    await client.dispose()
    await expect.poll(() => app.streams.count()).toBe(0)
  }
}

describe.each([
  ['server-sent events', overServerSentEvents],
  ['a WebSocket', overWebSocket],
])('a replay over %s', (_name, subscribe) => {
  test.each(FILTERS)('of events %s lets others run, and is charged', async (_what, filter) => {
    const turns: number[] = []
    const count = countTurns()
    consume = cost => {
      if (cost !== COST_OF_EVENT && cost < COST_OF_READS) return
      turns.push(count.turn)
      takeLong()
    }
    const unsubscribe = await subscribe({ filter, after })
    await expect.poll(() => turns.length).toBeGreaterThan(CHARGES)
    await unsubscribe()
    consume = () => {}
    count.isDone = true
    expect(new Set(turns).size).toBe(turns.length)
  })
})

test('a replay reads each event and its later ones once, in any number of sessions', async () => {
  let events = 0
  let charged = 0
  consume = cost => {
    if (cost >= COST_OF_READS) charged += cost
  }
  const stopObserving = observeReads(
    () => {},
    rows => {
      events += rows
    },
  )
  const unsubscribe = await overServerSentEvents({ filter: { outcomes: ['APPROVED'] }, after })
  // The beginning of a session has two events.
  const all = SESSIONS * (EVENTS + 2)
  const later = all - SESSIONS
  await expect.poll(() => charged, { timeout: 10_000 }).toBeGreaterThan(3 * (all + later) - 2 * COST_OF_READS)
  await unsubscribe()
  stopObserving()
  consume = () => {}
  expect(events).toBeLessThanOrEqual(2 * all)
})

test('a stream lets others run while it reads many later events', async () => {
  const count = countTurns()
  const turns: number[] = []
  const sessionId = await create(SESSIONS)
  const { data } = await app.execute('{ sessions(first: 0) { liveCursor } }')
  await appendEvents(
    app.db,
    Array.from({ length: 450 }, () => webhookEvent(sessionId)),
  )
  const stopObserving = observeReads(
    () => {
      turns.push(count.turn)
      takeLong()
    },
    () => {},
  )
  const variables = { filter: { outcomes: ['APPROVED'] }, after: data.sessions.liveCursor }
  const unsubscribe = await overServerSentEvents(variables)
  await expect.poll(() => turns.length).toBeGreaterThan(CHARGES)
  await unsubscribe()
  stopObserving()
  count.isDone = true
  // The first event's first page is read in the turn of its batch.
  expect(new Set(turns).size).toBeGreaterThan(CHARGES - 2)
})
