import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Provider } from '../../src/domain/provider.ts'
import { startApp, type TestApp } from '../harness/app/test-app.ts'

/** Our marker is sent with a create so that the object can be found again; no client ever sees it. */

const CREATE = {
  session: /* GraphQL */ `
    mutation ($input: CreateSessionInput!) {
      made: createSession(input: $input) { ... on CreateSessionPayload { operation { state } record: session { id } } }
    }
  `,
  applicant: /* GraphQL */ `
    mutation ($input: CreateApplicantInput!) {
      made: createApplicant(input: $input) {
        ... on CreateApplicantPayload { operation { state } record: applicant { id } }
      }
    }
  `,
  customer: /* GraphQL */ `
    mutation ($input: CreateCustomerInput!) {
      made: createCustomer(input: $input) { ... on CreateCustomerPayload { operation { state } record: customer { id } } }
    }
  `,
} as const

/** All fields in which a marker could appear. */
const FIELDS = {
  session: /* GraphQL */ `
    redirectUrl metadata externalId access { hostedUrl sdkToken }
    applicant { externalId email details { __typename } }
  `,
  applicant: 'externalId email details { ... on PersonrApplicantDetails { externalUserIds } }',
  customer: 'externalId email metadata',
} as const

const CASES = [
  ['KAYLE', 'session', { kayle: { redirectUrl: 'https://app.example.com/done?user=1' } }, '/v1/sessions'],
  [
    'VERILOCK',
    'session',
    {
      verilock: {
        profileId: '01234567-89ab-cdef-0123-456789abcdef',
        applicantEmail: 'jean.dupont@example.com',
        redirectUrl: 'https://app.example.com/done?user=1',
      },
    },
    '/sessions',
  ],
  [
    'PERSONR',
    'applicant',
    { personr: { email: 'ann@example.com', phone: '+46 70 000 00 00', flowName: 'KYC basic' } },
    '/api-applicant-create',
  ],
  ['RAPIDLY', 'customer', { rapidly: { email: 'marker@example.com', metadata: { tier: 'gold' } } }, '/customers/'],
  ['YORLET', 'customer', { yorlet: { email: 'marker@example.com', name: 'Ada' } }, '/customers'],
] as const satisfies readonly (readonly [Provider, keyof typeof CREATE, object, string])[]

const NOW = { maxAgeSeconds: 0, onError: 'FAIL' }
const MARKER = /sg_[0-9a-f]{32}/

let app: TestApp

beforeAll(async () => {
  app = await startApp()
})
afterAll(() => app.close())

describe('our marker', () => {
  it.each(CASES)('is sent to %s inside its %s, and never returned', async (provider, recordType, input, path) => {
    await app.sandbox(provider).forget()

    const made = await create(recordType, input, 'marker')

    const sent = (await app.sandbox(provider).requests()).filter(request => request.path.endsWith(path))
    expect(sent.map(({ body }) => MARKER.test(body))).toEqual([true])
    const shown = JSON.stringify([
      made,
      await read(recordType, made.record.id, {}),
      await read(recordType, made.record.id, NOW),
    ])
    expect(shown).toContain('usr_marker')
    expect(shown).not.toMatch(MARKER)
    expect(shown).not.toMatch(/sg_ref|sessiongraph_reference/)
  })

  it('does not hide the values beside it', async () => {
    const [, , kayle] = CASES[0]
    const [, , verilock] = CASES[1]
    const [, , personr] = CASES[2]
    const metadata = { plan: 'pro' }

    for (const input of [kayle, verilock]) {
      const { record } = await create('session', input, 'beside', { metadata })
      expect(await read('session', record.id, NOW)).toMatchObject({
        redirectUrl: 'https://app.example.com/done?user=1',
        metadata,
        externalId: 'usr_beside',
      })
    }
    const { record } = await create('applicant', personr, 'beside')
    expect(await read('applicant', record.id, NOW)).toMatchObject({ externalId: 'usr_beside' })
  })

  it('is not sent to Kayle if the setting is off', async () => {
    const other = await startApp({ KAYLE_MARKER: 'off' })
    const input = { idempotencyKey: 'off', session: CASES[0][2] }
    await other.execute(CREATE.session, { input })
    const [sent] = await other.sandbox('KAYLE').requests()
    await other.close()

    expect(sent?.body).toBe('{"redirect_url":"https://app.example.com/done?user=1"}')
  })
})

