import { Client } from 'undici'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openDatabase } from '../db/database.ts'
import type { Session } from '../src/domain/session.ts'
import { createHub } from '../src/live/hub.ts'
import { createVault } from '../src/security/vault.ts'
import type { Account, Accounts } from '../src/services/accounts.ts'
import type { Call } from '../src/services/call.ts'
import { createCursors } from '../src/services/cursor.ts'
import type { Deps } from '../src/services/deps.ts'
import { createRecords, type Noun } from '../src/services/records.ts'
import { createSightings } from '../src/services/sightings.ts'
import { createSingleFlight } from '../src/upstream/single-flight.ts'
import { NO_TURNS } from '../src/upstream/turns.ts'
import { API_KEY } from './harness/house.ts'
import { codesOf, fieldOf, type Made, makeRecord, NOW_OR_ERROR, newKey, read, subjectOf } from './harness/reads.ts'
import { startUnrulyHouse, type UnrulyHouse } from './harness/unruly-house.ts'
import { timed, until } from './harness/waiting.ts'

/** Who wants the same at the same time shares one call; who leaves takes only its own part of it along. */

const KAYLE = subjectOf('KAYLE')

let house: UnrulyHouse
let session: Made
const opened: UnrulyHouse[] = []

async function open(env: Record<string, string> = {}): Promise<void> {
  house = await startUnrulyHouse(env)
  opened.push(house)
  session = await makeRecord(house, KAYLE)
}
afterEach(async () => {
  for (const each of opened.splice(0)) await each.close()
})

/** Has Kayle wait with its answers until it is told to go on. */
function hold(): () => void {
  let release = () => {}
  const held = new Promise<void>(resolve => {
    release = resolve
  })
  house.at('KAYLE').behave(() => held.then(() => 'PASS'))
  return release
}

const requests = () => house.at('KAYLE').received

