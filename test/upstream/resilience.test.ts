import { afterEach, describe, expect, test } from 'vitest'
import type { Provider } from '../../src/domain/provider.ts'
import { type AppWithFaultyProvider, startAppWithFaultyProvider } from '../harness/app/app-with-faulty-provider.ts'
import { createRandom } from '../harness/app/load.ts'
import {
  type CreatedRecord,
  codesOf,
  create,
  fieldOf,
  healthOf,
  makeRecord,
  newKey,
  none,
  READS,
  read,
  readByProviderId,
  subjectOf,
  upstreamHealthOf,
} from '../harness/clients/reads.ts'
import type { FaultyBehaviour, FaultyResponse } from '../harness/providers/faulty-provider.ts'
import { timed, until } from '../harness/waiting.ts'

/** One unavailable provider never makes a whole query fail. */

const FAILING: FaultyResponse = { status: 500, text: '{}' }
const KAYLE = subjectOf('KAYLE')
const REQUESTED = READS.map(({ provider }) => provider)

let app: AppWithFaultyProvider

async function open(env: Record<string, string> = {}): Promise<void> {
  app = await startAppWithFaultyProvider(env)
}
afterEach(() => app.close())

async function makeAll(): Promise<Map<Provider, CreatedRecord>> {
  const made = new Map<Provider, CreatedRecord>()
  for (const subject of READS) made.set(subject.provider, await makeRecord(app, subject))
  return made
}

function made(records: Map<Provider, CreatedRecord>, provider: Provider): CreatedRecord {
  const record = records.get(provider)
  if (!record) throw new Error(`There is no record of ${provider}.`)
  return record
}

describe('with one provider hanging', () => {
  test('a query over all five answers within its deadline, four parts complete and one with an error code', async () => {
    await open({ READ_DEADLINE_MS: '250', QUERY_DEADLINE_MS: '1000' })
    const records = await makeAll()
    const query = `{ ${READS.map(subject => fieldOf(subject, made(records, subject.provider))).join('\n')} }`

    for (const { provider, operation } of READS) {
      app.at(provider).behave(() => 'HANG')
      const { value: answer, ms } = await timed(() => app.execute(query))
      app.at(provider).behave()

      expect(ms).toBeLessThan(1000)
      for (const other of REQUESTED.filter(name => name !== provider)) {
        expect(answer.data[other]).toMatchObject({ ...made(records, other), sync: { stale: false, lastError: null } })
      }
      expect(answer.data[provider]).toBeNull()
      expect(answer.errors).toHaveLength(1)
      expect(answer.errors[0]).toMatchObject({
        path: [provider],
        extensions: {
          code: 'PROVIDER_UNAVAILABLE',
          provider,
          operation,
          retryable: true,
          requestId: expect.any(String),
        },
      })
    }
  })

  test('the others answer as fast as before, though all its slots and its queue are taken', async () => {
    await open({ BREAKER_MINIMUM_CALLS: '1000' })
    const records = await makeAll()
    const others = READS.filter(({ provider }) => provider !== 'KAYLE')
    const query = `{ ${others.map(subject => fieldOf(subject, made(records, subject.provider))).join('\n')} }`
    const measure = async () => {
      const times: number[] = []
      for (let n = 0; n < 9; n++) {
        const { value, ms } = await timed(() => app.execute(query))
        expect(value.errors).toEqual([])
        times.push(ms)
      }
      return times.sort((a, b) => a - b)[4] ?? Number.NaN
    }
    const before = await measure()
    app.at('KAYLE').behave(() => 'HANG')
    const hanging = Array.from({ length: 96 }, (_, n) => readByProviderId(app, none(n)))
    await until(() => app.at('KAYLE').waiting() === 32)

    const during = await measure()

    expect(app.at('KAYLE').waiting()).toBe(32)
    expect(during).toBeLessThan(10 * Math.max(before, 5))
    await Promise.all(hanging)
  })
})

