import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Provider } from '../src/domain/provider.ts'
import { SUBJECTS } from './harness/create-subjects.ts'
import {
  codesOf,
  create,
  type Made,
  makeRecord,
  NOW_OR_ERROR,
  NOW_OR_STALE,
  newKey,
  nobody,
  READS,
  type ReadSubject,
  read,
  readByProviderId,
  subjectOf,
} from './harness/reads.ts'
import type { Conduct, Given } from './harness/unruly.ts'
import { startUnrulyHouse, type UnrulyHouse } from './harness/unruly-house.ts'

/** What is stored is given where the provider cannot be asked, and says so; unless an error was asked for. */

const FAILING: Given = { status: 500, text: '{}' }
const KAYLE = subjectOf('KAYLE')

let house: UnrulyHouse
let ahead = 0

beforeEach(async () => {
  ahead = 0
  let last = 0
  const now = () => {
    last = Math.max(last + 1, Date.now() + ahead * 1000)
    return new Date(last)
  }
  house = await startUnrulyHouse(
    { READ_DEADLINE_MS: '150', CREATE_DEADLINE_MS: '150', BREAKER_MINIMUM_CALLS: '100000' },
    { now },
  )
})
afterEach(() => house.close())

describe('a refresh that fails', () => {
  const FAILURES: readonly [string, Conduct, string][] = [
    ['a 500', () => FAILING, 'PROVIDER_UNAVAILABLE'],
    ['silence', () => 'HANG', 'PROVIDER_UNAVAILABLE'],
    ['a reset', () => 'RESET', 'PROVIDER_UNAVAILABLE'],
    ['a 401', () => ({ status: 401, text: '{}' }), 'PROVIDER_AUTH_FAILED'],
    ['a 422', () => ({ status: 422, text: '{}' }), 'PROVIDER_REJECTED'],
    ['a 429', () => ({ status: 429, text: '{}' }), 'PROVIDER_RATE_LIMITED'],
    ['a 404', () => ({ status: 404, text: '{}' }), 'NOT_FOUND'],
    ['HTML', () => ({ status: 200, text: '<html>' }), 'PROVIDER_CONTRACT_BROKEN'],
  ]

  test.each(FAILURES)(
    'by %s gives what is stored, stale and with the reason, at every provider',
    async (_by, conduct, code) => {
      for (const subject of READS) {
        const { provider } = subject
        const made = await makeRecord(house, subject)
        const fresh = (await read(house, subject, made)).data[provider]
        expect(fresh.sync).toMatchObject({ stale: false, lastError: null })
        house.at(provider).behave(conduct)

        const { data, errors } = await read(house, subject, made, NOW_OR_STALE)

        expect(errors).toEqual([])
        expect(data[provider]).toEqual({
          ...fresh,
          sync: { ...fresh.sync, stale: true, lastError: { code, message: expect.any(String) } },
        })
        house.at(provider).behave()
      }
    },
  )

  test.each(FAILURES)('by %s gives an error where one was asked for', async (_by, conduct, code) => {
    for (const subject of READS) {
      const { provider } = subject
      const made = await makeRecord(house, subject)
      house.at(provider).behave(conduct)
      const answer = await read(house, subject, made, NOW_OR_ERROR)
      expect(answer.data).toEqual({ [provider]: null })
      expect(codesOf(answer)).toEqual({ [provider]: code })
      house.at(provider).behave()
    }
  })

  test('makes nothing stale that is young enough, and everything that is too old', async () => {
    const made = await makeRecord(house, KAYLE)
    house.at('KAYLE').behave(() => FAILING)
    expect((await read(house, KAYLE, made, '{}')).data.KAYLE.sync.stale).toBe(false)
    expect((await read(house, KAYLE, made, '{ maxAgeSeconds: 60 }')).data.KAYLE.sync.stale).toBe(false)
    expect(house.at('KAYLE').received).toEqual([])

    ahead = 31
    expect((await read(house, KAYLE, made, '{}')).data.KAYLE.sync.stale).toBe(true)
    expect((await read(house, KAYLE, made, '{ maxAgeSeconds: 60 }')).data.KAYLE.sync.stale).toBe(false)
    expect(codesOf(await read(house, KAYLE, made, '{ onError: FAIL }'))).toEqual({ KAYLE: 'PROVIDER_UNAVAILABLE' })
  })

  test('is forgotten as soon as one succeeds, and is nobody elses', async () => {
    const made = await makeRecord(house, KAYLE)
    house.at('KAYLE').behave(() => FAILING)
    const stale = (await read(house, KAYLE, made, NOW_OR_STALE)).data.KAYLE.sync
    house.at('KAYLE').behave()
    // Who does not ask for a newer one is not told of another's failure.
    expect((await read(house, KAYLE, made, '{}')).data.KAYLE.sync).toMatchObject({ stale: false, lastError: null })
    const fresh = (await read(house, KAYLE, made, NOW_OR_STALE)).data.KAYLE.sync
    expect(fresh).toMatchObject({ stale: false, lastError: null })
    expect(fresh.fetchedAt > stale.fetchedAt).toBe(true)
  })

  test('behind an answer harms nobody: the next one tries again', async () => {
    const made = await makeRecord(house, KAYLE)
    ahead = 25
    house.at('KAYLE').behave(() => FAILING)
    for (let n = 0; n < 3; n++) {
      const { data, errors } = await read(house, KAYLE, made, '{}')
      expect(errors).toEqual([])
      expect(data.KAYLE.sync).toMatchObject({ stale: false, lastError: null })
    }
  })

  test('by the end of the query gives what is stored too', async () => {
    await house.close()
    house = await startUnrulyHouse({ QUERY_DEADLINE_MS: '150' })
    const made = await makeRecord(house, KAYLE)
    house.at('KAYLE').behave(() => 'HANG')
    const { data, errors } = await read(house, KAYLE, made, NOW_OR_STALE)
    expect(errors).toEqual([])
    expect(data.KAYLE.sync).toMatchObject({ stale: true, lastError: { code: 'DEADLINE_EXCEEDED' } })
  })
})

