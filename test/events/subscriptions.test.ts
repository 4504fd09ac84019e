import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { MAX_SUBSCRIPTIONS_PER_TOKEN } from '../../src/http/subscriptions/registry.ts'
import { HEARTBEAT_MS } from '../../src/http/subscriptions/stream-response.ts'
import { takeDatabase } from '../harness/app/database.ts'
import { startApp, type TestApp } from '../harness/app/test-app.ts'
import { withClientToken, withDevelopmentKey } from '../harness/clients/callers.ts'
import { type Following, follow as followAt, type Subscriber } from '../harness/clients/subscriber.ts'
import { until } from '../harness/waiting.ts'

const CREATE = /* GraphQL */ `
  mutation ($input: CreateSessionInput!) {
    createSession(input: $input) { ... on CreateSessionPayload { session { id providerId createdAt } } }
  }
`
const REFRESH = /* GraphQL */ `
  query ($id: ID!) { session(by: { id: $id }, freshness: { maxAgeSeconds: 0 }) { id } }
`
const LINK = /* GraphQL */ `
  mutation ($input: LinkSessionInput!) { linkSession(input: $input) { __typename } }
`
const EVENT = /* GraphQL */ `
  fragment Event on SessionUpdate {
    cursor
    event {
      __typename
      cursor
      source
      session { id }
      ... on SessionStatusChanged { previousSessionStatus sessionStatus previousOutcome outcome }
    }
    session { id status outcome }
    matchesFilter
  }
`
const ONE = `${EVENT} subscription ($id: ID!, $after: String) { sessionUpdated(id: $id, after: $after) { ...Event } }`
const MANY = `${EVENT} subscription ($filter: SessionFilter, $after: String) {
  sessionsUpdated(filter: $filter, after: $after) { ...Event }
}`
const RAPIDLY = { rapidly: { customer: { customerExternalId: 'usr_1337' } } }

let app: TestApp
let made = 0
const subscribers: Subscriber[] = []

beforeAll(async () => {
  app = await startApp({}, { jobs: false })
})
afterEach(async () => {
  await Promise.all(subscribers.splice(0).map(subscriber => subscriber.unsubscribe()))
  await until(() => app.services.eventStream.asleep() + app.streams.count() === 0)
})
afterAll(() => app.close())

async function follow(following: Following, at = app): Promise<Subscriber> {
  const subscriber = await followAt(at.url, following)
  subscribers.push(subscriber)
  return subscriber
}

interface CreatedRecord {
  readonly id: string
  readonly providerId: string
  readonly createdAt: string
}

async function create(session: object = { kayle: {} }, more: object = {}, at = app): Promise<CreatedRecord> {
  made += 1
  const { data } = await at.execute(CREATE, { input: { idempotencyKey: `key-${made}`, session, ...more } })
  return data.createSession.session
}

async function createCustomer(): Promise<string> {
  made += 1
  const { data } = await app.execute(
    `mutation ($input: CreateCustomerInput!) {
      createCustomer(input: $input) { ... on CreateCustomerPayload { customer { id } } }
    }`,
    { input: { idempotencyKey: `key-${made}`, customer: { rapidly: { email: `person-${made}@example.com` } } } },
  )
  return data.createCustomer.customer.id
}

async function createApplicant(): Promise<string> {
  made += 1
  const personr = { email: 'ann@example.com', phone: '+46 1', flowName: 'KYC basic' }
  const { data } = await app.execute(
    `mutation ($input: CreateApplicantInput!) {
      createApplicant(input: $input) { ... on CreateApplicantPayload { applicant { id } } }
    }`,
    { input: { idempotencyKey: `key-${made}`, applicant: { personr } } },
  )
  return data.createApplicant.applicant.id
}

/** Moves a session of Kayle and reads it. */
async function move({ id, providerId }: CreatedRecord, to: string): Promise<void> {
  await app.sandbox('KAYLE').advance({ id: providerId, to })
  await app.execute(REFRESH, { id })
}

