import { randomBytes } from 'node:crypto'
import { IncomingMessage, request } from 'node:http'
import { Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { WebSocket } from 'ws'
import { DatabaseUnavailableError } from '../../db/core/database-error.ts'
import { createFailedAuthLimiter } from '../../src/http/auth/authenticator.ts'
import { type IncomingConnection, readBearer } from '../../src/http/auth/bearer.ts'
import { clientAddress, createTrustedProxies } from '../../src/http/auth/client-address.ts'
import { createRateLimiters } from '../../src/redis/redis-rate-limiter.ts'
import { API_KEY, startApp, type TestApp } from '../harness/app/test-app.ts'
import { withKey, withToken } from '../harness/clients/callers.ts'

/** Failed authentication over real sockets. */

let app: TestApp
beforeEach(async () => {
  app = await startApp({}, { jobs: false })
})
afterEach(() => app.close())

async function execute(authorization?: string | readonly string[]) {
  const headers = { 'content-type': 'application/json', ...(authorization !== undefined && { authorization }) }
  const body = '{"query":"{ __typename }"}'
  return new Promise<{ status: number; retryAfterSeconds: number; text: string }>((resolve, reject) => {
    const requests = request(app.url, { method: 'POST', headers: headers as Record<string, string> }, async answer => {
      const text = (await answer.toArray()).join('')
      resolve({ status: answer.statusCode ?? 0, retryAfterSeconds: Number(answer.headers['retry-after']), text })
    })
    requests.on('error', reject).end(body)
  })
}

test('the eleventh failed authentication in a minute is answered 429 with Retry-After, and a valid key is still accepted', async () => {
  for (let index = 0; index < 10; index += 1) {
    const { status, text } = await execute(`Bearer sg_${String(index).padStart(43, 'a')}`)
    expect([status, JSON.parse(text).errors[0].extensions.code]).toEqual([401, 'UNAUTHENTICATED'])
  }
  const { status, text, retryAfterSeconds } = await execute(`Bearer sg_${'z'.repeat(43)}`)
  expect(status).toBe(429)
  expect(JSON.parse(text).errors[0].extensions).toMatchObject({
    code: 'RATE_LIMITED',
    retryable: true,
    retryAfterSeconds,
  })
  expect(retryAfterSeconds).toBeGreaterThan(0)
  expect(retryAfterSeconds).toBeLessThanOrEqual(60)
  expect((await execute(`Bearer ${API_KEY}`)).status).toBe(200)
})

describe('while keys cannot be looked up', () => {
  beforeEach(() => {
    vi.spyOn(app.services.keys, 'find').mockRejectedValue(new DatabaseUnavailableError('CONNECTION_FAILED'))
  })
  afterEach(() => {
    vi.restoreAllMocks()
  })
  const authorization = `Bearer sg_${'a'.repeat(43)}`

  test.each<[string, { method: string; body?: string; accept?: string }, string]>([
    ['a POST', { method: 'POST', body: '{"query":"{ __typename }"}' }, ''],
    [
      'a POST that accepts a stream',
      { method: 'POST', body: '{"query":"{ __typename }"}', accept: 'text/event-stream' },
      '',
    ],
    ['a GET', { method: 'GET' }, '?query=%7B__typename%7D'],
  ])('%s is answered 503 with Retry-After', async (_what, { method, body, accept = '*/*' }, search) => {
    const headers = { authorization, accept, 'content-type': 'application/json' }
    const response = await fetch(app.url + search, { method, body, headers })
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '1'])
    expect(await response.json()).toEqual({
      errors: [
        {
          message: 'The database cannot be reached.',
          extensions: { code: 'OVERLOADED', retryable: true, retryAfterSeconds: 1, requestId: expect.any(String) },
        },
      ],
    })
  })

  test('a WebSocket is closed so that its client connects again', async () => {
    const socket = new WebSocket(app.url.replace('http', 'ws'), 'graphql-transport-ws')
    socket.once('open', () => socket.send(JSON.stringify({ type: 'connection_init', payload: { authorization } })))
    const code = await new Promise(resolve => socket.once('close', resolve))
    expect(code).toBe(1013)
  })
})

test('a request that fails unexpectedly before its response is answered 500', async () => {
  vi.spyOn(app.services.keys, 'find').mockRejectedValue(new Error('a bug'))
  const { status, text } = await execute(`Bearer sg_${'a'.repeat(43)}`)
  expect(status).toBe(500)
  expect(JSON.parse(text).errors).toMatchObject([{ extensions: { code: 'INTERNAL_ERROR', retryable: false } }])
  expect(text).not.toContain('a bug')
  vi.restoreAllMocks()
})

test('guessed keys are not looked up, and valid keys are accepted meanwhile', async () => {
  const at = new Date()
  const frozen = await startApp({ FAILED_AUTH_PER_MINUTE: '5' }, { now: () => at, jobs: false })
  const key = await withKey(frozen)
  const statusOf = async (token: string) => (await withToken(frozen, token).execute('{ __typename }')).status
  const guess = () => `sg_${randomBytes(32).toString('base64url')}`

  for (let index = 0; index < 30; index += 1) expect(await statusOf(guess())).toBe(401)
  expect(await statusOf(key.token)).toBe(200)
  await frozen.db.sql.schema.alterTable('api_keys').renameTo('hidden_keys').execute()
  expect(await statusOf(guess())).toBe(401)
  await frozen.db.sql.schema.alterTable('hidden_keys').renameTo('api_keys').execute()
  await frozen.close()
})

