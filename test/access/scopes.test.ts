import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { INHERIT, ruleFor } from '../../schema/authorization/authorization.ts'
import { buildSchema } from '../../schema/index.ts'
import { SCOPES, type Scope } from '../../src/domain/access/caller.ts'
import { encodeGlobalId } from '../../src/domain/global-id.ts'
import { registry } from '../../src/providers/registry.ts'
import { startApp, type TestApp } from '../harness/app/test-app.ts'
import { createCanaries, createPerson } from '../harness/canaries.ts'
import { type Client, withClientToken, withKey } from '../harness/clients/callers.ts'
import { follow } from '../harness/clients/subscriber.ts'
import {
  operationOf,
  placedValues,
  type RootSelection,
  recordTypesOf,
  rootType,
} from '../harness/documents/record-selections.ts'
import { deliver, fromKayle, fromVerilock, openEndpoint } from '../harness/providers/deliveries.ts'

/**
 * What a key may not read directly it cannot read at all: neither through links, mutations, subscriptions and the console, nor
 * with the client tokens that it creates. The fields come from the schema, so a new field is tested without a change here.
 *
 * SCOPES=all tests every set of scopes.
 */

const schema = await buildSchema(registry, 'on')
const records = recordTypesOf(schema)

let app: TestApp
let world: World
let all: Seen
let values: ReadonlyMap<string, ReadonlySet<string>>

/** Records of one person at all providers. */
interface World {
  readonly externalId: string
  readonly sessions: readonly Found[]
  readonly applicants: readonly Found[]
  readonly customers: readonly Found[]
  readonly attempts: readonly string[]
  readonly operations: readonly string[]
  readonly canceled: string
  readonly creates: readonly { readonly field: string; readonly input: object }[]
  /** The cursor of the first event. */
  readonly cursor: string
}

interface Found {
  readonly id: string
  readonly provider: string
  readonly providerId: string
}

/** The places of the values that a caller reads. */
type Seen = ReadonlySet<string>

/** The limits are not tested here. */
const LIMITS = {
  FEDERATION: 'on',
  MAX_AGE_SECONDS: '1000000',
  MAX_ALIASES: '1000000',
  MAX_BODY_BYTES: '10000000',
  MAX_COST: '1000000000',
  MAX_DEPTH: '1000',
  MAX_ROOT_FIELDS: '1000',
  MAX_TOKENS: '1000000',
}

beforeAll(async () => {
  app = await startApp(LIMITS, { jobs: false })
  world = await createWorld()
  const direct = await readDirectly(await withKey(app))
  expect(direct.flatMap(({ errors }) => errors)).toEqual([])
  all = see(direct)
  values = valuesIn(direct)
}, 120_000)
afterAll(() => app.close())

