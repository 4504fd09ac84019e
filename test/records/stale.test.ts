import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Provider } from '../../src/domain/provider.ts'
import { type AppWithFaultyProvider, startAppWithFaultyProvider } from '../harness/app/app-with-faulty-provider.ts'
import {
  type CreatedRecord,
  codesOf,
  create,
  makeRecord,
  NOW_OR_ERROR,
  NOW_OR_STALE,
  newKey,
  none,
  READS,
  type ReadSubject,
  read,
  readByProviderId,
  subjectOf,
} from '../harness/clients/reads.ts'
import { SUBJECTS } from '../harness/providers/create-subjects.ts'
import type { FaultyBehaviour, FaultyResponse } from '../harness/providers/faulty-provider.ts'

/** If the provider cannot be called, the stored record is served and marked as stale, unless onError is FAIL. */

const FAILING: FaultyResponse = { status: 500, text: '{}' }
const KAYLE = subjectOf('KAYLE')

let app: AppWithFaultyProvider
let ahead = 0

beforeEach(async () => {
  ahead = 0
  let last = 0
  const now = () => {
    last = Math.max(last + 1, Date.now() + ahead * 1000)
    return new Date(last)
  }
  app = await startAppWithFaultyProvider(
    { READ_DEADLINE_MS: '500', CREATE_DEADLINE_MS: '500', BREAKER_MINIMUM_CALLS: '100000' },
    { now },
  )
})
afterEach(() => app.close())

const FAILURES: readonly [string, FaultyBehaviour, string][] = [
  ['a 500', () => FAILING, 'PROVIDER_UNAVAILABLE'],
  ['silence', () => 'HANG', 'PROVIDER_UNAVAILABLE'],
  ['a reset', () => 'RESET', 'PROVIDER_UNAVAILABLE'],
  ['a 401', () => ({ status: 401, text: '{}' }), 'PROVIDER_AUTH_FAILED'],
  ['a 422', () => ({ status: 422, text: '{}' }), 'PROVIDER_REJECTED'],
  ['a 429', () => ({ status: 429, text: '{}' }), 'PROVIDER_RATE_LIMITED'],
  ['a 404', () => ({ status: 404, text: '{}' }), 'NOT_FOUND'],
  ['HTML', () => ({ status: 200, text: '<html>' }), 'PROVIDER_CONTRACT_BROKEN'],
]

describe('a refresh that fails', () => {
  test.each(FAILURES)(
    'by %s returns the stored record, stale and with the reason, at every provider',
    async (_by, conduct, code) => {
      for (const subject of READS) {
        const { provider } = subject
        const made = await makeRecord(app, subject)
        const fresh = (await read(app, subject, made)).data[provider]
        expect(fresh.sync).toMatchObject({ stale: false, lastError: null })
        app.at(provider).behave(conduct)

        const { data, errors } = await read(app, subject, made, NOW_OR_STALE)

        expect(errors).toEqual([])
        expect(data[provider]).toEqual({
          ...fresh,
          sync: { ...fresh.sync, stale: true, lastError: { code, message: expect.any(String) } },
        })
        app.at(provider).behave()
      }
    },
  )

  test.each(FAILURES)('by %s returns an error with onError FAIL', async (_by, conduct, code) => {
    for (const subject of READS) {
      const { provider } = subject
      const made = await makeRecord(app, subject)
      app.at(provider).behave(conduct)
      const answer = await read(app, subject, made, NOW_OR_ERROR)
      expect(answer.data).toEqual({ [provider]: null })
      expect(codesOf(answer)).toEqual({ [provider]: code })
      app.at(provider).behave()
    }
  })

  test('makes only records stale that are too old', async () => {
    const made = await makeRecord(app, KAYLE)
    app.at('KAYLE').behave(() => FAILING)
    expect((await read(app, KAYLE, made, '{}')).data.KAYLE.sync.stale).toBe(false)
    expect((await read(app, KAYLE, made, '{ maxAgeSeconds: 60 }')).data.KAYLE.sync.stale).toBe(false)
    expect(app.at('KAYLE').received).toEqual([])

    ahead = 31
    expect((await read(app, KAYLE, made, '{}')).data.KAYLE.sync.stale).toBe(true)
    expect((await read(app, KAYLE, made, '{ maxAgeSeconds: 60 }')).data.KAYLE.sync.stale).toBe(false)
    expect(codesOf(await read(app, KAYLE, made, '{ onError: FAIL }'))).toEqual({ KAYLE: 'PROVIDER_UNAVAILABLE' })
  })

  test('is forgotten after the next success, and affects no other record', async () => {
    const made = await makeRecord(app, KAYLE)
    app.at('KAYLE').behave(() => FAILING)
    const stale = (await read(app, KAYLE, made, NOW_OR_STALE)).data.KAYLE.sync
    app.at('KAYLE').behave()
    // A read that accepts the stored age does not report the failure of another read.
    expect((await read(app, KAYLE, made, '{}')).data.KAYLE.sync).toMatchObject({ stale: false, lastError: null })
    const fresh = (await read(app, KAYLE, made, NOW_OR_STALE)).data.KAYLE.sync
    expect(fresh).toMatchObject({ stale: false, lastError: null })
    expect(fresh.fetchedAt > stale.fetchedAt).toBe(true)
  })

  test('in the background does not affect the response: the next read tries again', async () => {
    const made = await makeRecord(app, KAYLE)
    ahead = 25
    app.at('KAYLE').behave(() => FAILING)
    for (let n = 0; n < 3; n++) {
      const { data, errors } = await read(app, KAYLE, made, '{}')
      expect(errors).toEqual([])
      expect(data.KAYLE.sync).toMatchObject({ stale: false, lastError: null })
    }
  })

  test('at the deadline of the query returns the stored record too', async () => {
    await app.close()
    app = await startAppWithFaultyProvider({ QUERY_DEADLINE_MS: '600' })
    const made = await makeRecord(app, KAYLE)
    app.at('KAYLE').behave(() => 'HANG')
    const { data, errors } = await read(app, KAYLE, made, NOW_OR_STALE)
    expect(errors).toEqual([])
    expect(data.KAYLE.sync).toMatchObject({ stale: true, lastError: { code: 'DEADLINE_EXCEEDED' } })
  })
})

