import { createHmac, generateKeyPairSync } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { CompactEncrypt, importJWK } from 'jose'
import { describe, expect, test } from 'vitest'
import type { JsonObject } from '../../src/domain/json.ts'
import type { ProviderModule, RawDelivery, WebhookNotice, WebhookReadResult } from '../../src/providers/contract.ts'
import { registry } from '../../src/providers/registry.ts'

const NOW = new Date('2026-11-21T05:00:00.000Z')
const SECRET = 'whsec_the-one-that-is-live'
const OTHER = 'whsec_another'
const SESSION = `vs_${'a1'.repeat(32)}`

type Name = 'KAYLE' | 'PERSONR' | 'RAPIDLY' | 'VERILOCK' | 'YORLET'
type Sign = (body: Buffer, secret: string, at: Date) => RawDelivery['headers']

function hmac(secret: string, ...parts: readonly (string | Buffer)[]) {
  return parts.reduce((hash, part) => hash.update(part), createHmac('sha256', secret))
}

const seconds = (at: Date) => Math.floor(at.getTime() / 1000)

/** Built from the providers' documents, without the code that reads them. */
const SIGN: Readonly<Record<Name, Sign>> = {
  KAYLE: (body, secret, at) => ({
    'x-kayle-signature': `t=${seconds(at)},v1=${hmac(secret, `${seconds(at)}.`, body).digest('hex')}`,
  }),
  PERSONR: (_, secret) => ({ authorization: `Bearer ${secret}` }),
  RAPIDLY: (body, secret, at) => ({
    'webhook-id': 'd0d1cf0f-4a92-4a4c-8a5e-1d6fb4f9a3c1',
    'webhook-timestamp': String(seconds(at)),
    'webhook-signature': `v1,${hmac(secret, `d0d1cf0f-4a92-4a4c-8a5e-1d6fb4f9a3c1.${seconds(at)}.`, body).digest('base64')}`,
  }),
  VERILOCK: (body, secret) => ({ 'x-verilock-signature': hmac(secret, body).digest('hex') }),
  YORLET: (body, secret) => ({ 'x-yorlet-signature': hmac(secret, body).digest('base64') }),
}

const SIGNATURE: Readonly<Record<Name, string>> = {
  KAYLE: 'x-kayle-signature',
  PERSONR: 'authorization',
  RAPIDLY: 'webhook-signature',
  VERILOCK: 'x-verilock-signature',
  YORLET: 'x-yorlet-signature',
}

const pair = generateKeyPairSync('rsa', { modulusLength: 2048 })
const PRIVATE = { ...pair.privateKey.export({ format: 'jwk' }), kid: 'ours' } as JsonObject
const PUBLIC = pair.publicKey.export({ format: 'jwk' }) as JsonObject

interface Given {
  readonly secrets?: readonly string[]
  readonly privateKeys?: readonly JsonObject[]
  readonly now?: Date
}

async function read(provider: Name, delivery: RawDelivery, given: Given = {}): Promise<WebhookReadResult> {
  const { webhook }: ProviderModule = registry[provider]
  if (!webhook) throw new Error(`${provider} reads no webhooks.`)
  const { secrets = [SECRET], privateKeys = [PRIVATE], now = NOW } = given
  return webhook(delivery, { secrets, privateKeys }, now)
}

function signed(provider: Name, content: string | Buffer | object, secret = SECRET, at = NOW): RawDelivery {
  const body = toBytes(content)
  return { headers: SIGN[provider](body, secret, at), body }
}

function toBytes(content: string | Buffer | object): Buffer {
  if (Buffer.isBuffer(content)) return content
  return Buffer.from(typeof content === 'string' ? content : JSON.stringify(content))
}

async function notice(provider: Name, content: object): Promise<WebhookNotice> {
  return noticeOf(await read(provider, await parcel(provider, content)))
}

function noticeOf(providerRead: WebhookReadResult): WebhookNotice {
  if (typeof providerRead === 'string') throw new Error(providerRead)
  return providerRead.notice
}

