import { Client } from 'undici'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openDatabase } from '../../db/core/open-database.ts'
import type { AbortSignalLike } from '../../src/domain/abort-signal.ts'
import type { Session } from '../../src/domain/records/session.ts'
import { createFieldEncryption } from '../../src/security/field-encryption.ts'
import type { Account } from '../../src/services/accounts/account.ts'
import type { Accounts } from '../../src/services/accounts/accounts.ts'
import type { ServiceDeps } from '../../src/services/deps.ts'
import { createFollowedSessions } from '../../src/services/events/followed-sessions.ts'
import { createNotifier } from '../../src/services/events/notifier.ts'
import { createCursors } from '../../src/services/lists/cursor.ts'
import type { RecordType } from '../../src/services/records/record-type.ts'
import { createRecords } from '../../src/services/records/records.ts'
import type { RequestScope } from '../../src/services/request-scope.ts'
import { createFetchedAtWriter } from '../../src/services/snapshots/fetched-at-writer.ts'
import { createKnownAnswers } from '../../src/services/snapshots/known-answers.ts'
import { createReadSequence } from '../../src/services/snapshots/read-sequence.ts'
import { UNLIMITED_TRANSACTIONS } from '../../src/services/transaction-slots.ts'
import { NO_READ_LOCK } from '../../src/upstream/read-lock.ts'
import { createSingleFlight } from '../../src/upstream/single-flight.ts'
import { type AppWithFaultyProvider, startAppWithFaultyProvider } from '../harness/app/app-with-faulty-provider.ts'
import { API_KEY } from '../harness/app/test-app.ts'
import {
  type CreatedRecord,
  codesOf,
  fieldOf,
  makeRecord,
  NOW_OR_ERROR,
  newKey,
  read,
  subjectOf,
} from '../harness/clients/reads.ts'
import { timed, until } from '../harness/waiting.ts'

/** Concurrent reads of the same record share one call; a client that disconnects removes only its own part. */

const KAYLE = subjectOf('KAYLE')

let app: AppWithFaultyProvider
let session: CreatedRecord
const opened: AppWithFaultyProvider[] = []

async function open(env: Record<string, string> = {}): Promise<void> {
  app = await startAppWithFaultyProvider(env)
  opened.push(app)
  session = await makeRecord(app, KAYLE)
}
afterEach(async () => {
  for (const each of opened.splice(0)) await each.close()
})

/** Makes Kayle hold its responses until it is released. */
function held(): () => void {
  let release = () => {}
  const held = new Promise<void>(resolve => {
    release = resolve
  })
  app.at('KAYLE').behave(() => held.then(() => 'PASS'))
  return release
}

const requests = () => app.at('KAYLE').received

