import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type House, startHouse } from './harness/house.ts'
import { SESSION_INPUTS, type Tried } from './harness/session-inputs.ts'

const SESSION = /* GraphQL */ `
  fragment Changed on Session {
    id status outcome externalId applicant { id provider } customer { id provider }
    attempts { nodes { status failureCode } } sync { source }
  }
`
const FAILURE = /* GraphQL */ `
  fragment Failure on Error {
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
  refreshSession: change('RefreshSession', ['UnsupportedError', 'ProviderUnavailableError']),
  linkSession: change('LinkSession', []),
}

/** A mutation that answers with the session, or with one of the errors that its union has. */
function change(name: string, errors: readonly string[]): string {
  const field = name.replace('C', 'c').replace('R', 'r').replace('L', 'l')
  const failure = errors.length > 0 ? FAILURE : FAILURE.replace(/\.\.\. on (Unsupported|ProviderUn)\w+ \{[^}]*\}/g, '')
  return `${SESSION} ${failure} mutation ($input: ${name}Input!) {
    result: ${field}(input: $input) { __typename ... on ${name}Payload { session { ...Changed } } ...Failure }
  }`
}

const LINK_RECORD = /* GraphQL */ `
  mutation ($input: LinkRecordInput!) {
    result: linkRecord(input: $input) {
      __typename
      ... on LinkRecordPayload { applicant { id externalId } customer { id externalId } }
      ... on InvalidInputError { issues { path } }
      ... on Error { code message }
    }
  }