describe('without a stored record', () => {
  test('a failure is null with an error code, and a list beside it is complete', async () => {
    const made = await makeRecord(app, KAYLE)
    app.at('KAYLE').behave(() => FAILING)
    const { data, errors } = await app.execute(`{
      session(by: { atProvider: { provider: KAYLE, providerId: "${none(1)}" } }) { id }
      sessions { nodes { id } }
    }`)
    expect(data).toEqual({ session: null, sessions: { nodes: [{ id: made.id }] } })
    expect(codesOf({ data, errors, status: 200 })).toEqual({ session: 'PROVIDER_UNAVAILABLE' })
    expect(codesOf(await readByProviderId(app, none(2)))).toEqual({ session: 'PROVIDER_UNAVAILABLE' })
  })

  test('a failure of a linked record nulls that field alone', async () => {
    const customer = await makeRecord(app, subjectOf('RAPIDLY'))
    const session = await makeRecord(app, KAYLE)
    await app.execute('mutation ($i: LinkSessionInput!) { linkSession(input: $i) { ... on MutationError { code } } }', {
      i: { sessionId: session.id, customerId: customer.id },
    })
    app.at('RAPIDLY').behave(() => FAILING)
    app.at('KAYLE').behave(() => FAILING)
    const execute = (freshness: string) =>
      app.execute(`{ session(by: { id: "${session.id}" }) {
        status
        customer(freshness: ${freshness}) { id sync { stale lastError { code } } }
        attempts(freshness: ${freshness}) { nodes { id } }
      } }`)

    const stored = await execute(NOW_OR_STALE)
    expect(stored.data.session).toMatchObject({
      status: 'CREATED',
      customer: { id: customer.id, sync: { stale: true, lastError: { code: 'PROVIDER_UNAVAILABLE' } } },
    })
    const failed = await execute(NOW_OR_ERROR)
    expect(failed.data.session).toEqual({ status: 'CREATED', customer: null, attempts: null })
    expect(codesOf(failed)).toEqual({
      'session.customer': 'PROVIDER_UNAVAILABLE',
      'session.attempts': 'PROVIDER_UNAVAILABLE',
    })
  })

  test('attempts that were read once are served if they cannot be read again', async () => {
    const session = await makeRecord(app, KAYLE)
    await fetch(`${app.at('KAYLE').origin}/_sandbox/advance`, {
      method: 'POST',
      body: JSON.stringify({ id: session.providerId, to: 'attempt_started' }),
    })
    const execute = (freshness: string) =>
      app.execute(`{ session(by: { id: "${session.id}" }) { attempts(freshness: ${freshness}) { nodes { status } } } }`)
    const known = { session: { attempts: { nodes: [{ status: 'IN_PROGRESS' }] } } }
    expect((await execute(NOW_OR_ERROR)).data).toEqual(known)
    app.at('KAYLE').behave(() => FAILING)

    const stored = await execute(NOW_OR_STALE)
    expect([stored.data, stored.errors]).toEqual([known, []])
    expect(codesOf(await execute(NOW_OR_ERROR))).toEqual({ 'session.attempts': 'PROVIDER_UNAVAILABLE' })
  })
})

