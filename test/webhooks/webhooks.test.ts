import { randomUUID } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { openDatabase } from '../../db/core/open-database.ts'
import { SqliteDatabase } from '../../db/sqlite/better-sqlite3.ts'
import type { Provider } from '../../src/domain/provider.ts'
import { sandbox as rapidly } from '../../src/providers/rapidly/sandbox.ts'
import { createFieldEncryption } from '../../src/security/field-encryption.ts'
import { takeDatabase } from '../harness/app/database.ts'
import { startWorkload } from '../harness/app/load.ts'
import type { Fate } from '../harness/app/server-process.ts'
import { API_KEY, startApp, type TestApp } from '../harness/app/test-app.ts'
import { create } from '../harness/clients/reads.ts'
import { SESSION_INPUTS, TRIED, type Tried } from '../harness/documents/session-inputs.ts'
import {
  DEV,
  deliver,
  encryptKayle,
  fromKayle,
  fromPersonr,
  fromRapidly,
  fromVerilock,
  fromYorlet,
  openEndpoint,
  post,
  type SignedDelivery,
  signKayle,
  type WebhookTarget,
} from '../harness/providers/deliveries.ts'

/** Webhooks from the endpoint to the timeline, under a clock that the tests control. */

const APPLICANT = '4242424242424x424242424242424242'

let app: TestApp
let at = Date.now()
const endpoints = new Map<Provider, WebhookTarget>()

beforeAll(async () => {
  app = await start()
  for (const provider of TRIED) endpoints.set(provider, await openEndpoint(app, provider))
})
afterAll(() => app.close())
beforeEach(() => {
  // Each test has its own minute.
  at = Math.max(Date.now(), at + 120_000)
})

async function start(env: NodeJS.ProcessEnv = {}): Promise<TestApp> {
  const started = await startApp({ BREAKER_MINIMUM_CALLS: '100000', ...env }, { now: () => new Date(at), jobs: false })
  // Only the deliveries that the tests send.
  for (const { origin } of started.sandboxes) await fetch(`${origin}/_sandbox/webhooks`, { method: 'DELETE' })
  return started
}

function endpointOf(provider: Provider): WebhookTarget {
  const policy = endpoints.get(provider)
  if (!policy) throw new Error(`${provider} has no endpoint.`)
  return policy
}

interface CreatedRecord {
  readonly id: string
  readonly providerId: string
}

async function make(provider: Tried, at = app): Promise<CreatedRecord> {
  const { data } = await create(at, { recordType: 'session', input: SESSION_INPUTS[provider] }, randomUUID())
  return data.made.record
}

/** The stored record, without a provider call. */
async function stored({ id }: Pick<CreatedRecord, 'id'>, at = app) {
  const { data, errors } = await at.execute(
    `query ($id: ID!) {
      session(by: { id: $id }, freshness: { maxAgeSeconds: 1000000 }) {
        status outcome providerStatus sync { source }
        timeline(first: 100) {
          nodes { __typename source ... on WebhookReceived { providerEvent applied } ... on SessionStatusChanged { sessionStatus } }
        }
        attempts(freshness: { maxAgeSeconds: 1000000 }) {
          nodes { status details { ... on KayleAttemptDetails { claims selectedFieldKeys } } }
        }
        details { ... on VerilockSessionDetails { riskScore steps { name } } }
      }
    }`,
    { id },
  )
  expect(errors).toEqual([])
  return data.session
}

async function received(
  session: Pick<CreatedRecord, 'id'>,
  at = app,
): Promise<{ providerEvent: string; applied: boolean }[]> {
  const { timeline } = await stored(session, at)
  return timeline.nodes.filter(({ __typename }: { __typename: string }) => __typename === 'WebhookReceived')
}

const settle = (at = app) => at.services.webhookInbox.applyDue()

/** The delivery that arrived last, whatever the clock was. */
async function newest(at = app) {
  const { id } = await at.db.sql.selectFrom('deliveries').select('id').orderBy('id', 'desc').executeTakeFirstOrThrow()
  return at.services.webhookEndpoints.delivery(DEV, id)
}

async function count(at = app): Promise<number> {
  return (await at.db.sql.selectFrom('deliveries').select('id').execute()).length
}

const cancelled = (session: CreatedRecord, eventId?: string) => ({
  type: 'verification.session.cancelled',
  eventId,
  sessionId: session.providerId,
})

/** A session that was cancelled at Kayle, and its delivery. */
async function makeCanceled(
  policy = endpointOf('KAYLE'),
  at_ = app,
): Promise<{ session: CreatedRecord; parcel: SignedDelivery }> {
  const session = await make('KAYLE', at_)
  await at_.sandbox('KAYLE').advance({ id: session.providerId, to: 'cancelled' })
  return { session, parcel: await fromKayle(policy, cancelled(session), new Date(at)) }
}

function yorletEvent(
  session: CreatedRecord,
  status: string,
  created: number,
  id = `evt_${randomUUID().replaceAll('-', '')}`,
) {
  const object = {
    id: session.providerId,
    object: 'application_session',
    application: 'app_manvb1x2k9QpLr3T',
    application_status: 'apst_manvb9c4m2WsXy5Z',
    customer: 'cus_lrhplff1u4ZhIPSU',
    created: Math.floor(at / 1000),
    status,
  }
  const data = { object, previous_attributes: null }
  return { id, object: 'event', created, type: 'application_session.updated', data }
}

const verilockEvent = (session: CreatedRecord, more: object = {}) => ({
  event: 'session.approved',
  data: { session_id: session.providerId, status: 'approved', decision: 'approved', risk_score: 12, ...more },
  timestamp: new Date(at).toISOString(),
  webhook_id: `wh_evt_${randomUUID()}`,
})

const TWICE = '00000000-0000-4000-8000-000000000002'

