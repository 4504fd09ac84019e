import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { createBreaker } from '../src/upstream/breaker.ts'
import { API_KEY } from './harness/house.ts'
import {
  create,
  fieldOf,
  healthOf,
  type Made,
  makeRecord,
  newKey,
  nobody,
  read,
  readByProviderId,
  subjectOf,
} from './harness/reads.ts'
import type { Conduct, Given } from './harness/unruly.ts'
import { startUnrulyHouse, type UnrulyHouse } from './harness/unruly-house.ts'
import { timed, until } from './harness/waiting.ts'

/** A provider that fails is left alone, and found again soon after it recovered. */

const FAILING: Given = { status: 500, text: '{}' }
const HTML: Given = { status: 200, headers: { 'content-type': 'text/html' }, text: '<html></html>' }
const KAYLE = subjectOf('KAYLE')

/** What ten times the bound leaves of "in milliseconds". */
const AT_ONCE_MS = 100

let house: UnrulyHouse
let session: Made
const opened: UnrulyHouse[] = []

async function open(env: Record<string, string> = {}): Promise<void> {
  house = await startUnrulyHouse({ READ_DEADLINE_MS: '200', CREATE_DEADLINE_MS: '200', ...env })
  opened.push(house)
  session = await makeRecord(house, KAYLE)
}
afterEach(async () => {
  for (const each of opened.splice(0)) await each.close()
})

const circuit = async () => (await healthOf(house, 'KAYLE')).circuit
const requests = () => house.at('KAYLE').received.length

/** Reads until the breaker is open. Gives how many requests the provider got. */
async function breakReads(conduct: Conduct = () => FAILING): Promise<number> {
  house.at('KAYLE').behave(conduct)
  for (let n = 0; n < 30 && (await circuit()) === 'CLOSED'; n++) await read(house, KAYLE, session)
  expect(await circuit()).toBe('OPEN')
  return requests()
}

async function breakCreates(): Promise<void> {
  house.at('KAYLE').behave(() => FAILING)
  for (let n = 0; n < 30 && (await circuit()) === 'CLOSED'; n++) await create(house, KAYLE)
  expect(await circuit()).toBe('OPEN')
}

describe('the breaker of the reads', () => {
  test.each<[string, Conduct]>([
    ['fails', () => FAILING],
    ['resets connections', () => 'RESET'],
    ['is silent', () => 'HANG'],
    ['answers with HTML', () => HTML],
    ['answers with half of its JSON', () => given => ({ ...given, text: given.text.slice(0, 40) })],
  ])('opens within 20 calls of a provider that %s', async (_name, conduct) => {
    await open({ READ_DEADLINE_MS: '60' })
    expect(await breakReads(conduct)).toBeLessThanOrEqual(20)
  })

  test('opens within 20 bad calls, however many were good before', async () => {
    await open({ RETRY_RESERVE: '0', RETRY_SHARE: '0' })
    for (let n = 0; n < 60; n++) await read(house, KAYLE, session)
    expect(await breakReads()).toBeLessThanOrEqual(20)
  })

  test('opens where half of the calls fail, though the others are answered', async () => {
    await open({ RETRY_RESERVE: '0', RETRY_SHARE: '0' })
    expect(await breakReads((_, n) => (n % 2 === 0 ? 'PASS' : FAILING))).toBeLessThanOrEqual(20)
  })

  test('stays closed however often the provider says no', async () => {
    await open()
    for (const status of [400, 401, 403, 404, 409, 422, 429]) {
      house.at('KAYLE').behave(() => ({ status, text: '{}' }))
      for (let n = 0; n < 12; n++) await read(house, KAYLE, session)
      expect(requests()).toBe(12)
    }
    expect(await circuit()).toBe('CLOSED')
  })

  test('while open answers at once, sends nothing and says when to come again', async () => {
    // A read would have the time to wait until the breaker lets it pass: it is not made to.
    await open({ READ_DEADLINE_MS: '2000', BREAKER_HALF_OPEN_AFTER_MS: '900' })
    // What succeeded before has filled the retry budget: what is refused here must not draw on it.
    for (let n = 0; n < 40; n++) await read(house, KAYLE, session)
    await breakReads()
    house.at('KAYLE').behave()

    const { value, ms } = await timed(() => readTimes(10))

    expect(ms).toBeLessThan(5 * AT_ONCE_MS)
    expect(requests()).toBe(0)
    for (const { errors } of value) {
      expect(errors[0]?.extensions).toMatchObject({
        code: 'PROVIDER_UNAVAILABLE',
        provider: 'KAYLE',
        operation: 'getSession',
        retryable: true,
      })
      expect(errors[0]?.extensions.retryAfter).toBeGreaterThanOrEqual(1)
      expect(errors[0]?.extensions.retryAfter).toBeLessThanOrEqual(2)
    }
  })

  test('sends one probe for ten calls while the provider is still down', async () => {
    await open({ BREAKER_HALF_OPEN_AFTER_MS: '150' })
    await breakReads()
    house.at('KAYLE').behave(() => FAILING)
    for (let round = 1; round <= 3; round++) {
      await new Promise(resolve => setTimeout(resolve, 160))
      const answers = await Promise.all(Array.from({ length: 10 }, (_, n) => readByProviderId(house, nobody(n))))
      expect(answers.map(({ errors }) => errors[0]?.extensions.code)).toEqual(Array(10).fill('PROVIDER_UNAVAILABLE'))
      expect(requests()).toBe(round)
      expect(await circuit()).toBe('OPEN')
    }
  })

  test('closes within five seconds of the recovery, as it is set up by default', async () => {
    await open()
    await breakReads()
    house.at('KAYLE').behave()

    const { ms } = await timed(() => until(async () => (await read(house, KAYLE, session)).errors.length === 0))

    expect(ms).toBeLessThan(5000)
    expect(await circuit()).toBe('CLOSED')
    expect(requests()).toBe(1)
    for (let n = 0; n < 5; n++) expect((await read(house, KAYLE, session)).errors).toEqual([])
  })

  test('lets creates and cancels pass', async () => {
    await open()
    await breakReads()
    house.at('KAYLE').behave()

    expect((await create(house, KAYLE)).data.made.operation).toEqual({ state: 'SUCCEEDED', attemptsMade: 1 })
    const cancel = 'mutation ($id: ID!) { cancelSession(input: { id: $id }) { ... on Error { code } } }'
    // The cancel went through; showing what is then needs a read.
    expect((await house.ask(cancel, { id: session.id })).data.cancelSession).toEqual({ code: 'PROVIDER_UNAVAILABLE' })
    expect(house.at('KAYLE').received.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'POST /v1/sessions',
      `POST /v1/sessions/${session.providerId}/cancel`,
    ])
  })

  test('serves what is stored to whoever takes it', async () => {
    await open()
    await breakReads()
    const { data, errors } = await house.ask(`{ ${fieldOf(KAYLE, session, '{ maxAgeSeconds: 0 }')} }`)

    expect(errors).toEqual([])
    expect(data.KAYLE.sync).toMatchObject({ stale: true, lastError: { code: 'PROVIDER_UNAVAILABLE' } })
  })
})