describe('attempts', () => {
  /** The records with attempts: the input, and the step after which there is one. */
  const OWNERS: readonly (ReadSubject & { readonly step: string })[] = [
    { ...KAYLE, step: 'attempt_started' },
    { ...subjectOf('VERILOCK'), step: 'processing' },
    { ...subjectOf('PERSONR'), step: 'rejected_retry' },
  ]
  const SYNC = 'sync { fetchedAt stale source lastError { code } }'

  async function advance({ provider }: ReadSubject, id: string, to: string): Promise<void> {
    const init = { method: 'POST', body: JSON.stringify({ id, to }) }
    await fetch(`${app.at(provider).origin}/_sandbox/advance`, init)
  }

  async function readAttempts({ recordType }: ReadSubject, { id }: CreatedRecord, freshness: string) {
    const attempts = `attempts(freshness: ${freshness}) { nodes { status } ${SYNC} }`
    const { data, errors } = await app.execute(`{ record: ${recordType}(by: { id: "${id}" }) { ${attempts} ${SYNC} } }`)
    return { ...data.record, codes: errors.map(({ extensions }) => extensions.code) }
  }

  async function makeWithAttempt(owner: (typeof OWNERS)[number]): Promise<CreatedRecord> {
    const made = await makeRecord(app, owner)
    await advance(owner, made.providerId, owner.step)
    return made
  }

  test('in the response of their record have its fetchedAt', async () => {
    for (const owner of OWNERS) {
      const made = await makeWithAttempt(owner)
      await readAttempts(owner, made, NOW_OR_ERROR)
      const { attempts, sync, codes } = await readAttempts(owner, made, '{}')

      expect(attempts.nodes.length).toBeGreaterThan(0)
      expect(attempts.sync).toEqual(sync)
      expect([sync, codes]).toEqual([expect.objectContaining({ stale: false, source: 'FETCH', lastError: null }), []])
    }
  })

  test.each(FAILURES)(
    'that could not be refreshed by %s report it, and are an error only with onError FAIL',
    async (_by, conduct, code) => {
      for (const owner of OWNERS) {
        const made = await makeWithAttempt(owner)
        await readAttempts(owner, made, NOW_OR_ERROR)
        const fresh = await readAttempts(owner, made, '{}')
        app.at(owner.provider).behave(conduct)

        const stale = await readAttempts(owner, made, NOW_OR_STALE)
        const failed = await readAttempts(owner, made, NOW_OR_ERROR)
        const stored = await readAttempts(owner, made, '{ maxAgeSeconds: 60 }')

        expect(stale).toEqual({
          ...fresh,
          attempts: { ...fresh.attempts, sync: { ...fresh.attempts.sync, stale: true, lastError: { code } } },
        })
        expect([failed.attempts, failed.codes]).toEqual([null, [code]])
        expect(stored).toEqual(fresh)
        app.at(owner.provider).behave()
        const { attempts } = await readAttempts(owner, made, NOW_OR_STALE)
        expect(attempts.sync).toMatchObject({ stale: false, lastError: null })
      }
    },
  )

  test('that are fresh are not stale, though their record could not be refreshed', async () => {
    for (const owner of OWNERS) {
      const made = await makeWithAttempt(owner)
      await readAttempts(owner, made, NOW_OR_ERROR)
      app.at(owner.provider).behave(() => FAILING)

      const { data } = await app.execute(`{
        record: ${owner.recordType}(by: { id: "${made.id}" }, freshness: ${NOW_OR_STALE}) {
          sync { stale } attempts(freshness: { maxAgeSeconds: 60 }) { sync { stale lastError { code } } }
        }
      }`)

      expect(data.record).toEqual({ sync: { stale: true }, attempts: { sync: { stale: false, lastError: null } } })
      app.at(owner.provider).behave()
    }
  })

  describe('of a Kayle whose sessions do not include them', () => {
    const withoutAttempts: FaultyBehaviour = ({ path }) => {
      if (path.includes('/attempts/')) return 'PASS'
      return given => ({
        ...given,
        text: JSON.stringify(JSON.parse(given.text), (key, value) => (key === 'attempts' ? undefined : value)),
      })
    }
    const lists = () => app.at('KAYLE').received.filter(({ path }) => path.includes('/attempts/')).length

    test('are read separately each time, with their own fetchedAt', async () => {
      const made = await makeRecord(app, KAYLE)
      app.at('KAYLE').behave(withoutAttempts)
      const before = await readAttempts(KAYLE, made, NOW_OR_ERROR)
      await advance(KAYLE, made.providerId, 'attempt_started')
      const after = await readAttempts(KAYLE, made, NOW_OR_ERROR)

      expect([before.codes, after.codes, lists()]).toEqual([[], [], 2])
      expect([before.attempts.nodes, after.attempts.nodes]).toEqual([[], [{ status: 'IN_PROGRESS' }]])
      expect(after.attempts.sync).toMatchObject({ stale: false, source: 'FETCH', lastError: null })
      expect(after.attempts.sync.fetchedAt > before.attempts.sync.fetchedAt).toBe(true)
    })

    test('are read once also if other instances read the stored ones', async () => {
      const made = await makeRecord(app, KAYLE)
      app.at('KAYLE').behave(withoutAttempts)
      for (const step of ['attempt_started', 'attempt_failed', 'attempt_started']) {
        await advance(KAYLE, made.providerId, step)
        await readAttempts(KAYLE, made, NOW_OR_ERROR)
      }
      const attempts = await app.db.sql.selectFrom('attempts').select('id').execute()
      for (const { id } of attempts) {
        await app.db.sql
          .updateTable('attempts')
          .set({ read_id: `another:${id}` })
          .where('id', '=', id)
          .execute()
      }
      await advance(KAYLE, made.providerId, 'attempt_succeeded')
      app.at('KAYLE').behave(withoutAttempts)

      const { nodes } = (await readAttempts(KAYLE, made, NOW_OR_ERROR)).attempts
      expect([nodes, lists()]).toEqual([[{ status: 'FAILED' }, { status: 'SUCCEEDED' }], 1])
    })

    test('are read once more after the session ended', async () => {
      const made = await makeRecord(app, KAYLE)
      app.at('KAYLE').behave(withoutAttempts)
      await advance(KAYLE, made.providerId, 'attempt_started')
      await readAttempts(KAYLE, made, NOW_OR_ERROR)
      await advance(KAYLE, made.providerId, 'attempt_succeeded')
      expect((await read(app, KAYLE, made)).errors).toEqual([])
      ahead = 600

      for (let times = 0; times < 2; times++) {
        expect((await readAttempts(KAYLE, made, '{}')).attempts.nodes).toEqual([{ status: 'SUCCEEDED' }])
      }
      expect(lists()).toBe(2)
    })
  })
})

