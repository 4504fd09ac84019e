import { readFileSync } from 'node:fs'
import { composeServices } from '@apollo/composition'
import { parse } from 'graphql'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { encodeGlobalId } from '../../src/domain/global-id.ts'
import { PROVIDERS } from '../../src/domain/provider.ts'
import { executeAt, startBuilt, whenReady } from '../harness/app/built-server.ts'
import { API_KEY, startApp, type TestApp } from '../harness/app/test-app.ts'
import { withClientToken, withKey } from '../harness/clients/callers.ts'
import { type Gateway, startGateway } from '../harness/clients/gateway.ts'
import { startUsersSubgraph, type UsersSubgraph } from '../harness/clients/users-subgraph.ts'

const SUBGRAPH = readFileSync(new URL('../../schema/subgraph.graphql', import.meta.url), 'utf8')
const CREATE = /* GraphQL */ `
  mutation ($input: CreateSessionInput!) {
    createSession(input: $input) { ... on CreateSessionPayload { session { id access { hostedUrl } } } }
  }
`
const ENTITIES = /* GraphQL */ `
  query ($representations: [_Any!]!) {
    _entities(representations: $representations) {
      __typename
      ... on Session { id provider status }
      ... on Applicant { id provider }
      ... on Customer { id provider }
      ... on Attempt { id kind }
      ... on Person { id externalId nextAction { kind } }
    }
  }
`

let app: TestApp
let users: UsersSubgraph
let gateway: Gateway
const sessionIds: string[] = []
const ids: Record<string, string> = {}

beforeAll(async () => {
  app = await startApp({}, { jobs: false })
  for (const externalId of ['usr_1', 'usr_2', 'usr_3']) {
    const input = { idempotencyKey: externalId, externalId, session: { kayle: {} } }
    sessionIds.push((await app.execute(CREATE, { input })).data.createSession.session.id)
  }
  const { data } = await app.execute(/* GraphQL */ `
    mutation {
      session: createSession(
        input: { idempotencyKey: "v", session: { verilock: { profileId: "01234567-89ab-cdef-0123-456789abcdef", applicantEmail: "jean@example.com" } } }
      ) { ... on CreateSessionPayload { session { id providerId applicant { id } } } }
      customer: createCustomer(input: { idempotencyKey: "c", customer: { rapidly: { email: "ann@example.com" } } }) {
        ... on CreateCustomerPayload { customer { id } }
      }
    }
  `)
  const { session } = data.session
  await app.sandbox('VERILOCK').advance({ id: session.providerId, to: 'processing' })
  const read = await app.execute(
    'query ($id: ID!) { session(by: { id: $id }, freshness: { maxAgeSeconds: 0 }) { attempts { nodes { id } } } }',
    { id: session.id },
  )
  Object.assign(ids, {
    Applicant: session.applicant.id,
    Attempt: read.data.session.attempts.nodes[0].id,
    Customer: data.customer.customer.id,
    Session: session.id,
  })
  users = await startUsersSubgraph([
    { id: 'usr_1', name: 'Ann', sessionId: sessionIds[0] },
    { id: 'usr_2', name: 'Bo', sessionId: sessionIds[1] },
    { id: 'usr_3', name: 'Cy', sessionId: encodeGlobalId('Session', '01970000-0000-7000-8000-000000000000') },
    { id: 'usr_4', name: 'Di', sessionId: 'junk' },
  ])
  gateway = await startGateway(
    [
      { name: 'sessiongraph', url: app.url },
      { name: 'users', url: users.url },
    ],
    `Bearer ${API_KEY}`,
  )
}, 60_000)
afterAll(async () => {
  await gateway?.close()
  await users?.close()
  await app?.close()
})

/** The effects of `run`: how often each record type's store was read, and the requests to providers. */
async function follow<T>(run: () => Promise<T>): Promise<{ result: T; reads: Record<string, number[]>; sent: number }> {
  const reads: Record<string, number[]> = {}
  const undo: (() => void)[] = []
  for (const name of ['applicants', 'attempts', 'customers', 'sessions'] as const) {
    // A service's type depends on its name; what is replaced here is the same for each.
    const service: { findMany(call: object, ids: readonly string[]): Promise<unknown> } = app.services[name]
    const { findMany } = service
    service.findMany = (call, some) => {
      reads[name] = [...(reads[name] ?? []), some.length]
      return findMany(call, some)
    }
    undo.push(() => Object.assign(service, { findMany }))
  }
  for (const provider of PROVIDERS) await app.sandbox(provider).forget()
  const result = await run()
  for (const restore of undo) restore()
  const requests = await Promise.all(PROVIDERS.map(provider => app.sandbox(provider).requests()))
  return { result, reads, sent: requests.flat().length }
}

