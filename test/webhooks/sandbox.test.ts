import { generateKeyPairSync } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { loadSandboxes } from '../../src/app/sandboxes.ts'
import type { Provider } from '../../src/domain/provider.ts'
import type { ProviderModule, RawDelivery, WebhookNotice } from '../../src/providers/contract.ts'
import { registry } from '../../src/providers/registry.ts'
import type { AdvanceStep, SandboxDefinition } from '../../src/sandbox/sandbox.ts'
import { startSandbox } from '../../src/sandbox/server.ts'
import { type StartedSandbox, startSandboxes } from '../../src/sandbox/start-all.ts'
import type { WebhookDelivery } from '../../src/sandbox/webhooks/webhooks.ts'
import type { Tried } from '../harness/documents/session-inputs.ts'
import { startReceiver } from '../harness/providers/webhook-receiver.ts'

/** The webhooks of the sandboxes, read as our own endpoint reads them. */

const SECRET = 'the-secret-of-the-tests'
const pair = generateKeyPairSync('rsa', { modulusLength: 2048 })
const publicJwk = pair.publicKey.export({ format: 'jwk' })
const privateKeys = [{ ...pair.privateKey.export({ format: 'jwk' }), kid: 'key-1' }]
const APPLICANT = '4242424242424x424242424242424242'

let all: StartedSandbox[]
beforeAll(async () => {
  all = await startSandboxes(await loadSandboxes(Object.values(registry)), { port: 0, anyPort: true })
})
afterAll(async () => {
  await Promise.all(all.map(sandbox => sandbox.close()))
})
beforeEach(async () => {
  await Promise.all(all.map(({ origin }) => fetch(`${origin}/_sandbox/webhooks`, { method: 'DELETE' })))
})

function at(provider: Provider): StartedSandbox {
  const found = all.find(sandbox => sandbox.provider === provider)
  if (!found) throw new Error(`${provider} has no sandbox.`)
  return found
}

function control(provider: Provider, method: string, path: string, body?: unknown): Promise<Response> {
  return fetch(`${at(provider).origin}/_sandbox/${path}`, { method, body: body && JSON.stringify(body) } as RequestInit)
}

async function aim(provider: Provider, url: string, quirks: object = {}): Promise<void> {
  const answer = await control(provider, 'PUT', 'webhooks', {
    url,
    secret: SECRET,
    publicJwk,
    keyId: 'key-1',
    ...quirks,
  })
  expect(answer.status).toBe(200)
}

async function advance(provider: Provider, step: AdvanceStep): Promise<void> {
  expect((await control(provider, 'POST', 'advance', step)).status).toBe(200)
}

