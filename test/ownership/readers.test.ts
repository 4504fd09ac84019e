import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { encodeGlobalId } from '../../src/domain/global-id.ts'
import { startApp, type TestApp } from '../harness/app/test-app.ts'
import { type Client, withClientToken, withKey } from '../harness/clients/callers.ts'
import { follow } from '../harness/clients/subscriber.ts'

/** Every way to read × every client token: no caller reads the records of another person. */

const ANN = 'usr_ann'
const BOB = 'usr_bob'

let app: TestApp
let askers: Record<string, Client>
/** The records of Bob. */
let bobs: CreatedRecord
let anns: CreatedRecord

interface CreatedRecord {
  readonly sessions: readonly { readonly id: string; readonly provider: string; readonly providerId: string }[]
  readonly applicant: { readonly id: string; readonly providerId: string }
  readonly customer: { readonly id: string; readonly providerId: string }
  readonly attempts: readonly string[]
  readonly keys: readonly string[]
  /** Values that no response may contain: ids, links and tokens. */
  readonly marks: readonly string[]
}

/** A cursor before all events. */
let begin: string

beforeAll(async () => {
  app = await startApp({ FEDERATION: 'on' }, { jobs: false })
  begin = (await app.execute('{ sessions(first: 1) { liveCursor } }')).data.sessions.liveCursor
  const maker = await withKey(app)
  await app.services.tenants.create({ id: 'beta' })
  const stranger = await withKey(app, { tenantId: 'beta' })
  anns = await makeAll(ANN)
  bobs = await makeAll(BOB)
  askers = {
    'a token of Ann': await withClientToken(app, maker, { externalId: ANN }),
    'a token of a session of Ann': await withClientToken(app, maker, { sessionId: anns.sessions[0]?.id }),
    'a token of Bob of another tenant': await withClientToken(app, stranger, { externalId: BOB }),
    'a token of a person without records': await withClientToken(app, maker, { externalId: 'usr_nobody' }),
    'a key of another tenant': stranger,
  }
}, 60_000)
afterAll(() => app.close())

async function makeAll(externalId: string): Promise<CreatedRecord> {
  const keys: string[] = []
  const marks: string[] = []
  async function make(name: string, recordType: string, input: object) {
    const idempotencyKey = randomUUID()
    keys.push(idempotencyKey)
    const fields = recordType === 'session' ? 'access { hostedUrl sdkToken cancelToken }' : ''
    const { data, errors } = await app.execute(
      `mutation ($input: ${name}Input!) { made: ${recordType === 'session' ? 'createSession' : name[0]?.toLowerCase() + name.slice(1)}(input: $input) {
        ... on MutationError { message } ... on ${name}Payload { operation { id } record: ${recordType} { id provider providerId ${fields} } } } }`,
      { input: { idempotencyKey, externalId, ...input } },
    )
    expect(errors).toEqual([])
    const { record, operation } = data.made
    marks.push(operation.id, record.id, record.providerId)
    marks.push(...Object.values(record.access ?? {}).filter((value): value is string => typeof value === 'string'))
    return record
  }
  const email = `${randomUUID()}@example.com`
  const personr = { email, phone: '+46 70 000 00 00', flowName: 'KYC basic' }
  const applicant = await make('CreateApplicant', 'applicant', { applicant: { personr } })
  const customer = await make('CreateCustomer', 'customer', { customer: { rapidly: { email } } })
  const verilock = { profileId: '01234567-89ab-cdef-0123-456789abcdef', applicantEmail: email }
  const sessions = [
    await make('CreateSession', 'session', { session: { kayle: {} } }),
    await make('CreateSession', 'session', { session: { personr: { applicant: { applicantId: applicant.id } } } }),
    await make('CreateSession', 'session', { session: { rapidly: { customer: { customerId: customer.id } } } }),
    await make('CreateSession', 'session', { session: { verilock } }),
  ]
  for (const to of ['attempt_started', 'attempt_succeeded'])
    await app.sandbox('KAYLE').advance({ id: sessions[0].providerId, to })
  const { data } = await app.execute(
    `query ($id: ID!) { session(by: { id: $id }, freshness: { maxAgeSeconds: 0 }) { attempts { nodes { id } } } }`,
    { id: sessions[0].id },
  )
  const attempts = data.session.attempts.nodes.map(({ id }: { id: string }) => id)
  return { sessions, applicant, customer, attempts, keys, marks: [...marks, ...attempts, email] }
}