/** A client with a connection of its own, over HTTP, that can leave. */
function ask(query: string, variables: object = {}) {
  const { origin, pathname: path } = new URL(house.url)
  const client = new Client(origin)
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${API_KEY}` }
  const answer = client
    .request({ method: 'POST', path, headers, body: JSON.stringify({ query, variables }) })
    .then(({ body }) => body.json() as Promise<{ data: Record<string, unknown> }>)
    .catch(() => undefined)
    .finally(() => client.destroy())
  return { answer, leave: () => void client.destroy() }
}

describe('identical reads', () => {
  test('of 100 clients at the same time make one call', async () => {
    await open()
    const release = hold()
    const reads = Array.from({ length: 100 }, () => read(house, KAYLE, session))
    await until(() => requests().length > 0)
    await new Promise(resolve => setTimeout(resolve, 50))
    release()

    for (const { data, errors } of await Promise.all(reads)) {
      expect(errors).toEqual([])
      expect(data.KAYLE).toMatchObject(session)
    }
    expect(requests()).toHaveLength(1)
  })

  test('share a failure too, and the next one asks anew', async () => {
    await open()
    house.at('KAYLE').behave(() => ({ status: 422, text: '{}' }))
    const answers = await Promise.all(Array.from({ length: 20 }, () => read(house, KAYLE, session)))

    expect(answers.map(codesOf)).toEqual(Array(20).fill({ KAYLE: 'PROVIDER_REJECTED' }))
    expect(requests()).toHaveLength(1)
    house.at('KAYLE').behave()
    expect((await read(house, KAYLE, session)).errors).toEqual([])
  })

  test('of different records make a call each', async () => {
    await open()
    const other = await makeRecord(house, KAYLE)
    house.at('KAYLE').behave()
    await Promise.all([session, other, session, other].map(made => read(house, KAYLE, made)))
    expect(
      requests()
        .map(({ path }) => path.split('?')[0])
        .sort(),
    ).toEqual([session, other].map(({ providerId }) => `/v1/sessions/${providerId}`).sort())
  })

  test('within one request make one call, however often and by whichever name it is selected', async () => {
    await open()
    house.at('KAYLE').behave()
    const by = `by: { provider: { provider: KAYLE, providerId: "${session.providerId}" } }`
    const { errors } = await house.ask(`{
      a: session(by: { id: "${session.id}" }, freshness: ${NOW_OR_ERROR}) { id attempts(freshness: ${NOW_OR_ERROR}) { nodes { id } } }
      b: session(${by}, freshness: ${NOW_OR_ERROR}) { id }
      c: session(by: { id: "${session.id}" }, freshness: ${NOW_OR_ERROR}) { id }
    }`)
    expect(errors).toEqual([])
    expect(requests()).toHaveLength(1)
  })
})

describe('a read after a change', () => {
  const CHANGES = {
    cancelSession: 'cancelSession(input: { id: $id }) { ... on CancelSessionPayload { session { status } } }',
    refreshSession: 'refreshSession(input: { id: $id }) { ... on RefreshSessionPayload { session { status } } }',
  }

  test.each(Object.entries(CHANGES))('as of %s does not join a read that began before it', async (name, field) => {
    await open()
    let release = () => {}
    const held = new Promise<void>(resolve => {
      release = resolve
    })
    const asItWas = JSON.stringify({ status: 'created' })
    // The first read saw the session as it was, and its answer comes late.
    house.at('KAYLE').behave(async (_, n) => {
      if (n > 1) return 'PASS'
      await held
      return given => ({ ...given, text: given.text.replace(/"status":"\w+"/, asItWas.slice(1, -1)) })
    })
    const early = read(house, KAYLE, session)
    await until(() => requests().length === 1)
    if (name === 'refreshSession') {
      const { origin } = house.at('KAYLE')
      await fetch(`${origin}/_sandbox/advance`, {
        method: 'POST',
        body: JSON.stringify({ id: session.providerId, to: 'cancelled' }),
      })
    }

    const { data, errors } = await house.ask(`mutation ($id: ID!) { ${field} }`, { id: session.id })
    expect(errors).toEqual([])
    expect(data[name]).toEqual({ session: { status: 'CANCELED' } })
    release()
    expect((await early).errors).toEqual([])

    // The late answer changed nothing.
    const stored = await house.ask('query ($id: ID!) { session(by: { id: $id }) { status } }', { id: session.id })
    expect(stored.data.session).toEqual({ status: 'CANCELED' })
  })
})

describe('a client that leaves', () => {
  test('ends its read at the provider', async () => {
    await open()
    hold()
    const client = ask(`{ ${fieldOf(KAYLE, session)} }`)
    await until(() => requests().length === 1)
    expect(house.at('KAYLE').left()).toBe(0)
    const { ms } = await timed(async () => {
      client.leave()
      await until(() => house.at('KAYLE').left() === 1)
    })
    expect(ms).toBeLessThan(1000)
    expect(house.at('KAYLE').waiting()).toBe(0)
  })

  test('ends its reads at all providers, those of nested fields too', async () => {
    await open()
    const customer = await makeRecord(house, subjectOf('RAPIDLY'))
    await house.ask('mutation ($i: LinkSessionInput!) { linkSession(input: $i) { ... on Error { code } } }', {
      i: { sessionId: session.id, customerId: customer.id },
    })
    const release = hold()
    house.at('RAPIDLY').behave(() => 'HANG')
    const client = ask(
      `{ session(by: { id: "${session.id}" }) { id customer(freshness: ${NOW_OR_ERROR}) { id } attempts(freshness: ${NOW_OR_ERROR}) { nodes { id } } } }`,
    )
    await until(() => requests().length === 1 && house.at('RAPIDLY').received.length === 1)
    client.leave()
    await until(() => house.at('KAYLE').left() === 1 && house.at('RAPIDLY').left() === 1)
    release()
  })

  test('leaves a read that is shared to the others; the last one ends it', async () => {
    await open()
    const release = hold()
    const query = `{ ${fieldOf(KAYLE, session)} }`
    const [first, second, third] = [ask(query), ask(query), ask(query)]
    await until(() => requests().length === 1)
    await new Promise(resolve => setTimeout(resolve, 50))
    first.leave()
    second.leave()
    await Promise.all([first.answer, second.answer])
    await new Promise(resolve => setTimeout(resolve, 50))
    expect(house.at('KAYLE').left()).toBe(0)
    release()

    expect((await third.answer)?.data.KAYLE).toMatchObject(session)
    expect(requests()).toHaveLength(1)

    hold()
    const both = [ask(query), ask(query)]
    await until(() => requests().length === 1)
    await new Promise(resolve => setTimeout(resolve, 50))
    for (const client of both) client.leave()
    await until(() => house.at('KAYLE').left() === 1)
  })

  test('and comes back gets a call of its own, not the one that was given up', async () => {
    await open()
    hold()
    const query = `{ ${fieldOf(KAYLE, session)} }`
    const client = ask(query)
    await until(() => requests().length === 1)
    client.leave()
    await until(() => house.at('KAYLE').left() === 1)
    house.at('KAYLE').behave()

    expect((await ask(query).answer)?.data.KAYLE).toMatchObject(session)
    expect(requests()).toHaveLength(1)
  })

  test('is no fault of the provider', async () => {
    await open()
    house.at('KAYLE').behave(() => 'HANG')
    for (let n = 1; n <= 12; n++) {
      const client = ask(`{ ${fieldOf(KAYLE, session)} }`)
      await until(() => requests().length === n)
      client.leave()
      await until(() => house.at('KAYLE').left() === n)
    }
    house.at('KAYLE').behave()
    expect((await read(house, KAYLE, session)).errors).toEqual([])
  })

  test('does not end its create, which is made and written down', async () => {
    await open()
    const release = hold()
    const key = newKey()
    const mutation = 'mutation ($input: CreateSessionInput!) { createSession(input: $input) { ... on Error { code } } }'
    const client = ask(mutation, { input: { idempotencyKey: key, session: { kayle: {} } } })
    await until(() => requests().length === 1)
    client.leave()
    await client.answer
    await new Promise(resolve => setTimeout(resolve, 100))
    expect(house.at('KAYLE').left()).toBe(0)
    expect(house.at('KAYLE').waiting()).toBe(1)
    release()

    const state = async () => {
      const query =
        'query ($key: String!) { createOperation(by: { idempotencyKey: $key }) { state session { providerId } } }'
      return (await house.ask(query, { key })).data.createOperation
    }
    await until(async () => (await state()).state === 'SUCCEEDED')
    expect((await state()).session.providerId).toMatch(/^vs_/)
    expect(requests()).toHaveLength(1)
  })
})

describe('a record that is ageing', () => {
  test('is read again behind the answer, once for all who see it', async () => {
    let ahead = 0
    house = await startUnrulyHouse({}, { now: () => new Date(Date.now() + ahead * 1000) })
    opened.push(house)
    session = await makeRecord(house, KAYLE)
    ahead = 25
    const release = hold()
    const { value, ms } = await timed(() =>
      Promise.all(Array.from({ length: 10 }, () => house.ask(`{ ${fieldOf(KAYLE, session, '{}')} }`))),
    )
    expect(ms).toBeLessThan(1000)
    for (const { data } of value) expect(data.KAYLE.sync.stale).toBe(false)
    await until(() => requests().length === 1)
    release()
    const before = value[0]?.data.KAYLE.sync.fetchedAt
    await until(async () => {
      const { data } = await house.ask(`{ ${fieldOf(KAYLE, session, '{}')} }`)
      return data.KAYLE.sync.fetchedAt > before
    })
    expect(requests()).toHaveLength(1)
  })
})

describe('two tenants', () => {
  test('that read the same make a call each, and never see what the other was told', async () => {
    const db = await openDatabase('sqlite::memory:', createVault(Buffer.alloc(32)))
    const calls: string[] = []
    let release = () => {}
    const held = new Promise<void>(resolve => {
      release = resolve
    })
    const account = (tenantId: string) => ({ id: `account of ${tenantId}`, tenantId, provider: 'KAYLE' }) as Account
    const accounts = { get: account, find: () => undefined, of: () => account('') } as unknown as Accounts
    const deps = {
      db,
      accounts,
      hub: createHub(),
      turns: NO_TURNS,
      cursors: createCursors(db.vault),
      sightings: createSightings(db, { wake: () => {}, report: () => {} }),
      now: () => new Date(),
      defaultMaxAgeSeconds: 30,
      report: () => {},
    } as unknown as Deps
    const noun = {
      word: 'session',
      capability: 'GET_SESSION',
      findByProviderId: async () => undefined,
      reader:
        () =>
        async ({ providerId }: { providerId: string }) => {
          calls.push(providerId)
          await held
          return { providerId }
        },
      store: async (_db: unknown, { account }: { account: Account }) => ({ id: account.tenantId }),
    } as unknown as Noun<Session, { providerId: string }, object>
    const records = createRecords(deps, noun)
    const get = (tenantId: string) => {
      const call: Call = { tenantId, startedAt: new Date(), signal: new AbortController().signal }
      return records.get(call, { provider: { provider: 'KAYLE', providerId: 'vs_1' } })
    }

    const asked = ['ann', 'ben', 'ann', 'ben'].map(get)
    await until(() => calls.length >= 2)
    release()

    expect((await Promise.all(asked)).map(({ id }) => id)).toEqual(['ann', 'ben', 'ann', 'ben'])
    expect(calls).toEqual(['vs_1', 'vs_1'])
    await db.close()
  })
})

describe('a flight', () => {
  let starts: AbortSignal[]
  let settle: { resolve: (value: string) => void; reject: (error: Error) => void }
  const start = (signal: AbortSignal) => {
    starts.push(signal)
    return new Promise<string>((resolve, reject) => {
      settle = { resolve, reject }
    })
  }

  beforeEach(() => {
    starts = []
  })

  test('is aborted when its last waiter leaves, and not before', async () => {
    const flights = createSingleFlight()
    const [a, b] = [new AbortController(), new AbortController()]
    const first = flights.run('key', a.signal, start)
    const second = flights.run('key', b.signal, start)
    a.abort(new Error('a left'))
    await expect(first).rejects.toThrow('a left')
    expect(starts.map(({ aborted }) => aborted)).toEqual([false])
    b.abort(new Error('b left'))
    await expect(second).rejects.toThrow('b left')
    expect(starts.map(({ aborted }) => aborted)).toEqual([true])
  })

  test('that was given up is not joined any more, and its late end harms nobody', async () => {
    const flights = createSingleFlight()
    const a = new AbortController()
    const first = flights.run('key', a.signal, start)
    const late = settle
    a.abort(new Error('left'))
    await expect(first).rejects.toThrow('left')
    const second = flights.run('key', undefined, start)
    const third = flights.run('key', undefined, start)
    late.reject(new Error('too late'))
    await new Promise(resolve => setTimeout(resolve, 0))
    settle.resolve('fresh')
    expect(await Promise.all([second, third])).toEqual(['fresh', 'fresh'])
    expect(starts).toHaveLength(2)
  })

  test('is not started for who has left already', async () => {
    const gone = AbortSignal.abort(new Error('gone'))
    await expect(createSingleFlight().run('key', gone, start)).rejects.toThrow('gone')
    expect(starts).toEqual([])
  })

  test('hands its error to all, and is over then', async () => {
    const flights = createSingleFlight()
    const runs = [flights.run('key', undefined, start), flights.run('key', undefined, start)]
    settle.reject(new Error('no'))
    for (const run of runs) await expect(run).rejects.toThrow('no')
    const next = flights.run('key', undefined, start)
    settle.resolve('yes')
    expect(await next).toBe('yes')
  })
})
