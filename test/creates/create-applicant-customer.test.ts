import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Provider } from '../../src/domain/provider.ts'
import { startApp, type TestApp } from '../harness/app/test-app.ts'

const ERRORS = /* GraphQL */ `
  fragment Failure on MutationError {
    code message
    ... on InvalidInputError { issues { path message } }
    ... on ProviderRejectedError { provider providerCode providerIssues { path message } }
    ... on IdempotencyConflictError { operation { id applicant { id } customer { id } } }
  }
`

const CREATE_APPLICANT = /* GraphQL */ `
  ${ERRORS}
  mutation ($input: CreateApplicantInput!) {
    createApplicant(input: $input) {
      __typename
      ... on CreateApplicantPayload {
        replayed
        operation { id kind state sendCount applicant { id } }
        applicant {
          id provider providerId externalId status outcome providerStatus email phone firstName lastName
          attempts { nodes { id } } sessions { nodes { id } } customer { id } sync { source stale }
          details { ... on PersonrApplicantDetails { flowName sourceKey externalUserIds rejectLabels } }
        }
      }
      ...Failure
    }
  }
`

const CREATE_CUSTOMER = /* GraphQL */ `
  ${ERRORS}
  mutation ($input: CreateCustomerInput!) {
    createCustomer(input: $input) {
      __typename
      ... on CreateCustomerPayload {
        replayed
        operation { id kind state sendCount customer { id } }
        customer {
          id provider providerId externalId email name phone metadata sessions { nodes { id } } sync { source stale }
          details {
            ... on RapidlyCustomerDetails { emailVerified type workspaceId billingAddress { country line1 postalCode } deletedAt }
            ... on YorletCustomerDetails { delinquent }
          }
        }
      }
      ...Failure
    }
  }
`

const PERSONR = {
  email: 'johanna@example.com',
  phone: '+46 70 123 45 67',
  firstName: 'Johanna',
  lastName: 'Doe',
  flowName: 'KYC basic',
  sourceKey: 'signup',
  externalUserIds: ['crm-9'],
}

let app: TestApp
let made = 0

beforeAll(async () => {
  app = await startApp()
})
afterAll(() => app.close())
beforeEach(async () => {
  for (const provider of ['PERSONR', 'RAPIDLY', 'YORLET'] as const) await app.sandbox(provider).forget()
})

function unique(): string {
  made += 1
  return `unique-${made}`
}

async function createApplicant(personr: object, more: object = {}) {
  const input = { idempotencyKey: unique(), applicant: { personr }, ...more }
  const { data, errors } = await app.execute(CREATE_APPLICANT, { input })
  expect(errors).toEqual([])
  return data.createApplicant
}

async function createCustomer(customer: object, more: object = {}) {
  const input = { idempotencyKey: unique(), customer, ...more }
  const { data, errors } = await app.execute(CREATE_CUSTOMER, { input })
  expect(errors).toEqual([])
  return data.createCustomer
}

function rapidly(more: object = {}) {
  return { rapidly: { email: `${unique()}@example.com`, ...more } }
}

async function postsOf(provider: Provider): Promise<string[]> {
  return (await app.sandbox(provider).requests()).filter(({ method }) => method === 'POST').map(({ path }) => path)
}

function pathsOf(refused: { issues: { path: string[] }[] }): string[] {
  return refused.issues.map(({ path }) => path.join('.')).sort()
}