describe('input that looks like our marker is refused, and nothing is sent', () => {
  const [[, , kayle], , [, , personr]] = CASES
  const refused = async (provider: Provider, recordType: RecordType, input: object) => {
    await app.sandbox(provider).forget()
    const name = `${recordType[0]?.toUpperCase()}${recordType.slice(1)}`
    const { data } = await app.execute(
      `mutation ($input: Create${name}Input!) {
        made: create${name}(input: $input) { ... on InvalidInputError { issues { path } } }
      }`,
      { input: { idempotencyKey: JSON.stringify(input), ...input } },
    )
    expect((await app.sandbox(provider).requests()).filter(({ path }) => !path.includes('auth'))).toEqual([])
    return data.made.issues?.map(({ path }: { path: string[] }) => path.join('.'))
  }

  it('as the external id of an applicant of Personr', async () => {
    const input = { externalId: 'sg_1234567890', applicant: personr }
    expect(await refused('PERSONR', 'applicant', input)).toEqual(['input.externalId'])
  })

  it('as the external id of a session of Personr, also if a linked record has it', async () => {
    const { record: applicant } = await create('applicant', personr, 'reserved')
    const session = { personr: { applicant: { applicantId: applicant.id } } }
    expect(await refused('PERSONR', 'session', { externalId: 'sg_1234567890', session })).toEqual(['input.externalId'])

    const { record: stranger } = await create('applicant', personr, 'stranger')
    const input = {
      idempotencyKey: 'at Rapidly',
      externalId: 'sg_1234567890',
      customer: { rapidly: { email: 'sg@example.com' } },
    }
    const { data } = await app.execute(CREATE.customer, { input })
    const customerId = data.made.record.id
    await app.execute(`mutation ($input: LinkApplicantInput!) { linkApplicant(input: $input) { __typename } }`, {
      input: { applicantId: stranger.id, externalId: null },
    })
    const linked = { customerId, session: { personr: { applicant: { applicantId: stranger.id } } } }
    expect(await refused('PERSONR', 'session', linked)).toEqual(['input.externalId'])
  })

  it.each(['https://app.example.com/done?sg_ref=12345678', 'https://app.example.com/done?a=1&sg%5Fref=#end'])(
    'in the redirect of a session of Kayle: %s',
    async redirectUrl => {
      const session = { kayle: { ...kayle.kayle, redirectUrl } }
      expect(await refused('KAYLE', 'session', { session })).toEqual(['input.session.kayle.redirectUrl'])
    },
  )
})

type RecordType = keyof typeof CREATE

async function create(recordType: RecordType, requests: object, name: string, more: object = {}) {
  const idempotencyKey = `${name}-${Object.keys(requests)}`
  const input = { idempotencyKey, externalId: `usr_${name}`, [recordType]: requests, ...more }
  const { data, errors } = await app.execute(CREATE[recordType], { input })
  expect(errors).toEqual([])
  expect(data.made).toMatchObject({ operation: { state: 'SUCCEEDED' } })
  return data.made
}

async function read(recordType: RecordType, id: string, freshness: object) {
  const query = `query ($id: ID!, $freshness: Freshness) {
    ${recordType}(by: { id: $id }, freshness: $freshness) { ${FIELDS[recordType]} }
  }`
  const { data, errors } = await app.execute(query, { id, freshness })
  expect(errors).toEqual([])
  return data[recordType]
}
