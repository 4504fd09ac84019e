import { createClient } from 'graphql-ws'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { WebSocket } from 'ws'
import { appendEvents } from '../../db/repositories/event-repository.ts'
import { decodeGlobalId } from '../../src/domain/global-id.ts'
import { startApp, type TestApp } from '../harness/app/test-app.ts'
import { withClientToken, withDevelopmentKey, withKey } from '../harness/clients/callers.ts'
import { type Following, follow, type Subscriber } from '../harness/clients/subscriber.ts'
import { webhookEvent } from '../harness/load/webhook-event.ts'

/** The cost of a subscription: each event is charged, and past events call no provider. */

const subscribers: Subscriber[] = []
afterEach(async () => {
  for (const subscriber of subscribers.splice(0)) await subscriber.unsubscribe()
})

async function subscribe(app: TestApp, following: Following): Promise<Subscriber> {
  const subscriber = await follow(app.url, following)
  subscribers.push(subscriber)
  return subscriber
}

async function createLinked(app: TestApp, externalId: string) {
  const { data } = await app.execute(
    `mutation ($input: CreateSessionInput!) { createSession(input: $input) {
      ... on CreateSessionPayload { session { id providerId liveCursor } } } }`,
    {
      input: {
        idempotencyKey: `stream-${externalId}`,
        externalId,
        session: { verilock: { profileId: '01234567-89ab-cdef-0123-456789abcdef', applicantEmail: 'a@example.com' } },
      },
    },
  )
  return data.createSession.session as { id: string; providerId: string; liveCursor: string }
}

async function begin(app: TestApp, { id, providerId }: { id: string; providerId: string }): Promise<void> {
  await app.sandbox('VERILOCK').advance({ id: providerId, to: 'processing' })
  await app.execute('query ($id: ID!) { session(by: { id: $id }, freshness: { maxAgeSeconds: 0 }) { id } }', { id })
}

/** Fresh reads for everything below, where permitted. */
const query = `subscription ($id: ID!, $after: String) { sessionUpdated(id: $id, after: $after) {
  cursor event { __typename } session { attempts(freshness: { maxAgeSeconds: 0 }) { nodes { id } } } } }`

describe('a subscription', () => {
  let app: TestApp
  beforeAll(async () => {
    app = await startApp({}, { jobs: false })
  })
  afterAll(() => app?.close())

  const readsOf = async () => (await app.sandbox('VERILOCK').requests()).filter(({ method }) => method === 'GET').length

  test('replays events without provider calls, and reads again for new events', async () => {
    const { data } = await app.execute('{ sessions(first: 0) { liveCursor } }')
    const session = await createLinked(app, 'replayed')
    await begin(app, session)
    await app.sandbox('VERILOCK').forget()
    const variables = { id: session.id, after: data.sessions.liveCursor }
    const subscriber = await subscribe(app, { query, variables })
    await subscriber.first(3)
    expect(await readsOf()).toBe(0)
    const seen = subscriber.messages.length
    await app.sandbox('VERILOCK').advance({ id: session.providerId, to: 'approved' })
    await app.execute('query ($id: ID!) { session(by: { id: $id }, freshness: { maxAgeSeconds: 0 }) { id } }', {
      id: session.id,
    })
    await vi.waitFor(() => expect(subscriber.messages.length).toBeGreaterThan(seen))
    await vi.waitFor(async () => expect(await readsOf()).toBeGreaterThan(1))
  })

  test('of a client token calls no provider, whatever it selects', async () => {
    const session = await createLinked(app, 'token')
    const { token } = await withClientToken(app, withDevelopmentKey(app), { sessionId: session.id })
    const subscriber = await subscribe(app, { query, variables: { id: session.id }, token })
    await app.sandbox('VERILOCK').forget()
    await begin(app, session)
    const [first] = await subscriber.first(1)
    expect(first?.data.errors).toBeUndefined()
    // The one read is that of `begin`.
    expect(await readsOf()).toBe(1)
  })
})

test('beyond the budget ends with RATE_LIMITED, and resumes later after its last event', async () => {
  const [creates, events] = [4, 5]
  const app = await startApp({}, { jobs: false })
  // A new document and the beginning of a subscription, which pays for the first event.
  const { token } = await withKey(app, { costPerMinute: 31 + 41 + 20 * (events - 1) })
  const { data } = await app.execute('{ sessions(first: 0) { liveCursor } }')
  for (let index = 0; index < creates; index++) await createLinked(app, `budget-${index}`)
  const all = 'subscription ($after: String) { sessionsUpdated(after: $after) { cursor } }'
  const subscriber = await subscribe(app, { query: all, variables: { after: data.sessions.liveCursor }, token })

  const messages = await subscriber.all()

  expect(messages.filter(message => message.data?.data?.sessionsUpdated)).toHaveLength(events)
  expect(messages.at(-2)?.data.errors).toMatchObject([
    { extensions: { code: 'RATE_LIMITED', retryable: true, retryAfterSeconds: expect.any(Number) } },
  ])
  const cursor = messages.at(events - 1)?.id
  expect(cursor).toBe(messages.at(events - 1)?.data.data.sessionsUpdated.cursor)
  await app.close()
})