async function liveCursor(): Promise<string> {
  return (await app.execute('{ sessions(first: 1) { liveCursor } }')).data.sessions.liveCursor
}

interface Update {
  readonly event: { __typename: string; previousSessionStatus?: string; sessionStatus?: string }
  readonly matchesFilter: boolean
}

/** The received events, each as one word; `, left` if the session no longer matches the filter. */
function words(messages: readonly { readonly data: { readonly data: Record<string, unknown> } | null }[]): string[] {
  return messages.map(({ data }) => {
    const [reported] = Object.values(data?.data ?? {}) as Update[]
    const { __typename = 'nothing', previousSessionStatus, sessionStatus } = reported?.event ?? {}
    const word = sessionStatus === undefined ? __typename : `${previousSessionStatus} > ${sessionStatus}`
    return reported?.matchesFilter === false ? `${word}, left` : word
  })
}

describe('a subscription', () => {
  test('delivers events as they happen, each with its cursor as the id', async () => {
    const session = await create()
    const subscriber = await follow({ query: ONE, variables: { id: session.id } })
    await move(session, 'attempt_started')
    const moved = Date.now()

    const [first, second] = await subscriber.first(2)

    // The table is also polled each second; this is sooner.
    expect(Date.now() - moved).toBeLessThan(500)
    expect(subscriber).toMatchObject({ status: 200, contentType: expect.stringContaining('text/event-stream') })
    expect(first).toMatchObject({
      event: 'next',
      data: {
        data: {
          sessionUpdated: {
            event: {
              __typename: 'SessionStatusChanged',
              source: 'FETCH',
              session: { id: session.id },
              previousSessionStatus: 'CREATED',
              sessionStatus: 'IN_PROGRESS',
              previousOutcome: 'PENDING',
              outcome: 'PENDING',
            },
            session: { id: session.id, status: 'IN_PROGRESS' },
            matchesFilter: true,
          },
        },
      },
    })
    for (const message of [first, second]) {
      const { cursor, event } = message?.data.data.sessionUpdated ?? {}
      expect([cursor, event.cursor]).toEqual([message?.id, message?.id])
    }
    expect(words([first, second].flatMap(message => message ?? []))).toEqual([
      'CREATED > IN_PROGRESS',
      'AttemptStatusChanged',
    ])
  })

  test('has ids even if its client selects no cursors', async () => {
    const session = await create()
    const query = 'subscription ($id: ID!) { what: sessionUpdated(id: $id) { event { at } } }'
    const subscriber = await follow({ query, variables: { id: session.id } })
    await move(session, 'cancelled')
    const [{ id: lastEventId } = { id: null }] = await subscriber.first(1)

    const again = await follow({ query: ONE, variables: { id: session.id }, lastEventId: lastEventId ?? '' })
    await app.execute(LINK, { input: { sessionId: session.id, customerId: await createCustomer() } })

    expect(words(await again.first(1))).toEqual(['SessionLinksChanged'])
  })

  test('resumes after the last event that its client received, whatever its `after` argument is', async () => {
    const after = await liveCursor()
    const session = await create()
    await move(session, 'attempt_started')
    await move(session, 'attempt_succeeded')
    const variables = { id: session.id, after }
    const all = await (await follow({ query: ONE, variables })).first(5)

    const again = await follow({ query: ONE, variables, lastEventId: all[1]?.id ?? '' })

    expect(words(all)).toEqual([
      'SessionCreated',
      'null > CREATED',
      'CREATED > IN_PROGRESS',
      'AttemptStatusChanged',
      'IN_PROGRESS > COMPLETED',
    ])
    expect(await again.first(3)).toEqual(all.slice(2))
  })

  test('misses no event between a list and its start', async () => {
    const list = await app.execute('{ sessions(first: 1) { liveCursor nodes { id } } }')
    const session = await create()
    const one = await app.execute('query ($id: ID!) { session(by: { id: $id }) { status liveCursor } }', {
      id: session.id,
    })
    await move(session, 'attempt_started')

    const many = await follow({ query: MANY, variables: { after: list.data.sessions.liveCursor } })
    const single = await follow({ query: ONE, variables: { id: session.id, after: one.data.session.liveCursor } })

    expect(words(await many.first(3))).toEqual(['SessionCreated', 'null > CREATED', 'CREATED > IN_PROGRESS'])
    expect(words(await single.first(1))).toEqual(['CREATED > IN_PROGRESS'])
  })

  test('shows the current state with each event, not the state loaded for the event before', async () => {
    const session = await create()
    const query = /* GraphQL */ `
      subscription ($id: ID!) {
        sessionUpdated(id: $id) { event { __typename } session { attempts { nodes { status } } customer { id } } }
      }
    `
    const subscriber = await follow({ query, variables: { id: session.id } })
    await move(session, 'attempt_started')
    await subscriber.first(2)
    await move(session, 'attempt_succeeded')

    const reported = (await subscriber.first(4)).map(({ data }) => data.data.sessionUpdated)

    expect(reported.map(({ session }) => session.attempts.nodes)).toEqual([
      [{ status: 'IN_PROGRESS' }],
      [{ status: 'IN_PROGRESS' }],
      [{ status: 'SUCCEEDED' }],
      [{ status: 'SUCCEEDED' }],
    ])
  })

  test('sends a heartbeat while there are no events', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    try {
      const subscriber = await follow({ query: MANY })
      await vi.waitUntil(() => subscriber.heartbeats() === 1, { timeout: 15_000 })
      vi.advanceTimersByTime(HEARTBEAT_MS - 1)
      const early = subscriber.heartbeats()
      vi.advanceTimersByTime(1)
      await vi.waitUntil(() => subscriber.heartbeats() === 2, { timeout: 15_000 })
      expect(early).toBe(1)
      expect(subscriber.messages).toEqual([])
    } finally {
      vi.useRealTimers()
    }
  })

  test('is refused for a client that accepts only JSON', async () => {
    const subscriber = await follow({ query: MANY, accept: 'application/json' })

    expect(subscriber.status).toBe(406)
    expect(app.streams.count()).toBe(0)
  })

  test('can be closed at any moment, and leaves no resources behind', async () => {
    const session = await create()
    const leavers = await Promise.all(
      Array.from({ length: 20 }, () => followAt(app.url, { query: ONE, variables: { id: session.id } })),
    )
    expect(app.streams.count()).toBe(20)
    const moved = move(session, 'attempt_started')
    await Promise.all(leavers.map(leaver => leaver.unsubscribe()))
    await moved

    await until(() => app.streams.count() === 0)
    await until(() => app.services.eventStream.asleep() === 0)
  })

  test('ends when its response body is cancelled', async () => {
    const headers = { accept: 'text/event-stream', authorization: 'Bearer sg_dev_key_of_the_tests' }
    const response = await app.app.fetch('http://localhost/graphql', {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json' },
      body: JSON.stringify({ query: MANY }),
    })
    const reader = response.body?.getReader()
    await reader?.read()
    expect(app.streams.count()).toBe(1)

    await reader?.cancel()

    expect([app.streams.count(), app.services.eventStream.asleep()]).toEqual([0, 0])
  })
})

