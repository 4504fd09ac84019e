import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { listAudit } from '../../db/repositories/audit-repository.ts'
import { SCOPES, type Scope } from '../../src/domain/access/caller.ts'
import { API_KEY, startApp, type TestApp } from '../harness/app/test-app.ts'
import { withKey, withToken } from '../harness/clients/callers.ts'
import { follow } from '../harness/clients/subscriber.ts'

let app: TestApp
let skipped = 0
let session: { id: string; providerId: string }
let customerId: string
let applicantId: string

beforeAll(async () => {
  app = await startApp({}, { now: () => new Date(Date.now() + skipped), jobs: false })
  const kayle = await make('Session', 'session: { kayle: {} }, externalId: "user-1", metadata: { plan: "gold" }')
  session = kayle
  customerId = (await make('Customer', 'customer: { rapidly: { email: "ann@example.com", name: "Ann" } }')).id
  const ann = '{ email: "ann@example.com", phone: "+46 70 000 00 00", firstName: "Ann", flowName: "KYC basic" }'
  applicantId = (await make('Applicant', `applicant: { personr: ${ann} }`)).id
  for (const who of ['a@example.com', 'b@example.com']) {
    await make('Customer', `customer: { rapidly: { email: "${who}" } }`)
  }
})
afterAll(() => app.close())

let made = 0
async function make(recordType: string, input: string) {
  made += 1
  const { data, errors } = await app.execute(`mutation {
    made: create${recordType}(input: { idempotencyKey: "access-${made}", ${input} }) {
      ... on Create${recordType}Payload { record: ${recordType.toLowerCase()} { id providerId } }
      ... on MutationError { code message }
    }
  }`)
  if (!data?.made?.record) throw new Error(JSON.stringify({ data, errors }))
  return data.made.record as { id: string; providerId: string }
}

const without = (...lacking: Scope[]) => SCOPES.filter(scope => !lacking.includes(scope))

describe('an API key', () => {
  test('reads what its tenant has, and the audit log has its id, not the key', async () => {
    const client = await withKey(app)
    const { status, data } = await client.execute('{ sessions { nodes { id } } }')
    expect([status, data.sessions.nodes]).toEqual([200, [{ id: session.id }]])
    const [entry] = await listAudit(app.db, 'dev', 1)
    expect(entry).toMatchObject({ action: 'key.create', actor: 'cli', tenantId: 'dev' })
    expect(entry?.object).toBe(client.keyId)
    expect(JSON.stringify(entry)).not.toContain(client.token)
  })

  test('is not in the database, which has its hash and its prefix', async () => {
    const client = await withKey(app)
    const rows = await app.db.sql.selectFrom('api_keys').selectAll().execute()
    expect(JSON.stringify(rows)).not.toContain(client.token)
    expect(rows.find(({ id }) => id === client.keyId)?.prefix).toBe(client.token.slice(0, 10))
  })

  test('that is revoked is refused at once in the same process', async () => {
    const client = await withKey(app)
    expect((await client.execute('{ __typename }')).status).toBe(200)
    await app.services.keys.revoke({ tenantId: 'dev' }, client.keyId)
    expect(await client.execute('{ __typename }')).toMatchObject({
      status: 401,
      errors: [{ extensions: { code: 'UNAUTHENTICATED' } }],
    })
  })

  /** Longer than a key is cached, by the monotonic clock. */
  const CACHED_MS = 2_100

  test('that another process revoked is refused a few seconds later', async () => {
    const client = await withKey(app)
    await client.execute('{ __typename }')
    await app.db.sql.updateTable('api_keys').set({ revoked_at: 1 }).where('id', '=', client.keyId).execute()
    await sleep(CACHED_MS)
    expect((await client.execute('{ __typename }')).status).toBe(401)
  })

  test('that expired is refused', async () => {
    const client = await withKey(app, { expiresAt: new Date(Date.now() + skipped + 60_000) })
    expect((await client.execute('{ __typename }')).status).toBe(200)
    skipped += 61_000
    expect((await client.execute('{ __typename }')).status).toBe(401)
  })

  test('is looked up periodically, not for each request, and has an approximate time of last use', async () => {
    const client = await withKey(app)
    const row = () =>
      app.db.sql.selectFrom('api_keys').selectAll().where('id', '=', client.keyId).executeTakeFirstOrThrow()
    await client.execute('{ __typename }')
    await app.db.sql
      .updateTable('api_keys')
      .set({ hash: `gone-${client.keyId}` })
      .where('id', '=', client.keyId)
      .execute()
    expect((await client.execute('{ __typename }')).status).toBe(200)
    expect((await row()).last_used_at).toBeGreaterThan(0)
    await sleep(CACHED_MS)
    expect((await client.execute('{ __typename }')).status).toBe(401)
  })

  test.each([
    ['no name', { name: '', scopes: ['admin'] as const }],
    ['no scope', { name: 'x', scopes: [] }],
    ['an end that was', { name: 'x', scopes: ['admin'] as const, expiresAt: new Date(0) }],
  ])('is not created with %s', async (_what, wanted) => {
    await expect(app.services.keys.create({ tenantId: 'dev' }, wanted)).rejects.toThrow('Expected')
  })

  test('is not created for an unknown tenant, nor revoked by another tenant', async () => {
    const wanted = { name: 'x', scopes: SCOPES }
    await expect(app.services.keys.create({ tenantId: 'nobody' }, wanted)).rejects.toThrow('Tenant not found.')
    const { keyId } = await withKey(app)
    await expect(app.services.keys.revoke({ tenantId: 'other' }, keyId)).rejects.toThrow('API key not found.')
  })
})

