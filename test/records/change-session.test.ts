import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startApp, type TestApp } from '../harness/app/test-app.ts'
import { SESSION_INPUTS, type Tried } from '../harness/documents/session-inputs.ts'

const SESSION = /* GraphQL */ `
  fragment Changed on Session {
    id status outcome externalId applicant { id provider } customer { id provider }
    attempts { nodes { status failureCode } } sync { source }
  }
`
const FAILURE = /* GraphQL */ `
  fragment Failure on MutationError {
    code message
    ... on InvalidInputError { issues { path message } }
    ... on UnsupportedError { provider capability }
    ... on ProviderUnavailableError { provider }
  }
`
const CREATE = /* GraphQL */ `
  mutation ($input: CreateSessionInput!) {
    createSession(input: $input) { ... on CreateSessionPayload { session { id providerId } } }
  }
`
const CHANGES = {
  cancelSession: change('CancelSession', ['UnsupportedError', 'ProviderUnavailableError']),
  linkSession: change('LinkSession', []),
}

/** A mutation with the session, or one of the errors of its union, as its result. */
function change(name: string, errors: readonly string[]): string {
  const field = name.replace('C', 'c').replace('L', 'l')
  const failure = errors.length > 0 ? FAILURE : FAILURE.replace(/\.\.\. on (Unsupported|ProviderUn)\w+ \{[^}]*\}/g, '')
  return `${SESSION} ${failure} mutation ($input: ${name}Input!) {
    result: ${field}(input: $input) { __typename ... on ${name}Payload { session { ...Changed } } ...Failure }
  }`
}

/** A fresh read, however recent the stored record is. */
const FRESH_READ = `${SESSION} query ($id: ID!) {
  session(by: { id: $id }, freshness: { maxAgeSeconds: 0, onError: FAIL }) { ...Changed }
}`

const LINKS = { applicant: linkOf('Applicant'), customer: linkOf('Customer') }

function linkOf(recordType: 'Applicant' | 'Customer'): string {
  return `mutation ($input: Link${recordType}Input!) {
    result: link${recordType}(input: $input) {
      __typename
      ... on Link${recordType}Payload { ${recordType.toLowerCase()} { id externalId } }
      ... on InvalidInputError { issues { path } }
      ... on MutationError { code message }
    }
  }`
}

const UNKNOWN_IDS = [
  ['an unknown id', Buffer.from('Session:01970000-0000-7000-8000-000000000000').toString('base64url')],
  ['an id of another record type', Buffer.from('Customer:01970000-0000-7000-8000-000000000000').toString('base64url')],
  ['garbage', '%%%'],
  ['nothing', ''],
] as const

let app: TestApp
let made = 0

beforeAll(async () => {
  app = await startApp()
})
afterAll(() => app.close())

async function create(provider: Tried, more: object = {}): Promise<{ id: string; providerId: string }> {
  made += 1
  const input = { idempotencyKey: `key-${made}`, session: SESSION_INPUTS[provider], ...more }
  return (await app.execute(CREATE, { input })).data.createSession.session
}

async function run(mutation: string, input: object) {
  const { data, errors } = await app.execute(mutation, { input })
  expect(errors).toEqual([])
  return data.result
}

/** The session after a fresh read. */
async function readNow(id: string) {
  const { data, errors } = await app.execute(FRESH_READ, { id })
  expect(errors).toEqual([])
  return data.session
}

async function read(id: string) {
  const query = `${SESSION} query ($id: ID!) { session(by: { id: $id }) { ...Changed } }`
  return (await app.execute(query, { id })).data.session
}