describe('50 subscribers', () => {
  test('each receive every event once, in the same order', async () => {
    const sessions = await Promise.all(Array.from({ length: 5 }, () => create()))
    const after = await liveCursor()
    const all = await Promise.all(
      Array.from({ length: 50 }, (_, index) => follow({ query: MANY, variables: index % 2 ? { after } : {} })),
    )

    await Promise.all(sessions.map(session => move(session, 'cancelled')))

    const [first = [], ...others] = await Promise.all(all.map(subscriber => subscriber.first(5)))
    expect(words(first)).toEqual(Array(5).fill('CREATED > CANCELED'))
    expect(new Set(first.map(({ id }) => id)).size).toBe(5)
    for (const other of others) expect(other).toEqual(first)
    await until(() => app.services.eventStream.asleep() === 50)
    expect(all.map(({ messages }) => messages.length)).toEqual(Array(50).fill(5))
  })
})

describe('a subscription is refused with a code and ends', () => {
  const missing = Buffer.from('Session:01970000-0000-7000-8000-000000000000').toString('base64url')

  async function refusal(following: Following) {
    const subscriber = await follow(following)
    const messages = await subscriber.all()
    expect(subscriber.status).toBe(200)
    expect(messages.map(({ event }) => event)).toEqual(['next', 'complete'])
    expect(app.streams.count()).toBe(0)
    return messages[0]?.data
  }

  test.each([
    ['of a session that is not there', { id: missing }, 'NOT_FOUND'],
    ['of a customer', { id: Buffer.from('Customer:x').toString('base64url') }, 'NOT_FOUND'],
    ['of garbage', { id: '%%%' }, 'NOT_FOUND'],
  ])('%s', async (_what, variables, code) => {
    const { errors, data } = await refusal({ query: ONE, variables })

    expect(data ?? null).toBeNull()
    expect(errors).toMatchObject([{ extensions: { code, retryable: false } }])
  })

  test('with an invalid cursor, or one of a list or of another tenant', async () => {
    await create()
    const { data } = await app.execute('{ sessions(first: 1) { pageInfo { endCursor } } }')
    const foreign = await app.services.eventStream.cursor({ tenantId: 'another' })
    const cursors = ['', '%%%', 'MS4wLnh4eHh4eHh4eHh4eA', data.sessions.pageInfo.endCursor, foreign]

    for (const cursor of cursors) {
      const byAfter = await refusal({ query: MANY, variables: { after: cursor } })
      expect(byAfter.errors).toMatchObject([{ extensions: { code: 'CURSOR_INVALID', retryable: false } }])
      if (!cursor) continue
      const byHeader = await refusal({ query: MANY, lastEventId: cursor })
      expect(byHeader.errors).toMatchObject([{ extensions: { code: 'CURSOR_INVALID' } }])
    }
  })

  test('with a cursor older than the retained events', async () => {
    const old = await app.services.eventStream.cursor({ tenantId: 'dev' })
    await create()
    const stored = await liveCursor()
    await create()
    const { sql } = app.db
    const { position } = await sql.selectFrom('event_positions').select('position').executeTakeFirstOrThrow()
    await sql
      .deleteFrom('events')
      .where('position', '<=', position - 2)
      .execute()

    const { errors } = await refusal({ query: MANY, variables: { after: old } })
    const subscriber = await follow({ query: MANY, variables: { after: stored } })

    expect(errors).toMatchObject([{ extensions: { code: 'CURSOR_EXPIRED' } }])
    expect(words(await subscriber.first(2))).toEqual(['SessionCreated', 'null > CREATED'])
  })

  test('beyond the maximum of one client token, until one ends', async () => {
    const session = await create()
    const { token } = await withClientToken(app, withDevelopmentKey(app), { sessionId: session.id })
    const query = `subscription { sessionUpdated(id: "${session.id}") { cursor } }`
    const followAs = () => follow({ query, token })
    const open = await Promise.all(Array.from({ length: MAX_SUBSCRIPTIONS_PER_TOKEN }, followAs))
    expect(new Set(open.map(({ status }) => status))).toEqual(new Set([200]))

    const refused = await followAs()
    await open[0]?.unsubscribe()
    await until(() => app.streams.count() < MAX_SUBSCRIPTIONS_PER_TOKEN)
    const admitted = await followAs()

    expect(refused.status).toBe(429)
    expect(await refused.all()).toMatchObject([
      { event: 'next', data: { errors: [{ extensions: { code: 'RATE_LIMITED', retryable: true } }] } },
      { event: 'complete' },
    ])
    expect(JSON.stringify(refused.messages)).not.toContain('"http"')
    expect(admitted.status).toBe(200)
  })
})

