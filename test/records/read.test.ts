import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { PROVIDERS, type Provider } from '../../src/domain/provider.ts'
import { startApp, type TestApp } from '../harness/app/test-app.ts'
import { SESSION_INPUTS, TRIED, type Tried } from '../harness/documents/session-inputs.ts'

const CREATE = /* GraphQL */ `
  mutation ($input: CreateSessionInput!) {
    createSession(input: $input) { ... on CreateSessionPayload { session { id providerId } } ... on MutationError { code } }
  }
`

const CREATE_CUSTOMER = /* GraphQL */ `
  mutation ($input: CreateCustomerInput!) {
    createCustomer(input: $input) { ... on CreateCustomerPayload { customer { id providerId } } ... on MutationError { code } }
  }
`

const ASK_NOW = '{ maxAgeSeconds: 0, onError: FAIL }'
/** With these settings a stored record is served if its provider cannot read it. */
const SERVED = ['{}', 'null', '{ onError: FAIL }', '{ maxAgeSeconds: 0 }', '{ maxAgeSeconds: 0, onError: SERVE_STALE }']

let app: TestApp
let ahead = 0
let made = 0

beforeEach(async () => {
  ahead = 0
  app = await startApp({}, { now: () => new Date(Date.now() + ahead * 1000) })
})
afterEach(() => app.close())

function unique(): string {
  made += 1
  return `unique-${made}`
}

async function create(provider: Tried, links: object = {}): Promise<{ id: string; providerId: string }> {
  const { data } = await app.execute(CREATE, {
    input: { idempotencyKey: unique(), session: SESSION_INPUTS[provider], ...links },
  })
  return data.createSession.session
}

async function createCustomer(): Promise<{ id: string; providerId: string }> {
  const customer = { rapidly: { email: `${unique()}@example.com` } }
  const { data } = await app.execute(CREATE_CUSTOMER, { input: { idempotencyKey: unique(), customer } })
  return data.createCustomer.customer
}

async function forget(): Promise<void> {
  await Promise.all(app.sandboxes.map(({ provider }) => app.sandbox(provider as Provider).forget()))
}

/** The requests to all providers since `forget`. */
async function calls(): Promise<string[]> {
  const logs = await Promise.all(app.sandboxes.map(({ provider }) => app.sandbox(provider as Provider).requests()))
  return logs.flat().map(({ method, path }) => `${method} ${path}`)
}

async function shutDown(provider: Provider): Promise<void> {
  await app.sandboxes.find(sandbox => sandbox.provider === provider)?.close()
}

function readSession(id: string, fields: string, freshness = '{}') {
  return app.execute(`query ($id: ID!) { session(by: { id: $id }, freshness: ${freshness}) { id ${fields} } }`, { id })
}

