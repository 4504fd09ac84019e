import { decodeJwt, decodeProtectedHeader, SignJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { SCOPES } from '../../src/domain/access/caller.ts'
import { encodeGlobalId } from '../../src/domain/global-id.ts'
import { startApp, type TestApp } from '../harness/app/test-app.ts'
import { type Client, CREATE_CLIENT_TOKEN, withClientToken, withKey, withToken } from '../harness/clients/callers.ts'
import { follow } from '../harness/clients/subscriber.ts'

let app: TestApp
let skipped = 0
let maker: Client
let mine: CreatedRecord
let also: CreatedRecord
let other: CreatedRecord
let customerId: string

interface CreatedRecord {
  readonly id: string
  readonly providerId: string
}

beforeAll(async () => {
  app = await startApp({}, { now: () => new Date(Date.now() + skipped), jobs: false })
  maker = await withKey(app)
  customerId = await makeCustomer()
  mine = await makeSession(`externalId: "user-1", customerId: "${customerId}", metadata: { plan: "gold" }`)
  also = await makeSession('externalId: "user-1"')
  other = await makeSession('externalId: "user-2"')
  for (const to of ['attempt_started', 'attempt_succeeded']) {
    await app.sandbox('KAYLE').advance({ id: mine.providerId, to })
  }
})
afterAll(() => app.close())

let made = 0
async function makeSession(input: string): Promise<CreatedRecord> {
  made += 1
  const { data } = await app.execute(`mutation {
    createSession(input: { idempotencyKey: "token-${made}", session: { kayle: {} }, ${input} }) {
      ... on CreateSessionPayload { session { id providerId } }
    }
  }`)
  return data.createSession.session
}

async function makeCustomer(): Promise<string> {
  const { data } = await app.execute(`mutation {
    createCustomer(input: { idempotencyKey: "c", customer: { rapidly: { email: "ann@example.com" } } }) {
      ... on CreateCustomerPayload { customer { id } }
    }
  }`)
  return data.createCustomer.customer.id
}

const WHOLE = `{
  id provider providerId status outcome providerStatus externalId testMode redirectUrl createdAt updatedAt expiresAt completedAt
  access { hostedUrl sdkToken cancelToken expiresAt }
  attempts(freshness: { maxAgeSeconds: 0 }) { totalCount nodes { id status failureCode session { id } details { __typename } } }
  timeline { nodes { __typename id cursor ... on AttemptStatusChanged { attempt { id status } } } }
  liveCursor sync { stale } details { ... on KayleSessionDetails { shareFields { key } } }
}`

describe('a client token of one session', () => {
  test('reads the session with its attempts, timeline and access, by every lookup', async () => {
    const client = await withClientToken(app, maker, { sessionId: mine.id })
    const ref = { atProvider: { provider: 'KAYLE', providerId: mine.providerId } }
    const { data, errors } = await client.execute(
      `query ($by: SessionLookup!, $ref: SessionLookup!, $id: ID!) { session(by: $by) ${WHOLE} again: session(by: $ref) { id } node(id: $id) { id } }`,
      { by: { id: mine.id }, ref, id: mine.id },
    )
    expect(errors).toEqual([])
    expect(data).toMatchObject({ again: { id: mine.id }, node: { id: mine.id } })
    expect(data.session).toMatchObject({ id: mine.id, externalId: 'user-1', access: { hostedUrl: expect.any(String) } })
    expect(data.session.attempts.nodes).toMatchObject([{ status: 'SUCCEEDED', session: { id: mine.id } }])
    expect(data.session.timeline.nodes.length).toBeGreaterThan(1)
  })

  test('reads no other session of the same person, and does not learn whether one exists', async () => {
    const client = await withClientToken(app, maker, { sessionId: mine.id })
    const missing = Buffer.from('Session:01970000-0000-7000-8000-000000000000').toString('base64url')
    const answers = await Promise.all(
      [also.id, other.id, missing, 'garbage'].map(id =>
        client.execute('query ($id: ID!) { session(by: { id: $id }) { id } }', { id }),
      ),
    )
    expect(new Set(answers.map(comparable)).size).toBe(1)
    expect(answers[0]).toMatchObject({ data: { session: null }, errors: [{ extensions: { code: 'NOT_FOUND' } }] })
  })
})

test.each([
  ['person(externalId: "user-1")', 'user-1'],
  ['person(externalId: "user-2")', 'user-2'],
  ['person(externalId: "nobody")', 'nobody'],
  [`node(id: "${encodeGlobalId('Person', 'user-1')}")`, 'user-1'],
  [`node(id: "${encodeGlobalId('Person', 'user-2')}")`, 'user-2'],
  [`node(id: "${encodeGlobalId('Person', 'nobody')}")`, 'nobody'],
])('%s is readable by a token of that person only', async (field, externalId) => {
  const query = `{ it: ${field} { ... on Person { externalId liveCursor sessions { nodes { id } } nextAction { kind } } } }`
  for (const subject of [{ sessionId: mine.id }, { externalId: 'user-1' }, { externalId: 'user-2' }]) {
    const client = await withClientToken(app, maker, subject)
    const { data, errors } = await client.execute(query)
    if ('externalId' in subject && subject.externalId === externalId) {
      expect(errors).toEqual([])
      expect(data.it).toMatchObject({ externalId, nextAction: { kind: expect.any(String) } })
    } else {
      expect(data).toEqual({ it: null })
      expect(errors).toMatchObject([{ extensions: { code: 'FORBIDDEN', scopes: [], paths: ['it'] } }])
    }
  }
})

test('the person of a session is readable by a token of that person, and null for a token of the session', async () => {
  const query = 'query ($id: ID!) { session(by: { id: $id }) { id person { id externalId sessions { totalCount } } } }'
  const person = { id: encodeGlobalId('Person', 'user-1'), externalId: 'user-1' }
  const own = await withClientToken(app, maker, { externalId: 'user-1' })
  expect(await own.execute(query, { id: mine.id })).toMatchObject({ errors: [], data: { session: { person } } })
  const client = await withClientToken(app, maker, { sessionId: mine.id })
  expect(await client.execute(query, { id: mine.id })).toMatchObject({
    errors: [],
    data: { session: { id: mine.id, person: null } },
  })
})

describe('a client token of one person', () => {
  test('reads the sessions of that person, later ones included, and no others', async () => {
    const client = await withClientToken(app, maker, { externalId: 'user-1' })
    const later = await makeSession('externalId: "user-1"')
    const query = 'query ($id: ID!) { session(by: { id: $id }) { id } node(id: $id) { id } }'
    for (const { id } of [mine, also, later]) {
      expect(await client.execute(query, { id })).toMatchObject({ data: { session: { id }, node: { id } }, errors: [] })
    }
    expect((await client.execute(query, { id: other.id })).data).toEqual({ session: null, node: null })
  })

  test('finds its stored sessions by the id of their provider, without a call to the provider', async () => {
    const client = await withClientToken(app, maker, { externalId: 'user-1' })
    const query = 'query ($ref: ProviderRef!) { session(by: { atProvider: $ref }) { id } }'
    const execute = (providerId: string) => client.execute(query, { ref: { provider: 'KAYLE', providerId } })
    expect((await execute(also.providerId)).data.session).toEqual({ id: also.id })
    await app.sandbox('KAYLE').forget()
    const [foreign, missing] = [
      await execute(other.providerId),
      await execute('vs_00000000-0000-4000-8000-000000000000'),
    ]
    expect(comparable(foreign)).toBe(comparable(missing))
    expect(foreign.errors).toMatchObject([{ extensions: { code: 'NOT_FOUND' } }])
    expect(await app.sandbox('KAYLE').requests()).toEqual([])
  })
})

test.each([
  ['metadata', 'session(by: { id: "ID" }) { id metadata }', ['session.metadata']],
  [
    'personal data of the customer',
    'session(by: { id: "ID" }) { customer { email name phone } }',
    ['session.customer.email', 'session.customer.name', 'session.customer.phone'],
  ],
  ['metadata of the customer', 'session(by: { id: "ID" }) { customer { metadata } }', ['session.customer.metadata']],
  [
    'other sessions of the customer',
    'session(by: { id: "ID" }) { customer { sessions { nodes { id } } } }',
    ['session.customer.sessions'],
  ],
  ['a customer by its id', 'customer(by: { id: "CUSTOMER" }) { id }', ['customer']],
  ['a customer as a node', 'node(id: "CUSTOMER") { id }', ['node']],
  [
    'lists of customers and applicants',
    'customers { totalCount } applicants { totalCount }',
    ['customers', 'applicants'],
  ],
  [
    'the customer of a link',
    'session(by: { id: "ID" }) { id timeline { nodes { ... on SessionLinksChanged { customer { id } applicant { id } } } } }',
    undefined,
  ],
  [
    'claims',
    'session(by: { id: "ID" }) { id attempts { nodes { details { ... on KayleAttemptDetails { claims } } } } }',
    ['session.attempts.nodes.details.claims'],
  ],
  [
    'a score that a provider gave',
    `session(by: { id: "ID" }) { id
      attempts { nodes { riskScore details { ... on VerilockAttemptDetails { score } } } }
      details { ... on VerilockSessionDetails { riskScore steps { score } } } }`,
    ['session.attempts.nodes.riskScore'],
  ],
  ['a list of sessions', 'sessions { nodes { id } }', ['sessions']],
  ['a list of its own sessions', 'sessions(filter: { externalId: "user-1" }) { totalCount }', ['sessions']],
  ['a list of customers', 'customers { nodes { id } }', ['customers']],
  ['a list of applicants', 'applicants { totalCount }', ['applicants']],
  ['a customer', 'customer(by: { id: "CUSTOMER" }) { id }', ['customer']],
  ['a customer as a node', 'node(id: "CUSTOMER") { id }', ['node']],
  ['many nodes', 'nodes(ids: ["ID"]) { id }', ['nodes']],
  ['a create', 'operation(by: { idempotencyKey: "token-1" }) { id }', ['operation']],
  ['the providers', 'providers { provider }', ['providers']],
])('a token cannot read %s', async (_what, selection, paths) => {
  for (const subject of [{ sessionId: mine.id }, { externalId: 'user-1' }]) {
    const client = await withClientToken(app, maker, subject)
    const query = selection.replace('"ID"', `"${mine.id}"`).replace('"CUSTOMER"', `"${customerId}"`)
    const { errors, text } = await client.execute(`{ ${query} }`)
    if (paths) expect(errors).toMatchObject([{ extensions: { code: 'FORBIDDEN', scopes: [], paths } }])
    for (const secret of ['gold', 'ann@example.com', other.id]) expect(text).not.toContain(secret)
  }
})

test.each([
  ['createSession', 'createSession(input: { idempotencyKey: "by-token", session: { kayle: {} } })'],
  ['cancelSession', 'cancelSession(input: { sessionId: "ID" })'],
  ['linkApplicant', 'linkApplicant(input: { applicantId: "ID", externalId: "user-1" })'],
  ['linkCustomer', 'linkCustomer(input: { customerId: "ID", externalId: "user-1" })'],
  ['linkSession', 'linkSession(input: { sessionId: "ID", externalId: "user-2" })'],
  ['createClientToken', 'createClientToken(input: { subject: { sessionId: "ID" } })'],
])('a token cannot %s', async (field, call) => {
  const client = await withClientToken(app, maker, { sessionId: mine.id })
  const { data, errors } = await client.execute(`mutation { ${call.replace('ID', mine.id)} { __typename } }`)
  expect(data).toEqual({ [field]: null })
  expect(errors).toMatchObject([{ extensions: { code: 'FORBIDDEN', scopes: [] } }])
})

describe('createClientToken', () => {
  const make = (input: object, client = maker) => client.execute(CREATE_CLIENT_TOKEN, { input })

  test('expires after 15 minutes by default, and names its signing key', async () => {
    const { data } = await make({ subject: { sessionId: mine.id } })
    const { token, expiresAt } = data.createClientToken
    const { exp, iat } = decodeJwt(token)
    expect([(exp ?? 0) - (iat ?? 0), (exp ?? 0) * 1_000]).toEqual([900, new Date(expiresAt).getTime()])
    expect(decodeProtectedHeader(token)).toEqual({
      alg: 'HS256',
      typ: 'JWT',
      kid: expect.stringMatching(/^[0-9a-f]{8}$/),
    })
    expect(token).not.toContain(maker.token)
  })

  test.each([59, 3_601, 0, -1])('refuses a lifetime of %i seconds', async expiresInSeconds => {
    const { data } = await make({ subject: { externalId: 'user-1' }, expiresInSeconds })
    expect(data.createClientToken).toMatchObject({
      __typename: 'InvalidInputError',
      issues: [{ path: ['input', 'expiresInSeconds'], message: 'Expected 60 to 3600 seconds.' }],
    })
  })

  test.each([60, 3_600])('accepts a lifetime of %i seconds', async expiresInSeconds => {
    const { data } = await make({ subject: { externalId: 'user-1' }, expiresInSeconds })
    const { exp, iat } = decodeJwt(data.createClientToken.token)
    expect((exp ?? 0) - (iat ?? 0)).toBe(expiresInSeconds)
  })

  test('returns NOT_FOUND for an unknown session and for that of another tenant', async () => {
    await app.services.tenants.create({ id: 'beta' })
    const beta = await withKey(app, { tenantId: 'beta' })
    const missing = Buffer.from('Session:01970000-0000-7000-8000-000000000000').toString('base64url')
    const answers = [
      await make({ subject: { sessionId: missing } }),
      await make({ subject: { sessionId: mine.id } }, beta),
      await make({ subject: { sessionId: customerId } }),
    ]
    expect(answers[0]?.data.createClientToken).toMatchObject({ __typename: 'NotFoundError', code: 'NOT_FOUND' })
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1)
  })

  test('does not outlive the API key that created it', async () => {
    const short = await withKey(app, { expiresAt: new Date(Date.now() + skipped + 100_000) })
    const { data } = await make({ subject: { externalId: 'user-1' } }, short)
    const { exp, iat } = decodeJwt(data.createClientToken.token)
    expect((exp ?? 0) - (iat ?? 0)).toBeLessThanOrEqual(100)
  })
})

