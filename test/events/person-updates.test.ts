import fc from 'fast-check'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { SCOPES } from '../../src/domain/access/caller.ts'
import { decodeGlobalId, encodeGlobalId } from '../../src/domain/global-id.ts'
import { startApp, type TestApp } from '../harness/app/test-app.ts'
import { withClientToken, withKey } from '../harness/clients/callers.ts'
import { type Following, follow as followAt, type Message, type Subscriber } from '../harness/clients/subscriber.ts'
import { until } from '../harness/waiting.ts'

const SEED = Number(process.env.SEED ?? 20_261_129)

const CREATE = /* GraphQL */ `
  mutation ($input: CreateSessionInput!) {
    createSession(input: $input) { ... on CreateSessionPayload { session { id providerId access { hostedUrl } } } }
  }
`
const REFRESH = /* GraphQL */ `
  query ($id: ID!) { session(by: { id: $id }, freshness: { maxAgeSeconds: 0 }) { id } }
`
const LINK = /* GraphQL */ `
  mutation ($input: LinkSessionInput!) { linkSession(input: $input) { __typename ... on LinkSessionPayload { session { externalId } } } }
`
const PERSON = /* GraphQL */ `
  subscription ($externalId: String!, $after: String) {
    personUpdated(externalId: $externalId, after: $after) {
      cursor
      event { __typename id cursor session { id externalId } ... on SessionStatusChanged { sessionStatus } }
      person { id externalId nextAction { kind session { id } } }
    }
  }
`

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

interface CreatedRecord {
  readonly id: string
  readonly providerId: string
  readonly access: { readonly hostedUrl: string }
}

async function create(externalId: string | null): Promise<CreatedRecord> {
  made += 1
  const input = { idempotencyKey: `key-${made}`, externalId, session: { kayle: {} } }
  return (await app.execute(CREATE, { input })).data.createSession.session
}

async function link(sessionId: string, externalId: string | null): Promise<void> {
  const { data } = await app.execute(LINK, { input: { sessionId, externalId } })
  expect(data.linkSession.session.externalId).toBe(externalId)
}

/** Moves a session at Kayle and reads it. */
async function move({ id, providerId }: CreatedRecord, to: string): Promise<void> {
  await app.sandbox('KAYLE').advance({ id: providerId, to })
  await app.execute(REFRESH, { id })
}

async function follow(following: Omit<Following, 'query'> & { readonly query?: string }): Promise<Subscriber> {
  const subscriber = await followAt(app.url, { query: PERSON, ...following })
  subscribers.push(subscriber)
  return subscriber
}

async function liveCursor(externalId: string): Promise<string> {
  const { data } = await app.execute('query ($v: String!) { person(externalId: $v) { liveCursor } }', { v: externalId })
  return data.person.liveCursor
}

/** Each message as its session and its change. A session that left the person is not shown. */
function toWords(messages: readonly Message[]): string[] {
  return messages.map(({ data }) => {
    const { event } = data.data.personUpdated
    return `${event.session?.id ?? 'left'} ${event.sessionStatus ?? event.__typename}`
  })
}

/** The received messages, each as often as expected. */
async function exactly(subscriber: Subscriber, count: number): Promise<readonly Message[]> {
  await subscriber.first(count)
  await new Promise(resolve => setTimeout(resolve, 60))
  expect(toWords(subscriber.messages)).toHaveLength(count)
  return subscriber.messages
}

