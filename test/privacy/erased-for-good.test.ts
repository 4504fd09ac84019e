import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Provider } from '../../src/domain/provider.ts'
import { startApp, type TestApp } from '../harness/app/test-app.ts'
import { createCanaries, findOpened } from '../harness/canaries.ts'
import { SESSION_INPUTS } from '../harness/documents/session-inputs.ts'
import {
  DEV,
  deliver,
  encryptKayleText,
  openEndpoint,
  type SignedDelivery,
  signKayle,
  signVerilock,
  type WebhookTarget,
} from '../harness/providers/deliveries.ts'

/** What an erasure finds by keyed hashes alone: failed creates, and unreadable deliveries. */

let app: TestApp
const endpoints = new Map<Provider, WebhookTarget>()

beforeAll(async () => {
  app = await startApp({ BREAKER_MINIMUM_CALLS: '100000' }, { jobs: false })
  for (const provider of ['KAYLE', 'VERILOCK'] as const) endpoints.set(provider, await openEndpoint(app, provider))
})
afterAll(() => app.close())

const erase = (externalId: string) => app.services.erasure.erase(DEV, externalId)

function endpointOf(provider: Provider): WebhookTarget {
  const endpoint = endpoints.get(provider)
  if (!endpoint) throw new Error(`${provider} has no endpoint.`)
  return endpoint
}

const CREATE = `mutation ($input: CreateSessionInput!) { made: createSession(input: $input) { __typename
  ... on CreateSessionPayload { record: session { id providerId } } ... on MutationError { code } } }`
const CREATE_CUSTOMER = `mutation ($input: CreateCustomerInput!) { made: createCustomer(input: $input) { __typename
  ... on CreateCustomerPayload { record: customer { id providerId } } ... on MutationError { code } } }`
const CREATE_APPLICANT = `mutation ($input: CreateApplicantInput!) { made: createApplicant(input: $input) { __typename
  ... on CreateApplicantPayload { record: applicant { id providerId } } ... on MutationError { code } } }`

async function create(mutation: string, input: object) {
  const { data, errors } = await app.execute(mutation, { input })
  return { code: data?.made?.code ?? errors[0]?.extensions.code, record: data?.made?.record }
}

async function createRefused(provider: Provider, input: object): Promise<void> {
  await app.sandbox(provider).faults([{ method: 'POST', fault: { kind: 'status', status: 422, json: {} } }])
  expect((await create(CREATE, input)).code).toMatch(/^(PROVIDER_REJECTED|INVALID_INPUT)$/)
  await app.sandbox(provider).clearFaults()
}

async function createPersonrApplicant(externalId: string) {
  const personr = { email: `${randomUUID()}@example.com`, phone: '+46 70 000 00 00', flowName: 'KYC basic' }
  const input = { idempotencyKey: randomUUID(), externalId, applicant: { personr } }
  return (await create(CREATE_APPLICANT, input)).record
}

async function createRapidlyCustomer(externalId: string) {
  const rapidly = { email: `${randomUUID()}@example.com` }
  return (await create(CREATE_CUSTOMER, { idempotencyKey: randomUUID(), externalId, customer: { rapidly } })).record
}

/** A failed create of the person for each input that can identify it. */
const FAILED: readonly (readonly [string, Provider, (externalId: string) => Promise<object>])[] = [
  ['its external id', 'KAYLE', async externalId => ({ externalId, session: { kayle: {} } })],
  [
    'the id of its applicant',
    'PERSONR',
    async externalId => {
      const { id } = await createPersonrApplicant(externalId)
      return { session: { personr: { applicant: { applicantId: id } } } }
    },
  ],
  [
    "the provider's id of its applicant",
    'PERSONR',
    async externalId => {
      const { providerId } = await createPersonrApplicant(externalId)
      return { session: { personr: { applicant: { applicantProviderId: providerId } } } }
    },
  ],
  [
    'its customer at another provider',
    'KAYLE',
    async externalId => {
      const { id } = await createRapidlyCustomer(externalId)
      return { customerId: id, session: { kayle: {} } }
    },
  ],
  [
    "the provider's id of its customer",
    'RAPIDLY',
    async externalId => {
      const { providerId } = await createRapidlyCustomer(externalId)
      return { session: { rapidly: { customer: { customerProviderId: providerId } } } }
    },
  ],
]

describe('a failed create', () => {
  test.each(FAILED)('that names %s is erased, and a late repeat of it sends nothing', async (_, provider, toInput) => {
    const canaries = createCanaries()
    const externalId = `usr_${canaries.mark}`
    const input = { idempotencyKey: canaries.text('Key'), ...(await toInput(externalId)) }
    await createRefused(provider, input)
    canaries.add('externalId', externalId)
    expect(await findOpened(app, canaries)).toContain('Key')
    const others = { idempotencyKey: randomUUID(), externalId: `usr_${randomUUID()}`, session: { kayle: {} } }
    await createRefused('KAYLE', others)

    const { creates } = await erase(externalId)
    expect(creates).toBeGreaterThan(0)
    expect(await findOpened(app, canaries)).toEqual([])
    await app.sandbox(provider).forget()
    expect((await create(CREATE, input)).code).toBe('NOT_FOUND')
    expect(await app.sandbox(provider).requests()).toEqual([])
    expect(await findOpened(app, canaries)).toEqual([])
    expect((await create(CREATE, others)).record).toBeDefined()
  })

  test('with the same external id at another tenant is left', async () => {
    const canaries = createCanaries()
    const externalId = `usr_${canaries.mark}`
    await createRefused('KAYLE', { idempotencyKey: canaries.text('Key'), externalId, session: { kayle: {} } })
    expect(await app.services.erasure.erase({ tenantId: 'another' }, externalId)).toMatchObject({ creates: 0 })
    expect(await findOpened(app, canaries)).toEqual(['Key'])
  })
})