/** The header with the signature, the webhook with the right one, and the same webhook signed with another secret. */
async function signedTwice(
  provider: 'KAYLE' | 'RAPIDLY' | 'VERILOCK' | 'YORLET',
): Promise<readonly [string, SignedDelivery, SignedDelivery]> {
  const policy = endpointOf(provider)
  const other = { ...policy, secret: 'whsec_another' }
  const session = await make(provider)
  if (provider === 'KAYLE') {
    const body = await encryptKayle(cancelled(session), policy.publicJwk)
    const sign = (secret: string) => signKayle(body, secret, new Date(at))
    return ['x-kayle-signature', sign(policy.secret), sign(other.secret)]
  }
  if (provider === 'RAPIDLY') {
    const sign = (to: WebhookTarget) => fromRapidly(to, { type: 'workspace.updated', data: {} }, new Date(at), TWICE)
    return ['webhook-signature', sign(policy), sign(other)]
  }
  const event = provider === 'VERILOCK' ? verilockEvent(session) : yorletEvent(session, 'active', Math.floor(at / 1000))
  const from = provider === 'VERILOCK' ? fromVerilock : fromYorlet
  return [
    provider === 'VERILOCK' ? 'x-verilock-signature' : 'x-yorlet-signature',
    from(policy, event),
    from(other, event),
  ]
}