describe('personUpdated', () => {
  test('delivers the events of all sessions of the person and of no other, each with the current next action', async () => {
    const person = { id: encodeGlobalId('Person', 'ann'), externalId: 'ann' }
    const first = await create('ann')
    const other = await create('bob')
    const subscriber = await follow({ variables: { externalId: 'ann' } })

    await move(first, 'attempt_started')
    await subscriber.first(2)
    await move(other, 'attempt_started')
    await move(first, 'attempt_succeeded')
    await subscriber.first(4)
    const second = await create('ann')

    const messages = await exactly(subscriber, 6)
    expect(toWords(messages)).toEqual([
      `${first.id} IN_PROGRESS`,
      `${first.id} AttemptStatusChanged`,
      `${first.id} COMPLETED`,
      `${first.id} AttemptStatusChanged`,
      `${second.id} SessionCreated`,
      `${second.id} CREATED`,
    ])
    const updates = messages.map(({ data }) => data.data.personUpdated)
    expect(updates.map(update => update.person)).toMatchObject(messages.map(() => person))
    expect(updates.map(update => update.person.nextAction.kind)).toEqual([
      ...['VERIFY', 'VERIFY', 'DONE', 'DONE', 'VERIFY', 'VERIFY'],
    ])
    expect(updates.at(-1).person.nextAction.session).toEqual({ id: second.id })
    for (const [index, update] of updates.entries()) {
      expect([update.cursor, update.event.cursor]).toEqual([messages[index]?.id, messages[index]?.id])
    }
  })

  test('can start before the person has a session', async () => {
    const externalId = 'unknown here'
    const subscriber = await follow({ variables: { externalId } })
    const session = await create(externalId)
    expect(toWords(await exactly(subscriber, 2))).toEqual([`${session.id} SessionCreated`, `${session.id} CREATED`])
  })

  test('resumes after the last event that its client received, and misses no event since a read', async () => {
    const after = await liveCursor('resumed')
    const session = await create('resumed')
    await move(session, 'attempt_started')
    const variables = { externalId: 'resumed', after }
    const all = await (await follow({ variables })).first(4)

    const again = await follow({ variables, lastEventId: all[1]?.id ?? '' })
    expect(await again.first(2)).toEqual(all.slice(2))
    const byArgument = await follow({ variables: { ...variables, after: all[2]?.id } })
    expect(await byArgument.first(1)).toEqual(all.slice(3))
    const bySession = await follow({
      query: 'subscription ($id: ID!, $after: String) { sessionUpdated(id: $id, after: $after) { cursor } }',
      variables: { id: session.id, after: all[0]?.id },
    })
    expect((await bySession.first(3)).map(({ id }) => id)).toEqual(all.slice(1).map(({ id }) => id))
  })

  test('delivers that a session left the person and nothing after it, and every event of one that joins', async () => {
    for (const next of ['bea', null]) {
      const session = await create('al')
      const own = await create('al')
      const former = await follow({ variables: { externalId: 'al' } })
      const later = next === null ? undefined : await follow({ variables: { externalId: next } })
      await link(session.id, next)
      await move(session, 'cancelled')
      await move(own, 'cancelled')

      expect(toWords(await exactly(former, 2))).toEqual(['left SessionLinksChanged', `${own.id} CANCELED`])
      const joined = [`${session.id} SessionLinksChanged`, `${session.id} CANCELED`]
      if (later) expect(toWords(await exactly(later, 2))).toEqual(joined)
    }
  })

  test('names the other person in neither stream when a session moves between two persons', async () => {
    const applicant = await app.execute(`mutation { createApplicant(input: { idempotencyKey: "moves", applicant: {
      personr: { email: "new@example.com", phone: "+46 70 000 00 00", flowName: "KYC basic" } } }) {
        ... on CreateApplicantPayload { applicant { id } } } }`)
    const applicantId = applicant.data.createApplicant.applicant.id
    const maker = await withKey(app)
    const session = await create('old person')
    const query = `subscription ($externalId: String!, $after: String) { personUpdated(externalId: $externalId, after: $after) {
      event { __typename session { id externalId } ... on SessionLinksChanged { applicant { id } customer { id } } }
      person { externalId sessions { nodes { id } } } } }`
    const after = await liveCursor('old person')
    const input = { sessionId: session.id, externalId: 'new person', applicantId }
    await app.execute(LINK, { input })
    for (const subject of [undefined, { externalId: 'old person' }]) {
      const token = subject && (await withClientToken(app, maker, subject)).token
      const former = await follow({ query, token, variables: { externalId: 'old person', after } })
      const [message] = await former.first(1)
      expect(message?.data.data.personUpdated).toMatchObject({
        event: { __typename: 'SessionLinksChanged', session: null, applicant: null, customer: null },
        person: { externalId: 'old person', sessions: { nodes: [] } },
      })
      expect(JSON.stringify(message)).not.toMatch(new RegExp(`new person|${session.id}|${applicantId}`))
    }
    const { token } = await withClientToken(app, maker, { externalId: 'new person' })
    const joined = await follow({ query, token, variables: { externalId: 'new person', after } })
    const [message] = await joined.first(1)
    expect(message?.data.data.personUpdated.event.session).toEqual({ id: session.id, externalId: 'new person' })
    expect(JSON.stringify(message)).not.toContain('old person')
  })

  test('a list of the sessions of one externalId is notified when a session leaves it', async () => {
    const session = await create('listed')
    const after = await liveCursor('listed')
    await link(session.id, 'another list')
    const query = `subscription ($externalId: String!, $after: String) {
      sessionsUpdated(filter: { externalId: $externalId }, after: $after) { matchesFilter session { id } } }`
    for (const [externalId, matchesFilter] of [
      ['listed', false],
      ['another list', true],
    ]) {
      const subscriber = await follow({ query, variables: { externalId, after } })
      const [message] = await subscriber.first(1)
      expect(message?.data.data.sessionsUpdated).toEqual({ matchesFilter, session: { id: session.id } })
    }
  })

  test('replays only what belongs to the person at the time of the read, and that a session left', async () => {
    const after = await liveCursor('past')
    const [own, moved] = [await create('past'), await create('past')]
    const came = await create('somebody else')
    await move(moved, 'cancelled')
    await link(moved.id, 'somebody else')
    await link(came.id, 'past')

    const subscriber = await follow({ variables: { externalId: 'past', after } })

    expect(toWords(await exactly(subscriber, 6))).toEqual([
      `${own.id} SessionCreated`,
      `${own.id} CREATED`,
      `${came.id} SessionCreated`,
      `${came.id} CREATED`,
      'left SessionLinksChanged',
      `${came.id} SessionLinksChanged`,
    ])
  })

  test('does not deliver events of a session that left the person after they were read', async () => {
    const after = await liveCursor('slow')
    const [moved, own] = [await create('slow'), await create('slow')]
    const { signal } = new AbortController()
    const updates = await app.services.eventStream.person({ tenantId: 'dev', signal }, { externalId: 'slow' }, after)
    const next = async () => encodeGlobalId('Session', (await updates.next()).value.session.id)

    expect(await next()).toBe(moved.id)
    await link(moved.id, 'somebody else')
    expect([await next(), await next()]).toEqual([own.id, own.id])
    await updates.return(undefined)
  })

  test('delivers each event of the person’s sessions once and in order', {
    timeout: 120_000,
  }, async () => {
    const persons = ['p0', 'p1', 'p2']
    const after = await liveCursor('p0')
    const sessions: CreatedRecord[] = []
    const steps = fc.sample(fc.tuple(fc.nat(3), fc.nat(2), fc.nat(99)), { numRuns: 60, seed: SEED })
    const live = await Promise.all(persons.map(externalId => follow({ variables: { externalId, after } })))
    const owners = new Map<string, string | null>()
    const left: { readonly id: string; readonly from: string | null }[] = []
    for (const [step, person, which] of steps) {
      const session = sessions[which % Math.max(sessions.length, 1)]
      const owner = step === 1 && which % 5 === 0 ? null : (persons[person] ?? null)
      if (!session || step === 0) {
        const created = await create(owner)
        sessions.push(created)
        owners.set(created.id, owner)
      } else if (step === 1) {
        await link(session.id, owner)
        const from = owners.get(session.id) ?? null
        if (from !== owner) left.push({ id: session.id, from })
        owners.set(session.id, owner)
      } else await move(session, step === 2 ? 'attempt_started' : 'cancelled').catch(() => {})
    }
    const events = await listEvents(after)
    for (const [index, externalId] of persons.entries()) {
      const own = events.filter(({ session }) => session.externalId === externalId)
      const gone = left.filter(({ id, from }) => from === externalId && owners.get(id) !== externalId)
      const read = await exactly(await follow({ variables: { externalId, after } }), own.length + gone.length)
      const shown = read.filter(({ data }) => data.data.personUpdated.event.session !== null)
      expect(shown.map(({ id }) => id)).toEqual(own.map(({ cursor }) => cursor))
      // The live stream also had events of sessions that belonged to the person then.
      const ids = live[index]?.messages.map(({ id }) => id) ?? []
      expect(ids.filter(id => events.some(({ cursor }) => cursor === id))).toEqual([...new Set(ids)])
    }
  })

  test('is open to a client token of the person, with the link of the next action', async () => {
    const session = await create('phone')
    const maker = await withKey(app)
    const { token } = await withClientToken(app, maker, { externalId: 'phone' })
    const query = `subscription { personUpdated(externalId: "phone") {
      event { __typename session { id access { hostedUrl } } }
      person { nextAction { kind url } sessions { nodes { id } } applicants { totalCount } } } }`
    const subscriber = await follow({ query, token })
    await move(session, 'attempt_started')

    for (const { data } of await subscriber.first(2)) {
      expect(data.data.personUpdated).toMatchObject({
        event: { session: { id: session.id, access: session.access } },
        person: {
          nextAction: { kind: 'VERIFY', url: session.access.hostedUrl },
          sessions: { nodes: [{ id: session.id }] },
          applicants: { totalCount: 0 },
        },
      })
      expect(data.errors).toBeUndefined()
    }
  })

  test('ends when its client token expires', async () => {
    const key = await withKey(app, { scopes: ['session:access', 'sessions:read'] })
    const { token } = await withClientToken(app, key, { externalId: 'phone' })
    const subscriber = await follow({ variables: { externalId: 'phone' }, token })
    await app.services.keys.revoke({ tenantId: 'dev' }, key.keyId)
    const [last, end] = await subscriber.all()
    expect(last?.data.errors).toMatchObject([{ extensions: { code: 'UNAUTHENTICATED', reason: 'KEY_OVER' } }])
    expect(end?.event).toBe('complete')
  })
})

