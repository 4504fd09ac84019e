import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { type CircuitBreaker, createCircuitBreaker } from '../../src/upstream/circuit-breaker.ts'
import { type AppWithFaultyProvider, startAppWithFaultyProvider } from '../harness/app/app-with-faulty-provider.ts'
import { API_KEY } from '../harness/app/test-app.ts'
import {
  type CreatedRecord,
  create,
  fieldOf,
  makeRecord,
  newKey,
  none,
  read,
  readByProviderId,
  subjectOf,
  upstreamHealthOf,
} from '../harness/clients/reads.ts'
import type { FaultyBehaviour, FaultyResponse } from '../harness/providers/faulty-provider.ts'
import { timed, until } from '../harness/waiting.ts'

/** A failing provider is not called for a while, and is called again soon after its recovery. */

const FAILING: FaultyResponse = { status: 500, text: '{}' }
const HTML: FaultyResponse = { status: 200, headers: { 'content-type': 'text/html' }, text: '<html></html>' }
const KAYLE = subjectOf('KAYLE')

/** The bound for "at once": ten times the promised milliseconds. */
const AT_ONCE_MS = 100

let app: AppWithFaultyProvider
let session: CreatedRecord
const opened: AppWithFaultyProvider[] = []

async function open(env: Record<string, string> = {}): Promise<void> {
  app = await startAppWithFaultyProvider({ READ_DEADLINE_MS: '200', CREATE_DEADLINE_MS: '2000', ...env })
  opened.push(app)
  session = await makeRecord(app, KAYLE)
}
afterEach(async () => {
  for (const each of opened.splice(0)) await each.close()
})

const circuit = async () => (await upstreamHealthOf(app, 'KAYLE')).circuit
const requests = () => app.at('KAYLE').received.length

/** Reads until the circuit is open. Returns the number of requests to the provider. */
async function breakReads(conduct: FaultyBehaviour = () => FAILING): Promise<number> {
  app.at('KAYLE').behave(conduct)
  for (let n = 0; n < 30 && (await circuit()) === 'CLOSED'; n++) await read(app, KAYLE, session)
  expect(await circuit()).toBe('OPEN')
  return requests()
}

async function breakCreates(): Promise<void> {
  app.at('KAYLE').behave(() => FAILING)
  for (let n = 0; n < 30 && (await circuit()) === 'CLOSED'; n++) await create(app, KAYLE)
  expect(await circuit()).toBe('OPEN')
}

