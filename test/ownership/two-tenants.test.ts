import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { connectTenant, type OwnProviders, startOwnProviders } from '../harness/app/tenants.ts'
import { startApp, type TestApp } from '../harness/app/test-app.ts'
import { type Client, withClientToken, withKey } from '../harness/clients/callers.ts'
import { follow } from '../harness/clients/subscriber.ts'
import { deliver, fromVerilock, openEndpoint, type WebhookTarget } from '../harness/providers/deliveries.ts'

/**
 * Two tenants of one server, each with its own providers, and every way to a record: `beta` requests the records of
 * `dev`. The response is exactly that for an unknown record.
 */

let app: TestApp
let own: OwnProviders
let dev: Owner
let beta: Owner
let policy: WebhookTarget

interface Owner {
  readonly client: Client
  readonly session: CreatedRecord
  readonly verilock: CreatedRecord
  readonly applicant: CreatedRecord
  readonly customer: CreatedRecord
  readonly operation: string
  readonly attempt: string
  /** A user that the other tenant does not have. */
  readonly user: string
  /** A cursor of its sessions, of its customers, of a timeline, and of its live events. */
  readonly cursors: Readonly<Record<'sessions' | 'customers' | 'timeline' | 'live', string>>
}

interface CreatedRecord {
  readonly id: string
  readonly providerId: string
}

const SHARED_USER = 'user-of-both'
const SHARED_EMAIL = 'both@example.com'

beforeAll(async () => {
  app = await startApp({}, { jobs: false })
  own = await startOwnProviders()
  await app.services.tenants.create({ id: 'beta' })
  await connectTenant(app, 'beta', own)
  dev = await furnish(await withKey(app), 'dev')
  beta = await furnish(await withKey(app, { tenantId: 'beta' }), 'beta')
  policy = await openEndpoint(app, 'VERILOCK')
})
afterAll(async () => {
  await app.close()
  await own.close()
})

/**
 * Creates one of everything for a tenant, with the same idempotency keys, external id and e-mail address as the other
 * tenant.
 */
async function furnish(client: Client, name: 'dev' | 'beta'): Promise<Owner> {
  const applicant = await make(
    client,
    'Applicant',
    `${name}-person`,
    '{ personr: { email: "EMAIL", phone: "+46 70 000 00 00", firstName: "NAME", flowName: "KYC basic" } }',
    name,
  )
  const customer = await make(
    client,
    'Customer',
    `${name}-customer`,
    '{ rapidly: { email: "EMAIL", name: "NAME" } }',
    name,
  )
  const session = await make(
    client,
    'Session',
    'same-key',
    '{ kayle: {} }',
    name,
    `applicantId: "${applicant.id}", customerId: "${customer.id}", metadata: { of: "${name}" }`,
  )
  const verilock = await make(
    client,
    'Session',
    'same-key-2',
    '{ verilock: { profileId: "01234567-89ab-cdef-0123-456789abcdef" } }',
    name,
  )
  const user = `only-${name}`
  await make(client, 'Session', 'same-key-3', '{ kayle: {} }', name, '', user)
  const sandbox = name === 'dev' ? app.sandbox('KAYLE') : own.sandbox('KAYLE')
  for (const to of ['attempt_started', 'attempt_succeeded']) await sandbox.advance({ id: session.providerId, to })
  const { data, errors } = await client.execute(
    `query ($id: ID!) {
      session(by: { id: $id }) {
        liveCursor attempts(freshness: { maxAgeSeconds: 0 }) { nodes { id } } timeline { edges { cursor } }
      }
      sessions { edges { cursor } } customers { edges { cursor } }
      operation(by: { idempotencyKey: "same-key" }) { id }
    }`,
    { id: session.id },
  )
  if (errors.length > 0) throw new Error(JSON.stringify(errors))
  return {
    client,
    session,
    verilock,
    applicant,
    customer,
    operation: data.operation.id,
    attempt: data.session.attempts.nodes[0].id,
    user,
    cursors: {
      sessions: data.sessions.edges[0].cursor,
      customers: data.customers.edges[0].cursor,
      timeline: data.session.timeline.edges[0].cursor,
      live: data.session.liveCursor,
    },
  }
}