describe('the deadline', () => {
  test('of a query aborts everything in progress, and the finished parts are returned', async () => {
    await open({ READ_DEADLINE_MS: '10000', QUERY_DEADLINE_MS: '300' })
    const records = await makeAll()
    app.at('KAYLE').behave(() => 'HANG')
    const { value, ms } = await timed(() =>
      app.execute(`{ ${READS.map(subject => fieldOf(subject, made(records, subject.provider))).join('\n')} }`),
    )

    expect(ms).toBeGreaterThan(290)
    expect(ms).toBeLessThan(3000)
    expect(codesOf(value)).toEqual({ KAYLE: 'DEADLINE_EXCEEDED' })
    expect(value.errors[0]?.extensions.retryable).toBe(true)
    for (const provider of REQUESTED.filter(name => name !== 'KAYLE')) {
      expect(value.data[provider]).toMatchObject(made(records, provider))
    }
    await until(() => app.at('KAYLE').left() === 1)
  })

  test('of a mutation leaves later root fields unsent, and the create in progress finishes', async () => {
    await open({ CREATE_DEADLINE_MS: '400', MUTATION_DEADLINE_MS: '200' })
    app.at('KAYLE').behave(() => 'HANG')
    const key = newKey()
    const fields = '{ ... on CreateSessionPayload { replayed } ... on MutationError { code } }'
    const { value } = await timed(() =>
      app.execute(
        `mutation ($a: CreateSessionInput!, $b: CreateCustomerInput!) {
          first: createSession(input: $a) ${fields}
          second: createCustomer(input: $b) { ... on MutationError { code } }
        }`,
        {
          a: { idempotencyKey: key, session: { kayle: {} } },
          b: { idempotencyKey: newKey(), customer: subjectOf('RAPIDLY').input },
        },
      ),
    )

    expect(value.data).toEqual({ first: { code: 'UNCONFIRMED' }, second: null })
    expect(codesOf(value)).toEqual({ second: 'DEADLINE_EXCEEDED' })
    expect(app.at('KAYLE').received).toHaveLength(1)
    expect(app.at('RAPIDLY').received).toEqual([])
  })
})

const NO_BREAKER = { BREAKER_MINIMUM_CALLS: '100000' }