describe('the circuit breaker of the reads', () => {
  test.each<[string, FaultyBehaviour]>([
    ['fails', () => FAILING],
    ['resets connections', () => 'RESET'],
    ['is silent', () => 'HANG'],
    ['answers with HTML', () => HTML],
    ['answers with half of its JSON', () => given => ({ ...given, text: given.text.slice(0, 40) })],
  ])('opens within 20 calls of a provider that %s', async (_name, conduct) => {
    await open({ READ_DEADLINE_MS: '200' })
    expect(await breakReads(conduct)).toBeLessThanOrEqual(20)
  })

  test('opens within 20 failed calls, however many succeeded before', async () => {
    await open({ RETRY_BUDGET_MIN: '0', RETRY_BUDGET_RATIO: '0' })
    for (let n = 0; n < 60; n++) await read(app, KAYLE, session)
    expect(await breakReads()).toBeLessThanOrEqual(20)
  })

  test('opens if half of the calls fail, though the others are answered', async () => {
    await open({ RETRY_BUDGET_MIN: '0', RETRY_BUDGET_RATIO: '0' })
    expect(await breakReads((_, n) => (n % 2 === 0 ? 'PASS' : FAILING))).toBeLessThanOrEqual(20)
  })

  test('stays closed however often the provider rejects a request', async () => {
    await open()
    for (const status of [400, 401, 403, 404, 409, 422, 429]) {
      app.at('KAYLE').behave(() => ({ status, text: '{}' }))
      for (let n = 0; n < 12; n++) await read(app, KAYLE, session)
      expect(requests()).toBe(12)
    }
    expect(await circuit()).toBe('CLOSED')
  })

  test('while open answers at once, sends nothing and sets Retry-After', async () => {
    // A read would have time to wait until the circuit closes, but must not wait.
    await open({ READ_DEADLINE_MS: '2000', BREAKER_HALF_OPEN_AFTER_MS: '900' })
    // The earlier successes filled the retry budget: rejected calls must not use it.
    for (let n = 0; n < 40; n++) await read(app, KAYLE, session)
    await breakReads()
    app.at('KAYLE').behave()

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
      expect(errors[0]?.extensions.retryAfterSeconds).toBeGreaterThanOrEqual(1)
      expect(errors[0]?.extensions.retryAfterSeconds).toBeLessThanOrEqual(2)
    }
  })

  test('sends one probe for ten calls while the provider is still down', async () => {
    await open({ BREAKER_HALF_OPEN_AFTER_MS: '150' })
    await breakReads()
    app.at('KAYLE').behave(() => FAILING)
    for (let round = 1; round <= 3; round++) {
      await new Promise(resolve => setTimeout(resolve, 160))
      const answers = await Promise.all(Array.from({ length: 10 }, (_, n) => readByProviderId(app, none(n))))
      expect(answers.map(({ errors }) => errors[0]?.extensions.code)).toEqual(Array(10).fill('PROVIDER_UNAVAILABLE'))
      await until(async () => requests() === round && (await circuit()) === 'OPEN')
    }
  })

  test('closes within five seconds of the recovery by default', async () => {
    await open()
    await breakReads()
    app.at('KAYLE').behave()

    const { ms } = await timed(() => until(async () => (await read(app, KAYLE, session)).errors.length === 0))

    expect(ms).toBeLessThan(5000)
    expect(await circuit()).toBe('CLOSED')
    // The probe, and the first read after it.
    expect(requests()).toBe(2)
    for (let n = 0; n < 5; n++) expect((await read(app, KAYLE, session)).errors).toEqual([])
  })

  test('does not stop creates and cancels', async () => {
    await open()
    await breakReads()
    app.at('KAYLE').behave()

    expect((await create(app, KAYLE)).data.made.operation).toEqual({ state: 'SUCCEEDED', sendCount: 1 })
    const cancel = 'mutation ($id: ID!) { cancelSession(input: { sessionId: $id }) { ... on MutationError { code } } }'
    // The cancel is executed; reading the new state is rejected.
    expect((await app.execute(cancel, { id: session.id })).data.cancelSession).toEqual({ code: 'PROVIDER_UNAVAILABLE' })
    expect(app.at('KAYLE').received.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'POST /v1/sessions',
      `POST /v1/sessions/${session.providerId}/cancel`,
    ])
  })

  test('serves the stored record while open', async () => {
    await open()
    await breakReads()
    const { data, errors } = await app.execute(`{ ${fieldOf(KAYLE, session, '{ maxAgeSeconds: 0 }')} }`)

    expect(errors).toEqual([])
    expect(data.KAYLE.sync).toMatchObject({ stale: true, lastError: { code: 'PROVIDER_UNAVAILABLE' } })
  })
})

function readTimes(times: number) {
  return Promise.all(Array.from({ length: times }, () => read(app, KAYLE, session)))
}