/** Writes an event of a session of Bob. */
async function changeBobs(): Promise<void> {
  const mutation = 'mutation ($i: LinkSessionInput!) { linkSession(input: $i) { __typename } }'
  const sessionId = bobs.sessions[0]?.id
  for (const customerId of [bobs.customer.id, null]) await app.execute(mutation, { i: { sessionId, customerId } })
}

const SESSION = `id provider providerId externalId status access { hostedUrl sdkToken cancelToken }
  attempts { nodes { id } } timeline { nodes { id } } applicant { id } customer { id }`

const PERSON = `sessions { nodes { ${SESSION} } } nextAction { url session { ${SESSION} } }
  applicants(first: 5) { totalCount nodes { id person { sessions { nodes { id } } } } }
  customers(last: 5) { totalCount nodes { id person { sessions { nodes { id } } } } }`

/** Each operation reads something of a person. */
const READS: Readonly<Record<string, (of: CreatedRecord, externalId: string) => [query: string, variables: object][]>> =
  {
    'a session by its id': of =>
      of.sessions.map(({ id }) => [`query ($id: ID!) { session(by: { id: $id }) { ${SESSION} } }`, { id }]),
    'a session by its id, read now': of =>
      of.sessions.map(({ id }) => [
        `query ($id: ID!) { session(by: { id: $id }, freshness: { maxAgeSeconds: 0 }) { ${SESSION} } }`,
        { id },
      ]),
    "a session by its provider's id": of =>
      of.sessions.map(({ provider, providerId }) => [
        `query ($ref: ProviderRef!) { session(by: { atProvider: $ref }) { ${SESSION} } }`,
        { ref: { provider, providerId } },
      ]),
    'a node': of =>
      [...of.sessions, of.applicant, of.customer, ...of.attempts.map(id => ({ id }))].map(({ id }) => [
        `query ($id: ID!) { node(id: $id) { id ... on Session { ${SESSION} } ... on Attempt { session { ${SESSION} } } } }`,
        { id },
      ]),
    nodes: of => [
      [
        `query ($ids: [ID!]!) { nodes(ids: $ids) { id ... on Session { ${SESSION} } } }`,
        { ids: of.sessions.map(({ id }) => id) },
      ],
    ],
    'lists of sessions': (of, externalId) => [
      [`{ sessions { totalCount nodes { ${SESSION} } } }`, {}],
      [
        `query ($f: SessionFilter!) { sessions(filter: $f) { totalCount nodes { ${SESSION} } } }`,
        { f: { externalId } },
      ],
      [
        `query ($f: SessionFilter!) { sessions(filter: $f) { totalCount nodes { ${SESSION} } } }`,
        { f: { applicantId: of.applicant.id } },
      ],
    ],
    'the person': (_of, externalId) => [
      [`query ($externalId: String!) { person(externalId: $externalId) { ${PERSON} } }`, { externalId }],
      [
        `query ($id: ID!) { node(id: $id) { ... on Person { ${PERSON} } } }`,
        { id: encodeGlobalId('Person', externalId) },
      ],
      [
        `query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Person { ${PERSON} } } }`,
        { ids: [encodeGlobalId('Person', externalId)] },
      ],
    ],
    'the person of a record': of => [
      ...of.sessions.map(({ id }): [string, object] => [
        `query ($id: ID!) { session(by: { id: $id }) { person { ${PERSON} } } }`,
        { id },
      ]),
      [`query ($id: ID!) { applicant(by: { id: $id }) { person { ${PERSON} } } }`, { id: of.applicant.id }],
      [`query ($id: ID!) { customer(by: { id: $id }) { person { ${PERSON} } } }`, { id: of.customer.id }],
    ],
    'the events of the tenant': () => [
      [`{ events(first: 100) { totalCount nodes { id session { id externalId access { hostedUrl } } } } }`, {}],
      [
        `{ events(filter: { providers: [KAYLE] }, first: 100) { nodes { ... on AttemptStatusChanged { attempt { id } }
        ... on SessionLinksChanged { applicant { id } customer { id } } } } }`,
        {},
      ],
    ],
    'an applicant': of => [
      [
        `query ($id: ID!) { applicant(by: { id: $id }) { id providerId email sessions { nodes { ${SESSION} } } } }`,
        { id: of.applicant.id },
      ],
      [
        `query ($ref: ProviderRef!) { applicant(by: { atProvider: $ref }) { id email } }`,
        { ref: { provider: 'PERSONR', providerId: of.applicant.providerId } },
      ],
      ['{ applicants { nodes { id email } } }', {}],
    ],
    'a customer': of => [
      [
        `query ($id: ID!) { customer(by: { id: $id }) { id providerId email sessions { nodes { ${SESSION} } } } }`,
        { id: of.customer.id },
      ],
      ['{ customers { nodes { id email } } }', {}],
    ],
    'a create': of =>
      of.keys.map(idempotencyKey => [
        `query ($by: ProviderOperationLookup!) { operation(by: $by) { id session { ${SESSION} } applicant { id } customer { id } } }`,
        { by: { idempotencyKey } },
      ]),
    entities: (of, externalId) => [
      ...of.sessions.map(({ id }): [string, object] => [
        `query ($r: [_Any!]!) { _entities(representations: $r) { ... on Session { ${SESSION} } } }`,
        { r: [{ __typename: 'Session', id }] },
      ]),
      [
        `query ($r: [_Any!]!) { _entities(representations: $r) { ... on Person { ${PERSON} } } }`,
        { r: [{ __typename: 'Person', externalId }] },
      ],
      [
        `query ($r: [_Any!]!) { _entities(representations: $r) { ... on Person { ${PERSON} } } }`,
        { r: [{ __typename: 'Person', id: encodeGlobalId('Person', externalId) }] },
      ],
      // Both keys, which belong to two persons.
      [
        `query ($r: [_Any!]!) { _entities(representations: $r) { ... on Person { ${PERSON} } } }`,
        { r: [{ __typename: 'Person', externalId, id: encodeGlobalId('Person', ANN) }] },
      ],
      [
        `query ($r: [_Any!]!) { _entities(representations: $r) { ... on Person { ${PERSON} } } }`,
        { r: [{ __typename: 'Person', externalId: ANN, id: encodeGlobalId('Person', externalId) }] },
      ],
    ],
    'what changes answer': of => [
      [
        'mutation ($id: ID!) { linkApplicant(input: { applicantId: $id, externalId: "usr_ann" }) { ... on LinkApplicantPayload { applicant { id } } } }',
        { id: of.applicant.id },
      ],
      [
        'mutation ($id: ID!) { linkCustomer(input: { customerId: $id, externalId: "usr_ann" }) { ... on LinkCustomerPayload { customer { id } } } }',
        { id: of.customer.id },
      ],
      [
        'mutation ($id: ID!) { cancelSession(input: { sessionId: $id }) { ... on CancelSessionPayload { session { id } } } }',
        { id: of.sessions[0]?.id },
      ],
      [
        `mutation ($id: ID!) { linkSession(input: { sessionId: $id, externalId: "usr_ann" }) { ... on LinkSessionPayload { session { id } } } }`,
        { id: of.sessions[0]?.id },
      ],
      [
        'mutation ($id: ID!) { createClientToken(input: { subject: { sessionId: $id } }) { ... on CreateClientTokenPayload { token } } }',
        { id: of.sessions[0]?.id },
      ],
    ],
  }

