import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { type House, startHouse } from './harness/house.ts'
import { createClient } from './harness/keep-alive.ts'
import { follow, type Subscriber } from './harness/subscriber.ts'

/** So many requests at a time, and the excess is told at once. */

const MOST = 8
const READ = '{ providers { provider } }'
const SLOW = /* GraphQL */ `
  mutation ($key: String!) {
    createSession(
      input: { idempotencyKey: $key, session: { kayle: { redirectUrl: "https://app.example.com/done" } } }
    ) {
      ... on CreateSessionPayload { session { id } }
      ... on Error { code }
    }
  }
`
const client = createClient()
let house: House
let keys = 0

beforeAll(async () => {
  house = await startHouse({ MAX_IN_FLIGHT: String(MOST), UPSTREAM_CONNECTIONS: '64' })
})
afterAll(async () => {
  client.close()
  await house.close()
})

const ask = (query: string, variables: object = {}) => client.exchange(house.url, { query, variables })
const create = () => ask(SLOW, { key: `slow-${keys++}` })
const slowly = (latencyMs: number) => house.sandbox('KAYLE').faults([{ fault: { kind: 'latency', ms: latencyMs } }])

test('ten times as much as there is room for: all that has room is answered, the rest is refused before any of it is done', async () => {
  await slowly(800)
  let answered = 0
  const asked = Array.from({ length: 10 * MOST }, async () => {
    const reply = await create()
    return { ...reply, place: answered++ }
  })
  const replies = await Promise.all(asked)
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
          extensions: { code: 'OVERLOADED', retryable: true, retryAfter: 1, requestId: expect.any(String) },
        },
      ],
    })
  }
  // Nobody who was refused had to wait for somebody who was served.
  expect(Math.max(...refused.map(({ place }) => place))).toBeLessThan(Math.min(...served.map(({ place }) => place)))
  expect(house.gate.refused).toBe(9 * MOST)
  const { body: metrics } = await client.exchange(new URL('/metrics', house.url).href)
  expect(metrics).toContain(`sessiongraph_requests_refused_total ${9 * MOST}`)
  await house.sandbox('KAYLE').clearFaults()
})

test('afterwards there is room again', async () => {
  expect(house.gate.inFlight).toBe(0)
  const replies = await Promise.all(Array.from({ length: MOST }, () => ask(READ)))

  expect(replies.map(({ status }) => status)).toEqual(Array(MOST).fill(200))
})

test('who leaves makes room', async () => {
  await slowly(2_000)
  const leaving = new AbortController()
  const headers = { 'content-type': 'application/json', authorization: 'Bearer sg_dev_key_of_the_tests' }
  const asked = Array.from({ length: MOST }, () => {
    const body = JSON.stringify({ query: SLOW, variables: { key: `left-${keys++}` } })
    return fetch(house.url, { method: 'POST', headers, body, signal: leaving.signal }).catch(() => 'left')
  })
  await vi.waitUntil(() => house.gate.inFlight === MOST)
  expect((await ask(READ)).status).toBe(503)

  leaving.abort()
  await Promise.all(asked)

  await vi.waitUntil(() => house.gate.inFlight === 0)
  expect((await ask(READ)).status).toBe(200)
  await house.sandbox('KAYLE').clearFaults()
})

test('streams are not counted, and who watches the server is always let in', async () => {
  const streams: Subscriber[] = []
  for (let count = 0; count < 2 * MOST; count++) {
    streams.push(await follow(house.url, { query: 'subscription { sessionsUpdated { cursor } }' }))
  }
  expect(streams.map(({ status }) => status)).toEqual(Array(2 * MOST).fill(200))
  expect(house.gate.inFlight).toBe(0)

  await slowly(1_500)
  const busy = Array.from({ length: MOST }, create)
  await vi.waitUntil(() => house.gate.inFlight === MOST)
  for (const path of ['/livez', '/readyz']) {
    expect(await client.exchange(new URL(path, house.url).href)).toMatchObject({ status: 200 })
  }
  await Promise.all(busy)
  await Promise.all(streams.map(stream => stream.leave()))
  await house.sandbox('KAYLE').clearFaults()
})

test('a delivery that comes while there is no room is asked for again', async () => {
  await slowly(1_000)
  const busy = Array.from({ length: MOST }, create)
  await vi.waitUntil(() => house.gate.inFlight === MOST)

  const reply = await client.exchange(new URL('/webhooks/kayle/any', house.url).href, {})
  expect(reply).toMatchObject({ status: 503, headers: { 'retry-after': '1' } })
  await Promise.all(busy)
})