async function make(
  client: Client,
  recordType: string,
  key: string,
  provided: string,
  name: string,
  more = '',
  externalId = SHARED_USER,
): Promise<CreatedRecord> {
  const given = provided.replace('EMAIL', SHARED_EMAIL).replace('NAME', `Secret-${name}`)
  const field = recordType.toLowerCase()
  const { data, errors } = await client.execute(`mutation {
    made: create${recordType}(input: { idempotencyKey: "${key}", externalId: "${externalId}", ${field}: ${given}, ${more} }) {
      __typename ... on Create${recordType}Payload { replayed record: ${field} { id providerId } } ... on MutationError { message code }
    }
  }`)
  if (!data?.made?.record) throw new Error(JSON.stringify({ data, errors }))
  return data.made.record
}

/** An unknown provider id of the same format. */
function unlike(providerId: string): string {
  return providerId.slice(0, -4) + [...providerId.slice(-4)].map(digit => (digit === '7' ? '1' : '7')).join('')
}

/** An unknown id of this record type. */
function missing(recordType: string): string {
  return Buffer.from(`${recordType}:01970000-0000-7000-8000-000000000000`).toString('base64url')
}

function personId(externalId: string): string {
  return Buffer.from(`Person:${externalId}`).toString('base64url')
}

const NO_CURSOR = Buffer.from('abc.0.nosignatures').toString('base64url')

type Way = readonly [what: string, query: string, of: (owner: Owner) => string, nothing?: string]

const byProvider = (recordType: string, provider: string) =>
  `query ($v: String!) { it: ${recordType}(by: { atProvider: { provider: ${provider}, providerId: $v } }) { id } }`
const create = (recordType: string, inner: string) =>
  `mutation ($v: ID!) { it: create${recordType}(input: { idempotencyKey: "KEY", ${inner} }) { __typename ... on InvalidInputError { issues { path message } } ... on MutationError { message code } } }`

const entity = (recordType: string, of: (owner: Owner) => string): Way => [
  `an entity ${recordType}`,
  `query ($v: ID!) { it: _entities(representations: [{ __typename: "${recordType}", id: $v }]) { __typename } }`,
  of,
  missing(recordType),
]
const ENTITIES: readonly Way[] = [
  entity('Session', it => it.session.id),
  entity('Applicant', it => it.applicant.id),
  entity('Customer', it => it.customer.id),
  entity('Attempt', it => it.attempt),
  [
    'an entity Person',
    'query ($v: String!) { it: _entities(representations: [{ __typename: "Person", externalId: $v }]) { ... on Person { sessions { totalCount } } } }',
    it => it.user,
    'nobody',
  ],
  [
    'an entity Person by its global id',
    'query ($v: String!) { it: _entities(representations: [{ __typename: "Person", id: $v }]) { ... on Person { sessions { totalCount } } } }',
    it => personId(it.user),
    personId('nobody'),
  ],
]

