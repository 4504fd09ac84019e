import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { SqliteDatabase } from '../../db/sqlite/better-sqlite3.ts'
import { PROVIDERS, type Provider } from '../../src/domain/provider.ts'
import { startApp, type TestApp } from '../harness/app/test-app.ts'
import { SESSION_INPUTS, TRIED, type Tried } from '../harness/documents/session-inputs.ts'
import { startHostileServer } from '../harness/providers/hostile-server.ts'

const SESSION = /* GraphQL */ `
  fragment Everything on Session {
    id provider providerId status outcome providerStatus externalId testMode redirectUrl metadata createdAt expiresAt
    access { hostedUrl sdkToken cancelToken expiresAt }
    attempts { totalCount nodes { kind status } }
    applicant { id provider providerId externalId email status }
    customer { id provider providerId externalId email }
    sync { source stale }
    details { __typename }
  }
`

const CREATE = /* GraphQL */ `
  ${SESSION}
  mutation ($input: CreateSessionInput!) {
    createSession(input: $input) {
      __typename
      ... on CreateSessionPayload { replayed operation { id state sendCount } session { ...Everything } }
      ... on InvalidInputError { issues { path message } }
      ... on ProviderRejectedError { provider providerCode providerIssues { path message } }
      ... on IdempotencyConflictError { operation { id state session { id } } }
      ... on MutationError { code message }
    }
  }
`

const READ = /* GraphQL */ `${SESSION} query ($id: ID!) { session(by: { id: $id }) { ...Everything } }`

const CREATE_CUSTOMER = /* GraphQL */ `
  mutation ($input: CreateCustomerInput!) {
    createCustomer(input: $input) { ... on CreateCustomerPayload { customer { id externalId } } }
  }
`

const CREATE_APPLICANT = /* GraphQL */ `
  mutation ($input: CreateApplicantInput!) {
    createApplicant(input: $input) { ... on CreateApplicantPayload { applicant { id providerId externalId } } }
  }
`

const PERSONR_APPLICANT = { email: 'ann@example.com', phone: '+46 70 000 00 00', flowName: 'KYC basic' }

let app: TestApp
let keys = 0

beforeAll(async () => {
  // No job calls a provider, however long the tests take.
  app = await startApp({}, { jobs: false })
})
afterAll(() => app.close())

function newKey(): string {
  keys += 1
  return `key-${keys}`
}

async function create(input: Record<string, unknown>) {
  const { data, errors } = await app.execute(CREATE, { input: { idempotencyKey: newKey(), ...input } })
  expect(errors).toEqual([])
  return data.createSession
}

async function createCustomer(externalId: string | null) {
  const customer = { rapidly: { email: `${newKey()}@example.com` } }
  const { data } = await app.execute(CREATE_CUSTOMER, { input: { idempotencyKey: newKey(), externalId, customer } })
  return data.createCustomer.customer
}

async function createApplicant(externalId: string | null) {
  const applicant = { personr: PERSONR_APPLICANT }
  const { data } = await app.execute(CREATE_APPLICANT, { input: { idempotencyKey: newKey(), externalId, applicant } })
  return data.createApplicant.applicant
}

function requestsOf(provider: Provider) {
  return app.sandbox(provider).requests()
}

