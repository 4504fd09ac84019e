import { afterEach, describe, expect, test } from 'vitest'
import type { Provider } from '../src/domain/provider.ts'
import { nextPollAt } from '../src/services/poll-schedule.ts'
import { takeDatabase } from './harness/database.ts'
import { type House, startHouse } from './harness/house.ts'
import { create } from './harness/reads.ts'
import { SESSION_INPUTS, type Tried } from './harness/session-inputs.ts'

/** What is looked at without anybody asking, and how often. Its job is run by hand, under a clock that stands still. */

interface Made {
  readonly id: string
  readonly providerId: string
}

const open: House[] = []
let at = Date.now()

afterEach(async () => void (await Promise.all(open.splice(0).map(house => house.close()))))

async function start(env: NodeJS.ProcessEnv = {}): Promise<House> {
  at = Date.now()
  const house = await startHouse(env, { now: () => new Date(at), jobs: false })
  open.push(house)
  // What is shown here is what happens where no webhook comes.
  for (const { origin } of house.sandboxes) await fetch(`${origin}/_sandbox/webhooks`, { method: 'DELETE' })
  return house
}

async function make(house: House, provider: Tried): Promise<Made> {
  const { data } = await create(house, { noun: 'session', input: SESSION_INPUTS[provider] })
  return data.made.record
}

/** Moves our time and the sandboxes', then looks. Gives the seconds in which each was asked. */
async function move(house: House, seconds: number, ...providers: Provider[]): Promise<void> {
  at += seconds * 1000
  for (const provider of providers) await house.sandbox(provider).moveClock(seconds)
}

/** Looks every second, as the job does. Gives at which seconds the provider was asked. */
async function watch(house: House, provider: Provider, seconds: number): Promise<number[]> {
  const asked: number[] = []
  for (let second = 1; second <= seconds; second++) {
    await move(house, 1)
    await house.sandbox(provider).forget()
    await house.services.polling.run()
    for (const _ of await readsOf(house, provider)) asked.push(second)
  }
  return asked
}

async function readsOf(house: House, provider: Provider) {
  return (await house.sandbox(provider).requests()).filter(({ method }) => method === 'GET')
}

/** As our store knows it, without asking anybody. */
async function stored(house: House, { id }: Made) {
  const { data, errors } = await house.ask(
    `query ($id: ID!) {
      session(by: { id: $id }, freshness: { maxAgeSeconds: 100000 }) {
        status outcome sync { source }
        timeline(first: 50) { nodes { __typename source ... on StatusChanged { from to } } }
      }
    }`,
    { id },
  )
  expect(errors).toEqual([])
  return data.session
}

describe('a change whose webhook was lost', () => {
  test.each([
    ['KAYLE', 'attempt_succeeded', 'APPROVED'],
    ['VERILOCK', 'declined', 'REJECTED'],
  ] as const)('is seen by the next look at %s', async (provider, to, outcome) => {
    const house = await start()
    const session = await make(house, provider)
    await house.sandbox(provider).advance({ id: session.providerId, to })
    await move(house, 14)
    expect(await house.services.polling.run()).toBe(0)
    expect(await stored(house, session)).toMatchObject({ status: 'CREATED' })
    await move(house, 1)
    expect(await house.services.polling.run()).toBe(1)
    const now = await stored(house, session)
    expect(now).toMatchObject({ status: 'COMPLETED', outcome, sync: { source: 'FETCH' } })
    expect(now.timeline.nodes).toContainEqual({
      __typename: 'StatusChanged',
      source: 'FETCH',
      from: 'CREATED',
      to: 'COMPLETED',
    })
  })

  test('is seen by itself, where the job runs', async () => {
    let ahead = 0
    const house = await startHouse({ JOB_INTERVAL_MS: '20' }, { now: () => new Date(Date.now() + ahead) })
    open.push(house)
    await fetch(`${house.sandbox('KAYLE').origin}/_sandbox/webhooks`, { method: 'DELETE' })
    const session = await make(house, 'KAYLE')
    await house.sandbox('KAYLE').advance({ id: session.providerId, to: 'cancelled' })
    ahead = 15_000
    await expect.poll(async () => (await stored(house, session)).status, { timeout: 5_000 }).toBe('CANCELED')
  })
})