describe('an applicant at Personr', () => {
  test('is created with all input, and its operation returns it', async () => {
    const created = await createApplicant(PERSONR, { externalId: 'usr_johanna' })

    expect(created).toMatchObject({ __typename: 'CreateApplicantPayload', replayed: false })
    expect(created.operation).toMatchObject({ kind: 'CREATE_APPLICANT', state: 'SUCCEEDED', sendCount: 1 })
    expect(created.operation.applicant).toEqual({ id: created.applicant.id })
    expect(created.applicant).toMatchObject({
      provider: 'PERSONR',
      externalId: 'usr_johanna',
      status: 'CREATED',
      outcome: 'PENDING',
      providerStatus: 'Created',
      email: 'johanna@example.com',
      phone: '+46 70 123 45 67',
      firstName: 'Johanna',
      lastName: 'Doe',
      attempts: { nodes: [] },
      sessions: { nodes: [] },
      customer: null,
      details: { flowName: 'KYC basic', sourceKey: 'signup', rejectLabels: [] },
    })
    expect(created.applicant.details.externalUserIds).toEqual(['usr_johanna', 'crm-9'])
  })

  test('is read back from Personr in full, without our marker', async () => {
    const { applicant } = await createApplicant(PERSONR, { externalId: 'usr_again' })

    const { data, errors } = await app.execute(
      `query ($id: ID!) {
        applicant(by: { id: $id }, freshness: { maxAgeSeconds: 0, onError: FAIL }) {
          externalId email firstName status sync { source stale }
          details { ... on PersonrApplicantDetails { flowName sourceKey externalUserIds } }
        }
      }`,
      { id: applicant.id },
    )

    expect(errors).toEqual([])
    expect(data.applicant).toEqual({
      externalId: 'usr_again',
      email: 'johanna@example.com',
      firstName: 'Johanna',
      status: 'CREATED',
      sync: { source: 'FETCH', stale: false },
      details: { flowName: 'KYC basic', sourceKey: 'signup', externalUserIds: ['usr_again', 'crm-9'] },
    })
  })

  test('is created once for repeated requests with its idempotency key', async () => {
    const idempotencyKey = unique()
    const first = await createApplicant(PERSONR, { idempotencyKey })
    await app.sandbox('PERSONR').forget()

    const again = await createApplicant(PERSONR, { idempotencyKey })

    expect(again).toMatchObject({ replayed: true, applicant: { id: first.applicant.id } })
    expect(await postsOf('PERSONR')).not.toContain('/api/1.1/wf/api-applicant-create')
  })

  test('does not share an idempotency key with another input or another mutation', async () => {
    const idempotencyKey = unique()
    const first = await createApplicant(PERSONR, { idempotencyKey })

    const otherInput = await createApplicant({ ...PERSONR, phone: '+46 8 1' }, { idempotencyKey })
    const otherMutation = await createCustomer(rapidly(), { idempotencyKey })

    for (const refused of [otherInput, otherMutation]) {
      expect(refused).toMatchObject({ __typename: 'IdempotencyConflictError', code: 'IDEMPOTENCY_KEY_REUSED' })
      expect(refused.operation.applicant).toEqual({ id: first.applicant.id })
    }
    expect(await postsOf('RAPIDLY')).toEqual([])
  })

  test('reports every invalid input at once, and nothing is sent', async () => {
    const refused = await createApplicant(
      { ...PERSONR, email: 'johanna', phone: ' ', flowName: '' },
      { idempotencyKey: '', externalId: '' },
    )

    expect(refused).toMatchObject({ __typename: 'InvalidInputError', code: 'INVALID_INPUT' })
    expect(pathsOf(refused)).toEqual([
      'input.applicant.personr.email',
      'input.applicant.personr.flowName',
      'input.applicant.personr.phone',
      'input.externalId',
      'input.idempotencyKey',
    ])
    expect(await app.sandbox('PERSONR').requests()).toEqual([])
  })

  test('of an unknown flow is refused with our own message', async () => {
    const refused = await createApplicant({ ...PERSONR, flowName: 'nobodyknowsme' })

    expect(refused).toMatchObject({
      __typename: 'ProviderRejectedError',
      code: 'PROVIDER_REJECTED',
      provider: 'PERSONR',
    })
    expect(refused.providerIssues).toMatchObject([{ path: ['flowName'] }])
    expect(JSON.stringify(refused)).not.toContain('nobodyknowsme')
  })
})

describe('a customer at Rapidly', () => {
  test('is created with all input, without our marker', async () => {
    const created = await createCustomer(
      rapidly({
        name: 'Jo Doe',
        type: 'TEAM',
        metadata: { plan: 'pro', seats: 3, beta: true },
        billingAddress: { country: 'SE', line1: 'Storgatan 1', postalCode: '111 22' },
      }),
      { externalId: 'usr_jo' },
    )

    expect(created).toMatchObject({ __typename: 'CreateCustomerPayload', replayed: false })
    expect(created.operation).toMatchObject({ kind: 'CREATE_CUSTOMER', state: 'SUCCEEDED', sendCount: 1 })
    expect(created.operation.customer).toEqual({ id: created.customer.id })
    expect(created.customer).toMatchObject({
      provider: 'RAPIDLY',
      externalId: 'usr_jo',
      name: 'Jo Doe',
      phone: null,
      metadata: { plan: 'pro', seats: 3, beta: true },
      sessions: { nodes: [] },
      sync: { source: 'CALLER', stale: false },
      details: {
        emailVerified: false,
        type: 'TEAM',
        billingAddress: { country: 'SE', line1: 'Storgatan 1', postalCode: '111 22' },
        deletedAt: null,
      },
    })
  })

  test('is created once for repeated requests with its idempotency key', async () => {
    const [idempotencyKey, customer] = [unique(), rapidly()]
    const first = await createCustomer(customer, { idempotencyKey })

    const again = await createCustomer(customer, { idempotencyKey })

    expect(again).toMatchObject({ replayed: true, customer: { id: first.customer.id } })
    expect(await postsOf('RAPIDLY')).toEqual(['/api/customers/'])
  })

  test.each([
    ['email', { email: 'jo' }],
    ['name', { name: 'x'.repeat(257) }],
    ['metadata', { metadata: ['a'] }],
    ['metadata', { metadata: Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`k${index}`, index])) }],
    ['metadata.nested', { metadata: { nested: { a: 1 } } }],
    ['metadata.empty', { metadata: { empty: '' } }],
    ['metadata.long', { metadata: { long: 'x'.repeat(501) } }],
    [`metadata.${'k'.repeat(41)}`, { metadata: { ['k'.repeat(41)]: 1 } }],
    ['billingAddress.country', { billingAddress: { country: 'XX' } }],
  ])('with an invalid %s is refused, and nothing is sent', async (path, more) => {
    const refused = await createCustomer(rapidly(more))

    expect(refused).toMatchObject({ __typename: 'InvalidInputError' })
    expect(pathsOf(refused)).toEqual([`input.customer.rapidly.${path}`])
    expect(await postsOf('RAPIDLY')).toEqual([])
  })

  test('of a type that new customers cannot have is refused, and nothing is sent', async () => {
    const input = { idempotencyKey: unique(), customer: rapidly({ type: 'UNKNOWN' }) }
    const { data, errors } = await app.execute(CREATE_CUSTOMER, { input })

    expect(data).toBeUndefined()
    expect(errors).toMatchObject([
      {
        message: expect.stringMatching(/^\$input\.customer\.rapidly\.type: .*RapidlyCustomerTypeInput/),
        extensions: { code: 'BAD_REQUEST' },
      },
    ])
    expect(await postsOf('RAPIDLY')).toEqual([])
  })

  test('whose e-mail address is taken is refused with our own message', async () => {
    const refused = await createCustomer({ rapidly: { email: 'john.doe@example.com' } })

    expect(refused).toMatchObject({ __typename: 'ProviderRejectedError', provider: 'RAPIDLY' })
    expect(refused.providerIssues).toEqual([{ path: ['email'], message: 'Expected a value that Rapidly accepts.' }])
    expect(JSON.stringify(refused)).not.toContain('john.doe')
  })
})