async function call(provider: Provider, method: string, path: string, body?: unknown, key?: string) {
  const { baseUrl, settings } = at(provider)
  const token = provider === 'PERSONR' ? `bus|${APPLICANT}|4343434343434x434343434343434343` : settings.apiKey
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${key ?? token}` }
  const answer = await fetch(baseUrl + path, { method, headers, body: body && JSON.stringify(body) } as RequestInit)
  const text = await answer.text()
  return text ? JSON.parse(text) : undefined
}

const CREATE: Readonly<Record<Tried, () => Promise<string>>> = {
  KAYLE: async () => (await call('KAYLE', 'POST', '/v1/sessions', {})).data.id,
  PERSONR: async () => APPLICANT,
  RAPIDLY: async () => (await call('RAPIDLY', 'GET', '/customers/external/usr_1337')).id,
  VERILOCK: async () => {
    const profile_id = '01234567-89ab-cdef-0123-456789abcdef'
    return (await call('VERILOCK', 'POST', '/sessions', { profile_id, expires_in: 300 })).id
  },
  YORLET: async () => {
    const requests = { application_status: 'apst_manvb9c4m2WsXy5Z' }
    return (await call('YORLET', 'POST', '/application_sessions', requests)).id
  },
}

async function read(provider: Provider, delivery: RawDelivery): Promise<WebhookNotice> {
  const { webhook }: ProviderModule = registry[provider]
  const providerRead = await webhook?.(delivery, { secrets: [SECRET], privateKeys }, new Date())
  if (typeof providerRead !== 'object') throw new Error(`${provider}: ${providerRead}`)
  return providerRead.notice
}

async function readAll(provider: Provider, got: readonly RawDelivery[]): Promise<WebhookNotice[]> {
  return Promise.all(got.map(delivery => read(provider, delivery)))
}

interface Deliveries {
  readonly deliveries: WebhookDelivery[]
}

async function deliveriesOf(provider: Provider, about: string): Promise<WebhookDelivery[]> {
  const { deliveries } = (await (await control(provider, 'GET', 'deliveries')).json()) as Deliveries
  return deliveries.filter(delivery => delivery.subject === about)
}

describe('an event at a provider is sent in its format, and our endpoint reads it:', () => {
  const REPORTED: readonly [Tried, string, readonly string[], (id: string) => object][] = [
    ['KAYLE', 'attempt_succeeded', ['verification.attempt.succeeded'], id => ({ sessionProviderId: id })],
    ['KAYLE', 'attempt_failed', ['verification.attempt.failed'], id => ({ sessionProviderId: id })],
    ['KAYLE', 'cancelled', ['verification.session.cancelled'], id => ({ sessionProviderId: id })],
    ['KAYLE', 'expired', ['verification.session.expired'], id => ({ sessionProviderId: id })],
    ['PERSONR', 'approved', ['applicant'], id => ({ applicantProviderId: id })],
    ['PERSONR', 'rejected_retry', ['applicant'], id => ({ applicantProviderId: id })],
    ['RAPIDLY', 'email_verified', ['customer.updated'], id => ({ customer: { providerId: id } })],
    ['VERILOCK', 'approved', ['session.completed', 'session.approved'], id => ({ sessionProviderId: id })],
    ['VERILOCK', 'declined', ['session.completed', 'session.declined'], id => ({ sessionProviderId: id })],
    ['VERILOCK', 'expired', ['session.expired'], id => ({ sessionProviderId: id })],
    [
      'YORLET',
      'complete',
      ['application_session.updated'],
      id => ({ session: { providerId: id, status: 'COMPLETED' } }),
    ],
    [
      'YORLET',
      'canceled',
      ['application_session.updated'],
      id => ({ session: { providerId: id, status: 'CANCELED' } }),
    ],
  ]
  test.each(REPORTED)('%s, %s', async (provider, to, events, reported) => {
    const id = await CREATE[provider]()
    const { url, got } = await startReceiver()
    await aim(provider, url)
    await advance(provider, { id, to })
    await expect.poll(() => got.length).toBe(events.length)
    const notices = await readAll(provider, got)
    expect(notices.map(({ event }) => event)).toEqual(events)
    for (const notice of notices) expect(notice).toMatchObject(reported(id))
  })
})

test('Kayle’s success has the requested claims inside the encryption alone', async () => {
  const share_fields = {
    age_over_18: { required: true, reason: 'Age' },
    family_name: { required: true, reason: 'Name' },
  }
  const { data } = await call('KAYLE', 'POST', '/v1/sessions', { share_fields })
  const { url, got } = await startReceiver()
  await aim('KAYLE', url)
  await advance('KAYLE', { id: data.id, to: 'attempt_succeeded' })
  await expect.poll(() => got.length).toBe(1)
  expect(got[0]?.body.toString()).not.toContain('Sample')
  const [notice] = await readAll('KAYLE', got)
  expect(notice?.attempt?.details).toMatchObject({
    claims: { age_over_18: true, family_name: 'Sample', kayle_document_id: 'sandbox-document' },
  })
})

test('Kayle sends nothing without an encryption key, and reports it', async () => {
  const id = await CREATE.KAYLE()
  const { url, got } = await startReceiver()
  await aim('KAYLE', url, { publicJwk: undefined, keyId: undefined })
  await advance('KAYLE', { id, to: 'expired' })
  const errorOf = async () => (await deliveriesOf('KAYLE', id))[0]?.attempts[0]?.error
  await expect.poll(errorOf).toMatch(/no active key/)
  expect(got).toEqual([])
})

test('calls of a provider’s own API send a webhook for their changes', async () => {
  const { url, got } = await startReceiver()
  for (const provider of ['KAYLE', 'RAPIDLY', 'YORLET'] as const) await aim(provider, url)
  const eventOf = async (provider: Provider, nth: number) => {
    await expect.poll(() => got.length).toBe(nth + 1)
    return (await read(provider, got[nth] as RawDelivery)).event
  }

  await call('KAYLE', 'POST', `/v1/sessions/${await CREATE.KAYLE()}/cancel`)
  expect(await eventOf('KAYLE', 0)).toBe('verification.session.cancelled')
  const { id } = await call('RAPIDLY', 'POST', '/customers/', { email: 'new@example.com' })
  expect(await eventOf('RAPIDLY', 1)).toBe('customer.created')
  await call('RAPIDLY', 'PATCH', `/customers/${id}`, { name: 'New' })
  expect(await eventOf('RAPIDLY', 2)).toBe('customer.updated')
  await call('RAPIDLY', 'DELETE', `/customers/${id}`)
  expect(await eventOf('RAPIDLY', 3)).toBe('customer.deleted')
  const session = await CREATE.YORLET()
  expect(await eventOf('YORLET', 4)).toBe('application_session.created')
  await call('YORLET', 'POST', `/application_sessions/${session}/cancel`, {}, 'yorlet_sandbox_key_with_session_reads')
  expect(await eventOf('YORLET', 5)).toBe('application_session.updated')
  await call('YORLET', 'POST', '/customers', { email: 'new@example.com' })
  expect(await eventOf('YORLET', 6)).toBe('customer.created')
})

test('a second cancel sends no webhook', async () => {
  const id = await CREATE.KAYLE()
  const { url, got } = await startReceiver()
  await aim('KAYLE', url)
  await call('KAYLE', 'POST', `/v1/sessions/${id}/cancel`)
  await call('KAYLE', 'POST', `/v1/sessions/${id}/cancel`)
  await advance('KAYLE', { id: await CREATE.KAYLE(), to: 'expired' })
  await expect.poll(() => got.length).toBe(2)
  expect((await readAll('KAYLE', got)).map(({ event }) => event)).toEqual([
    'verification.session.cancelled',
    'verification.session.expired',
  ])
})

test('an expired Verilock session sends one webhook, when it is read', async () => {
  const id = await CREATE.VERILOCK()
  const { url, got } = await startReceiver()
  await aim('VERILOCK', url)
  await control('VERILOCK', 'POST', 'clock', { advanceSeconds: 301 })
  expect((await call('VERILOCK', 'GET', `/sessions/${id}`)).status).toBe('expired')
  await call('VERILOCK', 'GET', `/sessions/${id}`)
  await expect
    .poll(async () => (await deliveriesOf('VERILOCK', id)).map(({ event }) => event))
    .toEqual(['session.expired'])
  expect(got.length).toBeGreaterThan(0)
})

test('a failed delivery is retried: the same delivery, with a new time and signature', async () => {
  const { url, got } = await startReceiver(nth => [500, 302][nth] ?? 204)
  const id = await CREATE.KAYLE()
  await aim('KAYLE', url, { retryDelaysMs: [1100, 10, 10] })
  await advance('KAYLE', { id, to: 'cancelled' })
  await expect.poll(() => got.length, { timeout: 5000 }).toBe(3)
  expect(new Set(got.map(({ body }) => body.toString())).size).toBe(1)
  expect(new Set(got.map(({ headers }) => headers['x-kayle-delivery-id'])).size).toBe(1)
  expect(new Set(got.map(({ headers }) => headers['x-kayle-signature'])).size).toBeGreaterThan(1)
  await readAll('KAYLE', got)
  const [delivery] = await deliveriesOf('KAYLE', id)
  expect(delivery?.attempts.map(({ status }) => status)).toEqual([500, 302, 204])
})

test('a delivery is given up after the last of the delays', async () => {
  const { url, got } = await startReceiver(() => 500)
  const id = await CREATE.KAYLE()
  await aim('KAYLE', url, { retryDelaysMs: [1, 1] })
  await advance('KAYLE', { id, to: 'cancelled' })
  await expect.poll(() => got.length).toBe(3)
  await new Promise(resolve => setTimeout(resolve, 100))
  expect(got).toHaveLength(3)
})

test('duplicates are copies of one delivery', async () => {
  const { url, got } = await startReceiver()
  const id = await CREATE.YORLET()
  await aim('YORLET', url, { duplicate: 99 })
  await advance('YORLET', { id, to: 'complete' })
  await expect.poll(() => got.length).toBe(100)
  expect(new Set((await readAll('YORLET', got)).map(({ eventId }) => eventId)).size).toBe(1)
})

test('two deliveries are swapped on request, and one that waits for another in vain is sent alone', async () => {
  const { url, got } = await startReceiver()
  const id = await CREATE.VERILOCK()
  await aim('VERILOCK', url, { reorder: true })
  await advance('VERILOCK', { id, to: 'approved' })
  await expect.poll(() => got.length).toBe(2)
  const events = (await readAll('VERILOCK', got)).map(({ event }) => event)
  expect(events).toEqual(['session.approved', 'session.completed'])
  await advance('VERILOCK', { id: await CREATE.VERILOCK(), to: 'expired' })
  await expect.poll(() => got.length, { timeout: 3000 }).toBe(3)
})

test('otherwise they are sent in order, late if a delay is set', async () => {
  const { url, got } = await startReceiver()
  const id = await CREATE.YORLET()
  await aim('YORLET', url, { delayMs: 300 })
  const requests = Date.now()
  await advance('YORLET', { id, to: 'active' })
  await advance('YORLET', { id, to: 'complete' })
  expect(got).toEqual([])
  await expect.poll(() => got.length, { interval: 10 }).toBe(2)
  expect(Date.now() - requests).toBeGreaterThanOrEqual(290)
  expect((await readAll('YORLET', got)).map(({ session }) => session?.status)).toEqual(['IN_PROGRESS', 'COMPLETED'])
})

test('an endpoint that never answers blocks neither the caller nor the shutdown of the sandbox', async () => {
  const { url, got } = await startReceiver(() => 'HANG')
  const { sandbox } = await registry.PERSONR.sandbox()
  const alone = await startSandbox(sandbox as SandboxDefinition, { port: 0 })
  const execute = (method: string, path: string, body: object) =>
    fetch(`${alone.origin}/_sandbox/${path}`, { method, body: JSON.stringify(body) })
  await execute('PUT', 'webhooks', { url, secret: SECRET })
  const requests = Date.now()
  for (const to of ['pending', 'approved']) await execute('POST', 'advance', { id: APPLICANT, to })
  await expect.poll(() => got.length).toBe(1)
  await alone.close()
  expect(Date.now() - requests).toBeLessThan(3000)
  await new Promise(resolve => setTimeout(resolve, 100))
  expect(got).toHaveLength(1)
})

test.each([
  'https://example.com/hook',
  'http://192.168.0.1/hook',
  'http://localhost.example.com/hook',
  'http://user:password@localhost/hook',
  'file:///etc/hook',
  'nothing',
])('webhooks are sent to this machine only: %s is refused', async url => {
  const answer = await control('YORLET', 'PUT', 'webhooks', { url, secret: SECRET })
  expect(answer.status).toBe(400)
  expect(await (await control('YORLET', 'GET', 'webhooks')).json()).toEqual({})
})

test.each([
  ['a key without its name', { publicJwk }],
  ['a name without its key', { keyId: 'key-1' }],
  ['what is no key', { publicJwk: { kty: 'RSA', n: '', e: '' }, keyId: 'key-1' }],
])('%s is refused', async (_, keys) => {
  const target = { url: 'http://localhost:1/hook', secret: SECRET, ...keys }
  expect((await control('KAYLE', 'PUT', 'webhooks', target)).status).toBe(400)
})

test('secrets are not returned, and a given private key is not stored', async () => {
  const { url, got } = await startReceiver()
  await aim('PERSONR', url, { publicJwk: pair.privateKey.export({ format: 'jwk' }) })
  await advance('PERSONR', { id: APPLICANT, to: 'pending' })
  await expect.poll(() => got.length).toBe(1)
  const shown = await (await control('PERSONR', 'GET', 'webhooks')).json()
  expect(shown).toMatchObject({ url, secret: '(masked)', publicJwk })
  expect(JSON.stringify(shown)).not.toContain('"d"')
  await expect.poll(async () => (await deliveriesOf('PERSONR', APPLICANT)).at(-1)?.attempts).toHaveLength(1)
  const [last] = (await deliveriesOf('PERSONR', APPLICANT)).slice(-1)
  expect(last?.attempts[0]).toMatchObject({ status: 204, headers: { authorization: '(masked)' } })
  expect(JSON.stringify(last)).not.toContain(SECRET)
})

test('after DELETE nothing is sent and nothing is retried', async () => {
  const { url, got } = await startReceiver(() => 500)
  await aim('YORLET', url, { retryDelaysMs: [200, 200] })
  const id = await CREATE.YORLET()
  await expect.poll(() => got.length).toBe(1)
  await control('YORLET', 'DELETE', 'webhooks')
  await advance('YORLET', { id, to: 'complete' })
  await new Promise(resolve => setTimeout(resolve, 500))
  expect(got).toHaveLength(1)
})