async function createWorld(): Promise<World> {
  const canaries = createCanaries()
  const person = await createPerson(app, canaries, `usr_${canaries.mark}`)
  const recordAt = (provider: string, recordType: string) => {
    const found = person.records.find(record => record.provider === provider && record.recordType === recordType)
    if (!found) throw new Error(`There is no ${recordType} at ${provider}.`)
    return found
  }
  const kayle = recordAt('KAYLE', 'session')
  const verilock = recordAt('VERILOCK', 'session')
  const personr = recordAt('PERSONR', 'applicant')
  const rapidly = recordAt('RAPIDLY', 'customer')
  const links = { sessionId: kayle.id, applicantId: personr.id, customerId: rapidly.id }
  await app.execute('mutation ($input: LinkSessionInput!) { linkSession(input: $input) { __typename } }', {
    input: links,
  })
  const claims = { given_names: canaries.text('SessionClaim') }
  const data = { claims, selected_field_keys: ['given_names'] }
  const shared = { type: 'verification.session.succeeded', sessionId: kayle.providerId, data }
  expect(await deliver(app, person.kayleEndpoint, await fromKayle(person.kayleEndpoint, shared))).toBe(204)
  await app.sandbox('VERILOCK').advance({ id: verilock.providerId, to: 'approved' })
  const scored = { session_id: verilock.providerId, status: 'approved', risk_score: 0.123_456_789 }
  const endpoint = await openEndpoint(app, 'VERILOCK')
  const event = {
    event: 'session.approved',
    webhook_id: randomUUID(),
    timestamp: new Date().toISOString(),
    data: scored,
  }
  expect(await deliver(app, endpoint, fromVerilock(endpoint, event))).toBe(204)
  await app.sandbox('PERSONR').advance({ id: personr.providerId, to: 'rejected_retry' })
  await app.services.webhookInbox.applyDue()
  const answer =
    await app.execute(`mutation { createSession(input: { idempotencyKey: "canceled", session: { kayle: {} } }) {
    ... on CreateSessionPayload { session { id } } } }`)
  const canceled = answer.data.createSession.session.id
  await app.execute(`mutation { cancelSession(input: { sessionId: ${text(canceled)} }) { __typename } }`)

  await createDescribedCustomer(canaries.text('YorletDescription'))

  const rowsOf = async (table: 'applicants' | 'customers' | 'sessions') =>
    app.db.sql.selectFrom(table).select(['id', 'provider', 'provider_id']).execute()
  const toFound = (recordType: string, rows: Awaited<ReturnType<typeof rowsOf>>): Found[] =>
    rows.map(({ id, provider, provider_id }) => ({
      id: encodeGlobalId(recordType, id),
      provider,
      providerId: provider_id,
    }))
  const sessions = toFound('Session', await rowsOf('sessions'))
  const applicants = toFound('Applicant', await rowsOf('applicants'))
  const now = 'freshness: { maxAgeSeconds: 0, onError: SERVE_STALE }'
  const fields = [...sessions, ...applicants].map(({ id }, at) => {
    const field = at < sessions.length ? 'session' : 'applicant'
    return `r${at}: ${field}(by: { id: ${text(id)} }, ${now}) { attempts { nodes { id } } }`
  })
  const { data: found } = await app.execute(`{ ${fields.join(' ')} }`)
  const attempts = Object.values<{ attempts: { nodes: Found[] } | null }>(found).flatMap(it => it.attempts?.nodes ?? [])
  const { data: history } = await app.execute('{ events(first: 1) { nodes { cursor } } }')
  const rows = await app.db.sql.selectFrom('operations').select('id').execute()
  return {
    externalId: person.externalId,
    sessions,
    applicants,
    customers: toFound('Customer', await rowsOf('customers')),
    attempts: idsOf(attempts),
    operations: rows.map(({ id }) => encodeGlobalId('ProviderOperation', id)),
    canceled,
    creates: person.keys.map(({ mutation, input }) => ({ field: /create[A-Z]\w+/.exec(mutation)?.[0] ?? '', input })),
    cursor: history.events.nodes[0].cursor,
  }
}