`

const UNKNOWN_IDS = [
  ['an id that was never given', Buffer.from('Session:01970000-0000-7000-8000-000000000000').toString('base64url')],
  ['an id of another noun', Buffer.from('Customer:01970000-0000-7000-8000-000000000000').toString('base64url')],
  ['garbage', '%%%'],
  ['nothing', ''],
] as const

let house: House
let made = 0

beforeAll(async () => {
  house = await startHouse()
})
afterAll(() => house.close())

async function create(provider: Tried, more: object = {}): Promise<{ id: string; providerId: string }> {
  made += 1
  const input = { idempotencyKey: `key-${made}`, session: SESSION_INPUTS[provider], ...more }
  return (await house.ask(CREATE, { input })).data.createSession.session
}

async function run(mutation: string, input: object) {
  const { data, errors } = await house.ask(mutation, { input })
  expect(errors).toEqual([])
  return data.result
}

async function read(id: string) {
  const query = `${SESSION} query ($id: ID!) { session(by: { id: $id }) { ...Changed } }`
  return (await house.ask(query, { id })).data.session
}

/** A customer of Rapidly and an applicant of Yorlet, whom nobody gave an external id. */
async function createRecords(): Promise<{ customerId: string; applicantId: string }> {
  made += 1
  const { data } = await house.ask(
    `mutation ($input: CreateCustomerInput!) {
      createCustomer(input: $input) { ... on CreateCustomerPayload { customer { id } } }
    }`,
    { input: { idempotencyKey: `key-${made}`, customer: { rapidly: { email: `person-${made}@example.com` } } } },
  )
  const ref = { provider: 'YORLET', providerId: 'apst_manvd7k1Bz6NxR4f', parentProviderId: 'app_manvd7h3Qm8KtW2c' }
  const query = 'query ($ref: ProviderRef!) { applicant(by: { provider: $ref }) { id } }'
  const found = await house.ask(query, { ref })
  return { customerId: data.createCustomer.customer.id, applicantId: found.data.applicant.id }
}

describe('cancelSession', () => {
  test('cancels at Kayle, and shows what is then', async () => {
    const { id, providerId } = await create('KAYLE')
    await house.sandbox('KAYLE').advance({ id: providerId, to: 'attempt_started' })

    const result = await run(CHANGES.cancelSession, { id })

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

  test('is safe to repeat', async () => {
    const { id } = await create('KAYLE')
    const first = await run(CHANGES.cancelSession, { id })

    expect(await run(CHANGES.cancelSession, { id })).toEqual(first)
  })

  test('twice in one request is safe as well', async () => {
    const { id } = await create('KAYLE')
    const field = 'cancelSession(input: { id: $id }) { ... on CancelSessionPayload { session { status } } }'

    const { data } = await house.ask(`mutation ($id: ID!) { a: ${field} b: ${field} }`, { id })

    expect(data).toEqual({ a: { session: { status: 'CANCELED' } }, b: { session: { status: 'CANCELED' } } })
  })

  test('of a session that is over shows how it ended', async () => {
    const { id, providerId } = await create('KAYLE')
    await house.sandbox('KAYLE').advance({ id: providerId, to: 'attempt_succeeded' })

    const result = await run(CHANGES.cancelSession, { id })

    expect(result.session).toMatchObject({ status: 'COMPLETED', outcome: 'APPROVED' })
  })

  test.each(['PERSONR', 'RAPIDLY', 'VERILOCK', 'YORLET'] as const)('is not for sessions of %s', async provider => {
    const { id } = await create(provider)
    await house.sandbox(provider).forget()

    const result = await run(CHANGES.cancelSession, { id })

    expect(result).toMatchObject({
      __typename: 'UnsupportedError',
      code: 'UNSUPPORTED_BY_PROVIDER',
      provider,
      capability: 'CANCEL_SESSION',
    })
    expect(await house.sandbox(provider).requests()).toEqual([])
  })
})

describe('refreshSession', () => {
  test('asks the provider now, however fresh the record is', async () => {
    const { id, providerId } = await create('KAYLE')
    await house.sandbox('KAYLE').advance({ id: providerId, to: 'attempt_succeeded' })
    expect(await read(id)).toMatchObject({ status: 'CREATED' })

    const result = await run(CHANGES.refreshSession, { id })

    expect(result.session).toMatchObject({
      status: 'COMPLETED',
      outcome: 'APPROVED',
      attempts: { nodes: [{ status: 'SUCCEEDED', failureCode: null }] },
    })
  })

  test('asks again each time in one request', async () => {
    const { id, providerId } = await create('KAYLE')
    await house.sandbox('KAYLE').forget()
    const field = 'refreshSession(input: { id: $id }) { __typename }'

    await house.ask(`mutation ($id: ID!) { a: ${field} b: ${field} }`, { id })

    const asked = (await house.sandbox('KAYLE').requests()).map(({ path }) => path)
    expect(asked).toEqual(Array(2).fill(`/v1/sessions/${providerId}`))
  })

  test.each(['RAPIDLY', 'YORLET'] as const)('is not for sessions of %s, which cannot be read', async provider => {
    const { id } = await create(provider)

    expect(await run(CHANGES.refreshSession, { id })).toMatchObject({
      __typename: 'UnsupportedError',
      provider,
      capability: 'GET_SESSION',
    })
  })
})

describe.each(['cancelSession', 'refreshSession'] as const)('%s', name => {
  test.each(UNKNOWN_IDS)('of %s is NOT_FOUND', async (_what, id) => {
    expect(await run(CHANGES[name], { id })).toMatchObject({ __typename: 'NotFoundError', code: 'NOT_FOUND' })
  })

  test('says that the provider is down, and leaves the record as it was', async () => {
    const other = await startHouse()
    const input = { idempotencyKey: 'down', session: SESSION_INPUTS.KAYLE }
    const { id } = (await other.ask(CREATE, { input })).data.createSession.session
    await other.sandboxes.find(({ provider }) => provider === 'KAYLE')?.close()

    const { data, errors } = await other.ask(CHANGES[name], { input: { id } })
    const after = await other.ask('query ($id: ID!) { session(by: { id: $id }) { status sync { stale } } }', { id })
    await other.close()

    expect(errors).toEqual([])
    expect(data.result).toMatchObject({ __typename: 'ProviderUnavailableError', code: 'PROVIDER_UNAVAILABLE' })
    expect(after.data.session).toEqual({ status: 'CREATED', sync: { stale: false } })
  })
})

describe('linkSession', () => {
  test('attaches records of other providers, and keeps what is left out', async () => {
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

  test('removes what is null, and nothing else', async () => {
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

  test('is not undone by what the provider says later', async () => {
    const { customerId, applicantId } = await createRecords()
    const { id } = await create('VERILOCK')

    await run(CHANGES.linkSession, { sessionId: id, customerId, applicantId })
    expect((await run(CHANGES.refreshSession, { id })).session).toMatchObject({ applicant: { id: applicantId } })
    await run(CHANGES.linkSession, { sessionId: id, applicantId: null })

    const after = (await run(CHANGES.refreshSession, { id })).session
    expect(after).toMatchObject({ applicant: null, customer: { id: customerId } })
  })

  test('tells no provider', async () => {
    const { customerId } = await createRecords()
    const { id } = await create('KAYLE')
    await house.sandbox('KAYLE').forget()

    await house.ask('mutation ($input: LinkSessionInput!) { linkSession(input: $input) { __typename } }', {
      input: { sessionId: id, customerId, externalId: 'usr_quiet' },
    })

    expect(await house.sandbox('KAYLE').requests()).toEqual([])
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

describe('linkRecord', () => {
  test('gives a customer and an applicant their external id, keeps it where it is left out, removes it by null', async () => {
    const records = await createRecords()

    for (const [noun, id] of Object.entries(records)) {
      const record = { [noun]: id }
      const field = noun.replace('Id', '')
      const given = await run(LINK_RECORD, { record, externalId: `usr_${noun}` })
      expect(given).toMatchObject({ __typename: 'LinkRecordPayload', [field]: { id, externalId: `usr_${noun}` } })
      expect(await run(LINK_RECORD, { record })).toEqual(given)
      expect(await run(LINK_RECORD, { record, externalId: null })).toMatchObject({ [field]: { id, externalId: null } })
    }
  })

  test('is not undone by what the provider says later', async () => {
    const ref = { provider: 'RAPIDLY', providerId: (await rapidlyCustomer('usr_1338')).id }
    const query = `query ($ref: ProviderRef!) {
      customer(by: { provider: $ref }, freshness: { maxAgeSeconds: 0, onError: FAIL }) { id externalId }
    }`
    const { id } = (await house.ask(query, { ref })).data.customer

    await run(LINK_RECORD, { record: { customerId: id }, externalId: 'usr_mine' })

    expect((await house.ask(query, { ref })).data.customer).toEqual({ id, externalId: 'usr_mine' })

    await run(LINK_RECORD, { record: { customerId: id }, externalId: null })

    expect((await house.ask(query, { ref })).data.customer).toEqual({ id, externalId: null })
  })

  test.each(UNKNOWN_IDS)('of %s is NOT_FOUND', async (_what, id) => {
    for (const [record, word] of [
      [{ applicantId: id }, 'applicant'],
      [{ customerId: id }, 'customer'],
    ] as const) {
      expect(await run(LINK_RECORD, { record, externalId: 'usr_1' })).toMatchObject({
        __typename: 'NotFoundError',
        message: `There is no such ${word}.`,
      })
    }
  })
})

/** The customer that Rapidly has under this external id. */
async function rapidlyCustomer(externalId: string): Promise<{ id: string }> {
  const { customers = {} } = await house.sandbox('RAPIDLY').objects()
  const found = Object.values(customers).find(each => (each as { external_id: string }).external_id === externalId)
  return found as { id: string }
}
