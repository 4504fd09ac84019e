import { afterEach, describe, expect, test } from 'vitest'
import type { Provider } from '../src/domain/provider.ts'
import { createRandom } from './harness/load.ts'
import {
  codesOf,
  create,
  fieldOf,
  healthOf,
  type Made,
  makeRecord,
  newKey,
  nobody,
  READS,
  read,
  readByProviderId,
  subjectOf,
} from './harness/reads.ts'
import type { Conduct, Given } from './harness/unruly.ts'
import { startUnrulyHouse, type UnrulyHouse } from './harness/unruly-house.ts'
import { timed, until } from './harness/waiting.ts'

/** One provider down never takes the page down. */

const FAILING: Given = { status: 500, text: '{}' }
const KAYLE = subjectOf('KAYLE')
const ASKED = READS.map(({ provider }) => provider)

let house: UnrulyHouse

async function open(env: Record<string, string> = {}): Promise<void> {
  house = await startUnrulyHouse(env)
}
afterEach(() => house.close())

async function makeAll(): Promise<Map<Provider, Made>> {
  const made = new Map<Provider, Made>()
  for (const subject of READS) made.set(subject.provider, await makeRecord(house, subject))
  return made
}

function made(records: Map<Provider, Made>, provider: Provider): Made {
  const record = records.get(provider)
  if (!record) throw new Error(`There is no record of ${provider}.`)
  return record
}