/** Sends one header line for each value. */
function postRaw(
  { path }: WebhookTarget,
  headers: Readonly<Record<string, string>>,
  name: string,
  values: readonly string[],
  body: string,
): Promise<number> {
  return new Promise((resolve, reject) => {
    const sent = request(new URL(path, app.url), { method: 'POST', headers: { ...headers, [name]: [...values] } })
    sent.on('response', response => {
      response.resume()
      resolve(response.statusCode ?? 0)
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

describe('the webhook endpoint', () => {
  test('answers 204 to a stored delivery, new or repeated', async () => {
    const { parcel } = await makeCanceled()
    expect(await deliver(app, endpointOf('KAYLE'), parcel)).toBe(204)
    expect(await deliver(app, endpointOf('KAYLE'), parcel)).toBe(204)
    await settle()
  })

  test.each([
    '/webhooks/kayle/nobody',
    '/webhooks/unknown/nobody',
    '/webhooks/',
    '/webhooks/kayle',
    '/webhooks/kayle/a/b',
  ])('answers 404 at %s', async path => {
    const { parcel } = await makeCanceled()
    expect((await post(app, path, parcel)).status).toBe(404)
  })

  test('answers 404 at another provider’s endpoint, and at a removed one', async () => {
    const { parcel } = await makeCanceled()
    expect((await post(app, endpointOf('KAYLE').path.replace('kayle', 'yorlet'), parcel)).status).toBe(404)
    const policy = await openEndpoint(app, 'KAYLE')
    await app.services.webhookEndpoints.remove(DEV, policy.id)
    expect(await deliver(app, policy, parcel)).toBe(404)
  })

  test.each(['GET', 'PUT', 'DELETE', 'HEAD'])('answers 405 to %s', async method => {
    const response = await app.app.fetch(`http://localhost${endpointOf('KAYLE').path}`, { method })
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'POST'])
  })

  test('answers 413 over 256 KiB, and accepts 256 KiB', async () => {
    const policy = endpointOf('VERILOCK')
    const sized = (bytes: number) => fromVerilock(policy, { ...padding(bytes) })
    const before = await count()
    expect(await deliver(app, policy, sized(256 * 1024 + 1))).toBe(413)
    expect(await count()).toBe(before)
    expect(await deliver(app, policy, sized(256 * 1024))).toBe(204)
  })

  test('answers 413 to a chunked body, over a socket', async () => {
    const origin = new URL(app.url).origin
    const body = new Blob([new Uint8Array(640 * 1024)]).stream()
    const init = { method: 'POST', body, duplex: 'half' }
    const response = await fetch(origin + endpointOf('VERILOCK').path, init as RequestInit)
    expect([response.status, (await response.json()).errors[0].extensions.code]).toEqual([413, 'PAYLOAD_TOO_LARGE'])
    expect((await fetch(origin + endpointOf('VERILOCK').path, { method: 'POST', body: '{}' })).status).toBe(401)
  })

  test.each(['KAYLE', 'RAPIDLY', 'VERILOCK', 'YORLET'] as const)(
    'accepts a signature of %s in a repeated header, over a socket',
    async provider => {
      const policy = endpointOf(provider)
      const [name, right, wrong] = await signedTwice(provider)
      expect(await postRaw(policy, wrong.headers, name, [String(wrong.headers[name])], wrong.body)).toBe(401)
      const both = [String(wrong.headers[name]), String(right.headers[name])]
      expect(await postRaw(policy, right.headers, name, both, right.body)).toBe(204)
    },
  )

  test('requires no API key, and a refusal has a code', async () => {
    const response = await post(app, endpointOf('KAYLE').path, { headers: {}, body: '{}' })
    const { errors } = await response.json()
    expect([response.status, errors[0].extensions.code]).toEqual([401, 'UNAUTHENTICATED'])
  })
})

function padding(bytes: number): object {
  const empty = { event: 'aml.alert', webhook_id: `wh_evt_${bytes}`, data: {}, padding: '' }
  return { ...empty, padding: 'x'.repeat(bytes - JSON.stringify(empty).length) }
}

describe('a forged delivery', () => {
  const parcels: Record<Tried, (policy: Pick<WebhookTarget, 'secret'>) => SignedDelivery> = {
    KAYLE: ({ secret }) => signKayle('e.e.e.e.e', secret, new Date(at)),
    PERSONR: policy => fromPersonr(policy, { applicantId: APPLICANT }),
    RAPIDLY: policy => fromRapidly(policy, { type: 'customer.updated', data: {} }, new Date(at)),
    VERILOCK: policy => fromVerilock(policy, { event: 'session.approved', data: {} }),
    YORLET: policy => fromYorlet(policy, { id: 'evt_1', object: 'event', type: 'x', data: { object: {} } }),
  }
  const HEADERS: Record<Tried, string> = {
    KAYLE: 'x-kayle-signature',
    PERSONR: 'authorization',
    RAPIDLY: 'webhook-signature',
    VERILOCK: 'x-verilock-signature',
    YORLET: 'x-yorlet-signature',
  }

  test.each(TRIED)('of %s is answered 401 and not stored', async provider => {
    const policy = endpointOf(provider)
    const before = await count()
    const right = parcels[provider](policy)
    const { [HEADERS[provider]]: signature, ...unsigned } = right.headers
    const forged = [
      parcels[provider]({ secret: 'another-secret' }),
      parcels[provider]({ secret: '' }),
      { ...right, headers: unsigned },
      { ...right, headers: { ...unsigned, [HEADERS[provider]]: '' } },
      { ...right, headers: { ...unsigned, [HEADERS[provider]]: `${signature}x` } },
      // Personr signs no body.
      ...(provider === 'PERSONR' ? [] : [{ ...right, body: `${right.body} ` }]),
    ]
    for (const parcel of forged) expect(await deliver(app, policy, parcel)).toBe(401)
    expect(await count()).toBe(before)
    expect(await deliver(app, policy, right)).toBe(204)
  })

  test.each(['KAYLE', 'RAPIDLY'] as const)(
    'of %s is one that is more than 300 seconds old, or ahead',
    async provider => {
      const policy = endpointOf(provider)
      const parcel = parcels[provider](policy)
      for (const [moved, status] of [
        [301, 401],
        [-301, 401],
        [299, 204],
        [-299, 204],
      ] as const) {
        at += moved * 1000
        expect(await deliver(app, policy, parcel)).toBe(status)
        at -= moved * 1000
      }
    },
  )

  test('is one that was signed for another endpoint', async () => {
    const other = await openEndpoint(app, 'VERILOCK')
    expect(await deliver(app, endpointOf('VERILOCK'), parcels.VERILOCK(other))).toBe(401)
  })
})

describe('a delivery', () => {
  test('refreshes the session, with its source in the timeline', async () => {
    const { session, parcel } = await makeCanceled()
    await deliver(app, endpointOf('KAYLE'), parcel)
    await settle()
    const now = await stored(session)
    expect(now).toMatchObject({ status: 'CANCELED', outcome: 'NOT_APPLICABLE', sync: { source: 'WEBHOOK' } })
    expect(now.timeline.nodes.slice(-2)).toEqual([
      { __typename: 'SessionStatusChanged', source: 'WEBHOOK', sessionStatus: 'CANCELED' },
      {
        __typename: 'WebhookReceived',
        source: 'WEBHOOK',
        providerEvent: 'verification.session.cancelled',
        applied: true,
      },
    ])
    expect(await newest()).toMatchObject({ state: 'APPLIED', attempts: 1 })
  })

  test('applies only what the provider confirms', async () => {
    const session = await make('KAYLE')
    await deliver(app, endpointOf('KAYLE'), await fromKayle(endpointOf('KAYLE'), cancelled(session), new Date(at)))
    await settle()
    expect(await stored(session)).toMatchObject({ status: 'CREATED' })
    expect(await received(session)).toHaveLength(1)
  })

  test('that arrives 100 times at once is applied once', async () => {
    const { session, parcel } = await makeCanceled()
    const before = await count()
    const statuses = await Promise.all(Array.from({ length: 100 }, () => deliver(app, endpointOf('KAYLE'), parcel)))
    expect(new Set(statuses)).toEqual(new Set([204]))
    await settle()
    expect(await count()).toBe(before + 1)
    expect(await received(session)).toHaveLength(1)
  })

  test('that is signed again for each retry is one delivery', async () => {
    const { session } = await makeCanceled()
    const policy = endpointOf('KAYLE')
    for (let retry = 0; retry < 3; retry++) {
      await deliver(app, policy, await fromKayle(policy, cancelled(session, `evt_of_${session.id}`), new Date(at)))
      at += 400_000
      await settle()
    }
    expect(await received(session)).toHaveLength(1)
  })

  test('that an attacker replays has no effect', async () => {
    const session = await make('VERILOCK')
    const parcel = fromVerilock(endpointOf('VERILOCK'), verilockEvent(session))
    for (let time = 0; time < 3; time++) {
      expect(await deliver(app, endpointOf('VERILOCK'), parcel)).toBe(204)
      await settle()
      at += 86_400_000
    }
    expect(await received(session)).toHaveLength(1)
  })

  test('about an unknown session fetches it under this account, and stores it', async () => {
    const { baseUrl } = app.sandboxes.find(({ provider }) => provider === 'KAYLE') ?? {}
    const headers = { authorization: 'Bearer kk_sandbox0000000000000000000000000', 'content-type': 'application/json' }
    const made = await fetch(`${baseUrl}/v1/sessions`, { method: 'POST', headers, body: '{}' })
    const { data } = (await made.json()) as { data: { id: string } }
    await app.sandbox('KAYLE').advance({ id: data.id, to: 'cancelled' })
    const parcel = await fromKayle(endpointOf('KAYLE'), cancelled({ id: '', providerId: data.id }), new Date(at))
    await deliver(app, endpointOf('KAYLE'), parcel)
    await settle()
    const found = await app.execute(
      'query ($id: String!) { session(by: { atProvider: { provider: KAYLE, providerId: $id } }) { id status } }',
      { id: data.id },
    )
    expect(found.data.session).toMatchObject({ status: 'CANCELED' })
    expect(await received(found.data.session)).toHaveLength(1)
  })

  test('about a session that its provider does not know either is accepted and changes nothing', async () => {
    const sessions = async () => (await app.db.sql.selectFrom('sessions').select('id').execute()).length
    const before = await sessions()
    const none = { id: '', providerId: `vs_${'0'.repeat(64)}` }
    const event = {
      ...cancelled(none),
      type: 'verification.attempt.succeeded',
      attemptId: 'va_1',
      data: { claims: {} },
    }
    expect(await deliver(app, endpointOf('KAYLE'), await fromKayle(endpointOf('KAYLE'), event, new Date(at)))).toBe(204)
    await settle()
    expect(await newest()).toMatchObject({ state: 'APPLIED' })
    expect(await sessions()).toBe(before)
  })

  test('waits while its provider is unavailable, and is applied as soon as it is back', async () => {
    const { session, parcel } = await makeCanceled()
    await app.sandbox('KAYLE').faults([{ method: 'GET', fault: { kind: 'status', status: 500 } }])
    expect(await deliver(app, endpointOf('KAYLE'), parcel)).toBe(204)
    await settle()
    expect(await newest()).toMatchObject({ state: 'STORED', attempts: 1 })
    await settle()
    expect(await newest()).toMatchObject({ state: 'STORED', attempts: 1 })
    at += 1_000
    await settle()
    expect(await newest()).toMatchObject({ state: 'STORED', attempts: 2 })
    await app.sandbox('KAYLE').clearFaults()
    at += 2_000
    await settle()
    expect(await newest()).toMatchObject({ state: 'APPLIED' })
    expect(await stored(session)).toMatchObject({ status: 'CANCELED' })
    expect(await received(session)).toHaveLength(1)
  })

  test('is applied even if its secret was replaced and its endpoint removed meanwhile', async () => {
    const policy = await openEndpoint(app, 'KAYLE')
    const { session, parcel } = await makeCanceled(policy)
    await app.sandbox('KAYLE').faults([{ method: 'GET', fault: { kind: 'status', status: 500 } }])
    await deliver(app, policy, parcel)
    await settle()
    for (let time = 0; time < 2; time++) await app.services.webhookEndpoints.rotate(DEV, policy.id)
    await app.services.webhookEndpoints.remove(DEV, policy.id)
    await app.sandbox('KAYLE').clearFaults()
    at += 1_000
    await settle()
    expect(await stored(session)).toMatchObject({ status: 'CANCELED' })
  })

  test('is left to an operator after a day of retries', async () => {
    const { session, parcel } = await makeCanceled()
    await deliver(app, endpointOf('KAYLE'), parcel)
    await app.sandbox('KAYLE').faults([{ method: 'GET', fault: { kind: 'status', status: 500 } }])
    await settle()
    const { id } = await newest()
    await app.db.sql
      .updateTable('deliveries')
      .set({ state: 'STORED', attempts: 149, next_attempt_at: at })
      .where('id', '=', id)
      .execute()
    await settle()
    expect(await newest()).toMatchObject({ state: 'QUARANTINED', attempts: 150 })
    await app.sandbox('KAYLE').clearFaults()
    await app.services.webhookInbox.replay(DEV, id)
    await settle()
    expect(await newest()).toMatchObject({ state: 'APPLIED' })
    expect(await stored(session)).toMatchObject({ status: 'CANCELED' })
  })

  test('updates the time of the last webhook of a provider', async () => {
    const query = '{ providers { provider health { lastWebhookAt } } }'
    const fresh = await start()
    const heard = async () =>
      Object.fromEntries(
        (await fresh.execute(query)).data.providers.map(
          (info: { provider: string; health: { lastWebhookAt: string } }) => [info.provider, info.health.lastWebhookAt],
        ),
      )
    expect(new Set(Object.values(await heard()))).toEqual(new Set([null]))
    const policy = await openEndpoint(fresh, 'VERILOCK')
    await deliver(fresh, policy, fromVerilock(policy, { event: 'aml.alert', webhook_id: 'wh_1', data: {} }))
    expect(await heard()).toMatchObject({ VERILOCK: new Date(at).toISOString(), KAYLE: null })
    await settle(fresh)
    await fresh.close()
  })
})

describe('a delivery that is signed and unparseable', () => {
  test.each(['not a JWE', 'a.b.c.d.e', ''])('is stored as failed, and can be replayed: %j', async body => {
    const parcel = signKayle(body, endpointOf('KAYLE').secret, new Date(at))
    expect(await deliver(app, endpointOf('KAYLE'), parcel)).toBe(204)
    const { id, state } = await newest()
    expect(state).toBe('QUARANTINED')
    await app.services.webhookInbox.replay(DEV, id)
    await settle()
    expect(await newest()).toMatchObject({ id, state: 'QUARANTINED' })
  })

  test('is applied once its decryption key is available', async () => {
    const policy = await openEndpoint(app, 'KAYLE')
    const other = await app.services.webhookEndpoints.add(DEV, { provider: 'KAYLE' })
    const session = await make('KAYLE')
    await app.sandbox('KAYLE').advance({ id: session.providerId, to: 'cancelled' })
    const body = await encryptKayle(cancelled(session), other.publicJwk)
    expect(await deliver(app, policy, signKayle(body, policy.secret, new Date(at)))).toBe(204)
    const { id, state } = await newest()
    expect(state).toBe('QUARANTINED')
    const { secrets } =
      (await app.services.webhookEndpoints.list(DEV)).find(endpoint => endpoint.id === policy.id) ?? {}
    await app.services.webhookEndpoints.add(DEV, {
      id: policy.id,
      provider: 'KAYLE',
      secrets,
      privateKeys: other.endpoint.privateKeys,
    })
    await app.services.webhookInbox.replay(DEV, id)
    await settle()
    expect(await newest()).toMatchObject({ id, state: 'APPLIED' })
    expect(await stored(session)).toMatchObject({ status: 'CANCELED' })
  })
})

describe('while one secret replaces another', () => {
  test('both are valid, and the one before them is not', async () => {
    const policy = await openEndpoint(app, 'VERILOCK')
    const rotate = async () => (await app.services.webhookEndpoints.rotate(DEV, policy.id)).secret ?? ''
    const try_ = (secret: string) =>
      deliver(app, policy, fromVerilock({ secret }, { event: 'aml.alert', webhook_id: `wh_${randomUUID()}`, data: {} }))
    const second = await rotate()
    expect([await try_(policy.secret), await try_(second)]).toEqual([204, 204])
    const third = await rotate()
    expect([await try_(policy.secret), await try_(second), await try_(third)]).toEqual([401, 204, 204])
  })

  test('of the environment are stored before the server listens, so that no delivery gets 404', async () => {
    const { url, release } = await takeDatabase()
    const reader = await openDatabase(url, createFieldEncryption(Buffer.alloc(32)))
    const world = await startWorkload({ fateOf: () => 'ANSWERED', delayMs: () => 0 })
    const stored: string[] = []
    const fresh = await startApp(
      { ...world.env, DATABASE_URL: url, VERILOCK_WEBHOOK_SECRET: 'secret-one' },
      {
        jobs: false,
        beforeListen: async () => {
          const rows = await reader.sql.selectFrom('webhook_endpoints').select('provider').execute()
          stored.push(...rows.map(({ provider }) => provider))
        },
      },
    )
    expect(stored).toEqual(['VERILOCK'])
    await fresh.close()
    await world.close()
    await reader.close()
    await release()
  })

  test('both can come from the environment', async () => {
    const world = await startWorkload({ fateOf: () => 'ANSWERED', delayMs: () => 0 })
    const fresh = await startApp(
      { ...world.env, VERILOCK_WEBHOOK_SECRET: 'secret-one, secret-two' },
      { now: () => new Date(at), jobs: false },
    )
    const [policy] = fresh.webhookRoutes
    expect(fresh.webhookRoutes).toEqual([
      { provider: 'VERILOCK', path: expect.stringMatching(/^\/webhooks\/verilock\/[\w-]{24}$/) },
    ])
    for (const [secret, status] of [
      ['secret-one', 204],
      ['secret-two', 204],
      ['secret-three', 401],
    ] as const) {
      const parcel = fromVerilock({ secret }, { event: 'aml.alert', webhook_id: `wh_${secret}`, data: {} })
      expect(await deliver(fresh, { path: policy?.path ?? '' }, parcel)).toBe(status)
    }
    await settle(fresh)
    await fresh.close()
    await world.close()
  })
})

describe('Kayle', () => {
  const RECORDINGS = new URL('../recordings/kayle/', import.meta.url)
  const { signingSecret, keyId, privateKeyJwk } = JSON.parse(
    readFileSync(new URL('webhook-test-secrets.json', RECORDINGS), 'utf8'),
  )

  test('has its six recorded deliveries verified, decrypted and stored once an event', async () => {
    const fresh = await start()
    const { endpoint } = await fresh.services.webhookEndpoints.add(DEV, {
      provider: 'KAYLE',
      secrets: [signingSecret],
      privateKeys: [{ ...privateKeyJwk, kid: keyId }],
    })
    const path = `/webhooks/kayle/${endpoint.id}`
    const events = new Map<string, string>()
    for (const number of [1, 2, 3, 4, 5, 6]) {
      const { parcel, type, eventId, seconds } = readRecorded(number)
      at = seconds * 1000
      expect(await deliver(fresh, { path }, parcel)).toBe(204)
      events.set(eventId, type)
      at += 301_000
      expect(await deliver(fresh, { path }, parcel)).toBe(401)
    }
    await settle(fresh)
    const deliveries = await fresh.services.webhookEndpoints.deliveries(DEV, 100)
    expect(new Map(deliveries.map(({ key, event }) => [key, event]))).toEqual(events)
    expect(new Set(deliveries.map(({ state }) => state))).toEqual(new Set(['APPLIED']))
    await fresh.close()
    at = Date.now()
  })

  function readRecorded(number: number) {
    const [name = ''] = ['cancelled', 'expired'].filter(end => {
      try {
        return readFileSync(new URL(`delivery-0${number}-verification.session.${end}.http`, RECORDINGS))
      } catch {
        return false
      }
    })
    const text = readFileSync(new URL(`delivery-0${number}-verification.session.${name}.http`, RECORDINGS), 'utf8')
    const [head = '', body = ''] = text.split('\n\n')
    const headers = [...head.matchAll(/^(X-Kayle-[\w-]+|Content-Type): (.*)$/gm)].map(([, key = '', value]) => [
      key.toLowerCase(),
      value,
    ])
    const [, eventId = ''] = /"event_id":"(\w+)"/.exec(text) ?? []
    const seconds = Number(/t=(\d+),/.exec(head)?.[1])
    const parcel = { headers: Object.fromEntries(headers), body: body.trim() }
    return { parcel, eventId, seconds, type: `verification.session.${name}` }
  }

  async function makeSucceeded(): Promise<{ session: CreatedRecord; attemptId: string }> {
    const session = await make('KAYLE')
    await app.sandbox('KAYLE').advance({ id: session.providerId, to: 'attempt_succeeded' })
    const { attempts = {} } = await app.sandbox('KAYLE').objects()
    const attempt = Object.entries(attempts).find(([, object]) => JSON.stringify(object).includes(session.providerId))
    return { session, attemptId: attempt?.[0] ?? '' }
  }

  const claims = { given_names: 'Ann', age_over_18: true, document: { kind: 'passport' } }
  const succeeded = (session: CreatedRecord, attemptId: string) => ({
    type: 'verification.attempt.succeeded',
    sessionId: session.providerId,
    attemptId,
    data: { claims, selected_field_keys: ['given_names', 'age_over_18'] },
  })
  const reported = [{ status: 'SUCCEEDED', details: { claims, selectedFieldKeys: ['given_names', 'age_over_18'] } }]

  test('sends the claims in its delivery alone, and no later read removes them', async () => {
    const { session, attemptId } = await makeSucceeded()
    await deliver(
      app,
      endpointOf('KAYLE'),
      await fromKayle(endpointOf('KAYLE'), succeeded(session, attemptId), new Date(at)),
    )
    await settle()
    const now = await stored(session)
    expect(now).toMatchObject({ status: 'COMPLETED', outcome: 'APPROVED', attempts: { nodes: reported } })
    at += 1_000
    await app.execute('query ($id: ID!) { session(by: { id: $id }, freshness: { maxAgeSeconds: 0 }) { id } }', {
      id: session.id,
    })
    expect((await stored(session)).attempts.nodes).toEqual(reported)
  })

  test('has the claims of an attempt that it does not return yet stored with it', async () => {
    const { session } = await makeSucceeded()
    await deliver(
      app,
      endpointOf('KAYLE'),
      await fromKayle(endpointOf('KAYLE'), succeeded(session, 'va_later'), new Date(at)),
    )
    await settle()
    expect(await newest()).toMatchObject({ state: 'APPLIED' })
    expect((await stored(session)).attempts.nodes).toMatchObject([{ details: { claims: null } }, ...reported])
  })

  test('has no claims stored in plain text', async () => {
    const { session, attemptId } = await makeSucceeded()
    const event = { ...succeeded(session, attemptId), data: { claims: { given_names: 'Zaphodius' } } }
    await deliver(app, endpointOf('KAYLE'), await fromKayle(endpointOf('KAYLE'), event, new Date(at)))
    await settle()
    expect((await stored(session)).attempts.nodes[0].details.claims).toEqual({ given_names: 'Zaphodius' })
    for (const table of ['deliveries', 'attempts', 'events', 'sessions'] as const) {
      const rows = await app.db.sql.selectFrom(table).selectAll().execute()
      expect(JSON.stringify(rows)).not.toContain('Zaphodius')
    }
  })
})

describe('Yorlet, whose sessions cannot be read', () => {
  test('has the later state after two deliveries in the wrong order', async () => {
    const session = await make('YORLET')
    const began = Math.floor(at / 1000)
    at += 20_000
    const policy = endpointOf('YORLET')
    await deliver(app, policy, fromYorlet(policy, yorletEvent(session, 'complete', began + 10)))
    await settle()
    await deliver(app, policy, fromYorlet(policy, yorletEvent(session, 'active', began + 5)))
    await settle()
    expect(await stored(session)).toMatchObject({ status: 'COMPLETED', providerStatus: 'complete' })
    expect((await received(session)).map(({ applied }) => applied)).toEqual([true, false])
  })

  test('has the later of two open states after deliveries in the wrong order', async () => {
    const session = await make('YORLET')
    const began = Math.floor(at / 1000)
    at += 20_000
    const policy = endpointOf('YORLET')
    for (const [status, seconds] of [
      ['active', 10],
      ['pending', 5],
    ] as const) {
      await deliver(app, policy, fromYorlet(policy, yorletEvent(session, status, began + seconds)))
      await settle()
    }
    expect(await stored(session)).toMatchObject({ status: 'IN_PROGRESS', providerStatus: 'active' })
    expect((await received(session)).map(({ applied }) => applied)).toEqual([true, false])
  })

  test('applies an event in the same second as the create, or of a clock that is behind', async () => {
    for (const behind of [0, 30]) {
      const session = await make('YORLET')
      const policy = endpointOf('YORLET')
      await deliver(app, policy, fromYorlet(policy, yorletEvent(session, 'active', Math.floor(at / 1000) - behind)))
      await settle()
      expect(await stored(session)).toMatchObject({ status: 'IN_PROGRESS', sync: { source: 'WEBHOOK' } })
    }
  })

  test('applies the event that ended the session of two in the same second', async () => {
    const session = await make('YORLET')
    const policy = endpointOf('YORLET')
    at += 5_000
    for (const status of ['complete', 'active'])
      await deliver(app, policy, fromYorlet(policy, yorletEvent(session, status, Math.floor(at / 1000))))
    await settle()
    expect(await stored(session)).toMatchObject({ status: 'COMPLETED' })
  })

  test('has its events in order even if its clock is a day ahead', async () => {
    const session = await make('YORLET')
    const policy = endpointOf('YORLET')
    const began = Math.floor(at / 1000)
    await deliver(app, policy, fromYorlet(policy, yorletEvent(session, 'active', began + 86_400)))
    await settle()
    at += 60_000
    await deliver(app, policy, fromYorlet(policy, yorletEvent(session, 'complete', began + 86_460)))
    await settle()
    expect(await stored(session)).toMatchObject({ status: 'COMPLETED' })
  })

  test('has an unknown session stored from its webhook', async () => {
    const session = { id: '', providerId: 'apps_never0seen00001' }
    const policy = endpointOf('YORLET')
    await deliver(app, policy, fromYorlet(policy, yorletEvent(session, 'active', Math.floor(at / 1000))))
    await settle()
    const { data } = await app.execute(
      '{ sessions(first: 100, filter: { providers: [YORLET] }) { nodes { id providerId status } } }',
    )
    const met = data.sessions.nodes.find(({ providerId }: CreatedRecord) => providerId === session.providerId)
    expect(met).toMatchObject({ status: 'IN_PROGRESS' })
    expect(await received(met)).toHaveLength(1)
  })
})

describe('a delivery that arrives before the response to the create', () => {
  test.each(['KAYLE', 'YORLET'] as const)('of %s preserves the link and all input of the caller', async provider => {
    let delayMs = 0
    const world = await startWorkload({ fateOf: () => 'ANSWERED', delayMs: () => delayMs })
    const fresh = await start(world.env)
    const policy = await openEndpoint(fresh, provider)
    const seen = new Set(Object.keys((await sessionsOf(world)) ?? {}))
    delayMs = 300
    const input = {
      idempotencyKey: randomUUID(),
      externalId: 'usr_1',
      metadata: { plan: 'pro' },
      session: SESSION_INPUTS[provider],
    }
    const creating = fresh.execute(
      `mutation ($input: CreateSessionInput!) {
        createSession(input: $input) { ... on CreateSessionPayload { session { id } } }
      }`,
      { input },
    )
    const made = async () => Object.keys((await sessionsOf(world)) ?? {}).find(id => !seen.has(id))
    await expect.poll(made, { interval: 5 }).toBeTruthy()
    delayMs = 0
    at += 50
    const session = { id: '', providerId: (await made()) ?? '' }
    const parcel =
      provider === 'KAYLE'
        ? await fromKayle(policy, cancelled(session), new Date(at))
        : fromYorlet(policy, yorletEvent(session, 'active', Math.floor(at / 1000) + 1))
    expect(await deliver(fresh, policy, parcel)).toBe(204)
    await settle(fresh)
    expect(await fresh.db.sql.selectFrom('sessions').select('id').execute()).toHaveLength(1)
    const { data } = await creating
    const { id } = data.createSession.session
    const answer = await fresh.execute(
      `query ($id: ID!) {
        session(by: { id: $id }, freshness: { maxAgeSeconds: 100000 }) { externalId metadata access { hostedUrl } }
      }`,
      { id },
    )
    expect(answer.data.session).toEqual({
      externalId: 'usr_1',
      metadata: { plan: 'pro' },
      access: { hostedUrl: expect.stringMatching(/^http/) },
    })
    await fresh.close()
    await world.close()

    async function sessionsOf({ sandbox }: typeof world) {
      const objects = await sandbox(provider).objects()
      return provider === 'KAYLE' ? objects.sessions : objects.application_sessions
    }
  })
})

describe('Verilock', () => {
  test('reports the risk score in its delivery, which later reads preserve', async () => {
    const session = await make('VERILOCK')
    await app.sandbox('VERILOCK').advance({ id: session.providerId, to: 'approved' })
    await deliver(app, endpointOf('VERILOCK'), fromVerilock(endpointOf('VERILOCK'), verilockEvent(session)))
    await settle()
    const now = await stored(session)
    expect(now).toMatchObject({ status: 'COMPLETED', outcome: 'APPROVED' })
    expect(now.details.steps.length).toBeGreaterThan(0)
    expect(now.details.riskScore).not.toBeNull()
    at += 1_000
    await app.execute('query ($id: ID!) { session(by: { id: $id }, freshness: { maxAgeSeconds: 0 }) { id } }', {
      id: session.id,
    })
    expect((await stored(session)).details).toEqual(now.details)
  })

  test.each(permute([0, 1, 2, 1]))(
    'has the risk score of its latest event with one, whatever the order of the deliveries: %i %i %i %i',
    async (...order) => {
      const session = await make('VERILOCK')
      await app.sandbox('VERILOCK').advance({ id: session.providerId, to: 'approved' })
      // The latest event has no score.
      const scores = [10, 20, undefined]
      const began = at
      let latest = -1
      for (const [index, event] of order.entries()) {
        const timestamp = new Date(began + event * 1_000).toISOString()
        const sent = { ...verilockEvent(session, { risk_score: scores[event] }), timestamp }
        at += 10_000
        expect(await deliver(app, endpointOf('VERILOCK'), fromVerilock(endpointOf('VERILOCK'), sent))).toBe(204)
        await settle()
        const isNews = scores[event] === undefined || event >= latest
        if (scores[event] !== undefined) latest = Math.max(latest, event)
        const { details } = await stored(session)
        expect(details.riskScore).toBe(latest < 0 ? null : (scores[latest] ?? 0) / 100)
        expect((await received(session)).map(({ applied }) => applied)[index]).toBe(isNews)
      }
    },
  )
})

/** All permutations of the values. */
function permute(values: readonly number[]): number[][] {
  if (values.length === 0) return [[]]
  return values.flatMap((value, index) => permute(values.toSpliced(index, 1)).map(rest => [value, ...rest]))
}

describe('Personr, whose webhooks have no event id', () => {
  const sent = { applicantId: APPLICANT, actionStatus: 'Reviewed', reviewAnswer: 'Approved' }

  test('has the same body within 60 seconds count once, and a later one as new', async () => {
    const session = await make('PERSONR')
    const policy = endpointOf('PERSONR')
    at = Math.ceil(at / 60_000) * 60_000 + 119_000
    const send = async (later: number) => {
      at += later * 1000
      expect(await deliver(app, policy, fromPersonr(policy, sent))).toBe(204)
      await settle()
      return (await received(session)).length
    }
    expect([await send(0), await send(2), await send(57), await send(2)]).toEqual([1, 1, 1, 2])
  })

  test('has the same body within 60 seconds count again if another came in between', async () => {
    const session = await make('PERSONR')
    const policy = endpointOf('PERSONR')
    at += 121_000
    const send = async (body: object) => {
      at += 6_000
      expect(await deliver(app, policy, fromPersonr(policy, body))).toBe(204)
      await settle()
      return (await received(session)).length
    }
    const [one, two] = ['Pending', 'Reviewed'].map(actionStatus => ({ ...sent, actionStatus, sourceKey: 'between' }))
    const counts = []
    for (const body of [one, two, one, one, two, two, one]) counts.push(await send({ ...body }))
    expect(counts).toEqual([1, 2, 3, 3, 4, 4, 5])
  })

  test('has every session of the applicant refreshed', async () => {
    const session = await make('PERSONR')
    at += 61_000
    await app.sandbox('PERSONR').advance({ id: APPLICANT, to: 'approved' })
    await deliver(
      app,
      endpointOf('PERSONR'),
      fromPersonr(endpointOf('PERSONR'), { ...sent, applicantId: APPLICANT, sourceKey: 'x' }),
    )
    await settle()
    expect(await received(session)).toHaveLength(1)
    expect((await stored(session)).sync).toEqual({ source: 'WEBHOOK' })
  })

  test('may send several identical bodies at once', async () => {
    const session = await make('PERSONR')
    at += 61_000
    const parcel = fromPersonr(endpointOf('PERSONR'), { ...sent, sourceKey: randomUUID() })
    await Promise.all(Array.from({ length: 20 }, () => deliver(app, endpointOf('PERSONR'), parcel)))
    await settle()
    expect(await received(session)).toHaveLength(1)
  })
})

describe('Rapidly', () => {
  test('has the stored customer updated, and not by an older event', async () => {
    const email = `${randomUUID()}@example.com`
    const made = await create(app, { recordType: 'customer', input: { rapidly: { email } } }, randomUUID())
    const { id, providerId } = made.data.made.record
    const { customers = {} } = await app.sandbox('RAPIDLY').objects()
    const event = (name: string) => ({
      type: 'customer.updated',
      timestamp: new Date(at).toISOString(),
      data: { ...(customers[providerId] as object), name },
    })
    at += 10_000
    const first = event('Before')
    at += 10_000
    const policy = endpointOf('RAPIDLY')
    await renameAtRapidly(providerId, 'After')
    for (const sent of [event('After'), first]) {
      expect(await deliver(app, policy, fromRapidly(policy, sent, new Date(at)))).toBe(204)
      await settle()
    }
    const { data } = await app.execute(
      `query ($id: ID!) { customer(by: { id: $id }, freshness: { maxAgeSeconds: 100000 }) { name email sync { source } } }`,
      { id },
    )
    expect(data.customer).toEqual({ name: 'After', email, sync: { source: 'WEBHOOK' } })
  })
})

/** Changes the name of a customer at Rapidly. */
async function renameAtRapidly(id: string, name: string): Promise<void> {
  const response = await fetch(`${app.sandbox('RAPIDLY').origin}/api/customers/${id}`, {
    method: 'PATCH',
    headers: { authorization: `Bearer ${rapidly.credentials.apiKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({ name }),
  })
  expect(response.status).toBe(200)
}

describe('with a database that other processes use', () => {
  const folders: string[] = []
  afterEach(() => {
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
  })

  function newFile(): string {
    const folder = mkdtempSync(join(tmpdir(), 'sessiongraph-webhooks-'))
    folders.push(folder)
    return join(folder, 'webhooks.db')
  }

  test('a delivery while it is locked is answered 503 with Retry-After, and is stored when it is sent again', async () => {
    const file = newFile()
    const fresh = await start({ DATABASE_URL: `sqlite:${file}` })
    const policy = await openEndpoint(fresh, 'KAYLE')
    const { session, parcel } = await makeCanceled(policy, fresh)
    const locking = new SqliteDatabase(file)
    locking.exec('begin immediate')
    const response = await post(fresh, policy.path, parcel)
    locking.exec('rollback')
    locking.close()
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '5'])
    expect(await count(fresh)).toBe(0)
    expect(await deliver(fresh, policy, parcel)).toBe(204)
    await settle(fresh)
    expect(await stored(session, fresh)).toMatchObject({ status: 'CANCELED' })
    await fresh.close()
  })

  test('two processes apply each delivery once, also if one of them finishes late', async () => {
    const { url, release } = await takeDatabase()
    let fate: Fate = 'FAILED'
    let delayMs = 0
    const world = await startWorkload({
      fateOf: (_, { method }) => (method === 'GET' ? fate : 'ANSWERED'),
      delayMs: () => delayMs,
    })
    const env = { ...world.env, DATABASE_URL: url, BREAKER_MINIMUM_CALLS: '1000', DEV_API_KEY: API_KEY }
    const one = await start(env)
    const other = await start(env)
    const policy = await openEndpoint(one, 'KAYLE')
    const sessions: CreatedRecord[] = []
    for (let n = 0; n < 5; n++) {
      const session = await make('KAYLE', one)
      sessions.push(session)
      await world.sandbox('KAYLE').advance({ id: session.providerId, to: 'cancelled' })
      await deliver(one, policy, await fromKayle(policy, cancelled(session), new Date(at)))
      await settle(one)
    }
    fate = 'ANSWERED'
    at += 60_000
    delayMs = 300
    const late = settle(one)
    await sleep(100)
    // By now the claims of the first one expired.
    at += 30_000
    delayMs = 0
    await Promise.all([settle(other), settle(other), late])
    await settle(one)
    for (const session of sessions) {
      expect(await stored(session, other)).toMatchObject({ status: 'CANCELED' })
      expect(await received(session, other)).toHaveLength(1)
    }
    await one.close()
    await other.close()
    await world.close()
    await release()
  })

  test('a sandbox that is replaced by the real provider has its own endpoint, and so has the provider', async () => {
    const { url, release } = await takeDatabase()
    const before = await start({ DATABASE_URL: url, SANDBOX_WEBHOOKS: 'on' })
    const played = before.webhookRoutes.find(({ provider }) => provider === 'VERILOCK')
    expect(played).toBeDefined()
    await before.close()
    const world = await startWorkload({ fateOf: () => 'ANSWERED', delayMs: () => 0 })
    const env = { ...world.env, DATABASE_URL: url, VERILOCK_WEBHOOK_SECRET: 'verilock-secret' }
    const real = await start(env)
    const policy = real.webhookRoutes.find(({ provider }) => provider === 'VERILOCK')
    expect(policy?.path).not.toBe(played?.path)
    const parcel = fromVerilock({ secret: 'verilock-secret' }, { event: 'aml.alert', webhook_id: 'wh_1', data: {} })
    expect(await deliver(real, { path: policy?.path ?? '' }, parcel)).toBe(204)
    await settle(real)
    await real.close()
    const again = await start(env)
    expect(again.webhookRoutes.find(({ provider }) => provider === 'VERILOCK')).toEqual(policy)
    await again.close()
    await world.close()
    await release()
  })
})