describe('the customer and the applicant of a session', () => {
  const query = `query ($id: ID!) { session(by: { id: $id }) {
    customer { __typename id provider externalId sync { stale } } applicant { id status outcome }
    attempts { nodes { id } }
  } }`

  async function makeOwnCustomer(externalId: string | null): Promise<string> {
    made += 1
    const { data } = await app.execute(
      `mutation ($e: String) { createCustomer(input: { idempotencyKey: "own-${made}", externalId: $e, customer: { rapidly: { email: "own-${made}@example.com" } } }) {
        ... on CreateCustomerPayload { customer { id } } } }`,
      { e: externalId },
    )
    return data.createCustomer.customer.id
  }

  test.each(['session', 'person'])('are readable by a token of the %s, without personal data', async kind => {
    const customer = await makeOwnCustomer(null)
    const { id } = await makeSession(`externalId: "owner-${kind}", customerId: "${customer}"`)
    const subject = kind === 'session' ? { sessionId: id } : { externalId: `owner-${kind}` }
    const { data, errors, text } = await (await withClientToken(app, maker, subject)).execute(query, { id })
    expect(errors).toEqual([])
    expect(data.session).toMatchObject({ customer: { id: customer, provider: 'RAPIDLY' }, applicant: null })
    expect(text).not.toContain('@example.com')
  })

  test('are null where they belong to another person than the session', async () => {
    const customer = await makeOwnCustomer(null)
    const { id } = await makeSession(`customerId: "${customer}"`)
    const token = await withClientToken(app, maker, { sessionId: id })
    expect((await token.execute(query, { id })).data.session.customer).toMatchObject({ id: customer })
    // Written below the rules for links, as after an import.
    const rowId = Buffer.from(customer, 'base64url').toString().split(':')[1] ?? ''
    await app.db.sql.updateTable('customers').set({ external_id: 'somebody' }).where('id', '=', rowId).execute()
    const { data, errors, text } = await token.execute(query, { id })
    expect([data.session.customer, errors]).toEqual([null, []])
    expect(text).not.toContain(customer)
    const person = await withClientToken(app, maker, { externalId: 'nobody' })
    expect((await person.execute(query, { id })).data.session).toBeNull()
  })

  test('are refused to a token of a key that may not read them', async () => {
    const key = await withKey(app, { scopes: ['session:access', 'sessions:read', 'applicants:read'] })
    const { errors, text } = await (await withClientToken(app, key, { sessionId: mine.id })).execute(query, {
      id: mine.id,
    })
    expect(errors).toMatchObject([{ extensions: { code: 'FORBIDDEN', paths: ['session.customer'] } }])
    expect(text).not.toContain(customerId)
  })

  test('of a person are listed for its own token', async () => {
    const customer = await makeOwnCustomer('lister')
    const foreign = await makeOwnCustomer('another lister')
    const list =
      '{ person(externalId: "lister") { customers { totalCount nodes { id externalId } } applicants { totalCount } } }'
    const { data, errors, text } = await (await withClientToken(app, maker, { externalId: 'lister' })).execute(list)
    expect(errors).toEqual([])
    expect(data.person).toEqual({
      customers: { totalCount: 1, nodes: [{ id: customer, externalId: 'lister' }] },
      applicants: { totalCount: 0 },
    })
    expect(text).not.toContain(foreign)
  })
})