/** The subscriptions that can have events of a person's sessions. */
function subscriptionsTo(of: CreatedRecord, externalId: string): string[] {
  return [
    `subscription ($after: String) { sessionUpdated(id: "${of.sessions[0]?.id}", after: $after) { session { ${SESSION} } } }`,
    `subscription ($after: String) { sessionsUpdated(after: $after) { session { ${SESSION} } } }`,
    `subscription ($after: String) { personUpdated(externalId: "${externalId}", after: $after) {
      event { session { ${SESSION} } } person { ${PERSON} } } }`,
  ]
}

const WHO = [
  'a token of Ann',
  'a token of a session of Ann',
  'a token of Bob of another tenant',
  'a token of a person without records',
  'a key of another tenant',
]

describe.each(WHO)('%s', who => {
  test.each(Object.keys(READS))('reads nothing of another person by %s', async what => {
    for (const [query, variables] of READS[what]?.(bobs, BOB) ?? []) {
      const { text, errors } = (await askers[who]?.execute(query, variables as Record<string, unknown>)) ?? {
        text: '',
        errors: [],
      }
      expect(errors.map(error => error.extensions.code).filter(code => code === 'GRAPHQL_VALIDATION_FAILED')).toEqual(
        [],
      )
      const read = bobs.marks.filter(mark => text.includes(mark))
      expect(read, `${query} ${JSON.stringify(variables)} ${text}`).toEqual([])
    }
  })

  test('receives no event of another person', async () => {
    const { token } = askers[who] ?? { token: '' }
    for (const query of subscriptionsTo(bobs, BOB)) {
      for (const after of [undefined, begin]) {
        const stream = await follow(app.url, { query, variables: { after }, token })
        await changeBobs()
        await Promise.race([stream.all(), new Promise(resolve => setTimeout(resolve, 50))])
        await stream.unsubscribe()
        const reported = JSON.stringify(stream.messages)
        expect(
          bobs.marks.filter(mark => reported.includes(mark)),
          query,
        ).toEqual([])
      }
    }
  })
})