describe('a half-open circuit breaker', () => {
  /** Opens the circuit of the reads, then lets one probe hang. */
  async function openHalf(probe: () => Promise<unknown>): Promise<{ probing: Promise<unknown> }> {
    await open({ BREAKER_HALF_OPEN_AFTER_MS: '100', READ_DEADLINE_MS: '600' })
    await breakReads()
    app.at('KAYLE').behave(() => 'HANG')
    await new Promise(resolve => setTimeout(resolve, 110))
    const probing = probe()
    await until(() => requests() === 1)
    expect(await circuit()).toBe('HALF_OPEN')
    return { probing }
  }

  test('answers every caller at once while its probe is running, also the one that started it', async () => {
    const { probing } = await openHalf(() => read(app, KAYLE, session))
    await probing
    expect(app.at('KAYLE').waiting()).toBe(1)
    const { value, ms } = await timed(() => Promise.all([1, 2, 3].map(n => readByProviderId(app, none(n)))))

    expect(ms).toBeLessThan(3 * AT_ONCE_MS)
    expect(value.map(({ errors }) => errors[0]?.extensions)).toEqual(
      Array(3).fill(expect.objectContaining({ code: 'PROVIDER_UNAVAILABLE', retryAfterSeconds: 1 })),
    )
    expect([requests(), app.at('KAYLE').waiting()]).toEqual([1, 1])
    await until(async () => (await circuit()) === 'OPEN')
  })

  test('answers at once though all slots are taken', async () => {
    await open({ BREAKER_HALF_OPEN_AFTER_MS: '100', UPSTREAM_CONNECTIONS: '2', CREATE_DEADLINE_MS: '1000' })
    await breakReads()
    app.at('KAYLE').behave(() => 'HANG')
    const creating = create(app, KAYLE)
    await new Promise(resolve => setTimeout(resolve, 110))
    await read(app, KAYLE, session)
    await until(() => requests() === 2)

    const { ms } = await timed(() => readByProviderId(app, none(1)))
    expect(ms).toBeLessThan(AT_ONCE_MS)
    await creating
  })

  test('continues its probe if the client that started it disconnects', async () => {
    const controller = new AbortController()
    const { probing } = await openHalf(() =>
      fetch(app.url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${API_KEY}` },
        body: JSON.stringify({ query: `{ ${fieldOf(KAYLE, session)} }` }),
        signal: controller.signal,
      }).catch(() => {}),
    )
    controller.abort()
    await probing
    await until(() => app.at('KAYLE').left() === 1)

    await until(async () => (await circuit()) === 'OPEN')
    expect((await readByProviderId(app, none(1))).errors[0]?.extensions.code).toBe('PROVIDER_UNAVAILABLE')
    expect(requests()).toBe(1)
  })

  test('closes if the provider answers its probe with a rejection', async () => {
    await open({ BREAKER_HALF_OPEN_AFTER_MS: '100' })
    await breakReads()
    app.at('KAYLE').behave()
    await new Promise(resolve => setTimeout(resolve, 110))

    expect((await readByProviderId(app, none(1))).errors[0]?.extensions.code).toBe('PROVIDER_UNAVAILABLE')
    await until(async () => (await circuit()) === 'CLOSED')
    expect((await readByProviderId(app, none(1))).errors[0]?.extensions.code).toBe('NOT_FOUND')
  })
})

describe('the circuit breaker of the creates', () => {
  test('refuses a create before it is sent, and the same idempotency key creates it after the recovery', async () => {
    await open({ BREAKER_HALF_OPEN_AFTER_MS: '300' })
    await breakCreates()
    app.at('KAYLE').behave()
    const key = newKey()

    const { value, ms } = await timed(() => create(app, KAYLE, key))

    expect(ms).toBeLessThan(AT_ONCE_MS)
    expect(value.data.made).toEqual({
      __typename: 'ProviderUnavailableError',
      code: 'PROVIDER_UNAVAILABLE',
      retryAfterSeconds: 1,
    })
    const operation = await app.execute(
      'query ($key: String!) { operation(by: { idempotencyKey: $key }) { state lastError { code } } }',
      { key },
    )
    expect(operation.data.operation).toEqual({ state: 'FAILED', lastError: { code: 'PROVIDER_UNAVAILABLE' } })
    expect(requests()).toBe(0)

    await new Promise(resolve => setTimeout(resolve, 310))
    // Also rejected, while a read without side effects probes the provider.
    expect((await create(app, KAYLE, key)).data.made).toMatchObject({ code: 'PROVIDER_UNAVAILABLE' })
    await until(() => requests() === 1)
    expect(app.at('KAYLE').received[0]).toMatchObject({ method: 'GET', path: expect.stringContaining('limit=1') })
    await until(async () => (await create(app, KAYLE, key)).data.made.replayed === false)
    expect(app.at('KAYLE').received.map(({ method }) => method)).toEqual(['GET', 'POST'])
    expect(await circuit()).toBe('CLOSED')
  })

  test('opens within 20 creates and lets reads pass', async () => {
    await open()
    await breakCreates()
    expect(requests()).toBeLessThanOrEqual(20)
    app.at('KAYLE').behave()

    expect((await read(app, KAYLE, session)).errors).toEqual([])
  })
})

describe('while a provider hangs', () => {
  const CANCEL = 'mutation ($id: ID!) { cancelSession(input: { sessionId: $id }) { ... on MutationError { code } } }'
  /** So long that a caller that waits for it would exceed the timeout of the test. */
  const HUNG = { READ_DEADLINE_MS: '600', CREATE_DEADLINE_MS: '1000', BREAKER_HALF_OPEN_AFTER_MS: '60' }

  const CALLS = {
    read: () => read(app, KAYLE, session),
    'stale read': () => read(app, KAYLE, session, '{ maxAgeSeconds: 0 }'),
    create: () => create(app, KAYLE),
    cancel: () => app.execute(CANCEL, { id: session.id }),
  } as const
  /** Two of these at once are two requests. */
  const breaking = (kind: keyof typeof CALLS, n: number) =>
    kind.endsWith('read') ? readByProviderId(app, none(n)) : CALLS[kind]()
  const kinds = Object.keys(CALLS) as (keyof typeof CALLS)[]

  test.each(kinds)('no %s waits once the circuit is open, through many probes', async kind => {
    await open({ ...HUNG, BREAKER_MINIMUM_CALLS: '2', RETRY_BUDGET_MIN: '0', RETRY_BUDGET_RATIO: '0' })
    app.at('KAYLE').behave(() => 'HANG')
    await Promise.all([breaking(kind, 1), breaking(kind, 2)])
    await until(async () => (await circuit()) === 'OPEN')
    app.at('KAYLE').behave(() => 'HANG')
    let probes = 0
    for (let n = 0; n < 60 && probes < 3; n++) {
      const before = requests()
      await CALLS[kind]()
      await new Promise(resolve => setTimeout(resolve, 15))
      if (requests() === before) continue
      probes++
      // The response arrives while its probe still hangs.
      expect(app.at('KAYLE').waiting()).toBe(1)
      await until(() => app.at('KAYLE').waiting() === 0)
      await new Promise(resolve => setTimeout(resolve, 70))
    }
    expect(probes).toBe(3)
    // No request with an effect was ever sent as a probe.
    expect(new Set(app.at('KAYLE').received.map(({ method }) => method))).toEqual(new Set(['GET']))
  })

  test('creates that hang while reads are answered are probed one at a time', async () => {
    await open({ ...HUNG, BREAKER_MINIMUM_CALLS: '2' })
    const hanging: FaultyBehaviour = ({ method }) => (method === 'POST' ? 'HANG' : 'PASS')
    app.at('KAYLE').behave(hanging)
    await Promise.all([create(app, KAYLE), create(app, KAYLE)])
    app.at('KAYLE').behave(hanging)
    await new Promise(resolve => setTimeout(resolve, 70))
    await read(app, KAYLE, session)

    const made = await Promise.all(Array.from({ length: 5 }, () => create(app, KAYLE)))

    const codes = made.map(({ data }) => data.made.code).toSorted()
    expect(codes).toEqual([...Array(4).fill('PROVIDER_UNAVAILABLE'), 'UNCONFIRMED'])
    expect(app.at('KAYLE').received.filter(({ method }) => method === 'POST')).toHaveLength(1)
  })
})

describe('a circuit breaker', () => {
  const broken = new Error('broken')
  const options = {
    failureShare: 0.5,
    minimumCalls: 10,
    spanMs: 10_000,
    halfOpenAfterMs: 2_000,
    isFailure: (error: Error) => error === broken,
    isResponse: () => false,
  }
  const fail = () => Promise.reject(broken)
  const succeed = async () => 'done'

  beforeEach(() => {
    vi.useFakeTimers()
  })
  afterEach(() => vi.useRealTimers())

  async function run(breaker: CircuitBreaker, ...calls: (() => Promise<unknown>)[]): Promise<void> {
    for (const call of calls) await execute(breaker, call).catch(() => {})
  }

  async function execute(breaker: CircuitBreaker, call: () => Promise<unknown>): Promise<void> {
    if (breaker.state !== 'CLOSED') return void (await breaker.probe(call, () => true))
    await call().then(breaker.succeeded, breaker.failed)
  }

  test('does not open below its minimum number of calls', async () => {
    const breaker = createCircuitBreaker(options)
    await run(breaker, ...Array(9).fill(fail))
    expect(breaker.state).toBe('CLOSED')
    await run(breaker, fail)
    expect(breaker.state).toBe('OPEN')
  })

  test('forgets calls outside of its window', async () => {
    const breaker = createCircuitBreaker(options)
    await run(breaker, ...Array(9).fill(fail))
    vi.advanceTimersByTime(10_001)
    await run(breaker, ...Array(9).fill(fail))
    expect(breaker.state).toBe('CLOSED')
  })

  test('stays closed below its failure ratio', async () => {
    const breaker = createCircuitBreaker(options)
    for (let n = 0; n < 30; n++) await run(breaker, succeed, succeed, fail)
    expect(breaker.state).toBe('CLOSED')
  })

  test('reports how long it is open, and starts again once it closed', async () => {
    const breaker = createCircuitBreaker(options)
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

  test('can be opened explicitly, and probes after that', async () => {
    const breaker = createCircuitBreaker(options)
    breaker.open(500)
    expect([breaker.state, breaker.blockedMs]).toEqual(['OPEN', 500])
    await expect(breaker.probe(succeed, () => true)).rejects.toThrow()
    vi.advanceTimersByTime(500)
    await run(breaker, succeed)
    expect(breaker.state).toBe('CLOSED')
  })

  test('stays as it was if a probe was never sent, and the next probe may start at once', async () => {
    const breaker = createCircuitBreaker(options)
    await run(breaker, ...Array(10).fill(fail))
    vi.advanceTimersByTime(2000)
    const full = () => Promise.reject(new Error('no slot is free'))
    await expect(breaker.probe(full, () => false)).rejects.toThrow('no slot is free')
    expect([breaker.state, breaker.blockedMs, breaker.trip?.failure]).toEqual(['OPEN', 0, broken])
    await run(breaker, succeed)
    expect(breaker.state).toBe('CLOSED')
  })

  test('ignores the results of calls that started before it opened', async () => {
    const breaker = createCircuitBreaker(options)
    const wait = (ms: number) => new Promise(resolve => setTimeout(resolve, ms))
    const late = [wait(1500).then(fail), wait(1500).then(succeed)].map(call =>
      execute(breaker, () => call).catch(() => {}),
    )
    await run(breaker, ...Array(10).fill(fail))
    await vi.advanceTimersByTimeAsync(1500)
    await Promise.allSettled(late)
    expect([breaker.state, breaker.blockedMs]).toEqual(['OPEN', 500])
  })

  test('opens again if a probe fails, for as long as the first time', async () => {
    const breaker = createCircuitBreaker(options)
    await run(breaker, ...Array(10).fill(fail))
    vi.advanceTimersByTime(2000)
    await run(breaker, fail)
    expect([breaker.state, breaker.blockedMs]).toEqual(['OPEN', 2000])
  })
})