/** A customer of the provider with a field that no input of ours has. */
async function createDescribedCustomer(description: string): Promise<void> {
  const yorlet = app.sandboxes.find(({ provider }) => provider === 'YORLET')
  const response = await fetch(`${yorlet?.baseUrl}/customers`, {
    method: 'POST',
    headers: { authorization: `Bearer ${yorlet?.settings.apiKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({ email: 'described@example.com', description }),
  })
  const { id } = (await response.json()) as { id: string }
  const lookup = `{ customer(by: { atProvider: { provider: YORLET, providerId: ${text(id)} } }) { id } }`
  expect((await app.execute(lookup)).errors).toEqual([])
}

function text(value: unknown): string {
  return JSON.stringify(value)
}

function idsOf(found: readonly { readonly id: string }[]): string[] {
  return found.map(({ id }) => id)
}

/** The direct way to each record, without its links. */
async function readDirectly(client: Client): Promise<Answered[]> {
  const { externalId, sessions, applicants, customers, attempts, operations } = world
  const byId = (field: string, ids: readonly string[]) => ids.map(id => ({ field, args: `(by: { id: ${text(id)} })` }))
  const direct = [
    ...byId('session', idsOf(sessions)),
    ...byId('applicant', idsOf(applicants)),
    ...byId('customer', idsOf(customers)),
    ...byId('operation', operations),
    ...attempts.map(id => ({ field: 'node', args: `(id: ${text(id)})` })),
    { field: 'person', args: `(externalId: ${text(externalId)})` },
    { field: 'events', args: '(first: 100)' },
  ]
  return [await read(client, direct, 0)]
}

interface Answered {
  readonly way: string
  readonly data: unknown
  readonly text: string
  readonly errors: readonly unknown[]
}

async function read(client: Client, selected: readonly RootSelection[], links: number): Promise<Answered> {
  const way = `query ${selected[0]?.field}`
  return { way, ...(await client.execute(operationOf(schema, 'query', selected, { links }))) }
}

function see(answers: readonly Answered[]): Seen {
  return new Set(answers.flatMap(({ data }) => placedValues(data, records)).map(({ place }) => place))
}

/** The values that never occur by chance, with the places where they are read directly. */
function valuesIn(answers: readonly Answered[]): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>()
  for (const { place, value } of answers.flatMap(({ data }) => placedValues(data, records))) {
    for (const part of stringsIn(value)) {
      if (part.length < 8 || !/\d/.test(part) || /^\d{4}-\d{2}-\d{2}T/.test(part)) continue
      found.set(part, (found.get(part) ?? new Set()).add(place))
    }
  }
  return found
}

function stringsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(stringsIn) : []
}

/** What a caller who reads `direct` directly must not have been answered. */
function findDetours({ way, data, text }: Answered, direct: Seen): string[] {
  const places = [...new Set(placedValues(data, records).map(({ place }) => place))]
  const isOpen = ([, places]: [string, ReadonlySet<string>]) => [...places].some(place => direct.has(place))
  const open = [...values].filter(isOpen).map(([value]) => value)
  const hidden = [...values].filter(found => !isOpen(found) && text.includes(found[0]))
  return [
    ...places.filter(place => !direct.has(place)).map(place => `${way}: ${place}`),
    ...hidden
      .filter(([value]) => without(text, open, value).includes(value))
      .map(([, [place]]) => `${way}: a value of ${place}`),
  ]
}

/** An id of a record can contain that of another one. */
function without(text: string, open: readonly string[], value: string): string {
  return open.filter(each => each.includes(value)).reduce((rest, each) => rest.replaceAll(each, ''), text)
}

/** The arguments of each query field. A new field needs its own. */
function queries(): Record<string, readonly string[]> {
  const { externalId, sessions, applicants, customers, attempts, operations } = world
  const person = encodeGlobalId('Person', externalId)
  const found = {
    Session: idsOf(sessions),
    Applicant: idsOf(applicants),
    Customer: idsOf(customers),
    Attempt: attempts,
  }
  const nodes = [...Object.values(found).flat(), ...operations, person]
  const lookups = (given: readonly Found[]) => [
    ...given.map(({ id }) => `(by: { id: ${text(id)} })`),
    ...given.map(
      ({ provider, providerId }) => `(by: { atProvider: { provider: ${provider}, providerId: ${text(providerId)} } })`,
    ),
  ]
  return {
    node: nodes.map(id => `(id: ${text(id)})`),
    nodes: [...Object.values(found), operations, [person]].map(ids => `(ids: ${text(ids)})`),
    session: lookups(sessions),
    sessions: ['', `(filter: { externalId: ${text(externalId)} })`],
    events: ['(first: 100)'],
    applicant: lookups(applicants),
    applicants: [''],
    customer: lookups(customers),
    customers: [''],
    operation: operations.map(id => `(by: { id: ${text(id)} })`),
    person: [`(externalId: ${text(externalId)})`],
    providers: [''],
    _service: [''],
    _entities: [
      ...Object.entries(found).map(([type, ids]) => ids.map(id => ({ __typename: type, id }))),
      [{ __typename: 'Person', externalId }],
    ].map(keys => `(representations: [${keys.map(toLiteral).join(', ')}])`),
  }
}

function toLiteral(given: object): string {
  return `{ ${Object.entries(given)
    .map(([name, value]) => `${name}: ${text(value)}`)
    .join(', ')} }`
}

/** The inputs of each mutation, which change nothing. A new mutation needs its own. */
function mutations(): Record<string, readonly object[]> {
  const { canceled, creates, sessions, applicants, customers, externalId } = world
  const createsOf = (field: string) => creates.filter(create => create.field === field).map(({ input }) => input)
  const conflicting = (field: string) => createsOf(field).map(input => ({ ...input, externalId: 'another' }))
  const each = (field: string) => [...createsOf(field), ...conflicting(field)]
  return {
    createSession: each('createSession'),
    createApplicant: each('createApplicant'),
    createCustomer: each('createCustomer'),
    cancelSession: [{ sessionId: canceled }],
    linkSession: idsOf(sessions).flatMap(sessionId => [{ sessionId }, { sessionId, customerId: 'none' }]),
    linkApplicant: idsOf(applicants).flatMap(applicantId => [{ applicantId }]),
    linkCustomer: idsOf(customers).flatMap(customerId => [{ customerId }]),
    createClientToken: [{ subject: { externalId } }, { subject: { sessionId: sessions[0]?.id } }],
  }
}

/** The arguments of each subscription. A new one needs its own. */
function subscriptions(): Record<string, string> {
  const { externalId, sessions, cursor } = world
  const kayle = sessions.find(({ provider }) => provider === 'KAYLE')
  return {
    sessionUpdated: `(id: ${text(kayle?.id)}, after: ${text(cursor)})`,
    sessionsUpdated: `(after: ${text(cursor)})`,
    personUpdated: `(externalId: ${text(externalId)}, after: ${text(cursor)})`,
  }
}

/** Enough for longer ways: the first record on them that the key does not read directly is one link from one that it does. */
const LINKS = 1
/** Of a replay: the events of a few sessions. */
const EVENTS = 3

async function query(client: Client): Promise<Answered[]> {
  const answers: Answered[] = []
  for (const [field, calls] of Object.entries(queries()))
    answers.push(
      await read(
        client,
        calls.map(args => ({ field, args })),
        LINKS,
      ),
    )
  return answers
}

async function mutate(client: Client): Promise<Answered[]> {
  const answers: Answered[] = []
  for (const [field, inputs] of Object.entries(mutations())) {
    const variables = `($input: ${field.charAt(0).toUpperCase()}${field.slice(1)}Input!)`
    const document = operationOf(schema, 'mutation', [{ field, args: '(input: $input)' }], { links: LINKS, variables })
    for (const input of inputs)
      answers.push({ way: `mutation ${field}`, ...(await client.execute(document, { input })) })
  }
  return answers
}

async function subscribe({ token }: Client): Promise<Answered[]> {
  const answers: Answered[] = []
  for (const [field, args] of Object.entries(subscriptions())) {
    const query = operationOf(schema, 'subscription', [{ field, args }], { links: LINKS })
    const subscriber = await follow(app.url, { query, token })
    const messages = await subscriber.first(EVENTS)
    await subscriber.unsubscribe()
    const data = messages.map(message => message.data?.data)
    answers.push({ way: `subscription ${field}`, data, text: text(messages), errors: [] })
  }
  return answers
}

const PAGES = ['/me', '/health', '/sessions', '/operations', '/webhooks', '/drift']

async function openConsole({ token }: Client): Promise<Answered[]> {
  const { externalId } = world
  const rows = await app.db.sql.selectFrom('sessions').select('id').execute()
  const calls: [string, object?][] = [
    ...[...PAGES, ...rows.map(({ id }) => `/sessions/${id}`)].map((path): [string] => [path]),
    ['/search', { externalId }],
  ]
  const answers: Answered[] = []
  for (const [path, body] of calls) {
    const response = await app.app.fetch(`http://localhost/console/api${path}`, {
      method: body ? 'POST' : 'GET',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: body && text(body),
    })
    answers.push({
      way: `console ${path.replace(/[\w-]{30,}/, 'ID')}`,
      data: null,
      text: await response.text(),
      errors: [],
    })
  }
  return answers
}