describe('an unsupported read', () => {
  /** The sessions that no provider documents a read for. */
  const UNREADABLE: readonly Provider[] = ['RAPIDLY', 'YORLET']

  async function makeSession(provider: Provider): Promise<CreatedRecord> {
    const subject = SUBJECTS.find(each => each.provider === provider && each.recordType === 'Session')
    if (!subject) throw new Error(`${provider} has no sessions.`)
    // The subject's own input refers to records that the sandboxes do not have.
    const input = provider === 'RAPIDLY' ? await rapidlyInput() : subject.input
    return makeRecord(app, { ...KAYLE, provider, recordType: 'session', input })
  }

  async function rapidlyInput(): Promise<object> {
    const { id } = await makeRecord(app, subjectOf('RAPIDLY'))
    return { rapidly: { customer: { customerId: id } } }
  }

  const asSession = (provider: Provider): ReadSubject => ({ ...KAYLE, provider, recordType: 'session' })

  test.each(UNREADABLE)(
    'of a session of %s makes nothing stale, however old the record is and whatever the provider answers',
    async provider => {
      const made = await makeSession(provider)
      ahead = 300
      app.at(provider).behave(() => FAILING)

      for (const freshness of ['{}', '{ onError: FAIL }', NOW_OR_STALE]) {
        const { data, errors } = await read(app, asSession(provider), made, freshness)
        expect(errors).toEqual([])
        expect(data[provider].sync).toMatchObject({ stale: false, lastError: null })
      }
      expect(app.at(provider).received).toEqual([])
    },
  )

  test.each(UNREADABLE)('of a session of %s is UNSUPPORTED_BY_PROVIDER with onError FAIL', async provider => {
    const made = await makeSession(provider)
    app.at(provider).behave(() => FAILING)
    const answer = await read(app, asSession(provider), made, NOW_OR_ERROR)
    expect(codesOf(answer)).toEqual({ [provider]: 'UNSUPPORTED_BY_PROVIDER' })
    expect(app.at(provider).received).toEqual([])
  })

  test('of a failed create returns no record', async () => {
    app.at('KAYLE').behave(() => ({ status: 422, text: '{}' }))
    await create(app, KAYLE, newKey())
    expect((await app.execute('{ sessions { nodes { id } } }')).data.sessions.nodes).toEqual([])
  })
})