describe('the schedule', () => {
  test('goes from 15 seconds to 10 minutes while nothing happens', async () => {
    const house = await start()
    await make(house, 'VERILOCK')
    expect(await watch(house, 'VERILOCK', 110)).toEqual([15, 45, 105])
  })

  test('begins anew when something happens', async () => {
    const house = await start()
    const session = await make(house, 'VERILOCK')
    await watch(house, 'VERILOCK', 45)
    await house.sandbox('VERILOCK').advance({ id: session.providerId, to: 'processing' })
    expect(await watch(house, 'VERILOCK', 80)).toEqual([60, 75])
  })

  test('is every 5 seconds while somebody follows the session, and no longer', async () => {
    const house = await start()
    await make(house, 'KAYLE')
    const leaving = new AbortController()
    const call = { tenantId: 'dev', startedAt: new Date(at), signal: leaving.signal }
    const [row] = await house.db.sql.selectFrom('sessions').select('id').execute()
    const events = await house.services.live.session(call, row?.id ?? '')
    const first = events.next()
    expect(await watch(house, 'KAYLE', 16)).toEqual([5, 10, 15])
    leaving.abort()
    await first
    expect(await watch(house, 'KAYLE', 60)).toEqual([4])
  })

  test('is every 5 seconds near the end of the session', () => {
    const now = new Date('2026-11-21T12:00:00Z')
    const next = (expiresIn: number) => nextPollAt(sessionOf(expiresIn, now), { polls: 9, watched: false, now })
    expect(secondsFrom(now, next(61))).toBe(600)
    expect(secondsFrom(now, next(60))).toBe(5)
  })

  test('never waits longer than 10 minutes', () => {
    const now = new Date('2026-11-21T12:00:00Z')
    for (const polls of [6, 10, 1_000, 100_000])
      expect(secondsFrom(now, nextPollAt(sessionOf(1e9, now), { polls, watched: false, now }))).toBe(600)
  })
})

function sessionOf(expiresIn: number, now: Date) {
  const sync = { fetchedAt: now, stale: false, source: 'FETCH', lastError: null } as const
  return { status: 'CREATED', expiresAt: new Date(now.getTime() + expiresIn * 1000), sync } as const
}

function secondsFrom(now: Date, then: Date | null): number | null {
  return then && (then.getTime() - now.getTime()) / 1000
}

describe('a session that the clock alone calls expired', () => {
  const LIFETIME = 3_600

  /** A Kayle session that nobody looked at until its time was over. */
  async function startOverdue(): Promise<{ house: House; session: Made }> {
    const house = await start()
    const session = await make(house, 'KAYLE')
    await move(house, LIFETIME + 1, 'KAYLE')
    const { data } = await house.ask('{ sessions(filter: { status: [EXPIRED] }) { nodes { sync { source } } } }')
    expect(data.sessions.nodes).toEqual([{ sync: { source: 'DERIVED' } }])
    return { house, session }
  }

  test('is asked for again after 30 seconds and 10 minutes, and then no more', async () => {
    const { house } = await startOverdue()
    expect(await watch(house, 'KAYLE', 31)).toEqual([30])
    await move(house, 565)
    expect(await watch(house, 'KAYLE', 10)).toEqual([4])
    await move(house, 86_400)
    expect(await watch(house, 'KAYLE', 3)).toEqual([])
  })

  test('becomes what the provider says after all', async () => {
    const { house, session } = await startOverdue()
    await house.sandbox('KAYLE').moveClock(-LIFETIME - 1)
    await house.sandbox('KAYLE').advance({ id: session.providerId, to: 'attempt_succeeded' })
    await move(house, 30)
    await house.services.polling.run()
    expect(await stored(house, session)).toMatchObject({ status: 'COMPLETED', outcome: 'APPROVED' })
  })

  test('is not given up because it could not be asked for', async () => {
    const { house, session } = await startOverdue()
    await house.sandbox('KAYLE').moveClock(-LIFETIME - 1)
    await house.sandbox('KAYLE').advance({ id: session.providerId, to: 'attempt_succeeded' })
    await house.sandbox('KAYLE').faults([{ method: 'GET', fault: { kind: 'status', status: 500 } }])
    for (let look = 0; look < 4; look++) {
      await move(house, 400)
      await house.services.polling.run()
    }
    expect(await stored(house, session)).toMatchObject({ status: 'EXPIRED' })
    await house.sandbox('KAYLE').clearFaults()
    await new Promise(resolve => setTimeout(resolve, 2_100))
    await move(house, 400)
    await house.services.polling.run()
    expect(await stored(house, session)).toMatchObject({ status: 'COMPLETED' })
  })
})