describe('a subscription without matching events, beyond the budget,', () => {
  const NONE = `subscription ($after: String) {
    sessionsUpdated(filter: { createdBefore: "2001-01-01T00:00:00Z" }, after: $after) { cursor } }`
  /** They are charged together. */
  const READS = 20
  let app: TestApp
  let after: string
  let cursors: readonly string[]
  beforeAll(async () => {
    app = await startApp({}, { jobs: false })
    const { data } = await app.execute('{ sessions(first: 0) { liveCursor } }')
    after = data.sessions.liveCursor
    const { id } = await createLinked(app, 'unmatched')
    await appendEvents(
      app.db,
      Array.from({ length: 90 }, () => webhookEvent(decodeGlobalId(id)?.id ?? '')),
    )
    const stored = await app.execute('{ events(first: 100) { nodes { cursor } } }')
    cursors = stored.data.events.nodes.map(({ cursor }: { readonly cursor: string }) => cursor)
  })
  afterAll(() => app?.close())

  /** A key that may pay for one time fewer reads than it is charged for. */
  const withSmallKey = (times: number, beside: number) =>
    withKey(app, { costPerMinute: 3 * READS * (times - 1) + beside })

  test('ends with RATE_LIMITED, and continues after the last event that it read', async () => {
    const ends: (string | undefined)[] = []
    let from = after
    for (let nth = 0; nth < 2; nth++) {
      // A new document, once, and the beginning of a subscription.
      const { token } = await withSmallKey(2, (nth === 0 ? 33 : 0) + 45)
      const subscriber = await subscribe(app, { query: NONE, variables: { after: from }, token })
      const last = (await subscriber.all()).at(-2)
      expect(last?.data.errors).toMatchObject([{ extensions: { code: 'RATE_LIMITED', retryable: true } }])
      from = last?.data.errors[0].extensions.cursor
      ends.push(from)
      expect(last?.id).toBe(from)
    }
    expect(ends).toEqual([cursors[2 * READS - 1], cursors[4 * READS - 1]])
  })

  test('says over a WebSocket where it continues', async () => {
    const { token } = await withSmallKey(2, 100)
    const connectionParams = { authorization: `Bearer ${token}` }
    const client = createClient({ url: app.url.replace('http', 'ws'), webSocketImpl: WebSocket, connectionParams })
    const end = await new Promise<unknown>(resolve => {
      const sink = { next: resolve, error: resolve, complete: () => {} }
      client.subscribe({ query: NONE, variables: { after } }, sink)
    })
    const cursor = expect.toSatisfy((cursor: string) => cursors.indexOf(cursor) % READS === READS - 1)
    expect(Array.isArray(end) ? end : (end as { errors: unknown }).errors).toMatchObject([
      { extensions: { code: 'RATE_LIMITED', cursor } },
    ])
    await client.dispose()
  })
})

test('all events that a stream reads for one event are charged, also beyond the budget', async () => {
  const EVENTS = 2_000
  let spent = 0
  const consume = async (_key: string, cost: number) => {
    spent += cost
    return spent > 200 ? 1_000 : 0
  }
  const giveBack = async (_key: string, cost: number) => {
    spent -= cost
  }
  const app = await startApp({}, { jobs: false, rateLimiter: { consume, giveBack } })
  const { data } = await app.execute('{ sessions(first: 0) { liveCursor } }')
  const { id } = await createLinked(app, 'later')
  await appendEvents(
    app.db,
    Array.from({ length: EVENTS }, () => webhookEvent(decodeGlobalId(id)?.id ?? '')),
  )
  const query = `subscription ($after: String) {
    sessionsUpdated(after: $after, filter: { statuses: [COMPLETED] }) { cursor } }`
  const variables = { after: data.sessions.liveCursor }
  spent = 0

  const subscriber = await subscribe(app, { query, variables })
  const errors = (await subscriber.all()).at(-2)?.data.errors
  expect(errors).toMatchObject([{ extensions: { code: 'RATE_LIMITED' } }])
  expect(spent).toBeGreaterThanOrEqual(3 * EVENTS)
  await app.close()
})