const READS: readonly Way[] = [
  ['a session as a node', 'query ($v: ID!) { it: node(id: $v) { id } }', it => it.session.id, missing('Session')],
  [
    'an applicant as a node',
    'query ($v: ID!) { it: node(id: $v) { id } }',
    it => it.applicant.id,
    missing('Applicant'),
  ],
  ['a customer as a node', 'query ($v: ID!) { it: node(id: $v) { id } }', it => it.customer.id, missing('Customer')],
  ['an attempt as a node', 'query ($v: ID!) { it: node(id: $v) { id } }', it => it.attempt, missing('Attempt')],
  [
    'a create as a node',
    'query ($v: ID!) { it: node(id: $v) { id } }',
    it => it.operation,
    missing('ProviderOperation'),
  ],
  ['a session among nodes', 'query ($v: ID!) { it: nodes(ids: [$v]) { id } }', it => it.session.id, missing('Session')],
  ['a session', 'query ($v: ID!) { it: session(by: { id: $v }) { id } }', it => it.session.id, missing('Session')],
  [
    'a session, fresh',
    'query ($v: ID!) { it: session(by: { id: $v }, freshness: { maxAgeSeconds: 0 }) { id } }',
    it => it.session.id,
    missing('Session'),
  ],
  [
    'an applicant',
    'query ($v: ID!) { it: applicant(by: { id: $v }) { id } }',
    it => it.applicant.id,
    missing('Applicant'),
  ],
  ['a customer', 'query ($v: ID!) { it: customer(by: { id: $v }) { id } }', it => it.customer.id, missing('Customer')],
  ['a session of Kayle by its provider’s id', byProvider('session', 'KAYLE'), it => it.session.providerId],
  ['a session of Verilock by its provider’s id', byProvider('session', 'VERILOCK'), it => it.verilock.providerId],
  ['an applicant of Personr by its provider’s id', byProvider('applicant', 'PERSONR'), it => it.applicant.providerId],
  ['a customer of Rapidly by its provider’s id', byProvider('customer', 'RAPIDLY'), it => it.customer.providerId],
  [
    'a create',
    'query ($v: ID!) { it: operation(by: { id: $v }) { id } }',
    it => it.operation,
    missing('ProviderOperation'),
  ],
  [
    'a person',
    'query ($v: String!) { it: person(externalId: $v) { sessions { totalCount } nextAction { kind } } }',
    it => it.user,
    'nobody',
  ],
  [
    'a person as a node',
    'query ($v: ID!) { it: node(id: $v) { ... on Person { sessions { totalCount } nextAction { kind } } } }',
    it => personId(it.user),
    personId('nobody'),
  ],
  ...ENTITIES,
  [
    'the sessions of an applicant',
    'query ($v: ID!) { it: sessions(filter: { applicantId: $v }) { nodes { id } } }',
    it => it.applicant.id,
    missing('Applicant'),
  ],
  [
    'the sessions of a customer',
    'query ($v: ID!) { it: sessions(filter: { customerId: $v }) { totalCount } }',
    it => it.customer.id,
    missing('Customer'),
  ],
  [
    'a page of sessions',
    'query ($v: String!) { it: sessions(after: $v) { nodes { id } } }',
    it => it.cursors.sessions,
    NO_CURSOR,
  ],
  [
    'a page of sessions before it',
    'query ($v: String!) { it: sessions(last: 1, before: $v) { nodes { id } } }',
    it => it.cursors.sessions,
    NO_CURSOR,
  ],
  [
    'a page of customers',
    'query ($v: String!) { it: customers(after: $v) { nodes { id } } }',
    it => it.cursors.customers,
    NO_CURSOR,
  ],
  [
    'a page of events',
    'query ($v: String!) { it: events(after: $v) { nodes { id session { id } } } }',
    it => it.cursors.live,
    NO_CURSOR,
  ],
  [
    'a page of the sessions of a person',
    `query ($v: String!) { it: person(externalId: "${SHARED_USER}") { sessions(after: $v) { nodes { id } } } }`,
    it => it.cursors.sessions,
    NO_CURSOR,
  ],
]

function whole([what, query, of, nothing]: Way) {
  return [what, query, of, nothing] as const
}