describe('sessionsUpdated', () => {
  /** The events that pass a filter, up to an event of a session created last that passes every filter. */
  async function seen(filter: object, after: string, count: number): Promise<string[]> {
    const subscriber = await follow({ query: MANY, variables: { filter, after } })
    const found = words(await subscriber.first(count))
    await new Promise(resolve => setTimeout(resolve, 60))
    expect(subscriber.messages).toHaveLength(count)
    return found
  }

  test('reports a row that enters or leaves its filter, by status and by outcome', async () => {
    const session = await create()
    const after = await liveCursor()
    await move(session, 'attempt_started')
    await move(session, 'attempt_succeeded')

    const began = 'CREATED > IN_PROGRESS'
    const ended = 'IN_PROGRESS > COMPLETED'
    const left = 'IN_PROGRESS > COMPLETED, left'
    expect(await seen({ statuses: ['CREATED'] }, after, 1)).toEqual(['CREATED > IN_PROGRESS, left'])
    expect(await seen({ statuses: ['IN_PROGRESS'] }, after, 3)).toEqual([began, 'AttemptStatusChanged', left])
    expect(await seen({ statuses: ['COMPLETED'] }, after, 2)).toEqual([ended, 'AttemptStatusChanged'])
    expect(await seen({ outcomes: ['PENDING'] }, after, 3)).toEqual([began, 'AttemptStatusChanged', left])
    expect(await seen({ outcomes: ['APPROVED'] }, after, 2)).toEqual([ended, 'AttemptStatusChanged'])
    expect(await seen({ statuses: ['CANCELED', 'EXPIRED'] }, after, 0)).toEqual([])
  })

  test('reports a row that enters or leaves by its links, also in a later replay', async () => {
    const session = await create()
    const [customerId, other] = [await createCustomer(), await createCustomer()]
    const applicantId = await createApplicant()
    const after = await liveCursor()
    for (const link of [{ customerId }, { applicantId }, { customerId: other }, { applicantId: null }]) {
      await app.execute(LINK, { input: { sessionId: session.id, ...link } })
    }
    await move(session, 'cancelled')

    const links = 'SessionLinksChanged'
    const left = [links, links, `${links}, left`]
    expect(await seen({ customerId }, after, 3)).toEqual(left)
    expect(await seen({ customerId: other }, after, 3)).toEqual([links, links, 'CREATED > CANCELED'])
    expect(await seen({ applicantId }, after, 3)).toEqual(left)
    expect(await seen({ applicantId, statuses: ['CREATED'] }, after, 3)).toEqual(left)
    expect(await seen({ applicantId, statuses: ['CANCELED'] }, after, 0)).toEqual([])
  })

  test('reports with each event whether the session still matches, live and replayed', async () => {
    const customerId = await createCustomer()
    const filters = [
      { statuses: ['CREATED'] },
      { statuses: ['IN_PROGRESS'] },
      { statuses: ['CREATED', 'COMPLETED'] },
      { outcomes: ['PENDING'] },
      { outcomes: ['APPROVED'] },
      { customerId },
      { customerId, statuses: ['IN_PROGRESS'] },
      { providers: ['KAYLE'] },
    ]
    const after = await liveCursor()
    const live = await Promise.all(filters.map(filter => follow({ query: MANY, variables: { filter } })))
    const session = await create()
    await app.execute(LINK, { input: { sessionId: session.id, customerId } })
    await move(session, 'attempt_started')
    await app.execute(LINK, { input: { sessionId: session.id, customerId: null } })
    await move(session, 'attempt_succeeded')

    const [links, attempt] = ['SessionLinksChanged', 'AttemptStatusChanged']
    const [made, began, ended] = ['null > CREATED', 'CREATED > IN_PROGRESS', 'IN_PROGRESS > COMPLETED']
    const expected = [
      ['SessionCreated', made, links, `${began}, left`],
      [began, attempt, links, `${ended}, left`],
      ['SessionCreated', made, links, `${began}, left`, ended, attempt],
      ['SessionCreated', made, links, began, attempt, links, `${ended}, left`],
      [ended, attempt],
      [links, began, attempt, `${links}, left`],
      [began, attempt, `${links}, left`],
      ['SessionCreated', made, links, began, attempt, links, ended, attempt],
    ]
    for (const [index, wanted] of expected.entries()) {
      expect(words((await live[index]?.first(wanted.length)) ?? [])).toEqual(wanted)
      expect(await seen(filters[index] ?? {}, after, wanted.length)).toEqual(wanted)
      expect(live[index]?.messages).toHaveLength(wanted.length)
    }
  })

  test('reports a created session with its links from its first event on', async () => {
    const customerId = await createCustomer()
    const after = await liveCursor()
    await create({ kayle: {} }, { customerId })

    expect(await seen({ customerId }, after, 3)).toEqual(['SessionCreated', 'null > CREATED', 'SessionLinksChanged'])
  })

  test('filters by provider, external id and time', async () => {
    const after = await liveCursor()
    const kayle = await create({ kayle: {} }, { externalId: 'usr_of_kayle' })
    await new Promise(resolve => setTimeout(resolve, 5))
    const rapidly = await create(RAPIDLY, { externalId: 'usr_1337' })

    const first = ['SessionCreated', 'null > CREATED']
    const second = ['SessionCreated', 'null > IN_PROGRESS', 'SessionLinksChanged']
    expect(await seen({}, after, 5)).toEqual([...first, ...second])
    expect(await seen({ providers: ['KAYLE'] }, after, 2)).toEqual(first)
    expect(await seen({ providers: ['RAPIDLY'] }, after, 3)).toEqual(second)
    for (const none of [{ providers: [] }, { statuses: [] }, { outcomes: [] }])
      expect(await seen(none, after, 0)).toEqual([])
    expect(await seen({ externalId: 'usr_of_kayle' }, after, 2)).toEqual(first)
    expect(await seen({ createdAfter: kayle.createdAt }, after, 3)).toEqual(second)
    expect(await seen({ createdBefore: rapidly.createdAt }, after, 2)).toEqual(first)
  })
})