/** A customer of Rapidly and an applicant of Yorlet, both without an external id. */
async function createRecords(): Promise<{ customerId: string; applicantId: string }> {
  made += 1
  const { data } = await app.execute(
    `mutation ($input: CreateCustomerInput!) {
      createCustomer(input: $input) { ... on CreateCustomerPayload { customer { id } } }
    }`,
    { input: { idempotencyKey: `key-${made}`, customer: { rapidly: { email: `person-${made}@example.com` } } } },
  )
  const ref = { provider: 'YORLET', providerId: 'apst_manvd7k1Bz6NxR4f', parentProviderId: 'app_manvd7h3Qm8KtW2c' }
  const query = 'query ($ref: ProviderRef!) { applicant(by: { atProvider: $ref }) { id } }'
  const found = await app.execute(query, { ref })
  return { customerId: data.createCustomer.customer.id, applicantId: found.data.applicant.id }
}

describe('cancelSession', () => {
  test('cancels at Kayle, and returns the new state', async () => {
    const { id, providerId } = await create('KAYLE')
    await app.sandbox('KAYLE').advance({ id: providerId, to: 'attempt_started' })

    const result = await run(CHANGES.cancelSession, { sessionId: id })

    expect(result).toMatchObject({ __typename: 'CancelSessionPayload' })
    expect(result.session).toMatchObject({
      id,
      status: 'CANCELED',
      outcome: 'NOT_APPLICABLE',
      attempts: { nodes: [{ status: 'FAILED', failureCode: 'session_cancelled' }] },
      sync: { source: 'FETCH' },
    })
    expect(await read(id)).toEqual(result.session)
  })

  test('can be repeated', async () => {
    const { id } = await create('KAYLE')
    const first = await run(CHANGES.cancelSession, { sessionId: id })

    expect(await run(CHANGES.cancelSession, { sessionId: id })).toEqual(first)
  })

  test('can occur twice in one request', async () => {
    const { id } = await create('KAYLE')
    const field = 'cancelSession(input: { sessionId: $id }) { ... on CancelSessionPayload { session { status } } }'

    const { data } = await app.execute(`mutation ($id: ID!) { a: ${field} b: ${field} }`, { id })

    expect(data).toEqual({ a: { session: { status: 'CANCELED' } }, b: { session: { status: 'CANCELED' } } })
  })

  test('of a session that ended returns how it ended', async () => {
    const { id, providerId } = await create('KAYLE')
    await app.sandbox('KAYLE').advance({ id: providerId, to: 'attempt_succeeded' })

    const result = await run(CHANGES.cancelSession, { sessionId: id })

    expect(result.session).toMatchObject({ status: 'COMPLETED', outcome: 'APPROVED' })
  })

  test.each(['PERSONR', 'RAPIDLY', 'VERILOCK', 'YORLET'] as const)(
    'is not supported for sessions of %s',
    async provider => {
      const { id } = await create(provider)
      await app.sandbox(provider).forget()

      const result = await run(CHANGES.cancelSession, { sessionId: id })

      expect(result).toMatchObject({
        __typename: 'UnsupportedError',
        code: 'UNSUPPORTED_BY_PROVIDER',
        provider,
        capability: 'CANCEL_SESSION',
      })
      expect(await app.sandbox(provider).requests()).toEqual([])
    },
  )
})

describe('a fresh read', () => {
  test('calls the provider, however fresh the record is', async () => {
    const { id, providerId } = await create('KAYLE')
    await app.sandbox('KAYLE').advance({ id: providerId, to: 'attempt_succeeded' })
    expect(await read(id)).toMatchObject({ status: 'CREATED' })

    expect(await readNow(id)).toMatchObject({
      status: 'COMPLETED',
      outcome: 'APPROVED',
      attempts: { nodes: [{ status: 'SUCCEEDED', failureCode: null }] },
    })
  })

  test.each(['RAPIDLY', 'YORLET'] as const)(
    'is not supported for sessions of %s, which cannot be read',
    async provider => {
      const { id } = await create(provider)

      const { data, errors } = await app.execute(FRESH_READ, { id })

      expect(data).toEqual({ session: null })
      expect(errors).toMatchObject([
        { path: ['session'], extensions: { code: 'UNSUPPORTED_BY_PROVIDER', provider, retryable: false } },
      ])
    },
  )

  test.each(UNKNOWN_IDS)('of %s is NOT_FOUND', async (_what, id) => {
    const { data, errors } = await app.execute(FRESH_READ, { id })

    expect(data).toEqual({ session: null })
    expect(errors).toMatchObject([{ path: ['session'], extensions: { code: 'NOT_FOUND' } }])
  })
})