describe('a customer at Yorlet', () => {
  test('is created with all input', async () => {
    const yorlet = { email: 'mary@example.com', name: 'Mary Doe', phone: '+442079460018' }

    const created = await createCustomer({ yorlet }, { externalId: 'usr_mary' })

    expect(created.customer).toMatchObject({
      ...yorlet,
      provider: 'YORLET',
      externalId: 'usr_mary',
      metadata: {},
      details: { delinquent: false },
    })
    expect(created.customer.providerId).toMatch(/^cus_/)
  })

  test('keeps its external id after a read, although Yorlet stores none', async () => {
    const { customer } = await createCustomer({ yorlet: { email: 'kept@example.com' } }, { externalId: 'usr_kept' })

    const { data } = await app.execute(
      'query ($id: ID!) { customer(by: { id: $id }, freshness: { maxAgeSeconds: 0, onError: FAIL }) { externalId email } }',
      { id: customer.id },
    )

    expect(data.customer).toEqual({ externalId: 'usr_kept', email: 'kept@example.com' })
  })

  test('with an invalid e-mail address is refused, and nothing is sent', async () => {
    const refused = await createCustomer({ yorlet: { email: 'mary' } })

    expect(pathsOf(refused)).toEqual(['input.customer.yorlet.email'])
    expect(await postsOf('YORLET')).toEqual([])
  })
})

test('personal data of applicants and customers is encrypted in the database, and readable after a restart', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sessiongraph-'))
  const env = { DATABASE_URL: `sqlite:${folder}/server.db` }
  const yorlet = { email: 'mary@example.com', name: 'Mary Doe', phone: '+442079460018' }
  const first = await startApp(env)
  const applicant = { idempotencyKey: unique(), applicant: { personr: PERSONR } }
  const customer = { idempotencyKey: unique(), customer: { yorlet } }
  const { id: applicantId } = (await first.execute(CREATE_APPLICANT, { input: applicant })).data.createApplicant
    .applicant
  const { id: customerId } = (await first.execute(CREATE_CUSTOMER, { input: customer })).data.createCustomer.customer
  const open = readFileSync(`${folder}/server.db-wal`)
  await first.close()
  const closed = readFileSync(`${folder}/server.db`)
  const second = await startApp(env)
  const { data } = await second.execute(
    `query ($a: ID!, $c: ID!) {
      applicant(by: { id: $a }) { email phone firstName lastName }
      customer(by: { id: $c }) { email name phone }
    }`,
    { a: applicantId, c: customerId },
  )
  await second.close()
  rmSync(folder, { recursive: true })

  const { email, phone, firstName, lastName } = PERSONR
  for (const bytes of [open, closed]) {
    expect(bytes.includes(applicant.idempotencyKey)).toBe(true)
    for (const personal of [email, phone, firstName, ...Object.values(yorlet)]) {
      expect(bytes.includes(personal)).toBe(false)
    }
  }
  expect(data).toEqual({ applicant: { email, phone, firstName, lastName }, customer: yorlet })
})