describe('a server', () => {
  test('that closes ends its subscriptions without waiting for them', async () => {
    const other = await startApp({}, { jobs: false })
    const open = await Promise.all([1, 2, 3].map(() => follow({ query: MANY }, other)))
    const began = Date.now()

    await other.close()

    expect(Date.now() - began).toBeLessThan(2_000)
    for (const subscriber of open) expect(await subscriber.all()).toMatchObject([{ event: 'next', id: null }])
    expect([other.streams.count(), other.services.eventStream.asleep()]).toEqual([0, 0])
  })

  test('delivers events of another process in the order of the table', async () => {
    const database = await takeDatabase()
    const env = { DATABASE_URL: database.url }
    const first = await startApp(env, { jobs: false })
    const second = await startApp(env, { jobs: false })
    try {
      const subscriber = await follow({ query: MANY }, first)
      await Promise.all([1, 2, 3, 4].flatMap(() => [create(RAPIDLY, {}, first), create(RAPIDLY, {}, second)]))

      const messages = await subscriber.first(24)
      const again = await (await follow({ query: MANY, lastEventId: messages[4]?.id ?? '' }, second)).first(19)

      expect(new Set(messages.map(({ id }) => id)).size).toBe(24)
      expect(again).toEqual(messages.slice(5))
    } finally {
      await Promise.all(subscribers.splice(0).map(subscriber => subscriber.unsubscribe()))
      await first.close()
      await second.close()
      await database.release()
    }
  })
})