const CHANGE = '{ __typename ... on MutationError { message code } }'
const WRITES: readonly Way[] = [
  [
    'cancelSession',
    `mutation ($v: ID!) { it: cancelSession(input: { sessionId: $v }) ${CHANGE} }`,
    it => it.verilock.id,
    missing('Session'),
  ],
  [
    'linkSession',
    `mutation ($v: ID!) { it: linkSession(input: { sessionId: $v, externalId: "taken" }) ${CHANGE} }`,
    it => it.session.id,
    missing('Session'),
  ],
  [
    'linkSession to an applicant',
    `mutation ($v: ID!) { it: linkSession(input: { sessionId: "OWN", applicantId: $v }) ${CHANGE} }`,
    it => it.applicant.id,
    missing('Applicant'),
  ],
  [
    'linkSession to a customer',
    `mutation ($v: ID!) { it: linkSession(input: { sessionId: "OWN", customerId: $v }) ${CHANGE} }`,
    it => it.customer.id,
    missing('Customer'),
  ],
  [
    'linkApplicant',
    `mutation ($v: ID!) { it: linkApplicant(input: { applicantId: $v, externalId: "taken" }) ${CHANGE} }`,
    it => it.applicant.id,
    missing('Applicant'),
  ],
  [
    'linkCustomer',
    `mutation ($v: ID!) { it: linkCustomer(input: { customerId: $v, externalId: "taken" }) ${CHANGE} }`,
    it => it.customer.id,
    missing('Customer'),
  ],
  [
    'createSession for an applicant',
    create('Session', 'applicantId: $v, session: { kayle: {} }'),
    it => it.applicant.id,
    missing('Applicant'),
  ],
  [
    'createSession for a customer',
    create('Session', 'customerId: $v, session: { kayle: {} }'),
    it => it.customer.id,
    missing('Customer'),
  ],
  [
    'createSession at Personr',
    create('Session', 'session: { personr: { applicant: { applicantId: $v } } }'),
    it => it.applicant.id,
    missing('Applicant'),
  ],
  [
    'createSession at Rapidly',
    create('Session', 'session: { rapidly: { customer: { customerId: $v } } }'),
    it => it.customer.id,
    missing('Customer'),
  ],
  [
    'createClientToken',
    `mutation ($v: ID!) { it: createClientToken(input: { subject: { sessionId: $v } }) ${CHANGE} }`,
    it => it.session.id,
    missing('Session'),
  ],
]

let keys = 0
async function askFor(query: string, v: string) {
  keys += 1
  const own = query.replace('KEY', `way-${keys}`).replace('OWN', beta.session.id)
  const { text, ...answer } = await beta.client.execute(own, { v })
  const comparable = JSON.stringify({
    ...answer,
    errors: answer.errors.map(error => ({ ...error, extensions: { ...error.extensions, requestId: '' } })),
  })
  return { ...answer, text, comparable }
}