describe('the provider calls of a read', () => {
  test('are none if nested fields are not selected, however old the records are', async () => {
    const customer = await createCustomer()
    for (const provider of TRIED) await create(provider, { customerId: customer.id })
    ahead = 60
    await forget()

    const { data, errors } = await app.execute(
      '{ sessions(first: 50) { totalCount nodes { id status outcome access { hostedUrl } sync { fetchedAt } details { __typename } } } }',
    )

    expect(errors).toEqual([])
    expect(data.sessions.nodes).toHaveLength(5)
    expect(await calls()).toEqual([])
  })

  test('are one for each selected nested field', async () => {
    const customer = await createCustomer()
    const session = await create('KAYLE', { customerId: customer.id })
    await forget()

    await readSession(session.id, `customer(freshness: ${ASK_NOW}) { email }`)
    expect(await calls()).toEqual([`GET /api/customers/${customer.providerId}`])
    await readSession(session.id, `attempts(freshness: ${ASK_NOW}) { nodes { id } }`)
    expect(await calls()).toEqual([
      `GET /v1/sessions/${session.providerId}`,
      `GET /api/customers/${customer.providerId}`,
    ])
  })

  test('are one for a fresh Kayle session with its attempts', async () => {
    const session = await create('KAYLE')
    await app.sandbox('KAYLE').advance({ id: session.providerId, to: 'attempt_succeeded' })
    await forget()

    for (const attempts of ['attempts', `attempts(freshness: ${ASK_NOW})`]) {
      ahead += 1
      const { data } = await readSession(session.id, `status ${attempts} { nodes { status } }`, ASK_NOW)
      expect(data.session).toMatchObject({ status: 'COMPLETED', attempts: { nodes: [{ status: 'SUCCEEDED' }] } })
    }

    expect(await calls()).toHaveLength(2)
  })

  test('are at most 60 for 50 sessions of 10 customers with their attempts', async () => {
    const customers = []
    for (let index = 0; index < 10; index++) customers.push(await createCustomer())
    for (let index = 0; index < 50; index++) await create('KAYLE', { customerId: customers[index % 10]?.id })
    ahead = 5
    await forget()

    const { data, errors } = await app.execute(
      `{ sessions(first: 50) { nodes {
        attempts(freshness: ${ASK_NOW}) { nodes { id } }
        customer(freshness: ${ASK_NOW}) { email sync { fetchedAt } }
      } } }`,
    )

    expect(errors).toEqual([])
    expect(data.sessions.nodes.filter((node: { customer: object | null }) => node.customer)).toHaveLength(50)
    expect(data.sessions.nodes.every((node: { attempts: object | null }) => node.attempts)).toBe(true)
    expect(await calls()).toHaveLength(60)
  })

  test('are one for the same record selected many times', async () => {
    const customer = await createCustomer()
    const session = await create('KAYLE', { customerId: customer.id })
    ahead = 60
    await forget()

    await app.execute(
      `query ($id: ID!) {
        a: node(id: $id) { ... on Session { customer { email } b: customer { name } } }
        c: session(by: { id: $id }, freshness: { maxAgeSeconds: 600 }) { customer(freshness: {}) { email } }
      }`,
      { id: session.id },
    )

    expect(await calls()).toEqual([`GET /api/customers/${customer.providerId}`])
  })
})