describe('at each provider', () => {
  const MEANS = {
    KAYLE: { status: 'CREATED', outcome: 'PENDING', attempts: { totalCount: 0 }, applicant: null, customer: null },
    PERSONR: {
      status: 'CREATED',
      outcome: 'PENDING',
      attempts: { totalCount: 0 },
      applicant: { provider: 'PERSONR', providerId: '4242424242424x424242424242424242', email: 'johndoe@mail.com' },
      customer: null,
    },
    RAPIDLY: {
      status: 'IN_PROGRESS',
      outcome: 'NOT_APPLICABLE',
      attempts: null,
      applicant: null,
      customer: { provider: 'RAPIDLY', externalId: 'usr_1337', email: 'john.doe@example.com' },
    },
    VERILOCK: {
      status: 'CREATED',
      outcome: 'PENDING',
      attempts: { totalCount: 0 },
      applicant: { provider: 'VERILOCK', email: 'jean.dupont@example.com', status: 'CREATED' },
      customer: null,
    },
    YORLET: {
      status: 'CREATED',
      outcome: 'NOT_APPLICABLE',
      attempts: null,
      applicant: { provider: 'YORLET', providerId: 'apst_manvb9c4m2WsXy5Z' },
      customer: { provider: 'YORLET', providerId: 'cus_lrhplff1u4ZhIPSU', email: 'ada@example.com' },
    },
  } satisfies Record<Tried, object>

  test.each(TRIED)('%s creates a session, which one query reads back with its linked records', async provider => {
    const made = await create({ session: SESSION_INPUTS[provider] })

    expect(made).toMatchObject({ __typename: 'CreateSessionPayload', replayed: false })
    expect(made.operation).toMatchObject({ state: 'SUCCEEDED', sendCount: 1 })
    expect(made.session).toMatchObject({ provider, testMode: true, ...MEANS[provider] })
    expect(made.session.access.hostedUrl).toMatch(/^https?:\/\//)
    const { data, errors } = await app.execute(READ, { id: made.session.id })
    expect(errors).toEqual([])
    expect(data.session).toMatchObject({ id: made.session.id, provider, ...MEANS[provider] })
    expect(data.session.access).toEqual(made.session.access)
  })

  test.each(TRIED)('%s receives one create request, whatever is selected with it', async provider => {
    await app.sandbox(provider).forget()

    await create({ session: SESSION_INPUTS[provider] })

    const creates = (await requestsOf(provider)).filter(({ path }) =>
      CREATE_PATHS.some(create => path.endsWith(create)),
    )
    expect(creates).toHaveLength(1)
  })
})

const CREATE_PATHS = [
  '/v1/sessions',
  '/api-verificationlink-create',
  '/customer-sessions/',
  '/api/v1/sessions',
  '/application_sessions',
]

describe('an idempotency key', () => {
  test.each(TRIED)('returns the same session of %s for the same input, without another request', async provider => {
    const input = { idempotencyKey: newKey(), session: SESSION_INPUTS[provider] }
    const first = await create(input)
    await app.sandbox(provider).forget()

    const again = await create(input)

    expect(again).toMatchObject({ replayed: true, operation: { id: first.operation.id, sendCount: 1 } })
    expect(again.session).toEqual(first.session)
    expect((await requestsOf(provider)).filter(({ method, path }) => method === 'POST' && isCreate(path))).toEqual([])
  })

  test('does not depend on the order of fields', async () => {
    const idempotencyKey = newKey()
    const metadata = { a: 1, b: { c: 2, d: 3 } }
    await create({ idempotencyKey, externalId: 'usr_o', metadata, session: SESSION_INPUTS.KAYLE })

    const again = await create({
      session: SESSION_INPUTS.KAYLE,
      metadata: { b: { d: 3, c: 2 }, a: 1 },
      externalId: 'usr_o',
      idempotencyKey,
    })

    expect(again).toMatchObject({ replayed: true })
  })

  test.each([
    ['another provider', { session: SESSION_INPUTS.VERILOCK }],
    ['another redirect', { session: { kayle: { redirectUrl: 'https://app.example.com/other' } } }],
    ['another external id', { session: SESSION_INPUTS.KAYLE, externalId: 'usr_2' }],
    ['other metadata', { session: SESSION_INPUTS.KAYLE, metadata: { a: 2 } }],
  ])('is refused with %s, and nothing is sent', async (_what, other) => {
    const idempotencyKey = newKey()
    const first = await create({ idempotencyKey, session: SESSION_INPUTS.KAYLE })
    await app.sandbox('KAYLE').forget()
    await app.sandbox('VERILOCK').forget()

    const refused = await create({ idempotencyKey, ...other })

    expect(refused).toMatchObject({ __typename: 'IdempotencyConflictError', code: 'IDEMPOTENCY_KEY_REUSED' })
    expect(refused.operation).toMatchObject({ id: first.operation.id, session: { id: first.session.id } })
    expect([...(await requestsOf('KAYLE')), ...(await requestsOf('VERILOCK'))]).toEqual([])
  })

  test('of a refused create can be used again, as another attempt of the same operation', async () => {
    const input = { idempotencyKey: newKey(), session: { rapidly: { customer: { customerExternalId: 'usr_late' } } } }
    expect(await create(input)).toMatchObject({ __typename: 'ProviderRejectedError' })
    const customer = { rapidly: { email: 'late@example.com' } }
    await app.execute(CREATE_CUSTOMER, { input: { idempotencyKey: newKey(), externalId: 'usr_late', customer } })

    const again = await create(input)

    expect(again).toMatchObject({ replayed: false, operation: { state: 'SUCCEEDED', sendCount: 2 } })
  })
})

function isCreate(path: string): boolean {
  return CREATE_PATHS.some(create => path.endsWith(create))
}

describe('links', () => {
  test('connect a session with an applicant and a customer of other providers', async () => {
    const [applicant, customer] = [await createApplicant('usr_links'), await createCustomer('usr_links')]

    const made = await create({ session: SESSION_INPUTS.KAYLE, applicantId: applicant.id, customerId: customer.id })

    expect(made.session).toMatchObject({
      provider: 'KAYLE',
      applicant: { id: applicant.id, provider: 'PERSONR' },
      customer: { id: customer.id, provider: 'RAPIDLY' },
    })
  })

  test('take precedence over the link that the provider reports', async () => {
    const customer = await createCustomer(null)

    const made = await create({ session: SESSION_INPUTS.YORLET, customerId: customer.id })

    expect(made.session.customer).toMatchObject({ id: customer.id, provider: 'RAPIDLY' })
    expect(made.session.applicant).toMatchObject({ provider: 'YORLET' })
  })

  test('name the customer of a Rapidly session by our own id', async () => {
    const customer = await createCustomer('usr_own')

    const made = await create({ session: { rapidly: { customer: { customerId: customer.id } } } })

    expect(made.session).toMatchObject({ externalId: 'usr_own', customer: { id: customer.id } })
  })

  test('name the applicant of a Personr session by our own id', async () => {
    const applicant = await createApplicant('usr_own_applicant')

    const made = await create({ session: { personr: { applicant: { applicantId: applicant.id } } } })

    expect(made.session).toMatchObject({ externalId: 'usr_own_applicant', applicant: { id: applicant.id } })
  })

  test('to a record of another provider are refused where the provider requires one of its own', async () => {
    const yorlet = (await create({ session: SESSION_INPUTS.YORLET })).session.customer

    const refused = await create({ session: { rapidly: { customer: { customerId: yorlet.id } } } })

    expect(refused).toMatchObject({ __typename: 'InvalidInputError', code: 'INVALID_INPUT' })
    expect(refused.issues).toMatchObject([{ path: ['input', 'session', 'rapidly', 'customer', 'customerId'] }])
  })

  test.each([
    ['an unknown id', Buffer.from('Applicant:01970000-0000-7000-8000-000000000000').toString('base64url')],
    ['garbage', '%%%'],
    ['nothing', ''],
  ])('to %s are NOT_FOUND, and nothing is sent', async (_what, unknown) => {
    await app.sandbox('KAYLE').forget()

    for (const link of [{ applicantId: unknown }, { customerId: unknown }]) {
      expect(await create({ session: SESSION_INPUTS.KAYLE, ...link })).toMatchObject({
        __typename: 'NotFoundError',
        code: 'NOT_FOUND',
      })
    }
    expect(await requestsOf('KAYLE')).toEqual([])
  })

  test('to a record of another type are NOT_FOUND', async () => {
    const customer = await createCustomer(null)

    expect(await create({ session: SESSION_INPUTS.KAYLE, applicantId: customer.id })).toMatchObject({
      code: 'NOT_FOUND',
    })
  })
})

describe('the external id', () => {
  test('is that of the input', async () => {
    expect((await create({ session: SESSION_INPUTS.KAYLE, externalId: 'usr_7' })).session.externalId).toBe('usr_7')
  })

  test('is otherwise that of the linked applicant, otherwise that of the linked customer', async () => {
    const [applicant, customer] = [await createApplicant('usr_a'), await createCustomer('usr_c')]
    const nameless = await createApplicant(null)

    const ofApplicant = await create({ session: SESSION_INPUTS.KAYLE, applicantId: applicant.id })
    const ofCustomer = await create({
      session: SESSION_INPUTS.KAYLE,
      applicantId: nameless.id,
      customerId: customer.id,
    })

    expect(ofApplicant.session.externalId).toBe('usr_a')
    expect(ofCustomer.session.externalId).toBe('usr_c')
  })

  test('is inherited from the record that the provider links', async () => {
    const made = await create({ session: SESSION_INPUTS.RAPIDLY })

    expect(made.session).toMatchObject({ externalId: 'usr_1337', customer: { externalId: 'usr_1337' } })
  })

  test('is refused if it contradicts that of a linked record, and nothing is sent', async () => {
    const [applicant, customer] = [await createApplicant('usr_x'), await createCustomer('usr_y')]
    await app.sandbox('KAYLE').forget()

    const refusals = [
      await create({ session: SESSION_INPUTS.KAYLE, externalId: 'usr_z', applicantId: applicant.id }),
      await create({ session: SESSION_INPUTS.KAYLE, externalId: 'usr_z', customerId: customer.id }),
      await create({ session: SESSION_INPUTS.KAYLE, applicantId: applicant.id, customerId: customer.id }),
    ]

    for (const refused of refusals) {
      expect(refused).toMatchObject({ __typename: 'InvalidInputError', issues: [{ path: ['input', 'externalId'] }] })
    }
    expect(await requestsOf('KAYLE')).toEqual([])
  })
})

describe('metadata', () => {
  test('is returned as sent', async () => {
    const metadata = { plan: 'pro', seats: 3, nested: { deep: [true, null, 'x'] }, Ünïcode: '✓' }

    expect((await create({ session: SESSION_INPUTS.KAYLE, metadata })).session.metadata).toEqual(metadata)
  })

  test('is sent to Verilock and not to Kayle', async () => {
    await app.sandbox('KAYLE').forget()
    await app.sandbox('VERILOCK').forget()

    await create({ session: SESSION_INPUTS.KAYLE, metadata: { plan: 'only-ours' } })
    await create({ session: SESSION_INPUTS.VERILOCK, metadata: { plan: 'shared' } })

    expect((await requestsOf('KAYLE')).map(({ body }) => body).join()).not.toContain('only-ours')
    expect((await requestsOf('VERILOCK')).map(({ body }) => body).join()).toContain('shared')
  })

  test('of 50 keys and 8 KiB is accepted', async () => {
    const keys = Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`k${index}`, index]))
    const bytes = { a: 'x'.repeat(8192 - '{"a":""}'.length) }

    for (const metadata of [keys, bytes]) {
      expect((await create({ session: SESSION_INPUTS.KAYLE, metadata })).session.metadata).toEqual(metadata)
    }
  })

  test.each([
    ['51 keys', Object.fromEntries(Array.from({ length: 51 }, (_, index) => [`k${index}`, index]))],
    ['more than 8 KiB', { a: 'x'.repeat(8193 - '{"a":""}'.length) }],
    ['more than 8 KiB in characters of several bytes', { a: '✓'.repeat(2800) }],
    ['a list', [1, 2]],
    ['a text', 'text'],
    ['a number', 7],
  ])('of %s is refused', async (_what, metadata) => {
    const refused = await create({ session: SESSION_INPUTS.KAYLE, metadata })

    expect(refused).toMatchObject({ __typename: 'InvalidInputError', issues: [{ path: ['input', 'metadata'] }] })
  })
})