describe('with one provider hanging', () => {
  test('a query over all five answers within its deadline, four parts whole and one with a coded error', async () => {
    await open({ READ_DEADLINE_MS: '250', QUERY_DEADLINE_MS: '1000' })
    const records = await makeAll()
    const query = `{ ${READS.map(subject => fieldOf(subject, made(records, subject.provider))).join('\n')} }`

    for (const { provider, operation } of READS) {
      house.at(provider).behave(() => 'HANG')
      const { value: answer, ms } = await timed(() => house.ask(query))
      house.at(provider).behave()

      expect(ms).toBeLessThan(1000)
      for (const other of ASKED.filter(name => name !== provider)) {
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

  test('the others answer as fast as ever, though all its slots and its queue are taken', async () => {
    await open({ BREAKER_MINIMUM_CALLS: '1000' })
    const records = await makeAll()
    const others = READS.filter(({ provider }) => provider !== 'KAYLE')
    const query = `{ ${others.map(subject => fieldOf(subject, made(records, subject.provider))).join('\n')} }`
    const measure = async () => {
      const times: number[] = []
      for (let n = 0; n < 9; n++) {
        const { value, ms } = await timed(() => house.ask(query))
        expect(value.errors).toEqual([])
        times.push(ms)
      }
      return times.sort((a, b) => a - b)[4] ?? Number.NaN
    }
    const before = await measure()
    house.at('KAYLE').behave(() => 'HANG')
    const hanging = Array.from({ length: 96 }, (_, n) => readByProviderId(house, nobody(n)))
    await until(() => house.at('KAYLE').waiting() === 32)

    const during = await measure()

    expect(house.at('KAYLE').waiting()).toBe(32)
    expect(during).toBeLessThan(10 * Math.max(before, 5))
    await Promise.all(hanging)
  })
})

describe('the deadline', () => {
  test('of a query ends all that is still under way, and what is there is given', async () => {
    await open({ READ_DEADLINE_MS: '10000', QUERY_DEADLINE_MS: '300' })
    const records = await makeAll()
    house.at('KAYLE').behave(() => 'HANG')
    const { value, ms } = await timed(() =>
      house.ask(`{ ${READS.map(subject => fieldOf(subject, made(records, subject.provider))).join('\n')} }`),
    )

    expect(ms).toBeGreaterThan(290)
    expect(ms).toBeLessThan(3000)
    expect(codesOf(value)).toEqual({ KAYLE: 'DEADLINE_EXCEEDED' })
    expect(value.errors[0]?.extensions.retryable).toBe(true)
    for (const provider of ASKED.filter(name => name !== 'KAYLE')) {
      expect(value.data[provider]).toMatchObject(made(records, provider))
    }
    await until(() => house.at('KAYLE').left() === 1)
  })

  test('of a mutation leaves later root fields unsent, and lets the create under way come to its end', async () => {
    await open({ CREATE_DEADLINE_MS: '400', MUTATION_DEADLINE_MS: '200' })
    house.at('KAYLE').behave(() => 'HANG')
    const key = newKey()
    const fields = '{ ... on CreateSessionPayload { replayed } ... on Error { code } }'
    const { value } = await timed(() =>
      house.ask(
        `mutation ($a: CreateSessionInput!, $b: CreateCustomerInput!) {
          first: createSession(input: $a) ${fields}
          second: createCustomer(input: $b) { ... on Error { code } }
        }`,
        {
          a: { idempotencyKey: key, session: { kayle: {} } },
          b: { idempotencyKey: newKey(), customer: subjectOf('RAPIDLY').input },
        },
      ),
    )

    expect(value.data).toEqual({ first: { code: 'OUTCOME_UNKNOWN' }, second: null })
    expect(codesOf(value)).toEqual({ second: 'DEADLINE_EXCEEDED' })
    expect(house.at('KAYLE').received).toHaveLength(1)
    expect(house.at('RAPIDLY').received).toEqual([])
  })
})

const NO_BREAKER = { BREAKER_MINIMUM_CALLS: '100000' }

describe('retries', () => {
  test('stay within 1.1 requests a read where half of all requests fail', async () => {
    await open(NO_BREAKER)
    const session = await makeRecord(house, KAYLE)
    const random = createRandom(7)
    house.at('KAYLE').behave(() => (random() < 0.5 ? FAILING : 'PASS'))

    let served = 0
    for (let n = 0; n < 240; n++) served += (await read(house, KAYLE, session)).errors.length === 0 ? 1 : 0

    const requests = house.at('KAYLE').received.length
    expect(requests).toBeGreaterThan(240)
    expect(requests).toBeLessThanOrEqual(240 * 1.1)
    expect(served).toBeGreaterThan(100)
  })

  test('are as good as none where all requests fail', async () => {
    await open(NO_BREAKER)
    const session = await makeRecord(house, KAYLE)
    house.at('KAYLE').behave(() => FAILING)
    for (let n = 0; n < 50; n++) await read(house, KAYLE, session)

    expect(house.at('KAYLE').received.length).toBeGreaterThan(50)
    expect(house.at('KAYLE').received.length).toBeLessThanOrEqual(55)
  })

  test.each(['500', '502', '504', 'RESET'] as const)('serve a read whose first answer is %s', async first => {
    await open()
    const session = await makeRecord(house, KAYLE)
    house
      .at('KAYLE')
      .behave((_, n) => (n > 1 ? 'PASS' : first === 'RESET' ? 'RESET' : { status: Number(first), text: '' }))

    expect((await read(house, KAYLE, session)).errors).toEqual([])
    expect(house.at('KAYLE').received).toHaveLength(2)
  })

  test.each([429, 503])('wait for the Retry-After of a %d', async status => {
    await open()
    const session = await makeRecord(house, KAYLE)
    house.at('KAYLE').behave((_, n) => (n === 1 ? { status, headers: { 'retry-after': '1' }, text: '{}' } : 'PASS'))

    expect((await read(house, KAYLE, session)).errors).toEqual([])

    const [first, second] = house.at('KAYLE').received
    expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThanOrEqual(990)
  })

  test.each([
    [429, 'PROVIDER_RATE_LIMITED'],
    [503, 'PROVIDER_UNAVAILABLE'],
  ])(
    'are not made where the Retry-After of a %d is past the deadline, and the client is told at once',
    async (status, code) => {
      await open()
      const session = await makeRecord(house, KAYLE)
      house.at('KAYLE').behave(() => ({ status, headers: { 'retry-after': '60' }, text: '{}' }))

      const { value, ms } = await timed(() => read(house, KAYLE, session))

      expect(value.errors[0]?.extensions).toMatchObject({ code, retryable: true, retryAfter: 60 })
      expect(house.at('KAYLE').received).toHaveLength(1)
      expect(ms).toBeLessThan(1000)
    },
  )

  test('are not made after a 429 without a Retry-After, nor after an answer that would be the same again', async () => {
    await open(NO_BREAKER)
    const session = await makeRecord(house, KAYLE)
    for (const status of [400, 401, 403, 404, 409, 422, 429]) {
      house.at('KAYLE').behave(() => ({ status, text: '{}' }))
      await read(house, KAYLE, session)
      expect(house.at('KAYLE').received).toHaveLength(1)
    }
  })

  const LOST: readonly [string, Conduct][] = [
    ['a 500', () => FAILING],
    ['a 503 with a Retry-After', () => ({ status: 503, headers: { 'retry-after': '0' }, text: '{}' })],
    ['a 429 with a Retry-After', () => ({ status: 429, headers: { 'retry-after': '0' }, text: '{}' })],
    ['a reset', () => 'RESET'],
    ['silence', () => 'HANG'],
  ]

  test.each(LOST)('of creates are never made after %s', async (_name, conduct) => {
    await open({ ...NO_BREAKER, CREATE_DEADLINE_MS: '150' })
    for (const subject of READS) {
      house.at(subject.provider).behave(conduct)
      const { data } = await create(house, subject)
      expect(data.made.__typename).toMatch(/^(OutcomeUnknown|ProviderUnavailable)Error$/)
      expect(house.at(subject.provider).received).toHaveLength(1)
    }
  })
})

describe('a cancel', () => {
  const CANCEL = /* GraphQL */ `
    mutation ($id: ID!) {
      cancelSession(input: { id: $id }) {
        ... on CancelSessionPayload { session { status } }
        ... on ProviderUnavailableError { retryAfterSeconds }
        ... on Error { code }
      }
    }
  `
  const isCancel = ({ path }: { path: string }) => path.endsWith('/cancel')
  const cancels = () => house.at('KAYLE').received.filter(isCancel)

  async function cancel(conduct: (n: number) => ReturnType<Conduct>) {
    await open({ CREATE_DEADLINE_MS: '200' })
    const { id } = await makeRecord(house, KAYLE)
    house.at('KAYLE').behave(request => (isCancel(request) ? conduct(cancels().length) : 'PASS'))
    const { data } = await house.ask(CANCEL, { id })
    return data.cancelSession
  }

  test.each(['HANG', 'RESET'] as const)('whose first request meets %s is sent once more', async first => {
    expect(await cancel(n => (n === 1 ? first : 'PASS'))).toEqual({ session: { status: 'CANCELED' } })
    expect(cancels()).toHaveLength(2)
  })

  test('that is lost after it was carried out shows what is', async () => {
    let lost = false
    const conduct = (n: number) => {
      if (n > 1) return 'PASS'
      return (given: Given) => {
        lost = given.status === 204 || given.status === 200
        return { status: 500, text: '' }
      }
    }
    expect(await cancel(conduct)).toMatchObject({ code: 'PROVIDER_UNAVAILABLE' })
    expect(lost).toBe(true)
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
  test('are 32 with 64 waiting; more are refused at once and were never sent', async () => {
    await open()
    let release = () => {}
    const held = new Promise<void>(resolve => {
      release = resolve
    })
    house.at('KAYLE').behave(() => held.then(() => 'PASS'))
    const asked = Array.from({ length: 100 }, (_, n) => timed(() => readByProviderId(house, nobody(n))))

    const refused = await Promise.all((await firstOf(asked, 4)).map(each => each))
    expect(refused.map(({ value }) => value.errors[0]?.extensions)).toEqual(
      Array(4).fill(
        expect.objectContaining({ code: 'PROVIDER_UNAVAILABLE', retryable: true, retryAfter: expect.any(Number) }),
      ),
    )
    await until(() => house.at('KAYLE').received.length === 32)
    expect((await healthOf(house, 'KAYLE')).inFlight).toBe(32)
    release()

    const codes = (await Promise.all(asked)).map(({ value }) => value.errors[0]?.extensions.code)
    expect(codes.filter(code => code === 'NOT_FOUND')).toHaveLength(96)
    expect(house.at('KAYLE').received).toHaveLength(96)
  })

  test('are waited for until the deadline; what waited in vain was never sent and is no fault of the provider', async () => {
    await open({ UPSTREAM_CONNECTIONS: '2', READ_DEADLINE_MS: '300', CREATE_DEADLINE_MS: '1000' })
    house.at('KAYLE').behave(() => 'HANG')
    const creates = [create(house, KAYLE), create(house, KAYLE)]
    await until(() => house.at('KAYLE').received.length === 2)
    const answers = await Promise.all(Array.from({ length: 12 }, (_, n) => readByProviderId(house, nobody(n))))

    expect(answers.map(({ errors }) => errors[0]?.extensions)).toEqual(
      Array(12).fill(expect.objectContaining({ code: 'PROVIDER_UNAVAILABLE', retryable: true, retryAfter: 1 })),
    )
    await Promise.all(creates)
    expect(house.at('KAYLE').received).toHaveLength(2)
    expect((await healthOf(house, 'KAYLE')).circuit).toBe('CLOSED')

    house.at('KAYLE').behave()
    expect(codesOf(await readByProviderId(house, nobody(99)))).toEqual({ session: 'NOT_FOUND' })
  })

  test('refuse a create before it is sent, so that the same key may be used again', async () => {
    await open({ UPSTREAM_CONNECTIONS: '1', UPSTREAM_QUEUE: '1', READ_DEADLINE_MS: '300' })
    house.at('KAYLE').behave(() => 'HANG')
    const reads = Array.from({ length: 2 }, (_, n) => readByProviderId(house, nobody(n)))
    await until(() => house.at('KAYLE').received.length === 1)
    const key = newKey()

    const { data } = await create(house, KAYLE, key)
    expect(data.made).toMatchObject({ code: 'PROVIDER_UNAVAILABLE', retryAfterSeconds: 1 })
    await Promise.all(reads)
    house.at('KAYLE').behave()

    expect((await create(house, KAYLE, key)).data.made).toMatchObject({
      operation: { state: 'SUCCEEDED', attemptsMade: 2 },
    })
  })
})

/** The first so many of the promises to settle. */
async function firstOf<T>(promises: readonly Promise<T>[], count: number): Promise<T[]> {
  const settled: T[] = []
  for (const promise of promises) promise.then(value => settled.push(value))
  await until(() => settled.length >= count, 1000)
  return settled.slice(0, count)
}

describe('the health of a provider', () => {
  test('is empty before its first call, and tells how the calls went', async () => {
    await open({ RETRY_RESERVE: '0' })
    expect(await healthOf(house, 'KAYLE')).toEqual({
      circuit: 'CLOSED',
      errorRate: 0,
      p50Ms: null,
      p95Ms: null,
      inFlight: 0,
      driftCount: 0,
    })
    const session = await makeRecord(house, KAYLE)
    for (let n = 0; n < 3; n++) await read(house, KAYLE, session)
    const well = await healthOf(house, 'KAYLE')
    expect(well).toMatchObject({ errorRate: 0, inFlight: 0, driftCount: 0 })
    expect(well.p50Ms).toBeGreaterThan(0)
    expect(well.p95Ms).toBeGreaterThanOrEqual(well.p50Ms)

    house.at('KAYLE').behave(() => FAILING)
    for (let n = 0; n < 4; n++) await read(house, KAYLE, session)
    expect(await healthOf(house, 'KAYLE')).toMatchObject({ circuit: 'CLOSED', errorRate: 0.5 })
    // Those that are refused are no calls, and the others' health is their own.
    for (let n = 0; n < 20; n++) await read(house, KAYLE, session)
    const badly = await healthOf(house, 'KAYLE')
    expect(badly.circuit).toBe('OPEN')
    expect(badly.errorRate).toBeLessThan(0.7)
    expect(await healthOf(house, 'YORLET')).toMatchObject({ circuit: 'CLOSED', errorRate: 0 })
  })

  test('counts what is under way, how slow it was and what drifted', async () => {
    await open()
    const session = await makeRecord(house, KAYLE)
    let release = () => {}
    const held = new Promise<void>(resolve => {
      release = resolve
    })
    house.at('KAYLE').behave(async () => {
      await held
      return given => ({ ...given, text: given.text.replace('"status"', '"new_field":1,"status"') })
    })
    const reading = timed(() => read(house, KAYLE, session))
    await until(() => house.at('KAYLE').received.length === 1)
    expect((await healthOf(house, 'KAYLE')).inFlight).toBe(1)
    await new Promise(resolve => setTimeout(resolve, 100))
    release()

    expect((await reading).value.errors).toEqual([])
    const health = await healthOf(house, 'KAYLE')
    expect(health).toMatchObject({ circuit: 'CLOSED', errorRate: 0, inFlight: 0, driftCount: 1 })
    expect(health.p95Ms).toBeGreaterThan(95)
  })

  test('is null where the provider is not configured', async () => {
    await open({ YORLET_API_KEY: '' })
    expect(await healthOf(house, 'YORLET')).toBeNull()
    const { data } = await create(house, subjectOf('YORLET'))
    expect(data.made).toMatchObject({ code: 'PROVIDER_NOT_CONFIGURED' })
  })
})