describe('personUpdated is refused with a code and ends', () => {
  async function refusal(following: Parameters<typeof follow>[0]) {
    const subscriber = await follow(following)
    const messages = await subscriber.all()
    expect(messages.map(({ event }) => event)).toEqual(['next', 'complete'])
    expect(messages[0]?.data.data ?? null).toBeNull()
    return messages[0]?.data.errors
  }

  test('for every client token of another subject, whether or not the person has sessions', async () => {
    const session = await create('ida')
    const maker = await withKey(app)
    for (const subject of [{ sessionId: session.id }, { externalId: 'eve' }]) {
      const { token } = await withClientToken(app, maker, subject)
      for (const externalId of ['ida', 'nobody']) {
        const errors = await refusal({ variables: { externalId }, token })
        expect(errors).toMatchObject([{ extensions: { code: 'FORBIDDEN', scopes: [] } }])
      }
    }
  })

  test('for a key without the scope sessions:read', async () => {
    const { token } = await withKey(app, { scopes: SCOPES.filter(scope => scope !== 'sessions:read') })
    const errors = await refusal({ variables: { externalId: 'ida' }, token })
    expect(errors).toMatchObject([{ extensions: { code: 'FORBIDDEN', scopes: ['sessions:read'] } }])
  })

  test('with an invalid externalId or an invalid cursor', async () => {
    for (const externalId of ['', 'x'.repeat(256)]) {
      expect(await refusal({ variables: { externalId } })).toMatchObject([{ extensions: { code: 'INVALID_INPUT' } }])
    }
    const foreign = await app.services.eventStream.cursor({ tenantId: 'another' })
    for (const after of ['nothing', foreign]) {
      const variables = { externalId: 'ida', after }
      expect(await refusal({ variables })).toMatchObject([{ extensions: { code: 'CURSOR_INVALID' } }])
    }
  })
})