/** The signed webhook of a provider for a text: Kayle alone encrypts it. */
async function parcel(provider: Name, content: string | Buffer | object): Promise<RawDelivery> {
  return signed(provider, provider === 'KAYLE' ? await encrypt(toBytes(content)) : content)
}

async function encrypt(text: Buffer, header: { alg?: string; enc?: string; kid?: string; key?: JsonObject } = {}) {
  const { alg = 'RSA-OAEP-256', enc = 'A256GCM', kid = 'ours', key = PUBLIC } = header
  return new CompactEncrypt(text).setProtectedHeader({ alg, enc, kid }).encrypt(await importJWK(key, alg))
}

const CUSTOMER = {
  id: '8b2c1f9e-3c4d-4e5f-8a6b-7c8d9e0f1a2b',
  created_at: '2026-06-17T10:00:00.123456Z',
  modified_at: null,
  metadata: { tier: 'gold' },
  external_id: 'usr_1337',
  email: 'a@b.co',
  email_verified: false,
  type: 'individual',
  name: 'John Doe',
  billing_address: null,
  workspace_id: '1dbfc517-0bbf-4301-9ba8-555ca42b9737',
  deleted_at: null,
  avatar_url: 'https://www.gravatar.com/avatar/00?d=404',
}

/** One delivery of each provider from its documentation. */
const SAMPLES: Readonly<Record<Name, object>> = {
  KAYLE: {
    type: 'verification.session.cancelled',
    metadata: { contract_version: 1, event_id: 'evt_1', verification_session_id: SESSION },
    data: {},
  },
  PERSONR: { applicantId: '4242424242424x424242424242424242', actionStatus: 'Reviewed', reviewAnswer: 'Approved' },
  RAPIDLY: { type: 'customer.updated', timestamp: '2026-06-17T10:05:00.5Z', data: CUSTOMER },
  VERILOCK: {
    event: 'session.completed',
    data: {
      session_id: 'ses_a1b2c3d4e5f6',
      status: 'approved',
      risk_score: 12,
      decision: 'approved',
      completed_at: '2026-01-15T10:35:00Z',
    },
    timestamp: '2026-01-15T10:35:01Z',
    webhook_id: 'wh_evt_1',
  },
  YORLET: {
    id: 'evt_kq1w2e3r4t5y6u7i',
    object: 'event',
    created: 1_700_000_000,
    type: 'customer.created',
    data: { object: { id: 'cus_1', object: 'customer', email: 'a@b.co' }, previous_attributes: null },
    request: { id: 'req_1', idempotency_key: null, from_dashboard: true, customer_portal: false },
  },
}

const NAMES = ['KAYLE', 'PERSONR', 'RAPIDLY', 'VERILOCK', 'YORLET'] as const
const TIMED = ['KAYLE', 'RAPIDLY'] as const