describe('the data of another tenant', () => {
  test.each(READS.map(whole))(
    'is not read as %s, and is answered like a missing record',
    async (_what, query, of, nothing) => {
      const control = await dev.client.execute(query, { v: of(dev) })
      expect(control.errors).toEqual([])
      expect(JSON.stringify(control.data.it)).not.toMatch(/^(null|\[null\])$/)

      const [foreign, absent] = [await askFor(query, of(dev)), await askFor(query, nothing ?? unlike(of(dev)))]
      expect(foreign.comparable).toBe(absent.comparable)
      expect(foreign.text).not.toContain('Secret-dev')
      expect(foreign.text).not.toContain(dev.session.id)
    },
  )

  test.each(WRITES.map(whole))(
    'is not changed by %s, and is answered like a missing record',
    async (_what, query, of, nothing) => {
      const before = await stateOf(dev)
      const [foreign, absent] = [await askFor(query, of(dev)), await askFor(query, nothing ?? unlike(of(dev)))]
      expect(foreign.comparable).toBe(absent.comparable)
      expect(foreign.data.it.__typename).toMatch(/^(NotFoundError|InvalidInputError)$/)
      expect(await stateOf(dev)).toBe(before)
    },
  )

  test('is not found by its idempotency key, which the other tenant may use as well', async () => {
    const query = '{ operation(by: { idempotencyKey: "same-key" }) { id session { id } } }'
    const { data } = await beta.client.execute(query)
    expect(data.operation).toEqual({ id: beta.operation, session: { id: beta.session.id } })
    const foreign = await askFor(
      'query ($v: String!) { it: operation(by: { idempotencyKey: $v }) { id } }',
      'dev-person',
    )
    const absent = await askFor(
      'query ($v: String!) { it: operation(by: { idempotencyKey: $v }) { id } }',
      'no-such-key',
    )
    expect(foreign.comparable).toBe(absent.comparable)
  })

  test('is in no list, under no filter, and not counted', async () => {
    const query = `{
      sessions { totalCount nodes { id metadata applicant { id firstName } customer { id name } } }
      same: sessions(filter: { externalId: "${SHARED_USER}" }) { nodes { id } }
      applicants(filter: { email: "${SHARED_EMAIL}" }) { totalCount nodes { id sessions { nodes { id } } } }
      customers(filter: { externalId: "${SHARED_USER}" }) { totalCount nodes { id name sessions { nodes { id } } } }
    }`
    for (const [owner, other, name] of [
      [dev, beta, 'dev'],
      [beta, dev, 'beta'],
    ] as const) {
      const { data, errors, text } = await owner.client.execute(query)
      expect(errors).toEqual([])
      expect(data.same.nodes.map((node: CreatedRecord) => node.id).sort()).toEqual(
        [owner.session.id, owner.verilock.id].sort(),
      )
      expect(data.sessions.nodes).toContainEqual({
        id: owner.session.id,
        metadata: { of: name },
        applicant: { id: owner.applicant.id, firstName: `Secret-${name}` },
        customer: { id: owner.customer.id, name: `Secret-${name}` },
      })
      expect(data.applicants).toMatchObject({ totalCount: 1, nodes: [{ id: owner.applicant.id }] })
      expect(data.customers).toMatchObject({ totalCount: 1, nodes: [{ id: owner.customer.id }] })
      for (const { id } of [other.session, other.verilock, other.applicant, other.customer])
        expect(text).not.toContain(id)
    }
  })

  test('has no event among those of the other tenant', async () => {
    const query = `query ($after: String) { events(first: 100, after: $after) {
      totalCount nodes { id session { id person { externalId } } } pageInfo { hasNextPage } } }`
    for (const [owner, other] of bothWays()) {
      const { data, errors, text } = await owner.client.execute(query)
      expect(errors).toEqual([])
      expect(data.events).toMatchObject({ totalCount: data.events.nodes.length, pageInfo: { hasNextPage: false } })
      const ids = data.events.nodes.map(({ session }: { session: CreatedRecord }) => session.id)
      expect(ids).toEqual(expect.arrayContaining([owner.session.id, owner.verilock.id]))
      expectNothingOf(other, text)
    }
  })

  test('is on no page after a cursor of the other tenant’s timeline', async () => {
    const query = 'query ($v: String!) { it: session(by: { id: "OWN" }) { timeline(after: $v) { nodes { id } } } }'
    const [foreign, absent] = [await askFor(query, dev.cursors.timeline), await askFor(query, NO_CURSOR)]
    expect(foreign.comparable).toBe(absent.comparable)
    expect(foreign.errors).toMatchObject([{ extensions: { code: 'CURSOR_INVALID' } }])
  })

  test('is not delivered to a subscription: by id, by cursor or among all sessions', async () => {
    const { token } = beta.client
    const of = async (id: string, after?: string) => {
      const query = 'subscription ($id: ID!, $after: String) { sessionUpdated(id: $id, after: $after) { cursor } }'
      const [message] = await (await follow(app.url, { query, variables: { id, after }, token })).all()
      const [error] = message?.data.errors ?? []
      return { ...error, extensions: { ...error?.extensions, requestId: '' } }
    }
    expect(await of(dev.session.id)).toEqual(await of(missing('Session')))
    expect(await of(beta.session.id, dev.cursors.live)).toEqual(await of(beta.session.id, NO_CURSOR))
    const ofPerson = async (after: string) => {
      const query = `subscription ($after: String) { personUpdated(externalId: "${SHARED_USER}", after: $after) { cursor } }`
      const [message] = await (await follow(app.url, { query, variables: { after }, token })).all()
      return message?.data.errors[0].extensions.code
    }
    expect(await ofPerson(dev.cursors.live)).toBe('CURSOR_INVALID')
    expect(await ofPerson(NO_CURSOR)).toBe('CURSOR_INVALID')

    const all = await follow(app.url, { query: 'subscription { it: sessionsUpdated { session { id } } }', token })
    const query = `subscription { it: personUpdated(externalId: "${SHARED_USER}") { event { session { id } } person { sessions { nodes { id } } } } }`
    const person = await follow(app.url, { query, token })
    await link(dev, 'one')
    await link(beta, 'two', () => person.first(1))
    const [first] = await all.first(1)
    expect(first?.data.data.it.session.id).toBe(beta.session.id)
    // The session leaves the person, who learns no more than that, and comes back.
    const ofThePerson = (await person.first(2)).map(({ data }) => data.data.it.event.session)
    expect(ofThePerson).toEqual([null, { id: beta.session.id }])
    expectNothingOf(dev, JSON.stringify([all.messages, person.messages]))
    await Promise.all([all.unsubscribe(), person.unsubscribe()])
  })

  test('is not readable by a client token of the other tenant, even with the same external id', async () => {
    const client = await withClientToken(app, beta.client, { externalId: SHARED_USER })
    const query = 'query ($id: ID!) { session(by: { id: $id }) { id } }'
    expect((await client.execute(query, { id: beta.verilock.id })).data.session).toEqual({ id: beta.verilock.id })
    const texts = await Promise.all(
      [dev.verilock.id, missing('Session')].map(async id => {
        const { status, data, errors } = await client.execute(query, { id })
        return JSON.stringify([status, data, errors.map(({ message, extensions: { code } }) => [message, code])])
      }),
    )
    expect(texts[0]).toBe(texts[1])
  })
})