describe('freshness', () => {
  test('a record younger than 30 seconds is served from the store, an older one is fetched', async () => {
    const session = await create('KAYLE')
    await app.sandbox('KAYLE').advance({ id: session.providerId, to: 'attempt_started' })
    await forget()

    ahead = 19
    expect((await readSession(session.id, 'status sync { source }')).data.session).toMatchObject({
      status: 'CREATED',
      sync: { source: 'CALLER' },
    })
    expect(await calls()).toEqual([])

    ahead = 31
    expect((await readSession(session.id, 'status sync { source }')).data.session).toMatchObject({
      status: 'IN_PROGRESS',
      sync: { source: 'FETCH' },
    })
    expect(await calls()).toHaveLength(1)
  })

  test('a nearly stale record is served as stored, and refreshed in the background', async () => {
    const session = await create('KAYLE')
    await app.sandbox('KAYLE').advance({ id: session.providerId, to: 'attempt_started' })
    await forget()

    ahead = 29
    expect((await readSession(session.id, 'status')).data.session.status).toBe('CREATED')
    await vi.waitFor(async () => {
      const { data } = await readSession(session.id, 'status', '{ maxAgeSeconds: 600 }')
      expect(data.session.status).toBe('IN_PROGRESS')
    })

    expect(await calls()).toHaveLength(1)
  })

  test('linked records become stale like any other', async () => {
    const session = await create('YORLET')
    await readSession(session.id, 'customer { email } applicant { status }')
    await forget()

    ahead = 15
    await readSession(session.id, 'customer { email } applicant { status }')
    expect(await calls()).toEqual([])
    ahead = 40
    await readSession(session.id, 'customer { email } applicant { status }')
    expect((await calls()).sort()).toEqual([
      'GET /v1/applications/app_manvb1x2k9QpLr3T/applicants',
      'GET /v1/customers/cus_lrhplff1u4ZhIPSU',
    ])
  })

  test('maxAgeSeconds sets the maximum age', async () => {
    const session = await create('KAYLE')
    await forget()

    ahead = 100
    await readSession(session.id, 'status', '{ maxAgeSeconds: 101 }')
    expect(await calls()).toEqual([])
    await readSession(session.id, 'status', '{ maxAgeSeconds: 99 }')
    expect(await calls()).toHaveLength(1)
  })

  test.each(['-1', '-2147483648'])('maxAgeSeconds %s is refused', async maxAge => {
    const session = await create('KAYLE')

    const { data, errors } = await readSession(session.id, 'status', `{ maxAgeSeconds: ${maxAge} }`)

    expect(data.session).toBeNull()
    expect(errors).toMatchObject([{ path: ['session'], extensions: { code: 'INVALID_INPUT' } }])
  })

  test('an ended session is not fetched again, unless requested explicitly', async () => {
    const session = await create('KAYLE')
    await app.sandbox('KAYLE').advance({ id: session.providerId, to: 'attempt_succeeded' })
    await readSession(session.id, 'status', ASK_NOW)
    await forget()

    ahead = 3600
    const { data } = await readSession(session.id, 'status attempts { nodes { status } }')
    expect(data.session).toMatchObject({ status: 'COMPLETED', attempts: { nodes: [{ status: 'SUCCEEDED' }] } })
    expect(await calls()).toEqual([])
    await readSession(session.id, 'status', ASK_NOW)
    expect(await calls()).toHaveLength(1)
  })

  test.each(['RAPIDLY', 'YORLET'] as const)(
    'a session that %s cannot read is served as stored and never stale, and is an error only with onError FAIL',
    async provider => {
      const session = await create(provider)
      ahead = 600
      await forget()

      for (const freshness of SERVED) {
        const { data, errors } = await readSession(session.id, 'sync { stale lastError { code } }', freshness)
        expect([data.session.sync, errors]).toEqual([{ stale: false, lastError: null }, []])
      }
      const refused = await readSession(session.id, 'status', ASK_NOW)

      expect(refused.data.session).toBeNull()
      expect(refused.errors).toMatchObject([{ extensions: { code: 'UNSUPPORTED_BY_PROVIDER', provider } }])
      expect(await calls()).toEqual([])
    },
  )

  test('a session of Personr without its applicant is served as stored, because it is read through the applicant', async () => {
    const session = await create('PERSONR')
    await app.execute('mutation ($i: LinkSessionInput!) { linkSession(input: $i) { __typename } }', {
      i: { sessionId: session.id, applicantId: null },
    })
    ahead = 600
    await forget()

    for (const freshness of SERVED) {
      const { data, errors } = await readSession(session.id, 'sync { stale lastError { code } }', freshness)
      expect([data.session.sync, errors]).toEqual([{ stale: false, lastError: null }, []])
    }
    expect((await readSession(session.id, 'status', ASK_NOW)).errors).toMatchObject([
      { extensions: { code: 'UNSUPPORTED_BY_PROVIDER', provider: 'PERSONR' } },
    ])
    expect(await calls()).toEqual([])
  })

  test('an applicant that Verilock cannot read is served as its session reported it', async () => {
    const session = await create('VERILOCK')
    ahead = 600

    const read = (freshness: string) =>
      readSession(session.id, `applicant(freshness: ${freshness}) { email sync { stale } }`, '{ maxAgeSeconds: 999 }')

    for (const freshness of SERVED) {
      const { data } = await read(freshness)
      expect(data.session.applicant).toEqual({ email: 'jean.dupont@example.com', sync: { stale: false } })
    }
    expect((await read(ASK_NOW)).errors).toMatchObject([{ extensions: { code: 'UNSUPPORTED_BY_PROVIDER' } }])
  })
})