test('in production only the keys of tenants are valid', async () => {
  const env = { NODE_ENV: 'production', DEV_API_KEY: '' }
  const production = await startApp(env, { jobs: false })
  await production.services.tenants.create({ id: 'acme' })
  const client = await withKey(production, { tenantId: 'acme' })
  expect((await client.execute('{ sessions { totalCount } }')).data).toEqual({ sessions: { totalCount: 0 } })
  for (const key of [API_KEY, 'sg_dev_key_for_this_machine']) {
    expect((await withToken(production, key).execute('{ __typename }')).status).toBe(401)
  }
  await production.close()
})

describe('without a scope', () => {
  test.each<[string, readonly Scope[], string, readonly Scope[], readonly string[], string]>([
    [
      'sessions',
      without('sessions:read'),
      '{ sessions { nodes { id } } }',
      ['sessions:read'],
      ['sessions'],
      'sessions',
    ],
    [
      'applicants',
      without('applicants:read'),
      '{ applicants { totalCount } }',
      ['applicants:read'],
      ['applicants'],
      'applicants',
    ],
    [
      'customers',
      without('customers:read'),
      '{ customers { totalCount } }',
      ['customers:read'],
      ['customers'],
      'customers',
    ],
    [
      'a search by e-mail',
      without('pii:read'),
      '{ customers(filter: { email: "ann@example.com" }) { totalCount } }',
      ['pii:read'],
      ['customers'],
      'customers',
    ],
    [
      'a create of an applicant by key',
      ['admin'],
      '{ operation(by: { idempotencyKey: "access-1" }) { id } }',
      ['sessions:read', 'sessions:write', 'applicants:read', 'applicants:write', 'customers:read', 'customers:write'],
      ['operation'],
      'operation',
    ],
  ])('%s are null, with one error that names the scope', async (_what, scopes, query, lacking, paths, field) => {
    const { status, data, errors } = await (await withKey(app, { scopes })).execute(query)
    expect(status).toBe(200)
    expect(data).toEqual({ [field]: null })
    expect(errors).toMatchObject([
      { path: [field], extensions: { code: 'FORBIDDEN', retryable: false, scopes: lacking, paths } },
    ])
    expect(errors).toHaveLength(1)
  })

  test('personal data of a whole list is null, with one error for all rows and fields', async () => {
    const client = await withKey(app, { scopes: ['customers:read', 'applicants:read'] })
    const { data, errors } = await client.execute(`{
      customers { nodes { providerId email name phone details { ... on RapidlyCustomerDetails { emailVerified avatarUrl billingAddress { city } } } } }
      applicants { nodes { email phone firstName lastName details { ... on PersonrApplicantDetails { flowName customHostedUrl } } } }
    }`)
    expect(data.customers.nodes).toHaveLength(3)
    for (const row of data.customers.nodes) {
      expect(row).toMatchObject({
        providerId: expect.any(String),
        email: null,
        name: null,
        details: { emailVerified: false, avatarUrl: null, billingAddress: null },
      })
    }
    expect(data.applicants.nodes).toMatchObject([
      { email: null, firstName: null, details: { flowName: 'KYC basic', customHostedUrl: null } },
    ])
    expect(errors).toHaveLength(1)
    expect(errors[0]?.extensions).toMatchObject({ code: 'FORBIDDEN', scopes: ['pii:read', 'session:access'] })
    expect((errors[0]?.extensions.paths as string[] | undefined)?.toSorted()).toEqual([
      'applicants.nodes.details.customHostedUrl',
      'applicants.nodes.email',
      'applicants.nodes.firstName',
      'applicants.nodes.lastName',
      'applicants.nodes.phone',
      'customers.nodes.details.avatarUrl',
      'customers.nodes.details.billingAddress',
      'customers.nodes.email',
      'customers.nodes.name',
      'customers.nodes.phone',
    ])
  })

  test('the links and tokens for the end user are null, and all other fields are returned', async () => {
    const { data, errors } = await (await withKey(app, { scopes: ['sessions:read'] })).execute(
      `query ($id: ID!) { session(by: { id: $id }) { status metadata access { hostedUrl sdkToken } applicant { id } customer { id } } }`,
      { id: session.id },
    )
    expect(data.session).toEqual({
      status: 'CREATED',
      metadata: { plan: 'gold' },
      access: null,
      applicant: null,
      customer: null,
    })
    expect(errors).toMatchObject([{ extensions: { scopes: ['session:access', 'applicants:read', 'customers:read'] } }])
  })

  test('a node requires the scope of its type, whether it exists or not', async () => {
    const client = await withKey(app, { scopes: ['customers:read'] })
    const missing = Buffer.from('Session:01970000-0000-7000-8000-000000000000').toString('base64url')
    const node = '($id: ID!) { node(id: $id) { id } }'
    const answers = await Promise.all(
      [session.id, missing, applicantId].map(id => client.execute(`query ${node}`, { id })),
    )
    for (const { data, errors } of answers) {
      expect(data).toEqual({ node: null })
      expect(errors).toMatchObject([{ extensions: { code: 'FORBIDDEN', paths: ['node'] } }])
    }
    expect((await client.execute(`query ${node}`, { id: customerId })).data).toEqual({ node: { id: customerId } })
    const many = await client.execute('query ($ids: [ID!]!) { nodes(ids: $ids) { id } }', {
      ids: [customerId, session.id],
    })
    expect(many).toMatchObject({ data: { nodes: null }, errors: [{ extensions: { scopes: ['sessions:read'] } }] })
  })

  test.each<[string, Scope, string]>([
    ['createSession', 'sessions:write', 'createSession(input: { idempotencyKey: "", session: { kayle: {} } })'],
    ['cancelSession', 'sessions:write', 'cancelSession(input: { sessionId: "ID" })'],
    ['linkSession', 'sessions:write', 'linkSession(input: { sessionId: "ID", externalId: "somebody else" })'],
    [
      'createApplicant',
      'applicants:write',
      'createApplicant(input: { idempotencyKey: "", applicant: { personr: { email: "", phone: "", flowName: "" } } })',
    ],
    [
      'createCustomer',
      'customers:write',
      'createCustomer(input: { idempotencyKey: "refused", customer: { rapidly: { email: "c@example.com" } } })',
    ],
    ['linkCustomer', 'customers:write', 'linkCustomer(input: { customerId: "ID", externalId: "" })'],
    ['linkApplicant', 'applicants:write', 'linkApplicant(input: { applicantId: "ID", externalId: "" })'],
    [
      'createClientToken',
      'session:access',
      'createClientToken(input: { subject: { externalId: "" }, expiresInSeconds: 1 })',
    ],
  ])('%s (%s) is refused before its input is validated and without an effect', async (field, scope, call) => {
    const client = await withKey(app, { scopes: without(scope) })
    await app.sandbox('RAPIDLY').forget()
    await app.sandbox('KAYLE').forget()
    const operations = await countOperations()
    const { data, errors } = await client.execute(`mutation { ${call.replace('ID', session.id)} { __typename } }`)
    expect(data).toEqual({ [field]: null })
    expect(errors).toMatchObject([{ extensions: { code: 'FORBIDDEN', scopes: [scope], paths: [field] } }])
    expect(await countOperations()).toBe(operations)
    expect([...(await app.sandbox('RAPIDLY').requests()), ...(await app.sandbox('KAYLE').requests())]).toEqual([])
  })

  const CREATE_KAYLE = 'createSession(input: { idempotencyKey: "write-only", session: { kayle: {} } })'

  test('a create does not return its record, and is refused before it is sent where the record is selected', async () => {
    const client = await withKey(app, { scopes: ['sessions:write'] })
    await app.sandbox('KAYLE').forget()
    const operations = await countOperations()
    for (const selection of [
      '... on CreateSessionPayload { session { id } }',
      '... on CreateSessionPayload { replayed again: session { id } }',
      '... P',
    ]) {
      const fragment = selection === '... P' ? 'fragment P on CreateSessionPayload { session { id } }' : ''
      const { data, errors } = await client.execute(`mutation { made: ${CREATE_KAYLE} { ${selection} } } ${fragment}`)
      expect(data).toEqual({ made: null })
      const path = selection.includes('again') ? 'made.again' : 'made.session'
      expect(errors).toMatchObject([{ extensions: { code: 'FORBIDDEN', scopes: ['sessions:read'], paths: [path] } }])
    }
    expect(await countOperations()).toBe(operations)
    expect(await app.sandbox('KAYLE').requests()).toEqual([])
  })

  test('a create returns its operation to a key that may write alone', async () => {
    const client = await withKey(app, { scopes: ['sessions:write'] })
    const { data, errors } = await client.execute(
      `mutation ($all: Boolean = false) { ${CREATE_KAYLE} {
        ... on CreateSessionPayload { replayed session @include(if: $all) { id } operation { state session { id } } }
      } }`,
    )
    expect(data.createSession).toEqual({ replayed: false, operation: { state: 'SUCCEEDED', session: null } })
    expect(errors).toMatchObject([{ extensions: { scopes: ['sessions:read'] } }])
  })

  test('no subscription is opened', async () => {
    const { token } = await withKey(app, { scopes: without('sessions:read') })
    for (const query of [
      `subscription { sessionUpdated(id: "${session.id}") { cursor } }`,
      'subscription { sessionsUpdated { cursor } }',
    ]) {
      const subscriber = await follow(app.url, { query, token })
      const [message] = await subscriber.all()
      expect(message?.data.errors).toMatchObject([{ extensions: { code: 'FORBIDDEN', scopes: ['sessions:read'] } }])
    }
    expect(app.streams.count()).toBe(0)
  })
})