test.each(UNKNOWN_IDS)('cancelSession of %s is NOT_FOUND', async (_what, id) => {
  expect(await run(CHANGES.cancelSession, { sessionId: id })).toMatchObject({
    __typename: 'NotFoundError',
    code: 'NOT_FOUND',
  })
})

test('a cancel and a fresh read report that the provider is unavailable, and do not change the record', async () => {
  const other = await startApp()
  const input = { idempotencyKey: 'down', session: SESSION_INPUTS.KAYLE }
  const { id } = (await other.execute(CREATE, { input })).data.createSession.session
  await other.sandboxes.find(({ provider }) => provider === 'KAYLE')?.close()

  const canceled = await other.execute(CHANGES.cancelSession, { input: { sessionId: id } })
  const fresh = await other.execute(FRESH_READ, { id })
  const after = await other.execute('query ($id: ID!) { session(by: { id: $id }) { status sync { stale } } }', { id })
  await other.close()

  const code = 'PROVIDER_UNAVAILABLE'
  expect(canceled).toMatchObject({ errors: [], data: { result: { __typename: 'ProviderUnavailableError', code } } })
  expect(fresh).toMatchObject({ errors: [{ path: ['session'], extensions: { code } }], data: { session: null } })
  expect(after.data.session).toEqual({ status: 'CREATED', sync: { stale: false } })
})

describe('linkSession', () => {
  test('links records of other providers, and keeps omitted links', async () => {
    const { customerId, applicantId } = await createRecords()
    const { id } = await create('KAYLE', { externalId: 'usr_link' })

    const first = await run(CHANGES.linkSession, { sessionId: id, customerId })
    const second = await run(CHANGES.linkSession, { sessionId: id, applicantId })

    expect(first.session).toMatchObject({ externalId: 'usr_link', applicant: null, customer: { id: customerId } })
    expect(second.session).toMatchObject({
      externalId: 'usr_link',
      applicant: { id: applicantId, provider: 'YORLET' },
      customer: { id: customerId, provider: 'RAPIDLY' },
    })
    expect(await read(id)).toEqual(second.session)
  })

  test('removes links set to null, and no others', async () => {
    const links = await createRecords()
    const { id } = await create('KAYLE', { ...links, externalId: 'usr_link' })

    const first = await run(CHANGES.linkSession, { sessionId: id, customerId: null })
    const second = await run(CHANGES.linkSession, { sessionId: id, applicantId: null, externalId: null })

    expect(first.session).toMatchObject({
      externalId: 'usr_link',
      applicant: { id: links.applicantId },
      customer: null,
    })
    expect(second.session).toMatchObject({ externalId: null, applicant: null, customer: null })
  })

  test('is not undone by later responses of the provider', async () => {
    const { customerId, applicantId } = await createRecords()
    const { id } = await create('VERILOCK')

    await run(CHANGES.linkSession, { sessionId: id, customerId, applicantId })
    expect(await readNow(id)).toMatchObject({ applicant: { id: applicantId } })
    await run(CHANGES.linkSession, { sessionId: id, applicantId: null })

    expect(await readNow(id)).toMatchObject({ applicant: null, customer: { id: customerId } })
  })

  test('calls no provider', async () => {
    const { customerId } = await createRecords()
    const { id } = await create('KAYLE')
    await app.sandbox('KAYLE').forget()

    await app.execute('mutation ($input: LinkSessionInput!) { linkSession(input: $input) { __typename } }', {
      input: { sessionId: id, customerId, externalId: 'usr_quiet' },
    })

    expect(await app.sandbox('KAYLE').requests()).toEqual([])
  })

  test.each(UNKNOWN_IDS)('to or of %s is NOT_FOUND, and changes nothing', async (_what, unknown) => {
    const { id } = await create('KAYLE', { externalId: 'usr_same' })

    for (const input of [
      { sessionId: unknown, externalId: 'usr_new' },
      { sessionId: id, externalId: 'usr_new', applicantId: unknown },
      { sessionId: id, externalId: 'usr_new', customerId: unknown },
    ]) {
      expect(await run(CHANGES.linkSession, input)).toMatchObject({ __typename: 'NotFoundError', code: 'NOT_FOUND' })
    }
    expect(await read(id)).toMatchObject({ externalId: 'usr_same', applicant: null, customer: null })
  })

  test.each(['', 'x'.repeat(256)])('refuses an external id that is too short or too long', async externalId => {
    const { id } = await create('KAYLE')

    expect(await run(CHANGES.linkSession, { sessionId: id, externalId })).toMatchObject({
      __typename: 'InvalidInputError',
      issues: [{ path: ['input', 'externalId'] }],
    })
  })
})