const field = (key: string, reason = 'To check it', required = true) => ({ key, reason, required })
const kayle = (...shareFields: object[]) => ({ kayle: { shareFields } })
const redirect = (redirectUrl: string) => ({ kayle: { redirectUrl } })
const verilock = (more: object) => ({ verilock: { profileId: SESSION_INPUTS.VERILOCK.verilock.profileId, ...more } })
const rapidly = (more: object) => ({ rapidly: { customer: { customerExternalId: 'usr_1337' }, ...more } })
const CLAIMS_THRICE = Array.from({ length: 33 }, (_, index) => field(`age_over_${index + 20}`))

describe('an invalid input', () => {
  beforeEach(() => Promise.all(PROVIDERS.map(provider => app.sandbox(provider).forget())))

  test.each([
    ['kayle.redirectUrl', redirect('http://app.example.com/done')],
    ['kayle.redirectUrl', redirect('https://user:secret@app.example.com')],
    ['kayle.redirectUrl', redirect('javascript:alert(1)')],
    ['kayle.redirectUrl', redirect('no url')],
    ['kayle.redirectUrl', redirect('')],
    ['kayle.redirectUrl', redirect('https://app.example.com/\u0001')],
    ['kayle.redirectUrl', redirect(`https://app.example.com/${'x'.repeat(2048)}`)],
    ['kayle.shareFields.0.key', kayle(field('shoe_size'))],
    ['kayle.shareFields.0.key', kayle(field('age_over_11'))],
    ['kayle.shareFields.0.key', kayle(field('age_over_131'))],
    ['kayle.shareFields.1.key', kayle(field('age_over_18'), field('age_over_21'))],
    ['kayle.shareFields.1.key', kayle(field('date_of_birth'), field('date_of_birth'))],
    ['kayle.shareFields.0.reason', kayle(field('date_of_birth', ''))],
    ['kayle.shareFields.0.reason', kayle(field('date_of_birth', ' \n '))],
    ['kayle.shareFields.0.reason', kayle(field('date_of_birth', 'x'.repeat(201)))],
    ['kayle.shareFields.0.reason', kayle(field('age_over_18', ''))],
    ['kayle.shareFields', kayle(...CLAIMS_THRICE)],
    ['personr.applicant.applicantProviderId', { personr: { applicant: { applicantProviderId: ' ' } } }],
    ['rapidly.customer.customerProviderId', { rapidly: { customer: { customerProviderId: 'usr_1337' } } }],
    ['rapidly.redirectUrl', rapidly({ redirectUrl: '' })],
    ['rapidly.redirectUrl', rapidly({ redirectUrl: 'http://app.example.com' })],
    ['rapidly.redirectUrl', rapidly({ redirectUrl: `https://app.example.com/${'x'.repeat(2083)}` })],
    ['rapidly.memberId', rapidly({ memberId: 'mem_1' })],
    ['verilock.profileId', { verilock: { profileId: 'basic' } }],
    ['verilock.expiresInSeconds', verilock({ expiresInSeconds: 299 })],
    ['verilock.expiresInSeconds', verilock({ expiresInSeconds: 86_401 })],
    ['verilock.applicantEmail', verilock({ applicantEmail: 'jean' })],
    ['verilock.redirectUrl', verilock({ redirectUrl: 'ftp://app.example.com' })],
    ['yorlet.applicantProviderId', { yorlet: { applicantProviderId: 'apst-1' } }],
    ['yorlet.applicantProviderId', { yorlet: { applicantProviderId: '' } }],
  ])('of %s is reported with its path, and nothing is sent', async (path, session) => {
    const refused = await create({ session })

    expect(refused).toMatchObject({ __typename: 'InvalidInputError', code: 'INVALID_INPUT' })
    const paths = refused.issues.map((issue: { path: string[] }) => issue.path.join('.'))
    expect(paths).toContain(`input.session.${path}`)
    expect((await Promise.all(PROVIDERS.map(requestsOf))).flat()).toEqual([])
  })

  test('is reported together with every other issue', async () => {
    const refused = await create({
      idempotencyKey: '',
      externalId: 'x'.repeat(256),
      metadata: [],
      session: { kayle: { redirectUrl: 'no url', shareFields: [field('shoe_size', ''), field('date_of_birth', '')] } },
    })

    const paths = refused.issues.map((issue: { path: string[] }) => issue.path.join('.'))
    expect(paths.sort()).toEqual(
      [
        'input.externalId',
        'input.idempotencyKey',
        'input.metadata',
        'input.session.kayle.redirectUrl',
        'input.session.kayle.shareFields.0.key',
        'input.session.kayle.shareFields.0.reason',
        'input.session.kayle.shareFields.1.reason',
      ].sort(),
    )
    expect(refused.message).toMatch(/^input\.\S+: Expected .*\. And 6 more: `issues` lists all of them\.$/)
  })

  test('does not use its idempotency key', async () => {
    const idempotencyKey = newKey()
    await create({ idempotencyKey, session: redirect('no url') })

    expect(await create({ idempotencyKey, session: SESSION_INPUTS.KAYLE })).toMatchObject({ replayed: false })
  })

  test.each([['idempotencyKey'], ['externalId']])('is a text at %s outside of 1 to 255 characters', async name => {
    const session = SESSION_INPUTS.KAYLE
    for (const value of ['', 'x'.repeat(256)]) {
      expect(await create({ session, [name]: value })).toMatchObject({ issues: [{ path: ['input', name] }] })
    }
    expect(await create({ session, [name]: 'x'.repeat(255) })).toMatchObject({ replayed: false })
  })
})