describe('retries', () => {
  test('stay within 1.1 requests a read if half of all requests fail', async () => {
    await open(NO_BREAKER)
    const session = await makeRecord(app, KAYLE)
    const random = createRandom(7)
    app.at('KAYLE').behave(() => (random() < 0.5 ? FAILING : 'PASS'))

    let served = 0
    for (let n = 0; n < 240; n++) served += (await read(app, KAYLE, session)).errors.length === 0 ? 1 : 0

    const requests = app.at('KAYLE').received.length
    expect(requests).toBeGreaterThan(240)
    expect(requests).toBeLessThanOrEqual(240 * 1.1)
    expect(served).toBeGreaterThan(100)
  })

  test('are almost none if all requests fail', async () => {
    await open(NO_BREAKER)
    const session = await makeRecord(app, KAYLE)
    app.at('KAYLE').behave(() => FAILING)
    for (let n = 0; n < 50; n++) await read(app, KAYLE, session)

    expect(app.at('KAYLE').received.length).toBeGreaterThan(50)
    expect(app.at('KAYLE').received.length).toBeLessThanOrEqual(55)
  })

  test.each(['500', '502', '504', 'RESET'] as const)('serve a read whose first response is %s', async first => {
    await open()
    const session = await makeRecord(app, KAYLE)
    app
      .at('KAYLE')
      .behave((_, n) => (n > 1 ? 'PASS' : first === 'RESET' ? 'RESET' : { status: Number(first), text: '' }))

    expect((await read(app, KAYLE, session)).errors).toEqual([])
    expect(app.at('KAYLE').received).toHaveLength(2)
  })

  test.each([429, 503])('wait for the Retry-After of a %d', async status => {
    await open()
    const session = await makeRecord(app, KAYLE)
    app.at('KAYLE').behave((_, n) => (n === 1 ? { status, headers: { 'retry-after': '1' }, text: '{}' } : 'PASS'))

    expect((await read(app, KAYLE, session)).errors).toEqual([])

    const [first, second] = app.at('KAYLE').received
    expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThanOrEqual(990)
  })

  test.each([
    [429, 'PROVIDER_RATE_LIMITED'],
    [503, 'PROVIDER_UNAVAILABLE'],
  ])(
    'are not made if the Retry-After of a %d is past the deadline, and the client gets the error at once',
    async (status, code) => {
      await open()
      const session = await makeRecord(app, KAYLE)
      app.at('KAYLE').behave(() => ({ status, headers: { 'retry-after': '60' }, text: '{}' }))

      const { value, ms } = await timed(() => read(app, KAYLE, session))

      expect(value.errors[0]?.extensions).toMatchObject({ code, retryable: true, retryAfterSeconds: 60 })
      expect(app.at('KAYLE').received).toHaveLength(1)
      expect(ms).toBeLessThan(1000)
    },
  )

  test('are not made after a 429 without a Retry-After, nor after a deterministic error', async () => {
    await open(NO_BREAKER)
    const session = await makeRecord(app, KAYLE)
    for (const status of [400, 401, 403, 404, 409, 422, 429]) {
      app.at('KAYLE').behave(() => ({ status, text: '{}' }))
      await read(app, KAYLE, session)
      expect(app.at('KAYLE').received).toHaveLength(1)
    }
  })

  const LOST: readonly [string, FaultyBehaviour][] = [
    ['a 500', () => FAILING],
    ['a 503 with a Retry-After', () => ({ status: 503, headers: { 'retry-after': '0' }, text: '{}' })],
    ['a 429 with a Retry-After', () => ({ status: 429, headers: { 'retry-after': '0' }, text: '{}' })],
    ['a reset', () => 'RESET'],
    ['silence', () => 'HANG'],
  ]

  test.each(LOST)('of creates are never made after %s', async (_name, conduct) => {
    await open({ ...NO_BREAKER, CREATE_DEADLINE_MS: '150' })
    for (const subject of READS) {
      app.at(subject.provider).behave(conduct)
      const { data } = await create(app, subject)
      expect(data.made.__typename).toMatch(/^(Unconfirmed|ProviderUnavailable)Error$/)
      expect(app.at(subject.provider).received).toHaveLength(1)
    }
  })
})

const CANCEL = /* GraphQL */ `
  mutation ($id: ID!) {
    cancelSession(input: { sessionId: $id }) {
      ... on CancelSessionPayload { session { status } }
      ... on ProviderUnavailableError { retryAfterSeconds }
      ... on MutationError { code }
    }
  }
`

describe('a cancel', () => {
  const isCancel = ({ path }: { path: string }) => path.endsWith('/cancel')
  const cancels = () => app.at('KAYLE').received.filter(isCancel)

  async function cancel(conduct: (n: number) => ReturnType<FaultyBehaviour>) {
    await open({ CREATE_DEADLINE_MS: '200' })
    const { id } = await makeRecord(app, KAYLE)
    app.at('KAYLE').behave(request => (isCancel(request) ? conduct(cancels().length) : 'PASS'))
    const { data } = await app.execute(CANCEL, { id })
    return data.cancelSession
  }

  test.each(['HANG', 'RESET'] as const)('whose first request meets %s is sent once more', async first => {
    expect(await cancel(n => (n === 1 ? first : 'PASS'))).toEqual({ session: { status: 'CANCELED' } })
    expect(cancels()).toHaveLength(2)
  })

  test('whose response is lost returns the new state', async () => {
    let isAnswered = false
    const conduct = (n: number) => {
      if (n > 1) return 'PASS'
      return (given: FaultyResponse) => {
        isAnswered = given.status === 204 || given.status === 200
        return { status: 500, text: '' }
      }
    }
    expect(await cancel(conduct)).toMatchObject({ code: 'PROVIDER_UNAVAILABLE' })
    expect(isAnswered).toBe(true)
    expect(cancels()).toHaveLength(1)
  })

  test('is sent twice at most', async () => {
    expect(await cancel(() => 'HANG')).toMatchObject({ code: 'PROVIDER_UNAVAILABLE' })
    expect(cancels()).toHaveLength(2)
  })

  test.each([400, 409, 429, 500])('that is answered with %d is not sent again', async status => {
    expect(await cancel(() => ({ status, text: '{}' }))).toMatchObject({ code: expect.stringMatching(/^PROVIDER_/) })
    expect(cancels()).toHaveLength(1)
  })
})