/** The answers to the client tokens that the key may create. */
async function useTokens(client: Client): Promise<Answered[]> {
  const subjects = [{ externalId: world.externalId }, { sessionId: world.sessions[0]?.id }]
  const answers: Answered[] = []
  for (const subject of subjects) {
    const token = await withClientToken(app, client, subject).catch(() => undefined)
    if (token) answers.push(...(await query(token)), ...(await mutate(token)), ...(await subscribe(token)))
  }
  return answers.map(answer => ({ ...answer, way: `client token: ${answer.way}` }))
}

async function answersTo(client: Client): Promise<Answered[]> {
  return [
    ...(await query(client)),
    ...(await mutate(client)),
    ...(await subscribe(client)),
    ...(await useTokens(client)),
    ...(await openConsole(client)),
  ]
}

function namesOf(root: 'mutation' | 'query' | 'subscription'): string[] {
  return Object.keys(rootType(schema, root).getFields()).sort()
}

test('each field of the roots is queried', () => {
  expect(Object.keys(queries()).sort()).toEqual(namesOf('query'))
  expect(Object.keys(mutations()).sort()).toEqual(namesOf('mutation'))
  expect(Object.keys(subscriptions()).sort()).toEqual(namesOf('subscription'))
})

const LINK_TYPES = [...records, 'Query', 'Mutation', 'Subscription']