describe('an input at its limits is accepted', () => {
  test.each([
    ['http to this machine', redirect('http://localhost:3000/done')],
    ['an age gate without a reason beside date_of_birth', kayle(field('age_over_18', ''), field('date_of_birth'))],
    ['a reason of 200 characters', kayle(field('date_of_birth', 'x'.repeat(200)))],
    ['no share fields', kayle()],
    ['the shortest time', verilock({ expiresInSeconds: 300 })],
    ['the longest time', verilock({ expiresInSeconds: 86_400 })],
  ])('%s', async (_what, session) => {
    expect(await create({ session })).toMatchObject({ __typename: 'CreateSessionPayload' })
  })
})

describe('a rejection by a provider', () => {
  const SECRET = 'nobodyknowsme'

  test.each([
    ['KAYLE', { kayle: { redirectUrl: `https://${SECRET}.test/` } }],
    ['PERSONR', { personr: { applicant: { applicantProviderId: SECRET } } }],
    ['RAPIDLY', { rapidly: { customer: { customerExternalId: SECRET } } }],
    ['VERILOCK', { verilock: { profileId: '00000000-0000-4000-8000-000000000000' } }],
    ['YORLET', { yorlet: { applicantProviderId: SECRET } }],
  ] as const)('of %s has its code and our own messages', async (provider, session) => {
    const refused = await create({ session })

    expect(refused).toMatchObject({ __typename: 'ProviderRejectedError', code: 'PROVIDER_REJECTED', provider })
    expect(refused.message).toMatch(new RegExp(`^${provider} rejected the request \\(\\d{3}\\)\\. Correct the input: `))
    for (const { message } of refused.providerIssues)
      expect(message).toMatch(/(does not accept this|expects a) value|Expected/)
    expect(JSON.stringify(refused)).not.toContain(SECRET)
  })

  test.each([
    ['KAYLE', { kayle: { redirectUrl: 'https://unverified.test/' } }, 'REDIRECT_URL_DOMAIN_NOT_VERIFIED'],
    ['RAPIDLY', { rapidly: { customer: { customerExternalId: 'nobody' } } }, 'RequestValidationError'],
    ['VERILOCK', { verilock: { profileId: '00000000-0000-4000-8000-000000000000' } }, 'validation_error'],
    ['YORLET', { yorlet: { applicantProviderId: 'nobody' } }, 'invalid_request'],
  ])('of %s has the error code of the provider', async (_provider, session, providerCode) => {
    expect(await create({ session })).toMatchObject({ providerCode })
  })
})