test('the events of that person reach callers with access', async () => {
  for (const query of subscriptionsTo(bobs, BOB)) {
    const stream = await follow(app.url, { query, variables: { after: begin } })
    const messages = await stream.first(40)
    await stream.unsubscribe()
    expect(JSON.stringify(messages), query).toContain(bobs.sessions[0]?.id)
  }
})

test('the same reads return the person to callers with access', async () => {
  const seen = new Set<string>()
  for (const [what, reads] of Object.entries(READS)) {
    if (what === 'what changes answer') continue
    for (const [query, variables] of reads(bobs, BOB)) {
      const { data } = await app.execute(query, variables as Record<string, unknown>)
      for (const mark of bobs.marks) if (JSON.stringify(data).includes(mark)) seen.add(mark)
    }
  }
  expect(bobs.marks.filter(mark => !seen.has(mark))).toEqual([])
})

test('a session that left a person is not readable by a token of that person', async () => {
  const [session] = anns.sessions
  const execute = () =>
    askers['a token of Ann']?.execute('query ($id: ID!) { session(by: { id: $id }) { id } }', { id: session?.id })
  expect((await execute())?.data.session).toEqual({ id: session?.id })
  const taken = 'mutation ($id: ID!) { linkSession(input: { sessionId: $id, externalId: null }) { __typename } }'
  expect((await app.execute(taken, { id: session?.id })).data.linkSession.__typename).toBe('LinkSessionPayload')
  expect((await execute())?.data.session).toBe(null)
})

describe('the read that moves a session to another person', () => {
  const byId = 'query ($id: ID!) { read: session(by: { id: $id }, freshness: { maxAgeSeconds: 0 }) { id } }'
  const byProvider = `query ($ref: ProviderRef!) {
    read: session(by: { atProvider: $ref }, freshness: { maxAgeSeconds: 0 }) { id } }`
  const attempts = `query ($id: ID!) { session(by: { id: $id }) {
    read: attempts(freshness: { maxAgeSeconds: 0 }) { nodes { id } } } }`
  const queries = { byId, byProvider, attempts }

  test.each(Object.entries(queries))('does not return it to a token of the first: %s', async (_name, query) => {
    const verilock = { profileId: '01234567-89ab-cdef-0123-456789abcdef', applicantEmail: 'ann@example.com' }
    const { data } = await app.execute(
      `mutation ($input: CreateSessionInput!) { createSession(input: $input) {
        ... on MutationError { message } ... on CreateSessionPayload { session { id providerId } } } }`,
      { input: { idempotencyKey: randomUUID(), externalId: ANN, session: { verilock } } },
    )
    const { session } = data.createSession
    await app.sandbox('VERILOCK').advance({ id: session?.providerId ?? '', to: 'approved' })
    await app.execute(attempts, { id: session?.id })
    await app.db.sql
      .updateTable('applicants')
      .set({ external_id: null })
      .where('provider_id', '=', `${session?.providerId}:applicant`)
      .execute()
    const fault = { kind: 'drift', change: 'retype', field: 'external_id', to: BOB } as const
    await app.sandbox('VERILOCK').faults([{ method: 'GET', fault }])
    const ref = { provider: 'VERILOCK', providerId: session?.providerId }
    const answer = await askers['a token of Ann']?.execute(query, { id: session?.id, ref })
    await app.sandbox('VERILOCK').clearFaults()
    expect(answer?.errors?.map(error => error.extensions.code)).toEqual(['NOT_FOUND'])
    expect(JSON.stringify(answer?.data)).not.toContain('"id"')
  })
})