describe('with nothing stored', () => {
  test('a failure is null with a coded error, and a list beside it is whole', async () => {
    const made = await makeRecord(house, KAYLE)
    house.at('KAYLE').behave(() => FAILING)
    const { data, errors } = await house.ask(`{
      session(by: { provider: { provider: KAYLE, providerId: "${nobody(1)}" } }) { id }
      sessions { nodes { id } }
    }`)
    expect(data).toEqual({ session: null, sessions: { nodes: [{ id: made.id }] } })
    expect(codesOf({ data, errors, status: 200 })).toEqual({ session: 'PROVIDER_UNAVAILABLE' })
    expect(codesOf(await readByProviderId(house, nobody(2)))).toEqual({ session: 'PROVIDER_UNAVAILABLE' })
  })

  test('a failure of a linked record costs that field alone', async () => {
    const customer = await makeRecord(house, subjectOf('RAPIDLY'))
    const session = await makeRecord(house, KAYLE)
    await house.ask('mutation ($i: LinkSessionInput!) { linkSession(input: $i) { ... on Error { code } } }', {
      i: { sessionId: session.id, customerId: customer.id },
    })
    house.at('RAPIDLY').behave(() => FAILING)
    house.at('KAYLE').behave(() => FAILING)
    const ask = (freshness: string) =>
      house.ask(`{ session(by: { id: "${session.id}" }) {
        status
        customer(freshness: ${freshness}) { id sync { stale lastError { code } } }
        attempts(freshness: ${freshness}) { nodes { id } }
      } }`)

    const kept = await ask(NOW_OR_STALE)
    expect(kept.data.session).toMatchObject({
      status: 'CREATED',
      customer: { id: customer.id, sync: { stale: true, lastError: { code: 'PROVIDER_UNAVAILABLE' } } },
    })
    const failed = await ask(NOW_OR_ERROR)
    expect(failed.data.session).toEqual({ status: 'CREATED', customer: null, attempts: null })
    expect(codesOf(failed)).toEqual({
      'session.customer': 'PROVIDER_UNAVAILABLE',
      'session.attempts': 'PROVIDER_UNAVAILABLE',
    })
  })

  test('attempts that were read once are served when they cannot be read again', async () => {
    const session = await makeRecord(house, KAYLE)
    await fetch(`${house.at('KAYLE').origin}/_sandbox/advance`, {
      method: 'POST',
      body: JSON.stringify({ id: session.providerId, to: 'attempt_started' }),
    })
    const ask = (freshness: string) =>
      house.ask(`{ session(by: { id: "${session.id}" }) { attempts(freshness: ${freshness}) { nodes { status } } } }`)
    const known = { session: { attempts: { nodes: [{ status: 'IN_PROGRESS' }] } } }
    expect((await ask(NOW_OR_ERROR)).data).toEqual(known)
    house.at('KAYLE').behave(() => FAILING)

    const stored = await ask(NOW_OR_STALE)
    expect([stored.data, stored.errors]).toEqual([known, []])
    expect(codesOf(await ask(NOW_OR_ERROR))).toEqual({ 'session.attempts': 'PROVIDER_UNAVAILABLE' })
  })
})