describe.each(NAMES)('a webhook of %s', provider => {
  const sample = SAMPLES[provider]
  const header = SIGNATURE[provider]

  test('is read if it is signed with a valid secret, the first or the second', async () => {
    const delivery = await parcel(provider, sample)
    expect(await read(provider, delivery)).toHaveProperty('notice.event')
    expect(await read(provider, delivery, { secrets: [OTHER, SECRET] })).toHaveProperty('notice.event')
  })

  test('is forged without a signature, with a changed one, or with another secret', async () => {
    const { headers, body } = await parcel(provider, sample)
    const signature = headers[header] ?? ''
    const withOverrides = signature.replace(/[A-Za-z0-9](=*)$/, (last, end) => (last.startsWith('0') ? '1' : '0') + end)
    const others = [
      '',
      'null',
      withOverrides,
      signature.slice(0, -2),
      `${signature}00`,
      signature.slice(1),
      '\u0000',
      'ÿ'.repeat(64),
    ]
    for (const other of [undefined, ...others]) {
      expect(await read(provider, { headers: { ...headers, [header]: other }, body }), String(other)).toBe(
        'INVALID_SIGNATURE',
      )
    }
    expect(await read(provider, { headers: {}, body })).toBe('INVALID_SIGNATURE')
    expect(await read(provider, { headers, body }, { secrets: [OTHER] })).toBe('INVALID_SIGNATURE')
  })

  test('is forged if no secret is valid, and an empty one is invalid', async () => {
    expect(await read(provider, await parcel(provider, sample), { secrets: [] })).toBe('INVALID_SIGNATURE')
    expect(await read(provider, signed(provider, sample, ''), { secrets: [''] })).toBe('INVALID_SIGNATURE')
  })

  test.each([
    ['nothing', ''],
    ['256 KiB of junk', Buffer.alloc(256 * 1024, 0xfe)],
    ['null bytes', Buffer.alloc(64)],
    ['no JSON', '{"a":'],
    ['a list', '[]'],
    ['a list of lists', '[[{}]]'],
    ['null', 'null'],
    ['a text', '"a"'],
    ['a number', '1'],
    ['an empty object', '{}'],
    ['lists 100,000 deep', `${'['.repeat(100_000)}${']'.repeat(100_000)}`],
    ['objects 40,000 deep', nested(40_000)],
  ])('is unparseable if it is signed and has %s', async (_, content) => {
    expect(await read(provider, signed(provider, content))).toBe('UNPARSEABLE')
    expect(await read(provider, await parcel(provider, content))).toBe('UNPARSEABLE')
  })

  test('never throws, whichever of its values has another type', async () => {
    const wrongs: unknown[] = [
      null,
      7,
      '',
      'a\u0000b',
      [],
      {},
      [[]],
      { constructor: 1 },
      DEEP,
      'constructor',
      '__proto__',
    ]
    const changed = wrongs.flatMap(wrong => withEachValue(sample, wrong))
    for (const content of changed) {
      const text = JSON.stringify(content).replace(`"${DEEP}"`, nested(20_000))
      const providerRead = await read(provider, await parcel(provider, text))
      expect(typeof providerRead === 'string' ? providerRead : 'READ', text.slice(0, 500)).toMatch(
        /^(READ|UNPARSEABLE)$/,
      )
    }
  })
})

/** A placeholder for a value that is nested deeper than JSON.stringify can write. */
const DEEP = 'too deep'

function nested(depth: number): string {
  return `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`
}

/** Copies with each value at any depth replaced in turn. */
function withEachValue(value: unknown, wrong: unknown): unknown[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, inner]) => [
    { ...value, [key]: wrong },
    ...withEachValue(inner, wrong).map(changed => ({ ...value, [key]: changed })),
  ])
}

/** Personr signs no body. */
describe.each(NAMES.filter(name => name !== 'PERSONR'))('the body that %s signs', provider => {
  test('is forged if a single byte of it is changed', async () => {
    const { headers, body } = await parcel(provider, SAMPLES[provider])
    for (const place of [0, body.length >> 1, body.length - 1]) {
      const withOverrides = Buffer.from(body)
      withOverrides[place] = (withOverrides[place] ?? 0) ^ 1
      expect(await read(provider, { headers, body: withOverrides })).toBe('INVALID_SIGNATURE')
    }
    expect(await read(provider, { headers, body: Buffer.concat([body, Buffer.from(' ')]) })).toBe('INVALID_SIGNATURE')
  })
})

/** The format of several signatures in one header, as sent during a rotation of secrets at the provider. */
const JOINED: Readonly<Record<'KAYLE' | 'RAPIDLY' | 'VERILOCK' | 'YORLET', (...each: string[]) => string[]>> = {
  KAYLE: (...each) => {
    const [time = ''] = /^t=\d+/.exec(each[0] ?? '') ?? []
    const signatures = each.map(header => header.replace(/^t=\d+,/, ''))
    return [
      [time, ...signatures].join(','),
      [...signatures, time].join(','),
      [time, ...signatures].join(' , '),
      [time, 'v0=00', 'v2=abc', ...signatures, 'x', ''].join(','),
      each.join(', '),
      [`t=${seconds(NOW) - 9000}`, time, ...signatures].join(','),
    ]
  },
  RAPIDLY: (...each) => [
    each.join(' '),
    each.join('  '),
    `v2,abc v1a,AAAA ${each.join(' ')} v3`,
    each.join(', '),
    each.join(','),
  ],
  VERILOCK: (...each) => [each.join(', '), each.join(','), ['md5=00', ...each].join(', ')],
  YORLET: (...each) => [each.join(', '), each.join(','), ['x', ...each].join(', ')],
}