const PERSON = `query ($externalId: String!) { person(externalId: $externalId) {
  externalId nextAction { session { id } }
  sessions { totalCount nodes { id applicant { id firstName sessions { nodes { id } } } customer { id name } } }
  applicants(first: 5) { nodes { id firstName sessions { nodes { id } } } }
  customers(first: 5) { nodes { id name sessions { nodes { id } } } }
} }`

describe('a person with the same external id in both tenants', () => {
  test('has only each tenant’s own records, on every path', async () => {
    for (const [owner, other] of bothWays()) {
      const { data, errors, text } = await owner.client.execute(PERSON, { externalId: SHARED_USER })
      expect(errors).toEqual([])
      const { person } = data
      expect(idsOf(person.sessions.nodes)).toEqual([owner.session.id, owner.verilock.id].sort())
      expect(person.sessions.totalCount).toBe(2)
      expect(idsOf(person.applicants.nodes)).toContain(owner.applicant.id)
      expect(idsOf(person.customers.nodes)).toEqual([owner.customer.id])
      expect([owner.session.id, owner.verilock.id]).toContain(person.nextAction.session.id)
      expectNothingOf(other, text)
    }
  })

  test('is the person of each tenant’s records, and of no other', async () => {
    const query = `query ($session: ID!, $applicant: ID!, $customer: ID!) {
      session(by: { id: $session }) { person { ...P } }
      applicant(by: { id: $applicant }, freshness: { maxAgeSeconds: 100 }) { person { ...P } }
      customer(by: { id: $customer }, freshness: { maxAgeSeconds: 100 }) { person { ...P } }
    } fragment P on Person { externalId sessions(first: 5) { nodes { id } } customers { nodes { id } } }`
    for (const [owner, other] of bothWays()) {
      const { session, applicant, customer } = owner
      const ids = { session: session.id, applicant: applicant.id, customer: customer.id }
      const { data, errors, text } = await owner.client.execute(query, ids)
      expect(errors).toEqual([])
      for (const { person } of [data.session, data.applicant, data.customer]) {
        expect(person.externalId).toBe(SHARED_USER)
        expect(idsOf(person.sessions.nodes)).toEqual([session.id, owner.verilock.id].sort())
        expect(person.customers.nodes).toEqual([{ id: customer.id }])
      }
      expectNothingOf(other, text)
    }
  })

  test('is an entity for each tenant, and null beside it for unknown ones', async () => {
    const query = `query ($given: [_Any!]!) { _entities(representations: $given) {
      __typename ... on Session { id } ... on Applicant { id } ... on Customer { id } ... on Attempt { id }
      ... on Person { sessions(first: 5) { nodes { id applicant { id sessions(first: 5) { nodes { id } } } } } }
    } }`
    for (const [owner, other] of bothWays()) {
      const given = entitiesOf(owner).flatMap((own, index) => [entitiesOf(other)[index], own])
      const person = { __typename: 'Person', externalId: SHARED_USER }
      const { data, errors, text } = await owner.client.execute(query, { given: [...given, person] })
      expect(errors).toEqual([])
      expect(data._entities.slice(0, -1)).toMatchObject(entitiesOf(owner).flatMap(own => [null, own]))
      expect(idsOf(data._entities.at(-1).sessions.nodes)).toEqual([owner.session.id, owner.verilock.id].sort())
      expectNothingOf(other, text)

      const foreign = [...entitiesOf(other), { __typename: 'Person', externalId: other.user }]
      const absent = [
        ...RECORD_TYPES.map(recordType => ({ __typename: recordType, id: missing(recordType) })),
        { __typename: 'Person', externalId: 'nobody' },
      ]
      const requests = [foreign, absent].map(theirs => owner.client.execute(query, { given: [...theirs, person] }))
      const [first, second] = await Promise.all(requests)
      expect(first && unnamed(first.text)).toBe(second && unnamed(second.text))
    }
  })

  test('gives a client token access to the sessions of its own tenant only', async () => {
    const query = `query ($externalId: String!) { person(externalId: $externalId) {
      externalId nextAction { session { id } } applicants { totalCount }
      sessions { totalCount nodes { id applicant { id sessions { nodes { id } } } customer { id } } }
    } }`
    for (const [owner, other] of bothWays()) {
      const client = await withClientToken(app, owner.client, { externalId: SHARED_USER })
      const { data, errors, text } = await client.execute(query, { externalId: SHARED_USER })
      expect(errors).toMatchObject([{ extensions: { code: 'FORBIDDEN', scopes: [] } }])
      expect(idsOf(data.person.sessions.nodes)).toEqual([owner.session.id, owner.verilock.id].sort())
      // The links of an applicant are closed to a client token.
      for (const { applicant } of data.person.sessions.nodes) expect(applicant?.sessions ?? null).toBeNull()
      expectNothingOf(other, text)
    }
  })

  test('is the only person that a client token reads: another one is refused like an unknown one, without records', async () => {
    const query = 'query ($v: String!) { it: person(externalId: $v) { sessions { nodes { id } } } }'
    const client = await withClientToken(app, beta.client, { externalId: SHARED_USER })
    expect(await plain(client, query, dev.user)).toBe(await plain(client, query, 'nobody'))
    const [theirs, nobodys] = await Promise.all(
      [dev.user, 'nobody'].map(externalId => withClientToken(app, beta.client, { externalId })),
    )
    const foreign = await plain(theirs as Client, query, dev.user)
    expect(foreign).toBe(await plain(nobodys as Client, query, 'nobody'))
    expect(foreign).toContain('"nodes":[]')
  })
})