function readTimes(times: number) {
  return Promise.all(Array.from({ length: times }, () => read(house, KAYLE, session)))
}

describe('a half-open breaker', () => {
  /** Breaks the reads, then has one probe hang. */
  async function openHalf(probe: () => Promise<unknown>): Promise<{ probing: Promise<unknown> }> {
    await open({ BREAKER_HALF_OPEN_AFTER_MS: '100', READ_DEADLINE_MS: '600' })
    await breakReads()
    house.at('KAYLE').behave(() => 'HANG')
    await new Promise(resolve => setTimeout(resolve, 110))
    const probing = probe()
    await until(() => requests() === 1)
    expect(await circuit()).toBe('HALF_OPEN')
    return { probing }
  }

  test('answers all others at once while its probe is under way', async () => {
    const { probing } = await openHalf(() => read(house, KAYLE, session))
    const { value, ms } = await timed(() => Promise.all([1, 2, 3].map(n => readByProviderId(house, nobody(n)))))

    expect(ms).toBeLessThan(3 * AT_ONCE_MS)
    expect(value.map(({ errors }) => errors[0]?.extensions)).toEqual(
      Array(3).fill(expect.objectContaining({ code: 'PROVIDER_UNAVAILABLE', retryAfter: 1 })),
    )
    expect(requests()).toBe(1)
    await probing
    expect(await circuit()).toBe('OPEN')
  })

  test('answers at once though all slots are taken', async () => {
    await open({ BREAKER_HALF_OPEN_AFTER_MS: '100', UPSTREAM_CONNECTIONS: '2', CREATE_DEADLINE_MS: '1000' })
    await breakReads()
    house.at('KAYLE').behave(() => 'HANG')
    const creating = create(house, KAYLE)
    await new Promise(resolve => setTimeout(resolve, 110))
    const probing = read(house, KAYLE, session)
    await until(() => requests() === 2)

    const { ms } = await timed(() => readByProviderId(house, nobody(1)))
    expect(ms).toBeLessThan(AT_ONCE_MS)
    await Promise.all([creating, probing])
  })

  test('is not closed by a client that leaves during its probe', async () => {
    const controller = new AbortController()
    const { probing } = await openHalf(() =>
      fetch(house.url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${API_KEY}` },
        body: JSON.stringify({ query: `{ ${fieldOf(KAYLE, session)} }` }),
        signal: controller.signal,
      }).catch(() => {}),
    )
    controller.abort()
    await probing
    await until(() => house.at('KAYLE').left() === 1)

    await until(async () => (await circuit()) === 'OPEN')
    expect((await readByProviderId(house, nobody(1))).errors[0]?.extensions.code).toBe('PROVIDER_UNAVAILABLE')
    expect(requests()).toBe(1)
  })

  test('closes where the provider answers its probe with a no', async () => {
    await open({ BREAKER_HALF_OPEN_AFTER_MS: '100' })
    await breakReads()
    house.at('KAYLE').behave()
    await new Promise(resolve => setTimeout(resolve, 110))

    expect((await readByProviderId(house, nobody(1))).errors[0]?.extensions.code).toBe('NOT_FOUND')
    expect(await circuit()).toBe('CLOSED')
  })
})

describe('the breaker of the creates', () => {
  test('refuses a create before it is sent, and the same key makes it once the provider recovered', async () => {
    await open({ BREAKER_HALF_OPEN_AFTER_MS: '300' })
    await breakCreates()
    house.at('KAYLE').behave()
    const key = newKey()

    const { value, ms } = await timed(() => create(house, KAYLE, key))

    expect(ms).toBeLessThan(AT_ONCE_MS)
    expect(value.data.made).toEqual({
      __typename: 'ProviderUnavailableError',
      code: 'PROVIDER_UNAVAILABLE',
      retryAfterSeconds: 1,
    })
    const operation = await house.ask(
      'query ($key: String!) { createOperation(by: { idempotencyKey: $key }) { state lastError { code } } }',
      { key },
    )
    expect(operation.data.createOperation).toEqual({ state: 'FAILED', lastError: { code: 'PROVIDER_UNAVAILABLE' } })
    expect(requests()).toBe(0)

    await new Promise(resolve => setTimeout(resolve, 310))
    expect((await create(house, KAYLE, key)).data.made).toMatchObject({
      replayed: false,
      operation: { state: 'SUCCEEDED', attemptsMade: 2 },
    })
    expect(requests()).toBe(1)
    expect(await circuit()).toBe('CLOSED')
  })

  test('opens within 20 creates and lets reads pass', async () => {
    await open()
    await breakCreates()
    expect(requests()).toBeLessThanOrEqual(20)
    house.at('KAYLE').behave()

    expect((await read(house, KAYLE, session)).errors).toEqual([])
  })
})

describe('a breaker alone', () => {
  const broken = new Error('broken')
  const options = {
    failureShare: 0.5,
    minimumCalls: 10,
    spanMs: 10_000,
    halfOpenAfterMs: 2_000,
    isFailure: (error: Error) => error === broken,
    isAnswer: () => false,
  }
  const fail = () => Promise.reject(broken)
  const succeed = async () => 'done'

  beforeEach(() => {
    vi.useFakeTimers()
  })
  afterEach(() => vi.useRealTimers())

  async function run(breaker: ReturnType<typeof createBreaker>, ...calls: (() => Promise<unknown>)[]): Promise<void> {
    for (const call of calls) await breaker.execute(call).catch(() => {})
  }

  test('does not judge fewer calls than it needs', async () => {
    const breaker = createBreaker(options)
    await run(breaker, ...Array(9).fill(fail))
    expect(breaker.state).toBe('CLOSED')
    await run(breaker, fail)
    expect(breaker.state).toBe('OPEN')
  })

  test('forgets what is longer ago than its span', async () => {
    const breaker = createBreaker(options)
    await run(breaker, ...Array(9).fill(fail))
    vi.advanceTimersByTime(10_001)
    await run(breaker, ...Array(9).fill(fail))
    expect(breaker.state).toBe('CLOSED')
  })

  test('stays closed where less than its share fails', async () => {
    const breaker = createBreaker(options)
    for (let n = 0; n < 30; n++) await run(breaker, succeed, succeed, fail)
    expect(breaker.state).toBe('CLOSED')
  })

  test('says how long it blocks, and starts anew once it closed', async () => {
    const breaker = createBreaker(options)
    await run(breaker, ...Array(10).fill(fail))
    expect(breaker.blockedMs).toBe(2000)
    vi.advanceTimersByTime(1500)
    expect(breaker.blockedMs).toBe(500)
    vi.advanceTimersByTime(500)
    expect(breaker.blockedMs).toBe(0)
    await run(breaker, succeed)
    expect([breaker.state, breaker.blockedMs]).toEqual(['CLOSED', 0])
    await run(breaker, ...Array(8).fill(fail))
    expect(breaker.state).toBe('CLOSED')
    await run(breaker, fail)
    expect(breaker.state).toBe('OPEN')
  })

  test('opens again where a probe fails, for as long as the first time', async () => {
    const breaker = createBreaker(options)
    await run(breaker, ...Array(10).fill(fail))
    vi.advanceTimersByTime(2000)
    await run(breaker, fail)
    expect([breaker.state, breaker.blockedMs]).toEqual(['OPEN', 2000])
  })
})