describe('an unavailable provider', () => {
  test('leaves the stored record, marked as stale, with the reason', async () => {
    const session = await create('KAYLE')
    await readSession(session.id, 'attempts { nodes { id } }', ASK_NOW)
    await shutDown('KAYLE')
    ahead = 60

    const { data, errors } = await readSession(
      session.id,
      'status sync { stale lastError { code message at } } attempts { totalCount }',
    )

    expect(errors).toEqual([])
    expect(data.session).toMatchObject({
      status: 'CREATED',
      sync: { stale: true, lastError: { code: 'PROVIDER_UNAVAILABLE' } },
      attempts: { totalCount: 0 },
    })
    expect(data.session.sync.lastError.message).not.toContain('localhost')
  })

  test('is an error of the field if onError is FAIL', async () => {
    const session = await create('KAYLE')
    await shutDown('KAYLE')
    ahead = 60

    const { status, data, errors } = await readSession(session.id, 'status', '{ onError: FAIL }')

    expect(status).toBe(200)
    expect(data).toEqual({ session: null })
    expect(errors).toHaveLength(1)
    expect(errors[0]).toMatchObject({
      path: ['session'],
      extensions: { code: 'PROVIDER_UNAVAILABLE', provider: 'KAYLE', operation: 'getSession', retryable: true },
    })
    expect(errors[0]?.extensions.requestId).toMatch(/^[0-9a-f-]{36}$/)
  })

  test('nulls its own fields only, while every other provider answers', async () => {
    const customer = await createCustomer()
    const kayle = await create('KAYLE', { customerId: customer.id })
    const verilock = await create('VERILOCK', { customerId: customer.id })
    await shutDown('RAPIDLY')
    ahead = 60

    const { data, errors } = await app.execute(
      `query ($kayle: ID!, $verilock: ID!) {
        kayle: session(by: { id: $kayle }, freshness: ${ASK_NOW}) {
          status customer(freshness: ${ASK_NOW}) { email } attempts { totalCount }
        }
        verilock: session(by: { id: $verilock }, freshness: ${ASK_NOW}) {
          status customer(freshness: ${ASK_NOW}) { email } applicant { email }
        }
        yorlet: customer(by: { atProvider: { provider: YORLET, providerId: "cus_lrhplff1u4ZhIPSU" } }) { email }
        rapidly: customer(by: { atProvider: { provider: RAPIDLY, providerId: "992fae2a-2a17-4b7a-8d9e-e287cf90131b" } }) { email }
      }`,
      { kayle: kayle.id, verilock: verilock.id },
    )

    expect(data).toMatchObject({
      kayle: { status: 'CREATED', customer: null, attempts: { totalCount: 0 } },
      verilock: { status: 'CREATED', customer: null, applicant: { email: 'jean.dupont@example.com' } },
      yorlet: { email: 'ada@example.com' },
      rapidly: null,
    })
    expect(errors.map(({ path }) => path?.join('.')).sort()).toEqual(['kayle.customer', 'rapidly', 'verilock.customer'])
    for (const { extensions } of errors) {
      expect(extensions).toMatchObject({ code: 'PROVIDER_UNAVAILABLE', provider: 'RAPIDLY', operation: 'getCustomer' })
    }
  })

  test('nulls the attempts that were never fetched', async () => {
    const session = await create('KAYLE')
    await shutDown('KAYLE')

    const { data, errors } = await readSession(session.id, 'status attempts { totalCount }')

    expect(data.session).toMatchObject({ status: 'CREATED', attempts: null })
    expect(errors).toMatchObject([{ path: ['session', 'attempts'], extensions: { code: 'PROVIDER_UNAVAILABLE' } }])
  })
})