describe('a client token is refused', () => {
  test('after it expires', async () => {
    const client = await withClientToken(app, maker, { externalId: 'user-1' })
    expect((await client.execute('{ __typename }')).status).toBe(200)
    skipped += 901_000
    expect((await client.execute('{ __typename }')).status).toBe(401)
  })

  test('after the API key that created it is revoked, which also ends its streams', async () => {
    const key = await withKey(app, { scopes: ['session:access', 'sessions:read'] })
    const client = await withClientToken(app, key, { sessionId: mine.id })
    const query = `subscription { sessionUpdated(id: "${mine.id}") { session { id status } } }`
    const subscriber = await follow(app.url, { query, token: client.token })
    expect((await client.execute('{ __typename }')).status).toBe(200)
    await app.services.keys.revoke({ tenantId: 'dev' }, key.keyId)
    expect(await client.execute('{ __typename }')).toMatchObject({
      status: 401,
      errors: [{ extensions: { code: 'UNAUTHENTICATED' } }],
    })
    expect((await subscriber.all())[0]?.data.errors).toMatchObject([{ extensions: { code: 'UNAUTHENTICATED' } }])
  })

  test('where any part of it was changed, or another key signed it', async () => {
    const { token } = await withClientToken(app, maker, { sessionId: mine.id })
    const [head = '', body = '', signature = ''] = token.split('.')
    const claims = decodeJwt(token)
    const { kid } = decodeProtectedHeader(token)
    const sign = (changed: object, key: Uint8Array, name = kid) =>
      new SignJWT({ ...claims, ...changed }).setProtectedHeader({ alg: 'HS256', kid: name }).sign(key)
    const { key } = app.db.encryption.signingKey()
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const forged = [
      `${head}.${part({ ...claims, sessionId: 'another' })}.${signature}`,
      `${part({ alg: 'none', typ: 'JWT' })}.${body}.`,
      `${part({ alg: 'HS512', kid })}.${body}.${signature}`,
      await sign({}, new Uint8Array(32)),
      await sign({}, key, 'unknown'),
      await sign({ tid: 'beta' }, key),
      await sign({ key: 'nobody' }, key),
      await sign({ externalId: 'both' }, key),
      await sign({ sessionId: undefined }, key),
      await sign({ aud: 'elsewhere' }, key),
      await sign({ exp: undefined }, key),
    ]
    for (const each of forged) expect((await withToken(app, each).execute('{ __typename }')).status, each).toBe(401)
    expect((await withToken(app, await sign({}, key)).execute('{ __typename }')).status).toBe(200)
  })
})