const escapeAll = (text: string) =>
  [...text].map(char => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`).join('')

/** Bodies that name a record and do not match the provider's schema. */
const BODIES: readonly (readonly [string, (name: string) => string])[] = [
  ['JSON of another shape', name => JSON.stringify({ of: [{ is: name }] })],
  ['JSON with a nested text', name => JSON.stringify({ text: JSON.stringify({ id: name }) })],
  ['JSON with escapes', name => `{"is":"${escapeAll(name)}"}`],
  ['an address in JSON', name => JSON.stringify({ url: `https://api.example.com/v1/sessions/${name}/results?full=1` })],
  ['JSON that is cut off', name => `{"is":"${name}`],
  ['a form', name => `id=${encodeURIComponent(name)}&status=approved`],
  ['plain text', name => `On Monday, it verified ${name}.`],
]

const SENDERS: readonly (readonly [
  'KAYLE' | 'VERILOCK',
  (target: WebhookTarget, body: string) => Promise<SignedDelivery>,
])[] = [
  ['VERILOCK', async (target, body) => signVerilock(target, body)],
  [
    'KAYLE',
    async (target, body) => {
      const text = await encryptKayleText(body, target.publicJwk)
      return signKayle(text, target.secret, new Date())
    },
  ],
]

function unreadable(): Promise<{ readonly state: string }[]> {
  return app.db.sql.selectFrom('deliveries').select('state').where('state', '=', 'QUARANTINED').execute()
}

describe.each(SENDERS)('an unreadable delivery of %s', (provider, sign) => {
  const send = async (body: string) => deliver(app, endpointOf(provider), await sign(endpointOf(provider), body))

  test.each(BODIES)('that names an erased person in %s is acknowledged and not stored', async (_, toBody) => {
    const canaries = createCanaries()
    const externalId = canaries.add('externalId', `usr.${canaries.mark}@example.com`)
    const input = { idempotencyKey: randomUUID(), externalId, session: SESSION_INPUTS[provider] }
    const { record } = await create(CREATE, input)
    canaries.add('providerId', record.providerId)
    const names = [externalId, record.providerId]
    for (const name of names) expect(await send(toBody(name))).toBe(204)
    expect(await findOpened(app, canaries)).toContain('externalId')
    const before = (await unreadable()).length

    expect(await erase(externalId)).toMatchObject({ deliveries: names.length })
    expect(await unreadable()).toHaveLength(before - names.length)
    expect(await findOpened(app, canaries)).toEqual([])
    for (const name of names) expect(await send(`${toBody(name)} `)).toBe(204)
    expect(await unreadable()).toHaveLength(before - names.length)
    expect(await findOpened(app, canaries)).toEqual([])
    expect(await send(toBody(`usr.${randomUUID()}@example.com`))).toBe(204)
    expect(await unreadable()).toHaveLength(before - names.length + 1)
  })
})

test('a short externalId is found as a whole value of an unreadable delivery, and not as a part of another text', async () => {
  const target = endpointOf('VERILOCK')
  await create(CREATE, { idempotencyKey: randomUUID(), externalId: '7', session: { kayle: {} } })
  const others = [{ odd: [7, 'a-7', 'version 7', 'https://example.com/7'] }, 'On Monday, it verified 7 persons.']
  const its = [{ about: '7' }, { text: JSON.stringify({ id: '7' }) }]
  const send = async (bodies: readonly unknown[]) => {
    for (const body of bodies) {
      const text = typeof body === 'string' ? body : JSON.stringify(body)
      expect(await deliver(app, target, signVerilock(target, text))).toBe(204)
    }
  }
  await send([...others, ...its])
  const before = (await unreadable()).length
  expect(await erase('7')).toMatchObject({ sessions: 1, deliveries: its.length })
  expect(await unreadable()).toHaveLength(before - its.length)
  await send(
    [...others, ...its].map(body => (typeof body === 'string' ? `${body} ` : { ...(body as object), again: true })),
  )
  expect(await unreadable()).toHaveLength(before - its.length + others.length)
})

test('a delivery that was applied and names an erased externalId that no record has is not stored', async () => {
  const target = endpointOf('VERILOCK')
  const externalId = `usr_${randomUUID()}`
  const input = { externalId, session: SESSION_INPUTS.VERILOCK }
  const send = async () => {
    const data = { session_id: `ses_${randomUUID()}`, status: 'approved', external_id: externalId }
    const event = { event: 'session.approved', webhook_id: randomUUID(), data }
    expect(await deliver(app, target, signVerilock(target, JSON.stringify(event)))).toBe(204)
    await app.services.webhookInbox.applyDue()
    return app.db.sql.selectFrom('deliveries').select('id').where('key', '=', event.webhook_id).execute()
  }
  expect(await send()).toHaveLength(1)
  await create(CREATE, { idempotencyKey: randomUUID(), ...input })
  expect(await erase(externalId)).toMatchObject({ sessions: 1, deliveries: 1 })
  expect(await send()).toEqual([])
  // The person is back by a create of the caller.
  await create(CREATE, { idempotencyKey: randomUUID(), ...input })
  expect(await send()).toHaveLength(1)
})
