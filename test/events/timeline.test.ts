import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Provider } from '../../src/domain/provider.ts'
import { SESSION_READS_KEY } from '../../src/providers/yorlet/sandbox.ts'
import { onPostgres } from '../harness/app/database.ts'
import { startWorkload, type Workload } from '../harness/app/load.ts'
import { API_KEY, startApp, type TestApp } from '../harness/app/test-app.ts'
import { TRIED, type Tried } from '../harness/documents/session-inputs.ts'

/** `RUNS` runs longer, `SEED` sets other scenarios. */
const RUNS = Number(process.env.RUNS ?? (onPostgres() ? 50 : 150))
const SEED = Number(process.env.SEED ?? 20_261_121)

const CREATE = /* GraphQL */ `
  mutation ($input: CreateSessionInput!) {
    createSession(input: $input) {
      ... on CreateSessionPayload { session { id providerId access { hostedUrl sdkToken cancelToken } } }
    }
  }
`
const REFRESH = /* GraphQL */ `
  query ($id: ID!) { session(by: { id: $id }, freshness: { maxAgeSeconds: 0 }) { id } }
`
const LINK = /* GraphQL */ `
  mutation ($input: LinkSessionInput!) { linkSession(input: $input) { __typename } }
`
const READ = /* GraphQL */ `
  query ($id: ID!, $first: Int, $after: String) {
    session(by: { id: $id }, freshness: { maxAgeSeconds: 100000 }) {
      status outcome providerStatus applicant { id } customer { id }
      timeline(first: $first, after: $after) {
        totalCount
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
        nodes {
          __typename id at cursor source session { id status }
          ... on SessionStatusChanged { previousSessionStatus sessionStatus previousOutcome outcome providerStatus }
          ... on SessionLinksChanged { applicant { id } customer { id } }
          ... on AttemptStatusChanged { previousAttemptStatus attemptStatus attempt { kind } }
        }
      }
    }
  }
`

interface Event {
  readonly __typename: string
  readonly id: string
  readonly at: string
  readonly cursor: string
  readonly source: string
  readonly session: { readonly id: string; readonly status: string }
  readonly previousSessionStatus?: string | null
  readonly sessionStatus?: string
  readonly previousAttemptStatus?: string | null
  readonly attemptStatus?: string
  readonly previousOutcome?: string | null
  readonly outcome?: string
  readonly providerStatus?: string | null
  readonly applicant?: { readonly id: string } | null
  readonly customer?: { readonly id: string } | null
}

interface CreatedRecord {
  readonly id: string
  readonly providerId: string
  /** The object to move at the provider: the session, or the applicant that identifies it. */
  readonly moved: string
  readonly access: Readonly<Record<string, string | null>>
}

const SECRET = 'somebody'

let world: Workload
let app: TestApp
let ahead = 0
let made = 0

beforeAll(async () => {
  world = await startWorkload({ fateOf: () => 'ANSWERED', delayMs: () => 0 })
  const env = { ...world.env, YORLET_API_KEY: SESSION_READS_KEY, YORLET_UNDOCUMENTED_READS: 'on' }
  app = await startApp(env, { now: () => new Date(Date.now() + ahead * 1000), jobs: false })
})
afterAll(async () => {
  await app.close()
  await world.close()
})

async function moveClock(seconds: number): Promise<void> {
  ahead += seconds
  for (const provider of ['KAYLE', 'PERSONR', 'VERILOCK', 'YORLET'] as const) {
    await world.sandbox(provider).moveClock(seconds)
  }
}

async function createRecord(
  recordType: 'Applicant' | 'Customer',
  input: object,
): Promise<{ id: string; providerId: string }> {
  made += 1
  const name = recordType.toLowerCase()
  const { data } = await app.execute(
    `mutation ($input: Create${recordType}Input!) {
      made: create${recordType}(input: $input) { ... on Create${recordType}Payload { record: ${name} { id providerId } } }
    }`,
    { input: { idempotencyKey: `key-${made}`, [name]: input } },
  )
  return data.made.record
}

const createCustomer = () => createRecord('Customer', { rapidly: { email: `${SECRET}-${made}@example.com` } })
const createApplicant = () =>
  createRecord('Applicant', {
    personr: { email: `${SECRET}-${made}@example.com`, phone: '+46 70 123 45 67', flowName: 'KYC basic' },
  })