describe('the slots of a provider', () => {
  test('are waited for by more reads than a list has rows, which are all fresh', async () => {
    await open()
    const answers = await Promise.all(Array.from({ length: 200 }, (_, n) => readByProviderId(app, none(n))))

    expect(new Set(answers.map(({ errors }) => errors[0]?.extensions.code))).toEqual(new Set(['NOT_FOUND']))
    expect(app.at('KAYLE').received.filter(({ path }) => path.includes(none(0).slice(0, 20)))).toHaveLength(200)
  })

  test('are 32 with a bounded queue; further calls are refused at once and never sent', async () => {
    await open({ UPSTREAM_QUEUE: '64' })
    let release = () => {}
    const held = new Promise<void>(resolve => {
      release = resolve
    })
    app.at('KAYLE').behave(() => held.then(() => 'PASS'))
    const requests = Array.from({ length: 100 }, (_, n) => timed(() => readByProviderId(app, none(n))))

    const refused = await Promise.all((await firstOf(requests, 4)).map(each => each))
    expect(refused.map(({ value }) => value.errors[0]?.extensions)).toEqual(
      Array(4).fill(
        expect.objectContaining({
          code: 'PROVIDER_UNAVAILABLE',
          retryable: true,
          retryAfterSeconds: expect.any(Number),
        }),
      ),
    )
    await until(() => app.at('KAYLE').received.length === 32)
    expect((await upstreamHealthOf(app, 'KAYLE')).inFlight).toBe(32)
    release()

    const codes = (await Promise.all(requests)).map(({ value }) => value.errors[0]?.extensions.code)
    expect(codes.filter(code => code === 'NOT_FOUND')).toHaveLength(96)
    expect(app.at('KAYLE').received).toHaveLength(96)
  })

  test('are waited for until the deadline; a call that timed out waiting was never sent and is no failure of the provider', async () => {
    await open({ UPSTREAM_CONNECTIONS: '2', READ_DEADLINE_MS: '300', CREATE_DEADLINE_MS: '1000' })
    app.at('KAYLE').behave(() => 'HANG')
    const creates = [create(app, KAYLE), create(app, KAYLE)]
    await until(() => app.at('KAYLE').received.length === 2)
    const answers = await Promise.all(Array.from({ length: 12 }, (_, n) => readByProviderId(app, none(n))))

    expect(answers.map(({ errors }) => errors[0]?.extensions)).toEqual(
      Array(12).fill(expect.objectContaining({ code: 'PROVIDER_UNAVAILABLE', retryable: true, retryAfterSeconds: 1 })),
    )
    await Promise.all(creates)
    expect(app.at('KAYLE').received).toHaveLength(2)
    expect((await healthOf(app, 'KAYLE')).state).toBe('UP')

    app.at('KAYLE').behave()
    expect(codesOf(await readByProviderId(app, none(99)))).toEqual({ session: 'NOT_FOUND' })
  })

  test('refuse a create before it is sent, so that the same idempotency key can be used again', async () => {
    await open({ UPSTREAM_CONNECTIONS: '1', UPSTREAM_QUEUE: '1', READ_DEADLINE_MS: '300' })
    app.at('KAYLE').behave(() => 'HANG')
    const reads = Array.from({ length: 2 }, (_, n) => readByProviderId(app, none(n)))
    await until(() => app.at('KAYLE').received.length === 1)
    const key = newKey()

    const { data } = await create(app, KAYLE, key)
    expect(data.made).toMatchObject({ code: 'PROVIDER_UNAVAILABLE', retryAfterSeconds: 1 })
    await Promise.all(reads)
    app.at('KAYLE').behave()

    expect((await create(app, KAYLE, key)).data.made).toMatchObject({
      operation: { state: 'SUCCEEDED', sendCount: 1 },
    })
  })
})

