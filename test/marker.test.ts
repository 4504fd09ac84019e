import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Provider } from '../src/domain/provider.ts'
import { type House, startHouse } from './harness/house.ts'

/** Our marker travels inside a create so that it can be found again; no client ever sees it. */

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

/** All in which a marker could be seen. */
const FIELDS = {
  session: /* GraphQL */ `
    redirectUrl metadata externalId access { hostedUrl token }
    applicant { externalId email details { __typename } }
  `,
  applicant: 'externalId email details { ... on PersonrApplicant { externalUserIds } }',
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

let house: House

beforeAll(async () => {
  house = await startHouse()
})
afterAll(() => house.close())

describe('our marker', () => {
  it.each(CASES)('is sent to %s inside its %s, and shown to nobody', async (provider, noun, input, path) => {
    await house.sandbox(provider).forget()

    const made = await create(noun, input, 'marker')

    const sent = (await house.sandbox(provider).requests()).filter(request => request.path.endsWith(path))
    expect(sent.map(({ body }) => MARKER.test(body))).toEqual([true])
    const shown = JSON.stringify([made, await read(noun, made.record.id, {}), await read(noun, made.record.id, NOW)])
    expect(shown).toContain('usr_marker')
    expect(shown).not.toMatch(MARKER)
    expect(shown).not.toMatch(/sg_ref|sessiongraph_reference/)
  })

  it('does not hide what stands beside it', async () => {
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

  it('is not sent to Kayle where the setting is off', async () => {
    const other = await startHouse({ KAYLE_MARKER: 'off' })
    const input = { idempotencyKey: 'off', session: CASES[0][2] }
    await other.ask(CREATE.session, { input })
    const [sent] = await other.sandbox('KAYLE').requests()
    await other.close()

    expect(sent?.body).toBe('{"redirect_url":"https://app.example.com/done?user=1"}')
  })
})

type Noun = keyof typeof CREATE

async function create(noun: Noun, asked: object, name: string, more: object = {}) {
  const idempotencyKey = `${name}-${Object.keys(asked)}`
  const input = { idempotencyKey, externalId: `usr_${name}`, [noun]: asked, ...more }
  const { data, errors } = await house.ask(CREATE[noun], { input })
  expect(errors).toEqual([])
  expect(data.made).toMatchObject({ operation: { state: 'SUCCEEDED' } })
  return data.made
}

async function read(noun: Noun, id: string, freshness: object) {
  const query = `query ($id: ID!, $freshness: Freshness) {
    ${noun}(by: { id: $id }, freshness: $freshness) { ${FIELDS[noun]} }
  }`
  const { data, errors } = await house.ask(query, { id, freshness })
  expect(errors).toEqual([])
  return data[noun]
}