/** A new session at each provider. */
const NEW: Readonly<Record<Tried, () => Promise<CreatedRecord>>> = {
  KAYLE: () => create({ kayle: {} }),
  PERSONR: async () => {
    const applicant = await createApplicant()
    const session = await create({ personr: { applicant: { applicantId: applicant.id } } })
    return { ...session, moved: applicant.providerId }
  },
  RAPIDLY: () => create({ rapidly: { customer: { customerExternalId: 'usr_1337' } } }),
  VERILOCK: () =>
    create({
      verilock: { profileId: '01234567-89ab-cdef-0123-456789abcdef', applicantEmail: `${SECRET}@example.com` },
    }),
  YORLET: () => create({ yorlet: { applicantProviderId: 'apst_manvb9c4m2WsXy5Z' } }),
}

async function create(session: object): Promise<CreatedRecord> {
  made += 1
  const input = { idempotencyKey: `key-${made}`, session, metadata: { who: SECRET } }
  const { data } = await app.execute(CREATE, { input })
  return { ...data.createSession.session, moved: data.createSession.session.providerId }
}

async function read({ id }: CreatedRecord, page: { first?: number; after?: string } = { first: 100 }) {
  const { data, errors } = await app.execute(READ, { id, ...page })
  expect(errors).toEqual([])
  return data.session
}

async function eventsOf(session: CreatedRecord): Promise<Event[]> {
  return (await read(session)).timeline.nodes
}

async function refresh({ id }: CreatedRecord): Promise<void> {
  await app.execute(REFRESH, { id })
}

/** Moves the object at the provider and reads the session. */
async function move(provider: Provider, { id, moved }: CreatedRecord, step: string): Promise<void> {
  const [to = '', failureCode] = step.split(' ')
  await world.sandbox(provider).advance({ id: moved, to, failureCode })
  await app.execute(REFRESH, { id })
}

/** The state after all events. */
function replay(events: readonly Event[]) {
  const state = { status: null, outcome: null, providerStatus: null, applicant: null, customer: null }
  for (const { __typename, sessionStatus: status, outcome, providerStatus, applicant, customer } of events) {
    if (__typename === 'SessionStatusChanged') Object.assign(state, { status, outcome, providerStatus })
    if (__typename === 'SessionLinksChanged') Object.assign(state, { applicant, customer })
  }
  return state
}

function stateOf({ status, outcome, providerStatus, applicant, customer }: Record<string, unknown>) {
  return { status, outcome, providerStatus, applicant, customer }
}

function statusesOf(events: readonly Event[]): unknown[] {
  return events.flatMap(({ __typename, sessionStatus, source }) =>
    __typename === 'SessionStatusChanged' ? [[sessionStatus, source]] : [],
  )
}