test('each field that requires a scope of its own has a value here', () => {
  const guarded = [...ruleFor()].filter(([, rule]) => rule !== INHERIT).map(([name]) => name)
  const read = [...all].join('\n')
  const leaves = guarded.filter(name => !isLink(name))
  expect(leaves.length).toBeGreaterThan(15)
  expect(leaves.filter(name => !read.includes(name))).toEqual([])
})

/** True for a field that leads to another record. */
function isLink(name: string): boolean {
  const [typename = '', field = ''] = name.split('.')
  const type = schema.getType(typename)
  const returned = type && 'getFields' in type ? String(type.getFields()[field]?.type).replace(/[![\]]/g, '') : ''
  return records.has(returned) || LINK_TYPES.slice(-3).includes(typename)
}

test('a key with all scopes reads each place on another way than the direct one', async () => {
  const answers = await answersTo(await withKey(app))
  const reached = see(answers)
  expect([...all].filter(place => !reached.has(place))).toEqual([])
  expect([...new Set(answers.flatMap(answer => findDetours(answer, all)))]).toEqual([])
}, 180_000)

/** Each scope alone, and all but each; with SCOPES=all every set. */
function setsOfScopes(): Scope[][] {
  const subsets = Array.from({ length: 2 ** SCOPES.length }, (_, bits) => SCOPES.filter((_, at) => (bits >> at) & 1))
  // A key has at least one scope.
  const sets = subsets.filter(scopes => scopes.length > 0)
  if (process.env.SCOPES === 'all') return sets
  return sets.filter(({ length }) => length === 1 || length === SCOPES.length - 1)
}

test.each(setsOfScopes().map(scopes => [scopes.join(', '), scopes] as const))(
  'what a key with %s does not read directly it cannot read at all',
  async (_, scopes) => {
    const client = await withKey(app, { scopes })
    const direct = see(await readDirectly(client))
    const detours = (await answersTo(client)).flatMap(answer => findDetours(answer, direct))
    expect([...new Set(detours)]).toEqual([])
  },
  180_000,
)
