import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { listEvents } from '../../db/repositories/event-repository.ts'
import { SCOPES } from '../../src/domain/access/caller.ts'
import { startApp, type TestApp } from '../harness/app/test-app.ts'
import { withClientToken, withKey } from '../harness/clients/callers.ts'
import { follow } from '../harness/clients/subscriber.ts'

const CREATE = /* GraphQL */ `
  mutation ($input: CreateSessionInput!) {
    createSession(input: $input) {
      ... on MutationError { message }
      ... on CreateSessionPayload { session { id providerId } }
    }
  }
`
const EVENTS = /* GraphQL */ `
  query ($filter: EventFilter, $first: Int, $after: String) {
    events(filter: $filter, first: $first, after: $after) {
      totalCount
      nodes { __typename id cursor session { id provider } }
      edges { cursor }
      pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    }
  }
`
const INPUTS = {
  KAYLE: { kayle: {} },
  RAPIDLY: { rapidly: { customer: { customerExternalId: 'usr_1337' } } },
  VERILOCK: { verilock: { profileId: '01234567-89ab-cdef-0123-456789abcdef', applicantEmail: 'jean@example.com' } },
} as const
type Tried = keyof typeof INPUTS
const PROVIDERS = Object.keys(INPUTS) as Tried[]

interface Event {
  readonly __typename: string
  readonly id: string
  readonly cursor: string
  readonly session: { readonly id: string; readonly provider: Tried }
}

let app: TestApp
let before: string
let all: readonly Event[]

beforeAll(async () => {
  app = await startApp({}, { jobs: false })
  before = await liveCursor()
  for (let round = 0; round < 4; round++) {
    for (const provider of PROVIDERS) {
      const input = { idempotencyKey: `${provider}-${round}`, session: INPUTS[provider] }
      const { session } = (await app.execute(CREATE, { input })).data.createSession
      if (provider !== 'KAYLE') continue
      await app.sandbox('KAYLE').advance({ id: session.providerId, to: 'cancelled' })
      await app.execute('query ($id: ID!) { session(by: { id: $id }, freshness: { maxAgeSeconds: 0 }) { id } }', {
        id: session.id,
      })
    }
  }
  all = (await page({ first: 100 })).nodes
})
afterAll(() => app.close())

async function liveCursor(): Promise<string> {
  return (await app.execute('{ sessions(first: 1) { liveCursor } }')).data.sessions.liveCursor
}

async function page(variables: Record<string, unknown>) {
  const { data, errors } = await app.execute(EVENTS, variables)
  expect(errors).toEqual([])
  return data.events as {
    totalCount: number
    nodes: Event[]
    edges: { cursor: string }[]
    pageInfo: { hasNextPage: boolean; hasPreviousPage: boolean; startCursor: string | null; endCursor: string | null }
  }
}

/** All pages of one size. */
async function readAll(filter: object | null, first: number): Promise<Event[]> {
  const found: Event[] = []
  for (let after: string | null = null; ; ) {
    const { nodes, pageInfo } = await page({ filter, first, after })
    expect(pageInfo.hasPreviousPage).toBe(after !== null)
    found.push(...nodes)
    if (!pageInfo.hasNextPage) return found
    after = pageInfo.endCursor
  }
}