describe('the timeline of a session', () => {
  test.each([
    ['KAYLE', ['attempt_started', 'attempt_succeeded'], ['CREATED', 'IN_PROGRESS', 'COMPLETED']],
    ['PERSONR', ['pre_checked', 'rejected_retry', 'approved'], ['CREATED', 'IN_PROGRESS', 'IN_PROGRESS', 'COMPLETED']],
    ['VERILOCK', ['processing', 'approved'], ['CREATED', 'IN_PROGRESS', 'COMPLETED']],
    ['YORLET', ['active', 'complete'], ['CREATED', 'IN_PROGRESS', 'COMPLETED']],
  ] as const)('of %s after %j has the statuses %j', async (provider, steps, statuses) => {
    const session = await NEW[provider]()
    // Personr's results count from the creation of the link on.
    await new Promise(resolve => setTimeout(resolve, 5))
    for (const step of steps) await move(provider, session, step)

    const reported = await read(session)
    const events: Event[] = reported.timeline.nodes

    expect(events[0]).toMatchObject({ __typename: 'SessionCreated', source: 'CALLER' })
    expect(statusesOf(events)).toEqual(statuses.map((status, index) => [status, index === 0 ? 'CALLER' : 'FETCH']))
    expect(replay(events)).toEqual(stateOf(reported))
    for (const event of events) expect(event.session).toEqual({ id: session.id, status: reported.status })
    expect(reported.timeline.totalCount).toBe(events.length)
    expect(events.map(({ at }) => at)).toEqual(events.map(({ at }) => at).sort())
    expect(new Set(events.map(({ cursor }) => cursor)).size).toBe(events.length)
  })

  test('of Rapidly ends by the clock alone, and marks it', async () => {
    const session = await NEW.RAPIDLY()
    await moveClock(3601)

    const reported = await read(session)

    expect(statusesOf(reported.timeline.nodes)).toEqual([
      ['IN_PROGRESS', 'DERIVED'],
      ['EXPIRED', 'DERIVED'],
    ])
    expect(replay(reported.timeline.nodes)).toEqual(stateOf(reported))
  })

  test('of an overdue Kayle session ends by the clock, until Kayle reports how it ended', async () => {
    const session = await NEW.KAYLE()
    await world.sandbox('KAYLE').advance({ id: session.providerId, to: 'attempt_succeeded' })
    await moveClock(3601)
    await read(session)
    await refresh(session)

    const reported = await read(session)

    expect(statusesOf(reported.timeline.nodes)).toEqual([
      ['CREATED', 'CALLER'],
      ['EXPIRED', 'DERIVED'],
      ['COMPLETED', 'FETCH'],
    ])
    expect(replay(reported.timeline.nodes)).toEqual(stateOf(reported))
  })

  test('gets no entry if nothing changed', async () => {
    const session = await NEW.KAYLE()
    const before = await eventsOf(session)
    for (let time = 0; time < 3; time++) await refresh(session)

    expect(await eventsOf(session)).toEqual(before)
  })

  test('has each attempt and its result', async () => {
    const session = await NEW.KAYLE()
    for (const step of ['attempt_started', 'attempt_failed nfc_read_error', 'attempt_succeeded']) {
      await move('KAYLE', session, step)
    }

    const attempts = (await eventsOf(session)).filter(({ __typename }) => __typename === 'AttemptStatusChanged')

    expect(attempts.map(event => [event.previousAttemptStatus, event.attemptStatus])).toEqual([
      [null, 'IN_PROGRESS'],
      ['IN_PROGRESS', 'FAILED'],
      [null, 'SUCCEEDED'],
    ])
  })

  test('has both links if two are made at the same moment', async () => {
    for (let time = 0; time < 5; time++) {
      const session = await NEW.KAYLE()
      const [customer, applicant] = [await createCustomer(), await createApplicant()]
      await Promise.all([
        app.execute(LINK, { input: { sessionId: session.id, customerId: customer.id } }),
        app.execute(LINK, { input: { sessionId: session.id, applicantId: applicant.id } }),
      ])

      const reported = await read(session)

      expect(stateOf(reported)).toMatchObject({ customer: { id: customer.id }, applicant: { id: applicant.id } })
      expect(replay(reported.timeline.nodes)).toEqual(stateOf(reported))
    }
  })

  test('is paginated without gaps', async () => {
    const session = await NEW.KAYLE()
    for (const step of ['attempt_started', 'attempt_failed', 'attempt_started', 'attempt_succeeded']) {
      await move('KAYLE', session, step)
    }
    const all = await eventsOf(session)

    const found: Event[] = []
    for (let after: string | undefined; ; ) {
      const { nodes, pageInfo, totalCount } = (await read(session, { first: 3, after })).timeline
      found.push(...nodes)
      expect(pageInfo).toEqual({
        hasNextPage: found.length < all.length,
        hasPreviousPage: after !== undefined,
        startCursor: nodes[0].cursor,
        endCursor: nodes.at(-1).cursor,
      })
      expect(totalCount).toBe(all.length)
      if (!pageInfo.hasNextPage) break
      after = pageInfo.endCursor
    }

    expect(all.length).toBeGreaterThan(6)
    expect(found).toEqual(all)
  })

  test('refuses a cursor of another list, of another tenant, and an invalid one', async () => {
    const session = await NEW.KAYLE()
    const { data } = await app.execute('{ sessions(first: 1) { pageInfo { endCursor } } }')
    const foreign = await app.services.eventStream.cursor({ tenantId: 'another' })

    for (const after of ['', '%%%', data.sessions.pageInfo.endCursor, foreign]) {
      const answer = await app.execute(READ, { id: session.id, after })
      expect(answer.errors).toMatchObject([{ extensions: { code: 'CURSOR_INVALID' } }])
    }
  })

  test('returns at most 100 entries', async () => {
    const session = await NEW.KAYLE()

    const { errors } = await app.execute(READ, { id: session.id, first: 101 })

    expect(errors).toMatchObject([{ extensions: { code: 'INVALID_INPUT' } }])
  })

  test('has no personal data and no secret in any row', async () => {
    const sessions = await Promise.all(Object.values(NEW).map(make => make()))
    const rows = JSON.stringify(await app.db.sql.selectFrom('events').selectAll().execute())
    const secrets = sessions.flatMap(({ access }) => Object.values(access ?? {})).filter(value => value !== null)

    expect(secrets.length).toBeGreaterThan(4)
    for (const secret of [...secrets, SECRET, 'example.com', '+46', API_KEY, 'http']) expect(rows).not.toContain(secret)
    expect(rows).toContain('SessionCreated')
  })
})