describe('a subscription', () => {
  test('ends within seconds of the revocation of its key, with the reason', async () => {
    const { token, keyId } = await withKey(app)
    const subscriber = await follow(app.url, { query: 'subscription { sessionsUpdated { cursor } }', token })
    await app.services.keys.revoke({ tenantId: 'dev' }, keyId)
    const messages = await subscriber.all()
    expect(messages.map(({ event }) => event)).toEqual(['next', 'complete'])
    expect(messages[0]?.data.errors).toMatchObject([{ extensions: { code: 'UNAUTHENTICATED', retryable: false } }])
    expect(app.streams.count()).toBe(0)
  })

  test('ends when its key expires, while that of another key continues', async () => {
    const other = await follow(app.url, { query: 'subscription { sessionsUpdated { cursor } }' })
    const { token } = await withKey(app, { expiresAt: new Date(Date.now() + skipped + 1_000) })
    const subscriber = await follow(app.url, { query: 'subscription { sessionsUpdated { cursor } }', token })
    expect((await subscriber.all())[0]?.data.errors).toMatchObject([{ extensions: { code: 'UNAUTHENTICATED' } }])
    expect(app.streams.count()).toBe(1)
    await other.unsubscribe()
  })
})

test.each(['sg_short', 'x'.repeat(46), 'a.b.c', '....', `sg_${'a'.repeat(43)}`])(
  '%s is an unknown scope',
  async token => {
    expect((await withToken(app, token).execute('{ __typename }')).status).toBe(401)
  },
)

async function countOperations(): Promise<number> {
  return (await app.db.sql.selectFrom('operations').select('id').execute()).length
}