describe('events', () => {
  test('are those of all sessions, each with its session, in the order in which they happened', async () => {
    const { data } = await app.execute('{ sessions(first: 100) { nodes { timeline(first: 100) { nodes { id } } } } }')
    const timelines = data.sessions.nodes.map((session: { timeline: { nodes: Event[] } }) => session.timeline.nodes)
    expect(all.map(({ id }) => id).sort()).toEqual(
      timelines
        .flat()
        .map(({ id }: Event) => id)
        .sort(),
    )
    const live = await follow(app.url, {
      query: 'subscription ($after: String) { sessionsUpdated(after: $after) { cursor } }',
      variables: { after: before },
    })
    expect((await live.first(all.length)).map(({ id }) => id)).toEqual(all.map(({ cursor }) => cursor))
    await live.unsubscribe()
  })

  test('come in pages, oldest first, without a gap', async () => {
    for (const first of [1, 7, 20, 100]) expect(await readAll(null, first)).toEqual(all)
    const { nodes, edges, pageInfo, totalCount } = await page({})
    expect(nodes).toEqual(all.slice(0, 20))
    expect(edges).toEqual(nodes.map(({ cursor }) => ({ cursor })))
    expect(pageInfo).toMatchObject({ startCursor: nodes[0]?.cursor, endCursor: nodes.at(-1)?.cursor })
    expect(totalCount).toBe(all.length)
  })

  const subsets: Tried[][] = [
    ...PROVIDERS.map(provider => [provider]),
    ['KAYLE', 'VERILOCK'],
    ['VERILOCK', 'KAYLE', 'VERILOCK'],
    PROVIDERS,
    [],
  ]
  test.each(subsets.map(providers => ({ providers })))('of $providers are those of their sessions', async filter => {
    const own = all.filter(({ session }) => filter.providers.includes(session.provider))
    if (filter.providers.length > 0) expect(own.length).toBeGreaterThan(4)
    for (const first of [1, 5, 100]) expect(await readAll(filter, first)).toEqual(own)
    expect((await page({ filter, first: 1 })).totalCount).toBe(own.length)
  })

  test('after a liveCursor, or the last cursor, are the new ones', async () => {
    const [last, live] = [all.at(-1)?.cursor, await liveCursor()]
    expect((await page({ after: last })).nodes).toEqual([])
    const { session } = (await app.execute(CREATE, { input: { idempotencyKey: 'new', session: INPUTS.KAYLE } })).data
      .createSession
    for (const after of [last, live]) {
      const { nodes } = await page({ after })
      expect(nodes.map(event => [event.__typename, event.session.id])).toEqual([
        ['SessionCreated', session.id],
        ['SessionStatusChanged', session.id],
      ])
    }
    all = await readAll(null, 100)
  })

  test('have cursors that reveal neither the number of events nor their times', async () => {
    const cursors = [await liveCursor(), ...all.map(({ cursor }) => cursor)]
    const lengths = new Set(cursors.map(({ length }) => length))
    expect([lengths.size, new Set(cursors).size]).toEqual([1, new Set(all.map(({ id }) => id)).size])
    // A readable number would have the same first digits everywhere.
    for (let at = 0; at < (cursors[0]?.length ?? 0); at++) {
      expect(new Set(cursors.map(cursor => cursor[at])).size).toBeGreaterThan(1)
    }
    const foreign = await app.services.eventStream.cursor({ tenantId: 'another' })
    expect(foreign).toHaveLength(cursors[0]?.length ?? 0)
  })

  test('are refused after a cursor of another list, of another tenant and of deleted events', async () => {
    const { data } = await app.execute('{ sessions(first: 1) { pageInfo { endCursor } } }')
    const foreign = await app.services.eventStream.cursor({ tenantId: 'another' })
    for (const after of [data.sessions.pageInfo.endCursor, foreign, '', 'nothing']) {
      const { errors } = await app.execute(EVENTS, { after })
      expect(errors).toMatchObject([{ path: ['events'], extensions: { code: 'CURSOR_INVALID' } }])
    }
    const other = await startApp({}, { jobs: false })
    const old = await other.services.eventStream.cursor({ tenantId: 'dev' })
    await other.execute(CREATE, { input: { idempotencyKey: 'a', session: INPUTS.KAYLE } })
    const { position } = await other.db.sql.selectFrom('event_positions').select('position').executeTakeFirstOrThrow()
    await other.db.sql.deleteFrom('events').where('position', '<', position).execute()
    const answer = await other.execute(EVENTS, { after: old })
    const { data: remaining } = await other.execute(EVENTS)
    await other.close()
    expect(answer.errors).toMatchObject([{ extensions: { code: 'CURSOR_EXPIRED' } }])
    expect(remaining.events.nodes).toHaveLength(1)
  })

  test('require the scope sessions:read, and refuse client tokens', async () => {
    const maker = await withKey(app)
    const callers = [
      [await withKey(app, { scopes: SCOPES.filter(scope => scope !== 'sessions:read') }), ['sessions:read']],
      [await withClientToken(app, maker, { externalId: 'usr_1337' }), []],
      [await withClientToken(app, maker, { sessionId: all[0]?.session.id ?? '' }), []],
    ] as const
    for (const [client, scopes] of callers) {
      const { data, errors } = await client.execute(EVENTS, {})
      expect(data).toEqual({ events: null })
      expect(errors).toMatchObject([{ extensions: { code: 'FORBIDDEN', scopes, paths: ['events'] } }])
    }
  })

  test.each([
    { providers: null, searches: 1 },
    { providers: ['KAYLE'], searches: 1 },
    { providers: ['KAYLE', 'VERILOCK'], searches: 2 },
  ])('of $providers are read from their cursor on, by an index', async ({ providers, searches }) => {
    if (app.db.engine !== 'sqlite') return
    const steps = await searchesOf(() => page({ filter: { providers }, first: 5, after: all[3]?.cursor }))
    expect(steps).toHaveLength(searches)
    for (const step of steps) expect(step).toMatch(/^SEARCH events USING INDEX .* AND position>\?\)$/)
  })

  test('of a person are searched by its sessions, and by the hash in the events of those that left it', async () => {
    if (app.db.engine !== 'sqlite') return
    const query = { tenantId: 'dev', externalId: 'usr_1337', after: 1, limit: 10 }
    const steps = await searchesOf(() => listEvents(app.db, query))
    expect(steps).toEqual([
      expect.stringMatching(/INDEX events_by_session_id_position .* AND position>\?\)$/),
      expect.stringMatching(/INDEX events_by_former_person .* AND position>\?\)$/),
    ])
  })

  /** How SQLite finds the events that `read` reads. */
  async function searchesOf(read: () => Promise<unknown>): Promise<string[]> {
    const execute = vi.spyOn(app.db.sql.getExecutor(), 'executeQuery')
    await read()
    const query = execute.mock.calls.map(([called]) => called).find(called => called.sql.includes('"position" >'))
    execute.mockRestore()
    const plan = sql<{ detail: string }>`${sql.raw(`explain query plan ${inlined(query)}`)}`
    const steps = (await plan.execute(app.db.sql)).rows
    return steps.map(({ detail }) => detail).filter(detail => detail.includes(' events'))
  }
})

function inlined(query: unknown): string {
  const { sql: text, parameters } = query as { sql: string; parameters: readonly unknown[] }
  let index = 0
  return text.replaceAll('?', () => JSON.stringify(parameters[index++]).replaceAll('"', "'"))
}