describe('replaying a timeline', () => {
  const STEPS = {
    KAYLE: ['attempt_started', 'attempt_failed', 'attempt_succeeded', 'cancelled', 'expired'],
    PERSONR: ['pre_checked', 'pending', 'rejected_retry', 'rejected_final', 'approved'],
    RAPIDLY: ['none'],
    VERILOCK: ['processing', 'approved', 'declined face_match', 'expired'],
    YORLET: ['active', 'complete', 'canceled', 'expired'],
  } as const satisfies Record<Tried, readonly string[]>

  const step = fc.oneof(
    { weight: 4, arbitrary: fc.record({ what: fc.constant('MOVE' as const), which: fc.nat(4) }) },
    { weight: 2, arbitrary: fc.record({ what: fc.constant('REFRESH' as const) }) },
    {
      weight: 3,
      arbitrary: fc.record({
        what: fc.constant('LINK' as const),
        customer: fc.constantFrom(undefined, null, 0, 1),
        applicant: fc.constantFrom(undefined, null, 0, 1),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ what: fc.constant('WAIT' as const), seconds: fc.constantFrom(1, 31, 31, 700, 3601) }),
    },
    { weight: 1, arbitrary: fc.record({ what: fc.constant('READ' as const) }) },
  )
  type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

  async function take(provider: Tried, session: CreatedRecord, it: Step, links: readonly string[][]): Promise<void> {
    if (it.what === 'MOVE') {
      const steps = STEPS[provider]
      const [to = '', failureCode] = (steps[it.which % steps.length] ?? '').split(' ')
      // The provider's own rules refuse it.
      await world
        .sandbox(provider)
        .advance({ id: session.moved, to, failureCode })
        .catch(() => {})
    }
    if (it.what === 'REFRESH') await refresh(session)
    if (it.what === 'WAIT') await moveClock(it.seconds)
    if (it.what === 'READ') await read(session)
    if (it.what !== 'LINK') return
    const idOf = (which: number | null | undefined, ids: readonly string[] = []) => (which == null ? which : ids[which])
    const [customers, applicants] = links
    const link = { customerId: idOf(it.customer, customers), applicantId: idOf(it.applicant, applicants) }
    await app.execute(LINK, { input: { sessionId: session.id, ...link } })
  }

  test(
    'reproduces status, outcome, provider status and links, whatever happened, even concurrently',
    async () => {
      const customers = [(await createCustomer()).id, (await createCustomer()).id]
      const applicants = [(await createApplicant()).id, (await createApplicant()).id]
      const seen = new Map<string, number>()
      const property = fc.asyncProperty(
        fc.constantFrom(...TRIED),
        fc.array(fc.array(step, { minLength: 1, maxLength: 3 }), { maxLength: 8 }),
        async (provider, rounds) => {
          const session = await NEW[provider]()
          for (const round of rounds) {
            await Promise.all(round.map(it => take(provider, session, it, [customers, applicants])))
          }
          const reported = await read(session)
          const events: Event[] = reported.timeline.nodes
          expect(replay(events)).toEqual(stateOf(reported))
          for (const [before, after] of pairsOf(events)) {
            expect(after.previousSessionStatus ?? null).toBe(before?.sessionStatus ?? null)
            expect(after.previousOutcome ?? null).toBe(before?.outcome ?? null)
          }
          const name = `${provider} ${reported.status}`
          seen.set(name, (seen.get(name) ?? 0) + 1)
        },
      )
      await fc.assert(property, { seed: SEED, numRuns: RUNS })
      console.log(`timelines: ${RUNS} (SEED=${SEED})`, Object.fromEntries([...seen].sort()))
      for (const provider of TRIED) expect([...seen.keys()].join()).toContain(provider)
    },
    60_000 + RUNS * 1_000,
  )

  /** Each change of the status with the one before it. */
  function pairsOf(events: readonly Event[]): [Event | undefined, Event][] {
    const changes = events.filter(({ __typename }) => __typename === 'SessionStatusChanged')
    return changes.map((event, index) => [changes[index - 1], event])
  }
})