/** An HTTP client with its own connection that can disconnect. */
function execute(query: string, variables: object = {}) {
  const { origin, pathname: path } = new URL(app.url)
  const client = new Client(origin)
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${API_KEY}` }
  const answer = client
    .request({ method: 'POST', path, headers, body: JSON.stringify({ query, variables }) })
    .then(({ body }) => body.json() as Promise<{ data: Record<string, unknown> }>)
    .catch(() => undefined)
    .finally(() => client.destroy())
  return { answer, unsubscribe: () => void client.destroy() }
}

describe('identical reads', () => {
  test('of 100 clients at the same time make one call', async () => {
    await open()
    const release = held()
    const reads = Array.from({ length: 100 }, () => read(app, KAYLE, session))
    await until(() => requests().length > 0)
    await new Promise(resolve => setTimeout(resolve, 50))
    release()

    for (const { data, errors } of await Promise.all(reads)) {
      expect(errors).toEqual([])
      expect(data.KAYLE).toMatchObject(session)
    }
    expect(requests()).toHaveLength(1)
  })

  test('share a failure too, and the next read makes a new call', async () => {
    await open()
    app.at('KAYLE').behave(() => ({ status: 422, text: '{}' }))
    const answers = await Promise.all(Array.from({ length: 20 }, () => read(app, KAYLE, session)))

    expect(answers.map(codesOf)).toEqual(Array(20).fill({ KAYLE: 'PROVIDER_REJECTED' }))
    expect(requests()).toHaveLength(1)
    app.at('KAYLE').behave()
    expect((await read(app, KAYLE, session)).errors).toEqual([])
  })

  test('of different records make one call each', async () => {
    await open()
    const other = await makeRecord(app, KAYLE)
    app.at('KAYLE').behave()
    await Promise.all([session, other, session, other].map(made => read(app, KAYLE, made)))
    expect(
      requests()
        .map(({ path }) => path.split('?')[0])
        .sort(),
    ).toEqual([session, other].map(({ providerId }) => `/v1/sessions/${providerId}`).sort())
  })

  test('within one request make one call, whatever the lookup and the number of selections', async () => {
    await open()
    app.at('KAYLE').behave()
    const by = `by: { atProvider: { provider: KAYLE, providerId: "${session.providerId}" } }`
    const { errors } = await app.execute(`{
      a: session(by: { id: "${session.id}" }, freshness: ${NOW_OR_ERROR}) { id attempts(freshness: ${NOW_OR_ERROR}) { nodes { id } } }
      b: session(${by}, freshness: ${NOW_OR_ERROR}) { id }
      c: session(by: { id: "${session.id}" }, freshness: ${NOW_OR_ERROR}) { id }
    }`)
    expect(errors).toEqual([])
    expect(requests()).toHaveLength(1)
  })
})

describe('a read after a change', () => {
  const READS_AFTER = {
    'a cancel':
      'mutation ($id: ID!) { cancelSession(input: { sessionId: $id }) { ... on CancelSessionPayload { session { status } } } }',
    'a change at the provider': `query ($id: ID!) { session(by: { id: $id }, freshness: ${NOW_OR_ERROR}) { status } }`,
  }

  test.each(Object.entries(READS_AFTER))(
    '(%s) does not join a read that started before it',
    async (change, document) => {
      await open()
      let release = () => {}
      const held = new Promise<void>(resolve => {
        release = resolve
      })
      const asItWas = JSON.stringify({ status: 'created' })
      // The first read saw the earlier state, and its response arrives late.
      app.at('KAYLE').behave(async (_, n) => {
        if (n > 1) return 'PASS'
        await held
        return given => ({ ...given, text: given.text.replace(/"status":"\w+"/, asItWas.slice(1, -1)) })
      })
      const early = read(app, KAYLE, session)
      await until(() => requests().length === 1)
      if (change === 'a change at the provider') {
        const { origin } = app.at('KAYLE')
        await fetch(`${origin}/_sandbox/advance`, {
          method: 'POST',
          body: JSON.stringify({ id: session.providerId, to: 'cancelled' }),
        })
      }

      const { data, errors } = await app.execute(document, { id: session.id })
      expect(errors).toEqual([])
      expect(data.session ?? data.cancelSession.session).toEqual({ status: 'CANCELED' })
      release()
      expect((await early).errors).toEqual([])

      // The late response changed nothing.
      const stored = await app.execute('query ($id: ID!) { session(by: { id: $id }) { status } }', { id: session.id })
      expect(stored.data.session).toEqual({ status: 'CANCELED' })
    },
  )
})

describe('fresh reads', () => {
  test('of 100 clients one after the other make a few calls, none of which started too early', async () => {
    await open()
    app.at('KAYLE').behave(() => new Promise(resolve => setTimeout(resolve, 300, 'PASS')))
    const reads = []
    for (let n = 0; n < 100; n++) {
      const requestedAt = Date.now()
      reads.push(read(app, KAYLE, session).then(answer => ({ ...answer, requestedAt })))
      await new Promise(resolve => setTimeout(resolve, 3))
    }
    for (const { data, errors, requestedAt } of await Promise.all(reads)) {
      expect(errors).toEqual([])
      expect(Date.parse(data.KAYLE.sync.fetchedAt)).toBeGreaterThanOrEqual(requestedAt)
    }
    expect(requests().length).toBeGreaterThan(1)
    expect(requests().length).toBeLessThan(12)
  })
})

describe('a client that disconnects', () => {
  test('aborts its read at the provider', async () => {
    await open()
    held()
    const client = execute(`{ ${fieldOf(KAYLE, session)} }`)
    await until(() => requests().length === 1)
    expect(app.at('KAYLE').left()).toBe(0)
    const { ms } = await timed(async () => {
      client.unsubscribe()
      await until(() => app.at('KAYLE').left() === 1)
    })
    expect(ms).toBeLessThan(1000)
    expect(app.at('KAYLE').waiting()).toBe(0)
  })

  test('aborts its reads at all providers, those of nested fields too', async () => {
    await open()
    const customer = await makeRecord(app, subjectOf('RAPIDLY'))
    await app.execute('mutation ($i: LinkSessionInput!) { linkSession(input: $i) { ... on MutationError { code } } }', {
      i: { sessionId: session.id, customerId: customer.id },
    })
    const release = held()
    app.at('RAPIDLY').behave(() => 'HANG')
    const client = execute(
      `{ session(by: { id: "${session.id}" }) { id customer(freshness: ${NOW_OR_ERROR}) { id } attempts(freshness: ${NOW_OR_ERROR}) { nodes { id } } } }`,
    )
    await until(() => requests().length === 1 && app.at('RAPIDLY').received.length === 1)
    client.unsubscribe()
    await until(() => app.at('KAYLE').left() === 1 && app.at('RAPIDLY').left() === 1)
    release()
  })

  test('leaves a shared read to the other clients; the last one aborts it', async () => {
    await open()
    const release = held()
    // A read that requires a newer state does not join one that started before.
    const query = `{ ${fieldOf(KAYLE, session, '{ maxAgeSeconds: 1 }')} }`
    await new Promise(resolve => setTimeout(resolve, 1_100))
    const [first, second, third] = [execute(query), execute(query), execute(query)]
    await until(() => requests().length === 1)
    await new Promise(resolve => setTimeout(resolve, 50))
    first.unsubscribe()
    second.unsubscribe()
    await Promise.all([first.answer, second.answer])
    await new Promise(resolve => setTimeout(resolve, 50))
    expect(app.at('KAYLE').left()).toBe(0)
    release()

    expect((await third.answer)?.data.KAYLE).toMatchObject(session)
    expect(requests()).toHaveLength(1)

    held()
    await new Promise(resolve => setTimeout(resolve, 1_100))
    const both = [execute(query), execute(query)]
    await until(() => requests().length === 1)
    await new Promise(resolve => setTimeout(resolve, 50))
    for (const client of both) client.unsubscribe()
    await until(() => app.at('KAYLE').left() === 1)
  })

  test('and comes back gets a call of its own, not the aborted one', async () => {
    await open()
    held()
    const query = `{ ${fieldOf(KAYLE, session)} }`
    const client = execute(query)
    await until(() => requests().length === 1)
    client.unsubscribe()
    await until(() => app.at('KAYLE').left() === 1)
    app.at('KAYLE').behave()

    expect((await execute(query).answer)?.data.KAYLE).toMatchObject(session)
    expect(requests()).toHaveLength(1)
  })

  test('does not count as a failure of the provider', async () => {
    await open()
    app.at('KAYLE').behave(() => 'HANG')
    for (let n = 1; n <= 12; n++) {
      const client = execute(`{ ${fieldOf(KAYLE, session)} }`)
      await until(() => requests().length === n)
      client.unsubscribe()
      await until(() => app.at('KAYLE').left() === n)
    }
    app.at('KAYLE').behave()
    expect((await read(app, KAYLE, session)).errors).toEqual([])
  })

  test('does not abort its create, which is sent and stored', async () => {
    await open()
    const release = held()
    const key = newKey()
    const mutation =
      'mutation ($input: CreateSessionInput!) { createSession(input: $input) { ... on MutationError { code } } }'
    const client = execute(mutation, { input: { idempotencyKey: key, session: { kayle: {} } } })
    await until(() => requests().length === 1)
    client.unsubscribe()
    await client.answer
    await new Promise(resolve => setTimeout(resolve, 100))
    expect(app.at('KAYLE').left()).toBe(0)
    expect(app.at('KAYLE').waiting()).toBe(1)
    release()

    const state = async () => {
      const query = 'query ($key: String!) { operation(by: { idempotencyKey: $key }) { state session { providerId } } }'
      return (await app.execute(query, { key })).data.operation
    }
    await until(async () => (await state()).state === 'SUCCEEDED')
    expect((await state()).session.providerId).toMatch(/^vs_/)
    expect(requests()).toHaveLength(1)
  })
})

describe('a nearly stale record', () => {
  test('is refreshed in the background, once for all readers', async () => {
    let ahead = 0
    app = await startAppWithFaultyProvider({}, { now: () => new Date(Date.now() + ahead * 1000) })
    opened.push(app)
    session = await makeRecord(app, KAYLE)
    ahead = 25
    const release = held()
    const { value, ms } = await timed(() =>
      Promise.all(Array.from({ length: 10 }, () => app.execute(`{ ${fieldOf(KAYLE, session, '{}')} }`))),
    )
    expect(ms).toBeLessThan(1000)
    for (const { data } of value) expect(data.KAYLE.sync.stale).toBe(false)
    await until(() => requests().length === 1)
    release()
    const before = value[0]?.data.KAYLE.sync.fetchedAt
    await until(async () => {
      const { data } = await app.execute(`{ ${fieldOf(KAYLE, session, '{}')} }`)
      return data.KAYLE.sync.fetchedAt > before
    })
    expect(requests()).toHaveLength(1)
  })
})

describe('two tenants', () => {
  test('that read the same provider id make one call each, and receive their own response', async () => {
    const db = await openDatabase('sqlite::memory:', createFieldEncryption(Buffer.alloc(32)))
    const calls: string[] = []
    let release = () => {}
    const held = new Promise<void>(resolve => {
      release = resolve
    })
    const account = (tenantId: string) => ({ id: `account of ${tenantId}`, tenantId, provider: 'KAYLE' }) as Account
    const accounts: Accounts = {
      get: async tenantId => account(tenantId),
      find: async () => undefined,
      of: async () => account(''),
      list: async () => [],
      invalidate() {},
      all: () => [],
      close: async () => {},
    }
    const deps: ServiceDeps = {
      db,
      accounts,
      notifier: createNotifier(),
      readLock: NO_READ_LOCK,
      cursors: createCursors(db.encryption),
      readSequence: createReadSequence({ now: () => new Date(), ms: () => performance.now() }),
      fetchedAtWriter: createFetchedAtWriter(db, () => {}),
      now: () => new Date(),
      defaultMaxAgeSeconds: 30,
      report: () => {},
      knownAnswers: createKnownAnswers(),
      followedSessions: createFollowedSessions(),
      transactionSlots: UNLIMITED_TRANSACTIONS,
    }
    const recordType: RecordType<Session, { providerId: string }, object> = {
      name: 'session',
      capability: 'GET_SESSION',
      repository: {
        find: async () => [],
        findByProviderId: async () => undefined,
        list: async () => [],
        listMany: async () => [],
        count: async () => 0,
      },
      provider: {
        reader:
          () =>
          async ({ providerId }: { providerId: string }) => {
            calls.push(providerId)
            await held
            return { providerId }
          },
        toRef: async (_db, { providerId }) => ({ providerId }),
      },
      snapshots: {
        upsert: async (_db, { account }) => ({ id: account.tenantId }) as Session,
        compare: async () => undefined,
      },
    }
    const records = createRecords(deps, recordType)
    const get = (tenantId: string) => {
      const call: RequestScope = { tenantId, signal: new AbortController().signal }
      return records.get(call, { atProvider: { provider: 'KAYLE', providerId: 'vs_1' } })
    }

    const requests = ['ann', 'ben', 'ann', 'ben'].map(get)
    await until(() => calls.length >= 2)
    release()

    expect((await Promise.all(requests)).map(({ id }) => id)).toEqual(['ann', 'ben', 'ann', 'ben'])
    expect(calls).toEqual(['vs_1', 'vs_1'])
    await db.close()
  })
})

describe('a single-flight call', () => {
  let starts: AbortSignalLike[]
  let settle: { resolve: (value: string) => void; reject: (error: Error) => void }
  const wanted = (signal?: AbortSignal, mayJoin = () => true) => ({ signal, mayJoin })
  const start = (signal: AbortSignalLike) => {
    starts.push(signal)
    return new Promise<string>((resolve, reject) => {
      settle = { resolve, reject }
    })
  }

  beforeEach(() => {
    starts = []
  })

  test('is aborted when its last waiter leaves, and not before', async () => {
    const flights = createSingleFlight<string>()
    const [a, b] = [new AbortController(), new AbortController()]
    const first = flights.run('key', wanted(a.signal), start)
    const second = flights.run('key', wanted(b.signal), start)
    a.abort(new Error('a left'))
    await expect(first).rejects.toThrow('a left')
    expect(starts.map(({ aborted }) => aborted)).toEqual([false])
    b.abort(new Error('b left'))
    await expect(second).rejects.toThrow('b left')
    expect(starts.map(({ aborted }) => aborted)).toEqual([true])
  })

  test('that was aborted is not joined, and its late end affects no other call', async () => {
    const flights = createSingleFlight<string>()
    const a = new AbortController()
    const first = flights.run('key', wanted(a.signal), start)
    const late = settle
    a.abort(new Error('left'))
    await expect(first).rejects.toThrow('left')
    const second = flights.run('key', wanted(), start)
    const third = flights.run('key', wanted(), start)
    late.reject(new Error('too late'))
    await new Promise(resolve => setTimeout(resolve, 0))
    settle.resolve('fresh')
    expect(await Promise.all([second, third])).toEqual(['fresh', 'fresh'])
    expect(starts).toHaveLength(2)
  })

  test('is not started for a caller that is already aborted', async () => {
    const gone = AbortSignal.abort(new Error('gone'))
    await expect(createSingleFlight<string>().run('key', wanted(gone), start)).rejects.toThrow('gone')
    expect(starts).toEqual([])
  })

  test('rejects for all waiters, and is then removed', async () => {
    const flights = createSingleFlight<string>()
    const runs = [flights.run('key', wanted(), start), flights.run('key', wanted(), start)]
    settle.reject(new Error('no'))
    for (const run of runs) await expect(run).rejects.toThrow('no')
    const next = flights.run('key', wanted(), start)
    settle.resolve('yes')
    expect(await next).toBe('yes')
  })
})

describe('calls that started too early for a new waiter', () => {
  /** The calls in the order in which they started; the test settles each. */
  interface Started {
    readonly signal: AbortSignalLike
    readonly resolve: (value: string) => void
    readonly reject: (error: Error) => void
  }
  let started: Started[]
  let flights: ReturnType<typeof createSingleFlight<number>>

  beforeEach(() => {
    started = []
    flights = createSingleFlight<number>()
  })

  /** Requests a call that starts from now on. */
  function want(signal?: AbortSignal): Promise<string> {
    const before = started.length
    return flights.run<string>(
      'key',
      { signal, mayJoin: begun => begun > before },
      (signal, begins) =>
        new Promise((resolve, reject) => {
          started.push({ signal, resolve, reject })
          begins(started.length)
        }),
    )
  }

  test('are two at most; all other waiters share the next one', async () => {
    const [a, b] = [want(), want()]
    const others = [want(), want(), want()]
    expect(started).toHaveLength(2)
    started[0]?.resolve('a')
    expect(await a).toBe('a')
    expect(started).toHaveLength(3)
    started[1]?.resolve('b')
    started[2]?.resolve('c')
    expect(await b).toBe('b')
    expect(await Promise.all(others)).toEqual(['c', 'c', 'c'])
    expect(started).toHaveLength(3)
  })

  test('fail only for their own waiters', async () => {
    const [a, b, c] = [want(), want(), want()]
    started[0]?.reject(new Error('a failed'))
    await expect(a).rejects.toThrow('a failed')
    started[1]?.reject(new Error('b failed'))
    await expect(b).rejects.toThrow('b failed')
    started[2]?.resolve('c')
    expect(await c).toBe('c')
  })

  test('can be left by any waiter: the next one runs for those that stay', async () => {
    const [first, last] = [new AbortController(), new AbortController()]
    const a = want(first.signal)
    const b = want()
    const [gone, stays] = [want(last.signal), want()]
    last.abort(new Error('left'))
    await expect(gone).rejects.toThrow('left')
    first.abort(new Error('left too'))
    await expect(a).rejects.toThrow('left too')
    expect(started.map(({ signal }) => signal.aborted)).toEqual([true, false, false])
    started[2]?.resolve('c')
    expect(await stays).toBe('c')
    started[1]?.resolve('b')
    expect(await b).toBe('b')
  })

  test('are not followed by a next one without waiters', async () => {
    const disconnect = new AbortController()
    const [a, b, c] = [want(), want(), want(disconnect.signal)]
    disconnect.abort(new Error('left'))
    await expect(c).rejects.toThrow('left')
    started[0]?.resolve('a')
    started[1]?.resolve('b')
    expect(await Promise.all([a, b])).toEqual(['a', 'b'])
    expect(started).toHaveLength(2)
    const d = want()
    started[2]?.resolve('d')
    expect(await d).toBe('d')
  })
})