const RECORD_TYPES = ['Session', 'Applicant', 'Customer', 'Attempt'] as const

function entitiesOf({ session, applicant, customer, attempt }: Owner) {
  const ids = [session.id, applicant.id, customer.id, attempt]
  return RECORD_TYPES.map((__typename, index) => ({ __typename, id: ids[index] }))
}

function bothWays() {
  return [
    [dev, beta],
    [beta, dev],
  ] as const
}

function idsOf(records: readonly { readonly id: string }[]): string[] {
  return records.map(({ id }) => id).sort()
}

function expectNothingOf(other: Owner, text: string): void {
  const { session, verilock, applicant, customer, attempt, user } = other
  for (const id of [session.id, verilock.id, applicant.id, customer.id, attempt, user]) expect(text).not.toContain(id)
  expect(text).not.toContain(`Secret-${user.slice('only-'.length)}`)
}

/** A response without its request id. */
async function plain(client: Client, query: string, v: string): Promise<string> {
  const { status, text } = await client.execute(query, { v })
  return `${status} ${unnamed(text)}`
}

function unnamed(text: string): string {
  return text.replaceAll(/"requestId":"[^"]*"/g, '')
}

describe('the webhook endpoint of another tenant', () => {
  test('is neither listed, nor given a secret, nor removed', async () => {
    const call = { tenantId: 'beta' }
    expect(await app.services.webhookEndpoints.list(call)).toEqual([])
    await expect(app.services.webhookEndpoints.rotate(call, policy.id)).rejects.toThrow('Webhook endpoint not found.')
    await expect(app.services.webhookEndpoints.remove(call, policy.id)).rejects.toThrow('Webhook endpoint not found.')
    expect(await app.services.webhookEndpoints.list({ tenantId: 'dev' })).toContainEqual(
      expect.objectContaining({ id: policy.id }),
    )
  })

  test('refuses a delivery signed for the other tenant, and deliveries of the other change nothing', async () => {
    const added = await app.services.webhookEndpoints.add({ tenantId: 'beta' }, { provider: 'VERILOCK' })
    const secret = added.secret ?? ''
    const sent = {
      event: 'session.approved',
      webhook_id: 'wh_x',
      data: { session_id: dev.verilock.providerId, status: 'approved' },
    }
    expect(await deliver(app, policy, fromVerilock({ secret }, sent))).toBe(401)

    const before = await stateOf(dev)
    const path = `/webhooks/verilock/${added.endpoint.id}`
    expect(await deliver(app, { path }, fromVerilock({ secret }, sent))).toBe(204)
    await app.services.webhookInbox.applyDue()
    expect(await stateOf(dev)).toBe(before)
    const { data } = await dev.client.execute('query ($id: ID!) { session(by: { id: $id }) { status } }', {
      id: dev.verilock.id,
    })
    expect(data.session.status).toBe('CREATED')
  })
})