describe('what the provider cannot be asked for', () => {
  /** The sessions that no provider's document lets anybody read. */
  const UNREADABLE: readonly Provider[] = ['RAPIDLY', 'YORLET']

  async function makeSession(provider: Provider): Promise<Made> {
    const subject = SUBJECTS.find(each => each.provider === provider && each.noun === 'Session')
    if (!subject) throw new Error(`${provider} has no sessions.`)
    // The subject's own words name records that the sandboxes do not have.
    const input = provider === 'RAPIDLY' ? await rapidlyInput() : subject.input
    return makeRecord(house, { ...KAYLE, provider, noun: 'session', input })
  }

  async function rapidlyInput(): Promise<object> {
    const { id } = await makeRecord(house, subjectOf('RAPIDLY'))
    return { rapidly: { customer: { customerId: id } } }
  }

  const asSession = (provider: Provider): ReadSubject => ({ ...KAYLE, provider, noun: 'session' })

  test.each(UNREADABLE)(
    'as a session of %s is never stale, however old it is and however down the provider',
    async provider => {
      const made = await makeSession(provider)
      ahead = 300
      house.at(provider).behave(() => FAILING)

      for (const freshness of ['{}', '{ onError: FAIL }']) {
        const { data, errors } = await read(house, asSession(provider), made, freshness)
        expect(errors).toEqual([])
        expect(data[provider].sync).toMatchObject({ stale: false, lastError: null })
      }
      expect(house.at(provider).received).toEqual([])
    },
  )

  test.each(UNREADABLE)('as a session of %s is UNSUPPORTED_BY_PROVIDER where it is wanted fresh', async provider => {
    const made = await makeSession(provider)
    house.at(provider).behave()
    for (const freshness of [NOW_OR_STALE, NOW_OR_ERROR]) {
      const answer = await read(house, asSession(provider), made, freshness)
      expect(codesOf(answer)).toEqual({ [provider]: 'UNSUPPORTED_BY_PROVIDER' })
    }
    const by = `by: { provider: { provider: ${provider}, providerId: "${made.providerId}" } }`
    expect(codesOf(await house.ask(`{ session(${by}) { id } }`))).toEqual({ session: 'UNSUPPORTED_BY_PROVIDER' })
    expect(house.at(provider).received).toEqual([])
  })

  test('is no matter of a create that failed: it leaves nothing to serve', async () => {
    house.at('KAYLE').behave(() => ({ status: 422, text: '{}' }))
    await create(house, KAYLE, newKey())
    expect((await house.ask('{ sessions { nodes { id } } }')).data.sessions.nodes).toEqual([])
  })
})