describe('what is never looked at', () => {
  test.each(['RAPIDLY', 'YORLET'] as const)('a session of %s, which cannot be read', async provider => {
    const house = await start()
    await make(house, provider)
    for (let hour = 0; hour < 30; hour++) {
      await move(house, 3_600)
      expect(await house.services.polling.run()).toBe(0)
    }
    expect(await readsOf(house, provider)).toEqual([])
  })

  test('a session whose provider could be read when it was made, and cannot any more', async () => {
    const house = await start()
    await make(house, 'YORLET')
    await house.db.sql.updateTable('sessions').set({ next_poll_at: 0 }).execute()
    await house.services.polling.run()
    expect(await house.db.sql.selectFrom('sessions').select('next_poll_at').execute()).toEqual([{ next_poll_at: null }])
    expect(await readsOf(house, 'YORLET')).toEqual([])
  })

  test('a session that is over, however that became known', async () => {
    const house = await start()
    const session = await make(house, 'KAYLE')
    await house.sandbox('KAYLE').advance({ id: session.providerId, to: 'cancelled' })
    await house.ask('mutation ($id: ID!) { refreshSession(input: { id: $id }) { __typename } }', { id: session.id })
    expect(await stored(house, session)).toMatchObject({ status: 'CANCELED' })
    await house.sandbox('KAYLE').forget()
    await move(house, 100_000)
    await house.services.polling.run()
    expect(await readsOf(house, 'KAYLE')).toEqual([])
  })

  test('with reads switched on, a session of Yorlet is looked at', async () => {
    const house = await start({ YORLET_UNDOCUMENTED_READS: 'on' })
    await make(house, 'YORLET')
    await move(house, 15)
    expect(await house.services.polling.run()).toBe(1)
  })
})

describe('the budget', () => {
  /** So many more open sessions as there is one, due now. */
  async function multiply(house: House, provider: Provider, count: number): Promise<void> {
    const row = await house.db.sql
      .selectFrom('sessions')
      .selectAll()
      .where('provider', '=', provider)
      .executeTakeFirstOrThrow()
    const copies = Array.from({ length: count - 1 }, (_, n) => ({
      ...row,
      id: `${row.id.slice(0, -12)}${String(n).padStart(12, '0')}`,
      provider_id:
        provider === 'KAYLE'
          ? `vs_${String(n).padStart(64, '0')}`
          : `${row.provider_id.slice(0, -12)}${String(n).padStart(12, '0')}`,
    }))
    for (let first = 0; first < copies.length; first += 20)
      await house.db.sql
        .insertInto('sessions')
        .values(copies.slice(first, first + 20))
        .execute()
    await house.db.sql.updateTable('sessions').set({ next_poll_at: at }).where('provider', '=', provider).execute()
  }

  test('of 30 calls a minute holds for 1,000 open sessions of one account, in any minute', async () => {
    const house = await start()
    await make(house, 'KAYLE')
    await multiply(house, 'KAYLE', 1_000)
    const asked = await watch(house, 'KAYLE', 185)
    expect(asked).toHaveLength(120)
    for (const from of asked)
      expect(asked.filter(second => second >= from && second < from + 60).length).toBeLessThanOrEqual(30)
  })

  test('is that of one account: the others have their own, and their turn', async () => {
    const house = await start({ POLLS_PER_MINUTE: '5' })
    await make(house, 'KAYLE')
    await multiply(house, 'KAYLE', 1_000)
    await make(house, 'VERILOCK')
    await multiply(house, 'VERILOCK', 3)
    await move(house, 1)
    await house.services.polling.run()
    expect(await readsOf(house, 'KAYLE')).toHaveLength(5)
    expect(await readsOf(house, 'VERILOCK')).toHaveLength(3)
  })

  test('waits while clients keep the account busy', async () => {
    const house = await start()
    await make(house, 'KAYLE')
    await multiply(house, 'KAYLE', 20)
    const sandbox = house.sandbox('KAYLE')
    await sandbox.faults([{ fault: { kind: 'latency', ms: 300 } }])
    const ids = (await house.db.sql.selectFrom('sessions').select('id').execute()).map(({ id }) => id).slice(0, 9)
    const call = { tenantId: 'dev', startedAt: new Date(at), signal: new AbortController().signal }
    const reads = ids.map(id => house.services.sessions.refreshNow(call, id).catch(() => {}))
    await expect
      .poll(async () => (await house.services.accounts.get('dev', 'KAYLE')).upstream.health().inFlight)
      .toBe(9)
    await move(house, 1)
    expect(await house.services.polling.run()).toBe(0)
    await Promise.all(reads)
    expect(await house.services.polling.run()).toBeGreaterThan(0)
  })

  test('is shared by two processes: one of them looks, and the other takes over after it died', async () => {
    const env = { DATABASE_URL: (await takeDatabase()).url }
    const one = await start(env)
    await make(one, 'KAYLE')
    const { origin } = one.sandbox('KAYLE')
    const settings = { KAYLE_BASE_URL: origin }
    const other = await start({ ...env, ...settings })
    await multiply(one, 'KAYLE', 100)
    at += 1_000
    expect(await one.services.polling.run()).toBe(30)
    expect(await other.services.polling.run()).toBe(0)
    at += 61_000
    expect(await other.services.polling.run()).toBe(0)
    at += 29_000
    expect(await other.services.polling.run()).toBe(30)
  })
})