describe.each(['KAYLE', 'RAPIDLY', 'VERILOCK', 'YORLET'] as const)(
  'several signatures of %s in one header',
  provider => {
    test('are accepted if and only if any one of them is right, in whatever order', async () => {
      const { headers: right, body } = await parcel(provider, SAMPLES[provider])
      const name = SIGNATURE[provider]
      const by = (secret: string) => signed(provider, body, secret).headers[name] ?? ''
      const [ours = '', second, wrong, another] = [right[name], by(OTHER), by('whsec_wrong'), by('whsec_stale')]
      const cases: [string[], string[], 'READ' | 'INVALID_SIGNATURE'][] = [
        [[ours, wrong], [SECRET], 'READ'],
        [[wrong, ours], [SECRET], 'READ'],
        [[wrong, another, ours], [SECRET], 'READ'],
        [[wrong, ours], [OTHER, SECRET], 'READ'],
        [[wrong, second], [SECRET, OTHER], 'READ'],
        [[ours, second], [OTHER], 'READ'],
        [[wrong, another], [SECRET, OTHER], 'INVALID_SIGNATURE'],
        [[second, wrong], [SECRET], 'INVALID_SIGNATURE'],
      ]
      for (const [each, secrets, expected] of cases) {
        for (const header of JOINED[provider](...each)) {
          const providerRead = await read(provider, { headers: { ...right, [name]: header }, body }, { secrets })
          expect(typeof providerRead === 'string' ? providerRead : 'READ', header).toBe(expected)
        }
      }
    })
  },
)

test('a recent time beside an old one does not make an old signature of Kayle valid', async () => {
  const { body } = await parcel('KAYLE', SAMPLES.KAYLE)
  const old = signed('KAYLE', body, SECRET, new Date(NOW.getTime() - 9_000_000)).headers['x-kayle-signature']
  for (const header of [`t=${seconds(NOW)},${old}`, `${old},t=${seconds(NOW)}`]) {
    expect(await read('KAYLE', { headers: { 'x-kayle-signature': header }, body })).toBe('INVALID_SIGNATURE')
  }
})

describe.each(TIMED)('a timestamp of %s', provider => {
  test.each([
    [300, 'READ'],
    [301, 'INVALID_SIGNATURE'],
    [-300, 'READ'],
    [-301, 'INVALID_SIGNATURE'],
  ])('%i seconds before the current time is %s', async (age, expected) => {
    const { body } = await parcel(provider, SAMPLES[provider])
    const delivery = signed(provider, body, SECRET, new Date(NOW.getTime() - age * 1000))
    const providerRead = await read(provider, delivery)
    expect(typeof providerRead === 'string' ? providerRead : 'READ').toBe(expected)
  })
})