describe('by provider id', () => {
  const BY_PROVIDER = /* GraphQL */ `
    query ($ref: ProviderRef!) { session(by: { atProvider: $ref }) { id providerId status testMode sync { source } } }
  `

  test.each(['KAYLE', 'VERILOCK'] as const)(
    'a session known only at %s is fetched, stored and returned',
    async provider => {
      const { baseUrl } = app.sandboxes.find(sandbox => sandbox.provider === provider) ?? { baseUrl: '' }
      const providerId = await createBehindOurBack(provider, baseUrl)

      const { data, errors } = await app.execute(BY_PROVIDER, { ref: { provider, providerId } })

      expect(errors).toEqual([])
      expect(data.session).toMatchObject({ providerId, status: 'CREATED', testMode: true, sync: { source: 'FETCH' } })
      await forget()
      const again = await app.execute(BY_PROVIDER, { ref: { provider, providerId } })
      const listed = await app.execute('{ sessions { nodes { id } } }')
      expect(again.data.session.id).toBe(data.session.id)
      expect(listed.data.sessions.nodes).toEqual([{ id: data.session.id }])
      expect(await calls()).toEqual([])
    },
  )

  test('a stored session is the same one', async () => {
    const session = await create('KAYLE')

    const { data } = await app.execute(BY_PROVIDER, { ref: { provider: 'KAYLE', providerId: session.providerId } })

    expect(data.session.id).toBe(session.id)
  })

  const UNREADABLE = ['PERSONR', 'RAPIDLY', 'YORLET'] as const

  test.each(UNREADABLE)('an unstored session of %s is UNSUPPORTED_BY_PROVIDER', async provider => {
    const { data, errors } = await app.execute(BY_PROVIDER, { ref: { provider, providerId: 'not-there' } })

    expect(data).toEqual({ session: null })
    expect(errors).toMatchObject([
      { path: ['session'], extensions: { code: 'UNSUPPORTED_BY_PROVIDER', provider, capability: 'GET_SESSION' } },
    ])
    expect(await calls()).toEqual([])
  })

  test.each(UNREADABLE)('a stored session is served, though %s cannot read it by its id', async provider => {
    const { id, providerId } = await create(provider)
    ahead = 600
    await forget()
    const read = (freshness: string) =>
      app.execute(
        `query ($ref: ProviderRef!) {
          session(by: { atProvider: $ref }, freshness: ${freshness}) { id sync { stale lastError { code } } }
        }`,
        { ref: { provider, providerId } },
      )

    for (const freshness of SERVED) {
      const { data, errors } = await read(freshness)
      expect([data.session, errors]).toEqual([{ id, sync: { stale: false, lastError: null } }, []])
    }
    // Personr reads the stored sessions through their applicants.
    const codes = (await read(ASK_NOW)).errors.map(({ extensions }) => extensions.code)
    expect(codes).toEqual(provider === 'PERSONR' ? [] : ['UNSUPPORTED_BY_PROVIDER'])
  })

  test.each([
    ['session', { provider: 'KAYLE', providerId: `vs_${'a'.repeat(64)}` }],
    ['session', { provider: 'VERILOCK', providerId: 'ses_00000000-0000-4000-8000-000000000000' }],
    ['customer', { provider: 'RAPIDLY', providerId: '992fae2a-2a17-4b7a-8d9e-e287cf90131b' }],
    ['customer', { provider: 'YORLET', providerId: 'cus_nobody' }],
    ['applicant', { provider: 'YORLET', providerId: 'apst_nobody', parentProviderId: 'app_manvb1x2k9QpLr3T' }],
    ['applicant', { provider: 'YORLET', providerId: 'apst_nobody', parentProviderId: 'app_nobody' }],
  ] as const)('an unknown %s (%o) is NOT_FOUND', async (recordType, ref) => {
    const query = `query ($ref: ProviderRef!) { ${recordType}(by: { atProvider: $ref }) { id } }`

    const { data, errors } = await app.execute(query, { ref })

    expect(data).toEqual({ [recordType]: null })
    expect(errors).toMatchObject([
      { path: [recordType], extensions: { code: 'NOT_FOUND', provider: ref.provider, retryable: false } },
    ])
  })

  test.each(
    ['.', '..'].flatMap(id => [
      ...(['KAYLE', 'VERILOCK'] as const).map(provider => ['session', { provider, providerId: id }] as const),
      ...(['RAPIDLY', 'YORLET'] as const).map(provider => ['customer', { provider, providerId: id }] as const),
      ['applicant', { provider: 'YORLET', providerId: 'apst_1', parentProviderId: id }] as const,
    ]),
  )('a %s whose id is a path (%o) is NOT_FOUND, without a request', async (recordType, ref) => {
    const query = `query ($ref: ProviderRef!) { ${recordType}(by: { atProvider: $ref }) { id } }`
    const before = (await app.sandbox(ref.provider).requests()).length

    const { data, errors } = await app.execute(query, { ref })

    expect(data).toEqual({ [recordType]: null })
    expect(errors).toMatchObject([{ extensions: { code: 'NOT_FOUND', retryable: false } }])
    expect((await app.sandbox(ref.provider).requests()).length).toBe(before)
  })

  test('an applicant of Yorlet is reached through its application', async () => {
    const ref = { provider: 'YORLET', providerId: 'apst_manvd7k2Tg9PcL5w', parentProviderId: 'app_manvd7h3Qm8KtW2c' }
    const query = `query ($ref: ProviderRef!) {
      applicant(by: { atProvider: $ref }) {
        id providerId status outcome providerStatus customer { email }
        details { ... on YorletApplicantDetails { applicationProviderId leadTenant permittedOccupier } }
      }
    }`

    const { data, errors } = await app.execute(query, { ref })

    expect(errors).toEqual([])
    expect(data.applicant).toMatchObject({
      providerId: 'apst_manvd7k2Tg9PcL5w',
      status: 'UNKNOWN',
      outcome: 'NOT_APPLICABLE',
      providerStatus: 'pending',
      customer: { email: 'edsger@example.com' },
      details: { applicationProviderId: 'app_manvd7h3Qm8KtW2c', leadTenant: false, permittedOccupier: true },
    })
  })

  test.each([
    ['applicant', { provider: 'YORLET', providerId: 'apst_manvd7k2Tg9PcL5w' }],
    ['applicant', { provider: 'VERILOCK', providerId: 'ses_1:applicant' }],
    ['applicant', { provider: 'KAYLE', providerId: 'any' }],
    ['customer', { provider: 'VERILOCK', providerId: 'any' }],
  ] as const)('a %s that its provider cannot read (%o) is UNSUPPORTED_BY_PROVIDER', async (recordType, ref) => {
    const query = `query ($ref: ProviderRef!) { ${recordType}(by: { atProvider: $ref }) { id } }`

    const { data, errors } = await app.execute(query, { ref })

    expect(data).toEqual({ [recordType]: null })
    expect(errors).toMatchObject([{ extensions: { code: 'UNSUPPORTED_BY_PROVIDER', provider: ref.provider } }])
    expect(await calls()).toEqual([])
  })
})