test('two hundred concurrent requests of two tenants return each their own data, through every loader', async () => {
  const query = `query ($ids: [ID!]!, $all: [ID!]!) {
    nodes(ids: $ids) { id ... on Session { metadata applicant { id } customer { id name } attempts { nodes { id } } } }
    foreign: nodes(ids: $all) { id }
    sessions { nodes { id customer { id } } }
  }`
  const requests = Array.from({ length: 200 }, (_, index) => (index % 2 === 0 ? dev : beta))
  await Promise.all(
    requests.map(async owner => {
      const other = owner === dev ? beta : dev
      const foreign = [other.session.id, other.applicant.id, other.customer.id, other.attempt, other.operation]
      const { data, errors, text } = await owner.client.execute(query, { ids: [owner.session.id], all: foreign })
      expect(errors).toEqual([])
      expect(data.foreign).toEqual(foreign.map(() => null))
      expect(data.nodes).toMatchObject([
        {
          id: owner.session.id,
          applicant: { id: owner.applicant.id },
          customer: { id: owner.customer.id },
          attempts: { nodes: [{ id: owner.attempt }] },
        },
      ])
      for (const id of foreign) expect(text).not.toContain(id)
    }),
  )
})

/** Gives the session of the owner to another person, waits for `meanwhile`, and gives it back. */
async function link(
  owner: Owner,
  externalId: string,
  meanwhile: () => Promise<unknown> = async () => {},
): Promise<void> {
  const query =
    'mutation ($id: ID!, $e: String) { linkSession(input: { sessionId: $id, externalId: $e, applicantId: null, customerId: null }) { __typename } }'
  await owner.client.execute(query, { id: owner.session.id, e: externalId })
  await meanwhile()
  const back =
    'mutation ($id: ID!, $e: String, $a: ID, $c: ID) { linkSession(input: { sessionId: $id, externalId: $e, applicantId: $a, customerId: $c }) { __typename } }'
  await owner.client.execute(back, {
    id: owner.session.id,
    e: SHARED_USER,
    a: owner.applicant.id,
    c: owner.customer.id,
  })
}

/** All stored data of a tenant as text. */
async function stateOf(owner: Owner): Promise<string> {
  const { data } = await owner.client.execute(`{
    sessions { nodes { id externalId status updatedAt applicant { id } customer { id } timeline { nodes { id } } } }
    applicants { nodes { id externalId } } customers { nodes { id externalId } }
  }`)
  return JSON.stringify(data)
}
