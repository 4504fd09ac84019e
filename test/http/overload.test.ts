import { afterAll, beforeAll, expect, test } from 'vitest'
import { API_KEY, startApp, type TestApp } from '../harness/app/test-app.ts'
import { createClient } from '../harness/clients/keep-alive.ts'
import { follow, type Subscriber } from '../harness/clients/subscriber.ts'
import { until } from '../harness/waiting.ts'

/** The limit of concurrent requests; excess requests are refused at once. */

const MOST = 8
const ORIGIN = 'https://app.example.com'
const READ = '{ providers { provider } }'
const SLOW = /* GraphQL */ `
  mutation ($key: String!) {
    createSession(
      input: { idempotencyKey: $key, session: { kayle: { redirectUrl: "https://app.example.com/done" } } }
    ) {
      ... on CreateSessionPayload { session { id } }
      ... on MutationError { code }
    }
  }
`
const client = createClient()
let app: TestApp
let keys = 0

beforeAll(async () => {
  app = await startApp({ MAX_IN_FLIGHT: String(MOST), UPSTREAM_CONNECTIONS: '64', CORS_ORIGINS: ORIGIN })
  // The key is known from now on, and has all of its places.
  await execute(READ)
})
afterAll(async () => {
  client.close()
  await app.close()
})

const execute = (query: string, variables: object = {}) => client.exchange(app.url, { query, variables })
const create = () => execute(SLOW, { key: `slow-${keys++}` })
const slowly = (latencyMs: number) => app.sandbox('KAYLE').faults([{ fault: { kind: 'latency', ms: latencyMs } }])

test('at ten times the capacity, requests within it are answered and the others are refused before any work', async () => {
  await slowly(800)
  let answered = 0
  const requests = Array.from({ length: 10 * MOST }, async () => {
    const reply = await create()
    return { ...reply, place: answered++ }
  })
  const replies = await Promise.all(requests)
  const served = replies.filter(({ status }) => status === 200)
  const refused = replies.filter(({ status }) => status === 503)

  expect(served).toHaveLength(MOST)
  expect(refused).toHaveLength(9 * MOST)
  for (const { body } of served) expect(body.data.createSession.session.id).toEqual(expect.any(String))
  for (const { headers, body } of refused) {
    expect(headers['retry-after']).toBe('1')
    expect(body).toEqual({
      errors: [
        {
          message: expect.any(String),
          extensions: { code: 'OVERLOADED', retryable: true, retryAfterSeconds: 1, requestId: expect.any(String) },
        },
      ],
    })
  }
  // No refused request waited for an executed one.
  expect(Math.max(...refused.map(({ place }) => place))).toBeLessThan(Math.min(...served.map(({ place }) => place)))
  expect(app.admission.refused).toBe(9 * MOST)
  const { body: metrics } = await client.exchange(new URL('/metrics', app.url).href)
  expect(metrics).toContain(`sessiongraph_requests_refused_total ${9 * MOST}`)
  await app.sandbox('KAYLE').clearFaults()
})

test('a page of a listed origin can read that it was refused and when to retry, and its preflight requests are answered', async () => {
  await slowly(1_500)
  const busy = Array.from({ length: MOST }, create)
  await until(() => app.admission.inFlight === MOST)
  const body = JSON.stringify({ query: READ })
  const send = (origin: string) => {
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${API_KEY}`, origin }
    return fetch(app.url, { method: 'POST', headers, body })
  }
  const [refused, unlisted] = [await send(ORIGIN), await send('https://evil.example')]
  const preflight = await fetch(app.url, {
    method: 'OPTIONS',
    headers: { origin: ORIGIN, 'access-control-request-method': 'POST' },
  })
  await Promise.all(busy)
  await app.sandbox('KAYLE').clearFaults()

  expect([refused.status, unlisted.status, preflight.status]).toEqual([503, 503, 204])
  expect(refused.headers.get('access-control-allow-origin')).toBe(ORIGIN)
  expect(refused.headers.get('access-control-expose-headers')?.split(', ')).toContain('Retry-After')
  expect(refused.headers.get('retry-after')).toBe('1')
  expect(refused.headers.get('vary')?.split(', ')).toContain('Origin')
  expect(await refused.json()).toMatchObject({ errors: [{ extensions: { code: 'OVERLOADED' } }] })
  expect(unlisted.headers.get('access-control-allow-origin')).toBeNull()
})

test('afterwards requests are accepted again', async () => {
  expect(app.admission.inFlight).toBe(0)
  const replies = await Promise.all(Array.from({ length: MOST }, () => execute(READ)))

  expect(replies.map(({ status }) => status)).toEqual(Array(MOST).fill(200))
})

test('a disconnected client frees its slot', async () => {
  await slowly(2_000)
  const disconnect = new AbortController()
  const headers = { 'content-type': 'application/json', authorization: 'Bearer sg_dev_key_of_the_tests' }
  const requests = Array.from({ length: MOST }, () => {
    const body = JSON.stringify({ query: SLOW, variables: { key: `left-${keys++}` } })
    return fetch(app.url, { method: 'POST', headers, body, signal: disconnect.signal }).catch(() => 'left')
  })
  await until(() => app.admission.inFlight === MOST)
  expect((await execute(READ)).status).toBe(503)

  disconnect.abort()
  await Promise.all(requests)

  await until(() => app.admission.inFlight === 0)
  expect((await execute(READ)).status).toBe(200)
  await app.sandbox('KAYLE').clearFaults()
})

test('subscriptions are not counted, and health checks and metrics are always served', async () => {
  const streams: Subscriber[] = []
  for (let count = 0; count < 2 * MOST; count++) {
    streams.push(await follow(app.url, { query: 'subscription { sessionsUpdated { cursor } }' }))
  }
  expect(streams.map(({ status }) => status)).toEqual(Array(2 * MOST).fill(200))
  expect(app.admission.inFlight).toBe(0)

  await slowly(1_500)
  const busy = Array.from({ length: MOST }, create)
  await until(() => app.admission.inFlight === MOST)
  for (const path of ['/livez', '/readyz']) {
    expect(await client.exchange(new URL(path, app.url).href)).toMatchObject({ status: 200 })
  }
  await Promise.all(busy)
  await Promise.all(streams.map(stream => stream.unsubscribe()))
  await app.sandbox('KAYLE').clearFaults()
})

test('a webhook delivery during overload is sent again by its provider', async () => {
  await slowly(1_000)
  const busy = Array.from({ length: MOST }, create)
  await until(() => app.admission.inFlight === MOST)

  const reply = await client.exchange(new URL('/webhooks/kayle/any', app.url).href, {})
  expect(reply).toMatchObject({ status: 503, headers: { 'retry-after': '1' } })
  await Promise.all(busy)
})