/** The first `count` promises that settle. */
async function firstOf<T>(promises: readonly Promise<T>[], count: number): Promise<T[]> {
  const settled: T[] = []
  for (const promise of promises) promise.then(value => settled.push(value))
  await until(() => settled.length >= count, 1000)
  return settled.slice(0, count)
}

describe('the health of a provider', () => {
  test('is empty before its first call, and then reports its calls', async () => {
    await open({ RETRY_BUDGET_MIN: '0' })
    expect(await healthOf(app, 'KAYLE')).toEqual({ state: 'UP', errorRate: 0, p50Ms: null, p95Ms: null })
    const session = await makeRecord(app, KAYLE)
    for (let n = 0; n < 3; n++) await read(app, KAYLE, session)
    const well = await healthOf(app, 'KAYLE')
    expect(well).toMatchObject({ state: 'UP', errorRate: 0 })
    expect(well.p50Ms).toBeGreaterThan(0)
    expect(well.p95Ms).toBeGreaterThanOrEqual(well.p50Ms)

    app.at('KAYLE').behave(() => FAILING)
    for (let n = 0; n < 4; n++) await read(app, KAYLE, session)
    expect(await healthOf(app, 'KAYLE')).toMatchObject({ state: 'DEGRADED', errorRate: 0.5 })
    // Rejected calls do not count as calls, and the other types of calls have their own health.
    for (let n = 0; n < 20; n++) await read(app, KAYLE, session)
    const badly = await healthOf(app, 'KAYLE')
    expect(badly.state).toBe('DEGRADED')
    expect(badly.errorRate).toBeLessThan(0.7)
    expect(await healthOf(app, 'YORLET')).toMatchObject({ state: 'UP', errorRate: 0 })
  })

  test('is DEGRADED while some types of calls are rejected here, and DOWN while all are', async () => {
    await open({ BREAKER_MINIMUM_CALLS: '2', RETRY_BUDGET_MIN: '0', RETRY_BUDGET_RATIO: '0' })
    const session = await makeRecord(app, KAYLE)
    const calls = {
      read: () => read(app, KAYLE, session),
      create: () => create(app, KAYLE),
      cancel: () => app.execute(CANCEL, { id: session.id }),
    }
    app.at('KAYLE').behave(() => FAILING)
    const states: string[] = []
    for (const call of Object.values(calls)) {
      for (let n = 0; n < 10; n++) await call()
      states.push((await healthOf(app, 'KAYLE')).state)
    }
    expect(states).toEqual(['DEGRADED', 'DEGRADED', 'DOWN'])
    app.at('KAYLE').behave()
    await until(async () => {
      for (const call of Object.values(calls)) await call()
      return (await healthOf(app, 'KAYLE')).state === 'UP'
    }, 20_000)
  })

  test('counts calls in progress, latency and drift', async () => {
    await open()
    const session = await makeRecord(app, KAYLE)
    let release = () => {}
    const held = new Promise<void>(resolve => {
      release = resolve
    })
    app.at('KAYLE').behave(async () => {
      await held
      return given => ({ ...given, text: given.text.replace('"status"', '"new_field":1,"status"') })
    })
    const providerRead = timed(() => read(app, KAYLE, session))
    await until(() => app.at('KAYLE').received.length === 1)
    expect((await upstreamHealthOf(app, 'KAYLE')).inFlight).toBe(1)
    await new Promise(resolve => setTimeout(resolve, 100))
    release()

    expect((await providerRead).value.errors).toEqual([])
    const { p95Ms, state, errorRate } = await healthOf(app, 'KAYLE')
    expect([state, errorRate]).toEqual(['UP', 0])
    expect(await upstreamHealthOf(app, 'KAYLE')).toMatchObject({ inFlight: 0, driftCount: 1, p95Ms })
    expect(p95Ms).toBeGreaterThan(95)
  })

  test('is null if the provider is not configured', async () => {
    await open({ YORLET_API_KEY: '' })
    expect(await healthOf(app, 'YORLET')).toBeNull()
    const { data } = await create(app, subjectOf('YORLET'))
    expect(data.made).toMatchObject({ code: 'PROVIDER_NOT_CONFIGURED' })
  })
})