describe('the federation subgraph', () => {
  test('is printed as it is served, and its SDL is that of _service', async () => {
    const served = await app.execute('{ _service { sdl } }')
    expect(served.errors).toEqual([])
    expect(served.data._service.sdl.trim(), 'npm run schema').toBe(SUBGRAPH.trim())
  })

  test('has the same definitions at the built server', async () => {
    const server = await startBuilt()
    await whenReady(server)
    const { data, errors } = await executeAt(server, '{ _service { sdl } }')
    expect(errors).toBeUndefined()
    const namesOf = (sdl: string) => parse(sdl).definitions.map(each => ('name' in each ? each.name?.value : each.kind))
    expect(namesOf(data._service.sdl).sort()).toEqual(namesOf(SUBGRAPH).sort())
  })

  test('has the five entities with the keys of the contract, and resolves node and nodes for no other subgraph', () => {
    const types = [...SUBGRAPH.matchAll(/^type (\w+)([^{]*)/gm)]
    const keys = types.flatMap(([, type, heading = '']) =>
      [...heading.matchAll(/@key\(fields: "(\w+)"\)/g)].map(([, key]) => [type, key]),
    )
    expect(keys.sort()).toEqual([
      ['Applicant', 'id'],
      ['Attempt', 'id'],
      ['Customer', 'id'],
      ['Person', 'externalId'],
      ['Person', 'id'],
      ['Session', 'id'],
    ])
    expect(SUBGRAPH).toMatch(/type PageInfo\s+@shareable/)
    expect(SUBGRAPH.match(/\): (Node|\[Node\]) @inaccessible @shareable$/gm)).toHaveLength(2)
  })

  test('composes with another Relay subgraph whose node is @inaccessible or @shareable', () => {
    expect(composed(SUBGRAPH, users.sdl).errors).toBeUndefined()
    expect(composed(SUBGRAPH, users.sdl.replace('node(id: ID!): Node @shareable', '')).errors).toBeUndefined()
  })

  test('without node and nodes composes with a subgraph whose own are not shareable', () => {
    const own = users.sdl.replace('node(id: ID!): Node @shareable', 'node(id: ID!): Node')
    const without = SUBGRAPH.replace(/^ {2}"""(?:(?!""")[\s\S])*"""\n {2}nodes?\([^)]*\): .*$/gm, '')
    expect(without).not.toBe(SUBGRAPH)
    expect(composed(SUBGRAPH, own).errors?.map(String).join()).toContain('Query.node')
    expect(composed(without, own).errors).toBeUndefined()
  })

  test.each([
    ['on', true, true],
    ['entities', true, false],
    ['off', false, false],
  ])('with FEDERATION=%s serves the given part', async (mode, entities, service) => {
    const other = await startApp({ FEDERATION: mode, SANDBOX: 'off' })
    const requests = await other.execute(ENTITIES, { representations: [] })
    const reported = await other.execute('{ _service { sdl } }')
    const types = await other.execute('{ __schema { types { name } } }')
    await other.close()
    expect(requests.errors.length === 0).toBe(entities)
    expect(reported.errors.length === 0).toBe(service)
    if (!service) expect(reported.errors[0]?.extensions.code).toBe('GRAPHQL_VALIDATION_FAILED')
    const names = types.data.__schema.types.map(({ name }: { name: string }) => name)
    expect(['_Any', '_Entity', '_Service'].map(name => names.includes(name))).toEqual([entities, entities, service])
  })
})

describe('_entities', () => {
  test('returns each entity by its key, in one query of the store for each record type, without provider calls', async () => {
    const representations = [
      ...Object.entries(ids).map(([__typename, id]) => ({ __typename, id })),
      ...sessionIds.map(id => ({ __typename: 'Session', id })),
      { __typename: 'Person', externalId: 'usr_1' },
      { __typename: 'Person', id: encodeGlobalId('Person', 'usr_2') },
    ]
    const { result, reads, sent } = await follow(() => app.execute(ENTITIES, { representations }))
    expect(result.errors).toEqual([])
    expect(result.data._entities.map((entity: { __typename: string }) => entity.__typename)).toEqual(
      representations.map(({ __typename }) => __typename),
    )
    expect(result.data._entities).toMatchObject(
      representations.map(({ __typename, ...key }) =>
        __typename === 'Person' ? { ...key, nextAction: { kind: 'VERIFY' } } : key,
      ),
    )
    expect(reads).toEqual({ applicants: [1], attempts: [1], customers: [1], sessions: [4] })
    expect(sent).toBe(0)
  })

  test('returns null for each key that is missing, another server’s, or invalid', async () => {
    const [session = ''] = sessionIds
    const junk = [
      { __typename: 'Session', id: encodeGlobalId('Session', '01970000-0000-7000-8000-000000000000') },
      { __typename: 'Session', id: ids.Customer },
      { __typename: 'Customer', id: session },
      { __typename: 'Session', id: 'junk' },
      { __typename: 'Session', id: 7 },
      { __typename: 'Session' },
      { __typename: 'Person' },
      { __typename: 'Person', externalId: '' },
      { __typename: 'Person', externalId: null },
      { __typename: 'Person', externalId: 'x'.repeat(256) },
      { __typename: 'Person', externalId: 'usr\n1' },
      { __typename: 'Person', id: 'usr_1' },
      { __typename: 'Person', id: session },
      { __typename: 'Person', id: encodeGlobalId('Person', 'x'.repeat(256)) },
      { __typename: 'Session', id: encodeGlobalId('Person', 'usr_1') },
      { __typename: 'ProviderOperation', id: session },
      { __typename: 'Query' },
      { __typename: 'Nothing', id: session },
      { __typename: '__proto__', id: session },
      { id: session },
      'junk',
      7,
      [],
    ]
    const representations = [...junk, { __typename: 'Session', id: session }]
    const { data, errors } = await app.execute(ENTITIES, { representations })
    expect(errors).toEqual([])
    expect(data._entities.slice(0, -1)).toEqual(junk.map(() => null))
    expect(data._entities.at(-1)).toMatchObject({ __typename: 'Session', id: session })
  })

  test('returns a person for each valid externalId, also for one without records and for the longest', async () => {
    for (const externalId of ['usr_nobody', '人 "\\', '𝄞'.repeat(255)]) {
      const id = encodeGlobalId('Person', externalId)
      const representations = [
        { __typename: 'Person', externalId },
        { __typename: 'Person', id },
      ]
      const { data, errors } = await app.execute(ENTITIES, { representations })
      expect(errors).toEqual([])
      const person = { __typename: 'Person', id, externalId, nextAction: { kind: 'START' } }
      expect(data._entities).toEqual([person, person])
    }
  })

  test('accepts at most 100 keys', async () => {
    const many = (count: number) => Array.from({ length: count }, () => ({ __typename: 'Session', id: sessionIds[0] }))
    const full = await follow(() => app.execute(ENTITIES, { representations: many(100) }))
    expect(full.result.data._entities).toHaveLength(100)
    expect(full.reads).toEqual({ sessions: [1] })
    const { data, errors } = await app.execute(ENTITIES, { representations: many(101) })
    expect(data).toBeNull()
    expect(errors).toMatchObject([{ extensions: { code: 'INVALID_INPUT', issues: [{ path: ['representations'] }] } }])
  })

  test('requires the scopes of the selected fields, and for a client token its own person', async () => {
    const reader = await withKey(app, { scopes: ['sessions:read'] })
    const [own, other] = ['usr_1', 'usr_2'].map(externalId => ({ __typename: 'Person', externalId }))
    const session = { __typename: 'Session', id: sessionIds[0] }
    const allowed = await reader.execute(ENTITIES, { representations: [session, own] })
    expect(allowed).toMatchObject({ errors: [], data: { _entities: [{ id: session.id }, { externalId: 'usr_1' }] } })
    const refused = await reader.execute(ENTITIES, { representations: [{ __typename: 'Customer', id: ids.Customer }] })
    expect(refused).toMatchObject({ data: null, errors: [{ extensions: { code: 'FORBIDDEN' } }] })

    const phone = await withClientToken(app, await withKey(app), { externalId: 'usr_1' })
    const mine = await phone.execute(ENTITIES, { representations: [session, own] })
    expect(mine).toMatchObject({ errors: [], data: { _entities: [{ id: session.id }, { externalId: 'usr_1' }] } })
    const byId = { __typename: 'Person', id: encodeGlobalId('Person', 'usr_1') }
    expect((await phone.execute(ENTITIES, { representations: [byId] })).data._entities).toMatchObject([own])
    const others = [
      other,
      { __typename: 'Person', id: encodeGlobalId('Person', 'usr_2') },
      { __typename: 'Person', externalId: 'usr_2', id: encodeGlobalId('Person', 'usr_1') },
    ]
    for (const each of others) {
      expect(await phone.execute(ENTITIES, { representations: [each] })).toMatchObject({
        data: null,
        errors: [{ extensions: { code: 'FORBIDDEN' } }],
      })
    }
    const foreign = { __typename: 'Session', id: sessionIds[1] }
    expect((await phone.execute(ENTITIES, { representations: [foreign] })).data).toEqual({ _entities: [null] })
  })

  test('requires a key, like everything else', async () => {
    const response = await app.app.fetch(app.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query: '{ _service { sdl } }' }),
    })
    expect(response.status).toBe(401)
    expect(await response.text()).not.toContain('scalar')
  })
})

describe('through a gateway', () => {
  test('clients have the fields of both, but no node, which neither can resolve for the other', () => {
    expect(gateway.fields).toEqual(expect.arrayContaining(['person', 'session', 'sessions', 'user', 'users']))
    for (const hidden of ['node', 'nodes', '_entities', '_service']) expect(gateway.fields).not.toContain(hidden)
  })

  test('a query resolves from their user to our person and session in one batch', async () => {
    const query = '{ users { nodes { name latest { id status note } person { externalId nextAction { kind } } } } }'
    const { result, reads, sent } = await follow(() => gateway.execute(query))
    expect(result.errors).toEqual([])
    expect(result.data.users.nodes).toMatchObject([
      { name: 'Ann', latest: { id: sessionIds[0], status: 'CREATED', note: `note on ${sessionIds[0]}` } },
      { name: 'Bo', latest: { id: sessionIds[1], status: 'CREATED' }, person: { nextAction: { kind: 'VERIFY' } } },
      { name: 'Cy', latest: null, person: { externalId: 'usr_3', nextAction: { kind: 'VERIFY' } } },
      { name: 'Di', latest: null, person: { externalId: 'usr_4', nextAction: { kind: 'START' } } },
    ])
    expect(reads.sessions?.length).toBeLessThanOrEqual(2)
    expect(sent).toBe(0)
  })

  test('a query resolves from our session and person to the fields they add', async () => {
    const query = `query ($id: ID!) {
      session(by: { id: $id }) { provider note }
      person(externalId: "usr_2") { user { name latest { note } } sessions { nodes { id note } } }
    }`
    const { data, errors } = await gateway.execute(query, { variables: { id: sessionIds[0] } })
    expect(errors).toEqual([])
    expect(data.session).toEqual({ provider: 'KAYLE', note: `note on ${sessionIds[0]}` })
    expect(data.person.user).toEqual({ name: 'Bo', latest: { note: `note on ${sessionIds[1]}` } })
    expect(data.person.sessions.nodes).toEqual([{ id: sessionIds[1], note: `note on ${sessionIds[1]}` }])
  })

  test('a mutation is executed once, and its result can be extended', async () => {
    const mutation = CREATE.replace('id access', 'id note access')
    const input = { idempotencyKey: 'gateway', session: { kayle: {} } }
    const { data, errors } = await gateway.execute(mutation, { variables: { input } })
    expect(errors).toEqual([])
    const { session } = data.createSession
    expect(session).toMatchObject({ note: `note on ${session.id}`, access: { hostedUrl: expect.any(String) } })
  })

  test('the credentials are forwarded: without a key our fields are denied, and theirs are returned', async () => {
    const query = '{ users { nodes { name latest { id status } } } }'
    const { data, errors } = await gateway.execute(query, { authorization: 'Bearer sg_nobody' })
    expect(data.users.nodes.map(({ name }: { name: string }) => name)).toEqual(['Ann', 'Bo', 'Cy', 'Di'])
    expect(data.users.nodes.every((node: { latest: unknown }) => node.latest === null)).toBe(true)
    expect(JSON.stringify(errors)).toMatch(/UNAUTHENTICATED|401/)
  })

  test('@oneOf is preserved in composition, and our own validation applies', async () => {
    const { supergraphSdl } = composed(SUBGRAPH, users.sdl)
    for (const sdl of [SUBGRAPH, supergraphSdl]) expect(sdl).toMatch(/input SessionLookup[^{]*@oneOf/)
    const by = { id: sessionIds[0], atProvider: { provider: 'KAYLE', providerId: 'vs_1' } }
    const query = 'query ($by: SessionLookup!) { session(by: $by) { id } }'
    for (const wrong of [by, {}]) {
      const { data, errors } = await gateway.execute(query, { variables: { by: wrong } })
      expect(data?.session ?? null).toBeNull()
      expect(errors.length).toBeGreaterThan(0)
      expect(errors[0]?.extensions.code, JSON.stringify(errors)).toBe('BAD_REQUEST')
    }
  })
})

function composed(ours: string, theirs: string) {
  return composeServices([
    { name: 'sessiongraph', typeDefs: parse(ours), url: 'http://ours' },
    { name: 'users', typeDefs: parse(theirs), url: 'http://theirs' },
  ])
}