test('a request without a key does not count', async () => {
  for (let index = 0; index < 15; index += 1) expect((await execute()).status).toBe(401)
})

test.each<[string, string | readonly string[]]>([
  ['a huge one', `Bearer ${'x'.repeat(8_000)}`],
  ['a good key with much behind it', `Bearer ${API_KEY} ${'x'.repeat(100)}`],
  ['several', [`Bearer ${API_KEY}`, 'Bearer another']],
  ['the same twice', [`Bearer ${API_KEY}`, `Bearer ${API_KEY}`]],
  ['two in one', `Bearer ${API_KEY}, Bearer ${API_KEY}`],
  ['another scheme', `Basic ${Buffer.from(`${API_KEY}:`).toString('base64')}`],
  ['letters of another alphabet', 'Bearer s\u00e9cret\u00ff'],
  ['a tab', `Bearer\t${API_KEY}`],
  ['a prototype', 'Bearer __proto__'],
  ['an invalid token', 'Bearer eyJhbGciOiJub25lIn0.eyJ0aWQiOiJkZXYifQ.'],
  ['a pile of dots', `Bearer ${'.'.repeat(500)}`],
])('%s is refused with 401', async (_what, authorization) => {
  const { status, text } = await execute(authorization)
  expect(status).toBe(401)
  expect(JSON.parse(text)).toMatchObject({ errors: [{ extensions: { code: 'UNAUTHENTICATED', retryable: false } }] })
  expect(text).not.toContain(API_KEY)
})

describe('failed authentication', () => {
  const limiter = () => createRateLimiters(undefined)({ name: 'bad-keys', points: 2, seconds: 60 })

  test('is counted per address', async () => {
    const failedAuthLimiter = createFailedAuthLimiter(limiter(), () => {})
    expect([await failedAuthLimiter.count('192.0.2.1'), await failedAuthLimiter.count('192.0.2.1')]).toEqual([0, 0])
    expect(await failedAuthLimiter.count('192.0.2.1')).toBeGreaterThan(0)
    expect(await failedAuthLimiter.count('192.0.2.2')).toBe(0)
  })

  test('uses a bounded number of counters, however many addresses there are', async () => {
    const positions = new Set<unknown>()
    const counting = {
      consume: async (place: string) => {
        positions.add(place)
        return 0
      },
    }
    const failedAuthLimiter = createFailedAuthLimiter(counting, () => {})
    for (let index = 0; index < 200_000; index += 1) await failedAuthLimiter.count(`address-${index}`)
    expect(positions.size).toBeLessThanOrEqual(65_536)
  })

  test('is not limited if it cannot be counted, and logs it', async () => {
    const reported: unknown[] = []
    const broken = { consume: () => Promise.reject(new Error('away')) }
    expect(await createFailedAuthLimiter(broken, error => reported.push(error)).count('192.0.2.1')).toBe(0)
    expect(reported).toHaveLength(1)
  })

  test.each([
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '::ffff:192.0.2.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
    ['2001:db8:1:2::9', '2001:db8:1:2'],
    ['2001:db8::9', '2001:db8:0:0'],
    ['::1', '0:0:0:0'],
  ])('%s belongs to %s', (remoteAddress, network) => {
    expect(clientAddress(from(remoteAddress), createTrustedProxies([]))).toBe(network)
  })

  test.each([
    ['203.0.113.9', '10.0.0.2', 'the client behind one proxy'],
    ['203.0.113.9', '10.0.0.2', 'the client behind two proxies', '203.0.113.9, 10.1.1.1'],
    ['203.0.113.9', '10.0.0.2', 'no address that the client itself wrote', '198.51.100.1, 203.0.113.9'],
    ['203.0.113.9', '203.0.113.9', 'the connection where it is of no proxy', '198.51.100.1'],
    ['203.0.113.9', '10.0.0.2', 'the address without the port', '203.0.113.9:50123'],
    ['203.0.113.9', '10.0.0.2', 'the address before a proxy with its port', '203.0.113.9:50123, 10.0.0.3:443'],
    ['2001:db8:0:0', '10.0.0.2', 'the network of an address in brackets', '[2001:db8::1]:50123'],
    ['10.0.0.2', '10.0.0.2', 'the connection where the proxy wrote no address', 'unknown'],
  ])(
    'X-Forwarded-For counts for trusted proxies only: %s from %s is %s',
    (client, remoteAddress, _what, header = client) => {
      expect(clientAddress(from(remoteAddress, header), createTrustedProxies(['10.0.0.0/8']))).toBe(client)
    },
  )

  test('a token with a comma or a space counts as two', () => {
    expect(readBearer('Bearer a,b', {})).toBeUndefined()
    expect(readBearer('Bearer a b', {})).toBeUndefined()
    expect(readBearer('Bearer a.b-c_d', {})).toBe('a.b-c_d')
  })
})

function from(remoteAddress: string, forwardedFor?: string): IncomingConnection {
  const socket = Object.defineProperty(new Socket(), 'remoteAddress', { value: remoteAddress })
  const req = new IncomingMessage(socket)
  if (forwardedFor !== undefined) req.headers['x-forwarded-for'] = forwardedFor
  return { req }
}