test('each of many concurrent creates is on disk before its provider is called', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sessiongraph-'))
  const found: unknown[] = []
  const kayle = await startHostileServer({
    onRequest: ({ body }) => {
      const database = new SqliteDatabase(`${folder}/server.db`, { readonly: true })
      const reference = /sg_ref=(\w+)/.exec(body)?.[1]
      found.push(database.prepare('select state from operations where reference = ?').pluck().get(reference))
      database.close()
      return ['HTTP/1.1 422 Unprocessable\r\ncontent-length: 2\r\n\r\n{}', 'CLOSE']
    },
  })
  const env = { DATABASE_URL: `sqlite:${folder}/server.db`, KAYLE_BASE_URL: kayle.origin, KAYLE_API_KEY: 'kayle' }
  const other = await startApp(env)
  const session = { kayle: { redirectUrl: 'https://app.example.com/done' } }
  const inputs = Array.from({ length: 20 }, () => ({ idempotencyKey: newKey(), session }))
  await Promise.all(inputs.map(input => other.execute(CREATE, { input })))
  await other.close()
  await kayle.close()
  rmSync(folder, { recursive: true })

  expect(found).toEqual(Array(20).fill('SENT'))
})

describe('in the database', () => {
  test('the links and tokens of a session are encrypted, and readable after a restart', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sessiongraph-'))
    const env = { DATABASE_URL: `sqlite:${folder}/server.db` }
    const first = await startApp(env)
    const sessions = []
    for (const provider of TRIED) {
      const input = { idempotencyKey: newKey(), metadata: { note: 'a secret note' }, session: SESSION_INPUTS[provider] }
      sessions.push((await first.execute(CREATE, { input })).data.createSession.session)
    }
    const bytes = readDatabase(folder)
    await first.close()
    const closed = readDatabase(folder)
    const second = await startApp(env)
    const read = []
    for (const { id } of sessions) read.push((await second.execute(READ, { id })).data.session)
    await second.close()
    rmSync(folder, { recursive: true })

    const secrets = sessions.flatMap(({ access }) => [access.hostedUrl, access.sdkToken, access.cancelToken])
    const personal = ['a secret note', 'jean.dupont@example.com', 'johndoe@mail.com', 'ada@example.com']
    for (const content of [bytes, closed]) {
      for (const { providerId } of sessions) expect(content.includes(providerId)).toBe(true)
      for (const secret of [...secrets, ...personal].filter(Boolean)) expect(content.includes(secret)).toBe(false)
    }
    expect(secrets.filter(Boolean).length).toBeGreaterThanOrEqual(8)
    expect(read.map(({ access }) => access)).toEqual(sessions.map(({ access }) => access))
  })

  test('the input of a refused create is deleted', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sessiongraph-'))
    const other = await startApp({ DATABASE_URL: `sqlite:${folder}/server.db` })
    const session = { rapidly: { customer: { customerExternalId: 'usr_of_nobody' } } }
    await other.execute(CREATE, { input: { idempotencyKey: 'refused-1', session } })
    await other.close()
    const content = readDatabase(folder)
    rmSync(folder, { recursive: true })

    expect(content.includes('refused-1')).toBe(true)
    expect(content.includes('usr_of_nobody')).toBe(false)
  })
})

/** The bytes of the database and of its write-ahead log. */
function readDatabase(folder: string): Buffer {
  const files = ['server.db', 'server.db-wal'].map(file => `${folder}/${file}`)
  return Buffer.concat(files.map(readIfThere))
}

function readIfThere(file: string): Buffer {
  try {
    return readFileSync(file)
  } catch {
    return Buffer.alloc(0)
  }
}