describe('Kayle', () => {
  const folder = new URL('../recordings/kayle/', import.meta.url)
  const keys = JSON.parse(readFileSync(new URL('webhook-test-secrets.json', folder), 'utf8'))
  const files = readdirSync(folder).filter(file => file.startsWith('delivery-'))

  /** A recorded delivery, its time, and its expected content. */
  function recorded(file: string) {
    const [arrived = '', rest = ''] = readFileSync(new URL(file, folder), 'utf8').split(/\n--- answered/)
    const [head = '', body = ''] = arrived.split('\n\n')
    const lines = head.split('\n').slice(2)
    const headers = Object.fromEntries(
      lines.map(line => [line.split(':')[0]?.toLowerCase() ?? '', line.replace(/^[^:]*: /, '')]),
    )
    const now = new Date(/received (\S+)/.exec(head)?.[1] ?? '')
    const plaintext = JSON.parse(/^# plaintext: (.*)$/m.exec(rest)?.[1] ?? '')
    return { delivery: { headers, body: Buffer.from(body.trim()) }, now, plaintext }
  }

  const theirs = { secrets: [keys.signingSecret], privateKeys: [{ ...keys.privateKeyJwk, kid: keys.keyId }] }

  test('there are six recorded deliveries', () => {
    expect(files).toHaveLength(6)
  })

  test.each(files)('%s verifies and decrypts', async file => {
    const { delivery, now, plaintext } = recorded(file)
    expect(await read('KAYLE', delivery, { ...theirs, now })).toEqual({
      notice: {
        eventId: plaintext.metadata.event_id,
        event: plaintext.type,
        sessionProviderId: plaintext.metadata.verification_session_id,
      },
    })
    expect(await read('KAYLE', delivery, { ...theirs, now, privateKeys: [PRIVATE] })).toBe('UNPARSEABLE')
    expect(await read('KAYLE', delivery, { ...theirs, now: NOW })).toBe('INVALID_SIGNATURE')
  })

  test('a retry is signed again and has the id of the same event', async () => {
    const all = await Promise.all(
      files.map(async file => {
        const { delivery, now } = recorded(file)
        return [delivery.body.toString(), noticeOf(await read('KAYLE', delivery, { ...theirs, now })).eventId] as const
      }),
    )
    expect(new Set(all.map(([, id]) => id)).size).toBe(new Set(all.map(([body]) => body)).size)
    expect(new Set(all.map(([body]) => body)).size).toBeLessThan(files.length)
  })

  const metadata = { contract_version: 1, event_id: 'evt_2', verification_session_id: SESSION }
  const withAttempt = { ...metadata, verification_attempt_id: `va_${'b2'.repeat(32)}` }

  test('a success has the claims and the keys that were chosen', async () => {
    const data = { claims: { nationality_code: 'AUS', age_over_18: true }, selected_field_keys: ['nationality_code'] }
    expect(await notice('KAYLE', { type: 'verification.attempt.succeeded', metadata: withAttempt, data })).toEqual({
      eventId: 'evt_2',
      event: 'verification.attempt.succeeded',
      sessionProviderId: SESSION,
      isOnlyCopy: true,
      session: {
        providerId: SESSION,
        status: 'COMPLETED',
        outcome: 'APPROVED',
        providerStatus: 'completed',
        unrecognized: false,
        details: {},
      },
      attempt: {
        providerId: withAttempt.verification_attempt_id,
        details: { claims: data.claims, selectedFieldKeys: ['nationality_code'] },
        snapshot: expect.objectContaining({
          providerId: withAttempt.verification_attempt_id,
          status: 'SUCCEEDED',
          details: { sessionProviderId: SESSION, claims: data.claims, selectedFieldKeys: ['nationality_code'] },
        }),
      },
    })
  })

  test('deeply nested claims make it unparseable', async () => {
    const event = { type: 'verification.attempt.succeeded', metadata: withAttempt, data: { claims: DEEP } }
    const text = JSON.stringify(event).replace(`"${DEEP}"`, nested(20_000))
    expect(await read('KAYLE', await parcel('KAYLE', text))).toBe('UNPARSEABLE')
  })

  test('a failure reports nothing of its attempt that a read would not', async () => {
    const event = {
      type: 'verification.attempt.failed',
      metadata: withAttempt,
      data: { failure_code: 'liveness_failed' },
    }
    expect(await notice('KAYLE', event)).not.toHaveProperty('attempt')
  })

  test.each([
    ['succeeded', 'COMPLETED', 'APPROVED'],
    ['failed', 'COMPLETED', 'REJECTED'],
    ['expired', 'EXPIRED', 'NOT_APPLICABLE'],
    ['cancelled', 'CANCELED', 'NOT_APPLICABLE'],
  ])('Kayle 1.6: a session is %s', async (word, status, outcome) => {
    const data = { outcome: 'x', reason: null, nfc_tries_used: 1, liveness_tries_used: 0 }
    const event = `verification.session.${word}`
    expect(await notice('KAYLE', { type: event, metadata, data })).toEqual({
      eventId: 'evt_2',
      event,
      sessionProviderId: SESSION,
      session: {
        providerId: SESSION,
        status,
        outcome,
        providerStatus: word,
        unrecognized: false,
        details: { outcome: 'x', nfcTriesUsed: 1, livenessTriesUsed: 0 },
      },
    })
  })

  test('a key is found by its id, otherwise by trying each', async () => {
    const spare = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' }) as JsonObject
    const text = toBytes(SAMPLES.KAYLE)
    for (const kid of ['ours', 'typed in otherwise', 'spare']) {
      const delivery = signed('KAYLE', await encrypt(text, { kid }))
      const privateKeys = [{ ...spare, kid: 'spare' }, PRIVATE]
      expect(await read('KAYLE', delivery, { privateKeys }), kid).toHaveProperty('notice')
    }
  })

  test('missing keys, broken keys and keys of another type leave it unparseable', async () => {
    const delivery = await parcel('KAYLE', SAMPLES.KAYLE)
    for (const privateKeys of [[], [{}], [{ kty: 'RSA' }], [{ kty: 'oct', k: 'AAAA' }], [PUBLIC]]) {
      expect(await read('KAYLE', delivery, { privateKeys })).toBe('UNPARSEABLE')
    }
  })

  test('only the algorithms of Kayle are decrypted', async () => {
    const text = toBytes(SAMPLES.KAYLE)
    for (const header of [{ alg: 'RSA-OAEP' }, { alg: 'RSA-OAEP-512' }, { enc: 'A128GCM' }, { enc: 'A256CBC-HS512' }]) {
      expect(await read('KAYLE', signed('KAYLE', await encrypt(text, header)))).toBe('UNPARSEABLE')
    }
    const direct = await encrypt(text, { alg: 'dir', key: { kty: 'oct', k: Buffer.alloc(32).toString('base64url') } })
    expect(await read('KAYLE', signed('KAYLE', direct))).toBe('UNPARSEABLE')
  })

  test('a malformed JWE is unparseable', async () => {
    const jwe = await encrypt(toBytes(SAMPLES.KAYLE))
    const parts = jwe.split('.')
    const broken = [
      parts.slice(1).join('.'),
      parts.slice(0, 4).join('.'),
      `${jwe}.x`,
      `....`,
      jwe.replace(/.{4}$/, '0000'),
      `bnVsbA.${parts.slice(1).join('.')}`,
    ]
    for (const body of broken) expect(await read('KAYLE', signed('KAYLE', body))).toBe('UNPARSEABLE')
  })

  test('the signature is verified first: a forged body is never decrypted', async () => {
    expect(await read('KAYLE', signed('KAYLE', 'not a JWE', OTHER))).toBe('INVALID_SIGNATURE')
  })
})

describe('Verilock', () => {
  const sample = SAMPLES.VERILOCK as { data: object }

  test('a session event has the decision', async () => {
    expect(await notice('VERILOCK', sample)).toMatchObject({
      eventId: 'wh_evt_1',
      event: 'session.completed',
      occurredAt: new Date('2026-01-15T10:35:01Z'),
      sessionProviderId: 'ses_a1b2c3d4e5f6',
      session: {
        providerId: 'ses_a1b2c3d4e5f6',
        status: 'COMPLETED',
        outcome: 'APPROVED',
        providerStatus: 'approved',
        completedAt: new Date('2026-01-15T10:35:00Z'),
        details: { riskScore: 0.12 },
      },
    })
  })

  test('both headers are accepted, with and without the name of the hash', async () => {
    const { headers, body } = signed('VERILOCK', sample)
    const hex = headers['x-verilock-signature']
    for (const name of ['x-verilock-signature', 'x-webhook-signature']) {
      for (const value of [hex, `sha256=${hex}`]) {
        expect(await read('VERILOCK', { headers: { [name]: value }, body })).toHaveProperty('notice')
      }
    }
    expect(await read('VERILOCK', { headers: { 'x-webhook-signature': `sha1=${hex}` }, body })).toBe(
      'INVALID_SIGNATURE',
    )
  })

  test('the older payload has a workflow instead of a decision', async () => {
    const { decision: _, ...data } = sample.data as Record<string, unknown>
    const sent = await notice('VERILOCK', { ...sample, data: { ...data, workflow_id: 'wf_1' } })
    expect(sent.session).toMatchObject({ status: 'COMPLETED', outcome: 'APPROVED' })
  })

  test('other events name a session, or none', async () => {
    const event = { event: 'aml.match_found', webhook_id: 'wh_evt_2', timestamp: '2026-01-15T10:35:01Z' }
    const bare = { eventId: 'wh_evt_2', event: 'aml.match_found', occurredAt: new Date('2026-01-15T10:35:01Z') }
    expect(await notice('VERILOCK', { ...event, data: { entity: 'x' } })).toEqual(bare)
    expect(await notice('VERILOCK', { ...event, data: { session_id: 'ses_1', status: 'hit' } })).toEqual({
      ...bare,
      sessionProviderId: 'ses_1',
    })
  })

  test('a session event without a session is unparseable', async () => {
    expect(await read('VERILOCK', signed('VERILOCK', { ...sample, data: { status: 'approved' } }))).toBe('UNPARSEABLE')
  })
})

describe('Personr', () => {
  const id = '4242424242424x424242424242424242'
  const expected = { eventId: null, event: 'applicant', applicantProviderId: id }

  test.each([
    ['flat', SAMPLES.PERSONR],
    [
      'like the status answer',
      { status: 'success', response: { applicantStatus: 'Reviewed', result: { applicant: id } } },
    ],
    ['like the status answer without its wrapper', { applicantStatus: 'Reviewed', result: { applicant: id } }],
    ['like the status answer with an id', { status: 'success', response: { applicantId: id } }],
  ])('a payload %s names its applicant and level', async (_, payload) => {
    expect(await notice('PERSONR', payload)).toEqual(expected)
  })

  test('a payload without an applicant is unparseable', async () => {
    const payload = { status: 'success', response: { applicantStatus: 'Reviewed', result: null } }
    expect(await read('PERSONR', signed('PERSONR', payload))).toBe('UNPARSEABLE')
  })

  test('only the whole secret as a bearer token is accepted', async () => {
    const body = toBytes(SAMPLES.PERSONR)
    for (const authorization of [
      SECRET,
      `Basic ${SECRET}`,
      `Bearer${SECRET}`,
      `Bearer ${SECRET} x`,
      'Bearer ',
      'Bearer',
    ]) {
      expect(await read('PERSONR', { headers: { authorization }, body }), authorization).toBe('INVALID_SIGNATURE')
    }
  })
})

describe('Rapidly', () => {
  test.each(['customer.created', 'customer.updated', 'customer.state_changed'])('%s has the customer', async type => {
    expect(await notice('RAPIDLY', { ...SAMPLES.RAPIDLY, type })).toMatchObject({
      eventId: 'd0d1cf0f-4a92-4a4c-8a5e-1d6fb4f9a3c1',
      event: type,
      occurredAt: new Date('2026-06-17T10:05:00.500Z'),
      customer: {
        providerId: CUSTOMER.id,
        externalId: 'usr_1337',
        email: 'a@b.co',
        metadata: { tier: 'gold' },
        details: { type: 'INDIVIDUAL', deletedAt: null },
      },
    })
  })

  test('a deleted customer has the time of its deletion, or that of the event', async () => {
    const event = { type: 'customer.deleted', timestamp: '2026-06-17T10:05:00.5Z', data: CUSTOMER }
    const deletedAt = async (data: object) => (await notice('RAPIDLY', { ...event, data })).customer?.details.deletedAt
    expect(await deletedAt(CUSTOMER)).toBe('2026-06-17T10:05:00.500Z')
    expect(await deletedAt({ ...CUSTOMER, deleted_at: '2026-06-17T10:04:59Z' })).toBe('2026-06-17T10:04:59.000Z')
  })

  test('other events are accepted and change nothing', async () => {
    const { customer, event } = await notice('RAPIDLY', { ...SAMPLES.RAPIDLY, type: 'workspace.updated', data: {} })
    expect([event, customer]).toEqual(['workspace.updated', undefined])
  })

  test('a customer event without a customer is unparseable', async () => {
    const sent = { ...SAMPLES.RAPIDLY, data: { ...CUSTOMER, id: 'x' } }
    expect(await read('RAPIDLY', signed('RAPIDLY', sent))).toBe('UNPARSEABLE')
  })

  test('one of several signatures is enough', async () => {
    const { headers, body } = signed('RAPIDLY', SAMPLES.RAPIDLY)
    const right = headers['webhook-signature'] ?? ''
    const all = { ...headers, 'webhook-signature': `v1a,AAAA v1,AAAA ${right}` }
    expect(await read('RAPIDLY', { headers: all, body })).toHaveProperty('notice')
    const asymmetric = { ...headers, 'webhook-signature': right.replace('v1,', 'v1a,') }
    expect(await read('RAPIDLY', { headers: asymmetric, body })).toBe('INVALID_SIGNATURE')
  })

  test.each(['webhook-id', 'webhook-timestamp'])('a body signed with another %s is forged', async name => {
    const { headers, body } = signed('RAPIDLY', SAMPLES.RAPIDLY)
    for (const value of [undefined, '', '1', String(seconds(NOW) + 1), '-1', 'NaN']) {
      expect(await read('RAPIDLY', { headers: { ...headers, [name]: value }, body })).toBe('INVALID_SIGNATURE')
    }
  })

  test('the key is the text of the secret and not its decoded bytes', async () => {
    const secret = `whsec_${Buffer.from('some key').toString('base64')}`
    const body = toBytes(SAMPLES.RAPIDLY)
    const { headers } = signed('RAPIDLY', body, 'some key')
    expect(await read('RAPIDLY', { headers, body }, { secrets: [secret] })).toBe('INVALID_SIGNATURE')
  })
})

describe('Yorlet', () => {
  const sample = SAMPLES.YORLET
  const about = (object: object, type: string) => notice('YORLET', { ...sample, type, data: { object } })
  const session = {
    id: 'apse_1',
    object: 'application_session',
    created: 1_699_999_000,
    application: 'app_1',
    application_status: 'apst_1',
    customer: 'cus_1',
    mode: 'classic',
    status: 'complete',
    url: null,
  }

  test('an application session is complete, because it cannot be read', async () => {
    expect(await about(session, 'application_session.updated')).toMatchObject({
      eventId: 'evt_kq1w2e3r4t5y6u7i',
      event: 'application_session.updated',
      occurredAt: new Date(1_700_000_000_000),
      sessionProviderId: 'apse_1',
      session: { providerId: 'apse_1', status: 'COMPLETED', outcome: 'NOT_APPLICABLE', providerStatus: 'complete' },
    })
  })

  test('a customer event has the customer', async () => {
    const customer = { id: 'cus_1', object: 'customer', email: 'a@b.co', name: 'Ada', created: 1_699_999_000 }
    const reported = await about(customer, 'customer.updated')
    expect(reported).toMatchObject({ customer: { providerId: 'cus_1', email: 'a@b.co', name: 'Ada' } })
    expect(reported).not.toHaveProperty('sessionProviderId')
  })

  test.each(['application', 'constructor', '__proto__', 'toString', undefined])(
    'an object of the type %s is accepted and changes nothing',
    async object => {
      const reported = await about({ id: 'x', object }, 'application.updated')
      expect(Object.keys(reported).sort()).toEqual(['event', 'eventId', 'occurredAt'])
    },
  )

  test('an invalid session or customer is unparseable', async () => {
    for (const object of [
      { ...session, status: undefined },
      { object: 'customer', email: 'a@b.co' },
    ]) {
      expect(await read('YORLET', signed('YORLET', { ...sample, data: { object } }))).toBe('UNPARSEABLE')
    }
  })
})