describe('by our id', () => {
  const UNKNOWN = Buffer.from('Session:01970000-0000-7000-8000-000000000000').toString('base64url')

  test.each([[UNKNOWN], ['garbage'], [''], ['U2Vzc2lvbjo=']])('the invalid id %j is NOT_FOUND', async id => {
    for (const recordType of ['session', 'applicant', 'customer']) {
      const { data, errors } = await app.execute(`query ($id: ID!) { ${recordType}(by: { id: $id }) { id } }`, { id })
      expect(data).toEqual({ [recordType]: null })
      expect(errors).toMatchObject([{ path: [recordType], extensions: { code: 'NOT_FOUND', retryable: false } }])
    }
  })
})

describe('with SANDBOX=off', () => {
  test('a provider without credentials is not configured, and the others work', async () => {
    const { baseUrl, settings } = app.sandboxes.find(({ provider }) => provider === 'KAYLE') ?? { baseUrl: '' }
    const apiKey = String((settings as { apiKey?: string } | undefined)?.apiKey)
    const other = await startApp({ SANDBOX: 'off', KAYLE_BASE_URL: baseUrl, KAYLE_API_KEY: apiKey })

    const { data, errors } = await other.execute(
      `{
        providers { provider configured sandbox capabilities }
        verilock: session(by: { atProvider: { provider: VERILOCK, providerId: "ses_1" } }) { id }
      }`,
    )
    const made = await other.execute(CREATE, { input: { idempotencyKey: unique(), session: SESSION_INPUTS.KAYLE } })
    const refused = await other.execute(CREATE, { input: { idempotencyKey: unique(), session: SESSION_INPUTS.YORLET } })
    await other.close()

    const configured = data.providers.filter((each: { configured: boolean }) => each.configured)
    expect(data.providers).toHaveLength(PROVIDERS.length)
    expect(configured).toMatchObject([{ provider: 'KAYLE', sandbox: false }])
    expect(data.verilock).toBeNull()
    expect(errors).toMatchObject([
      { path: ['verilock'], extensions: { code: 'PROVIDER_NOT_CONFIGURED', provider: 'VERILOCK', retryable: false } },
    ])
    expect(made.data.createSession.session.providerId).toMatch(/^vs_/)
    expect(refused.data.createSession).toEqual({ code: 'PROVIDER_NOT_CONFIGURED' })
  })
})

test('all sandboxes are listed as configured and as sandboxes, and none as live', async () => {
  for (const provider of TRIED) await create(provider)

  const { data } = await app.execute('{ providers { provider configured sandbox } sessions { nodes { testMode } } }')

  expect(data.providers).toEqual(PROVIDERS.map(provider => ({ provider, configured: true, sandbox: true })))
  expect(data.sessions.nodes).toEqual(TRIED.map(() => ({ testMode: true })))
})

/** A session that a provider has and the store does not. Returns the provider's id. */
async function createBehindOurBack(provider: 'KAYLE' | 'VERILOCK', baseUrl: string): Promise<string> {
  const settings = app.sandboxes.find(sandbox => sandbox.provider === provider)?.settings
  const response = await fetch(`${baseUrl}${provider === 'KAYLE' ? '/v1' : ''}/sessions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${settings?.apiKey}`, 'content-type': 'application/json' },
    body: JSON.stringify(provider === 'KAYLE' ? {} : { profile_id: SESSION_INPUTS.VERILOCK.verilock.profileId }),
  })
  const body = (await response.json()) as { id?: string; session_id?: string; data?: { id: string } }
  return body.data?.id ?? body.id ?? body.session_id ?? ''
}