describe('linkApplicant and linkCustomer', () => {
  test('sets the external id of a record, keeps it if omitted, and removes it for null', async () => {
    const { customerId } = await createRecords()
    const personr = { email: 'linked@example.com', phone: '+46 70 000 00 00', flowName: 'KYC basic' }
    const { data } = await app.execute(
      `mutation ($input: CreateApplicantInput!) {
        createApplicant(input: $input) { ... on CreateApplicantPayload { applicant { id } } }
      }`,
      { input: { idempotencyKey: 'linked', applicant: { personr } } },
    )
    const records = { customer: customerId, applicant: data.createApplicant.applicant.id }

    for (const recordType of ['customer', 'applicant'] as const) {
      const id = records[recordType]
      const record = { [`${recordType}Id`]: id }
      const given = await run(LINKS[recordType], { ...record, externalId: `usr_${recordType}` })
      expect(given).toMatchObject({ [recordType]: { id, externalId: `usr_${recordType}` } })
      expect(await run(LINKS[recordType], record)).toEqual(given)
      const removed = await run(LINKS[recordType], { ...record, externalId: null })
      expect(removed).toMatchObject({ [recordType]: { id, externalId: null } })
    }
  })

  test('are not undone by later responses of the provider', async () => {
    const ref = { provider: 'RAPIDLY', providerId: (await rapidlyCustomer('usr_1338')).id }
    const query = `query ($ref: ProviderRef!) {
      customer(by: { atProvider: $ref }, freshness: { maxAgeSeconds: 0, onError: FAIL }) { id externalId }
    }`
    const { id } = (await app.execute(query, { ref })).data.customer

    await run(LINKS.customer, { customerId: id, externalId: 'usr_mine' })

    expect((await app.execute(query, { ref })).data.customer).toEqual({ id, externalId: 'usr_mine' })

    await run(LINKS.customer, { customerId: id, externalId: null })

    expect((await app.execute(query, { ref })).data.customer).toEqual({ id, externalId: null })
  })

  test.each(UNKNOWN_IDS)('of %s is NOT_FOUND', async (_what, id) => {
    for (const recordType of ['applicant', 'customer'] as const) {
      expect(await run(LINKS[recordType], { [`${recordType}Id`]: id, externalId: 'usr_1' })).toMatchObject({
        __typename: 'NotFoundError',
        message: `${recordType === 'applicant' ? 'Applicant' : 'Customer'} not found. Check the id.`,
      })
    }
  })
})

/** Rapidly's customer with this external id. */
async function rapidlyCustomer(externalId: string): Promise<{ id: string }> {
  const { customers = {} } = await app.sandbox('RAPIDLY').objects()
  const found = Object.values(customers).find(each => (each as { external_id: string }).external_id === externalId)
  return found as { id: string }
}