test('the open sessions of a followed person are polled within seconds, also those that are created later', async () => {
  const nextPollAt = async ({ id }: CreatedRecord) => {
    const rows = app.db.sql
      .selectFrom('sessions')
      .select('next_poll_at')
      .where('id', '=', decodeGlobalId(id)?.id ?? '')
    return ((await rows.executeTakeFirstOrThrow()).next_poll_at ?? Infinity) - Date.now()
  }
  const [known, other] = [await create('polled'), await create('not polled')]
  expect(await nextPollAt(known)).toBeGreaterThan(6_000)
  const subscriber = await follow({ variables: { externalId: 'polled' } })
  const later = await create('polled')
  await subscriber.first(2)
  await app.services.polling.run()
  for (const session of [known, later]) expect(await nextPollAt(session)).toBeLessThanOrEqual(5_000)
  expect(await nextPollAt(other)).toBeGreaterThan(6_000)
})

interface ListedEvent {
  readonly cursor: string
  readonly session: { readonly externalId: string | null }
}

async function listEvents(after: string): Promise<ListedEvent[]> {
  const { data } = await app.execute(
    `query ($after: String) { events(first: 100, after: $after) {
      nodes { cursor session { externalId } } pageInfo { hasNextPage endCursor } } }`,
    { after },
  )
  const { nodes, pageInfo } = data.events
  return pageInfo.hasNextPage ? [...nodes, ...(await listEvents(pageInfo.endCursor))] : nodes
}