describe('a stream of a client token', () => {
  test('delivers the events of its session with its current state', async () => {
    const followedSessions = await makeSession('externalId: "user-1"')
    for (const subject of [{ sessionId: followedSessions.id }, { externalId: 'user-1' }]) {
      const { token } = await withClientToken(app, maker, subject)
      const query = `subscription { sessionUpdated(id: "${followedSessions.id}") { event { __typename } session { id status } } }`
      const subscriber = await follow(app.url, { query, token })
      await app.execute(
        `mutation { linkSession(input: { sessionId: "${followedSessions.id}", customerId: "${customerId}" }) { __typename } }`,
      )
      await app.execute(
        `mutation { linkSession(input: { sessionId: "${followedSessions.id}", customerId: null }) { __typename } }`,
      )
      const [message] = await subscriber.first(1)
      expect(message?.data.data.sessionUpdated).toEqual({
        event: { __typename: 'SessionLinksChanged' },
        session: { id: followedSessions.id, status: 'CREATED' },
      })
      await subscriber.unsubscribe()
    }
  })

  test('is not opened for another session, nor for all sessions', async () => {
    const { token } = await withClientToken(app, maker, { externalId: 'user-1' })
    const one = await follow(app.url, {
      query: `subscription { sessionUpdated(id: "${other.id}") { cursor } }`,
      token,
    })
    expect((await one.all())[0]?.data.errors).toMatchObject([{ extensions: { code: 'NOT_FOUND' } }])
    const all = await follow(app.url, {
      query: 'subscription { sessionsUpdated(filter: { externalId: "user-1" }) { cursor } }',
      token,
    })
    expect((await all.all())[0]?.data.errors).toMatchObject([{ extensions: { code: 'FORBIDDEN' } }])
  })

  test('delivers no event after the session moved to another person', async () => {
    const moved = await makeSession('externalId: "user-1"')
    const { token } = await withClientToken(app, maker, { externalId: 'user-1' })
    const subscriber = await follow(app.url, {
      query: `subscription { sessionUpdated(id: "${moved.id}") { session { externalId } } }`,
      token,
    })
    await app.execute(
      `mutation { linkSession(input: { sessionId: "${moved.id}", externalId: "user-3", customerId: "${customerId}" }) { __typename } }`,
    )
    await app.execute(
      `mutation { linkSession(input: { sessionId: "${moved.id}", externalId: "user-1", customerId: null }) { __typename } }`,
    )
    const [message] = await subscriber.first(1)
    expect(message?.data.data.sessionUpdated.session.externalId).toBe('user-1')
    expect(subscriber.messages.filter(each => JSON.stringify(each).includes('user-3'))).toEqual([])
    await subscriber.unsubscribe()
  })

  test('does not count against the subscription limit of its API key', async () => {
    const key = await withKey(app, { scopes: SCOPES })
    const { token } = await withClientToken(app, key, { sessionId: mine.id })
    const query = `subscription { sessionUpdated(id: "${mine.id}") { cursor } }`
    const streams = await Promise.all(Array.from({ length: 100 }, () => follow(app.url, { query, token })))
    expect((await follow(app.url, { query, token })).status).toBe(429)
    const own = await follow(app.url, { query, token: key.token })
    expect(own.status).toBe(200)
    await Promise.all([...streams, own].map(stream => stream.unsubscribe()))
  })
})

/** A response without the parts that differ each time. */
function comparable({
  status,
  data,
  errors,
}: {
  status: number
  data: unknown
  errors: readonly { extensions: object }[]
}): string {
  return JSON.stringify({
    status,
    data,
    errors: errors.map(error => ({ ...error, extensions: { ...error.extensions, requestId: '' } })),
  })
}
