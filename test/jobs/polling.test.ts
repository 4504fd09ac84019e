import { afterEach, describe, expect, test, vi } from 'vitest'
import type { Provider } from '../../src/domain/provider.ts'
import { nextPollAt } from '../../src/services/jobs/poll-schedule.ts'
import { takeDatabase } from '../harness/app/database.ts'
import { startApp, type TestApp } from '../harness/app/test-app.ts'
import { create } from '../harness/clients/reads.ts'
import { SESSION_INPUTS, type Tried } from '../harness/documents/session-inputs.ts'

/** What is polled, and how often. The test runs the job, under a clock that it controls. */

interface CreatedRecord {
  readonly id: string
  readonly providerId: string
}

const open: TestApp[] = []
let at = Date.now()

afterEach(async () => void (await Promise.all(open.splice(0).map(app => app.close()))))

async function start(env: NodeJS.ProcessEnv = {}): Promise<TestApp> {
  at = Date.now()
  const app = await startApp(env, { now: () => new Date(at), jobs: false })
  open.push(app)
  // Without webhooks.
  for (const { origin } of app.sandboxes) await fetch(`${origin}/_sandbox/webhooks`, { method: 'DELETE' })
  // The clock of the sandboxes, after a start that may take seconds.
  at = Date.now()
  return app
}

async function make(app: TestApp, provider: Tried): Promise<CreatedRecord> {
  const { data } = await create(app, { recordType: 'session', input: SESSION_INPUTS[provider] })
  return data.made.record
}

/** Advances our clock and those of the sandboxes, then polls. Returns the seconds in which each was called. */
async function move(app: TestApp, seconds: number, ...providers: Provider[]): Promise<void> {
  at += seconds * 1000
  for (const provider of providers) await app.sandbox(provider).moveClock(seconds)
}

/** Polls every second, as the job does. Returns the seconds in which the provider was called. */
async function follow(app: TestApp, provider: Provider, seconds: number): Promise<number[]> {
  const requests: number[] = []
  for (let second = 1; second <= seconds; second++) {
    await move(app, 1)
    await app.sandbox(provider).forget()
    await app.services.polling.run()
    for (const _ of await readsOf(app, provider)) requests.push(second)
  }
  return requests
}

async function readsOf(app: TestApp, provider: Provider) {
  return (await app.sandbox(provider).requests()).filter(({ method }) => method === 'GET')
}

/** The stored record, without a provider call. */
async function stored(app: TestApp, { id }: CreatedRecord) {
  const { data, errors } = await app.execute(
    `query ($id: ID!) {
      session(by: { id: $id }, freshness: { maxAgeSeconds: 100000 }) {
        status outcome sync { source }
        timeline(first: 50) { nodes { __typename source ... on SessionStatusChanged { previousSessionStatus sessionStatus } } }
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
  ] as const)('is found by the next poll of %s', async (provider, to, outcome) => {
    const app = await start()
    const session = await make(app, provider)
    await app.sandbox(provider).advance({ id: session.providerId, to })
    await move(app, 14)
    expect(await app.services.polling.run()).toBe(0)
    expect(await stored(app, session)).toMatchObject({ status: 'CREATED' })
    await move(app, 1)
    expect(await app.services.polling.run()).toBe(1)
    const now = await stored(app, session)
    expect(now).toMatchObject({ status: 'COMPLETED', outcome, sync: { source: 'FETCH' } })
    expect(now.timeline.nodes).toContainEqual({
      __typename: 'SessionStatusChanged',
      source: 'FETCH',
      previousSessionStatus: 'CREATED',
      sessionStatus: 'COMPLETED',
    })
  })

  test('is found by the polling job', async () => {
    let ahead = 0
    const app = await startApp({ JOB_INTERVAL_MS: '20' }, { now: () => new Date(Date.now() + ahead) })
    open.push(app)
    await fetch(`${app.sandbox('KAYLE').origin}/_sandbox/webhooks`, { method: 'DELETE' })
    const session = await make(app, 'KAYLE')
    await app.sandbox('KAYLE').advance({ id: session.providerId, to: 'cancelled' })
    ahead = 15_000
    await expect.poll(async () => (await stored(app, session)).status, { timeout: 5_000 }).toBe('CANCELED')
  })
})

describe('the schedule', () => {
  test('goes from 15 seconds to 10 minutes while nothing changes', async () => {
    const app = await start()
    await make(app, 'VERILOCK')
    expect(await follow(app, 'VERILOCK', 110)).toEqual([15, 45, 105])
  })

  test('starts again after a change', async () => {
    const app = await start()
    const session = await make(app, 'VERILOCK')
    await follow(app, 'VERILOCK', 45)
    await app.sandbox('VERILOCK').advance({ id: session.providerId, to: 'processing' })
    expect(await follow(app, 'VERILOCK', 80)).toEqual([60, 75])
  })

  test('is every 5 seconds while the session is followed, and no longer', async () => {
    const app = await start()
    await make(app, 'KAYLE')
    const disconnect = new AbortController()
    const call = { tenantId: 'dev', signal: disconnect.signal }
    const [row] = await app.db.sql.selectFrom('sessions').select('id').execute()
    const events = await app.services.eventStream.session(call, row?.id ?? '')
    const first = events.next()
    expect(await follow(app, 'KAYLE', 16)).toEqual([5, 10, 15])
    disconnect.abort()
    await first
    expect(await follow(app, 'KAYLE', 60)).toEqual([4])
  })

  test('is every 5 seconds near the expiry of the session', () => {
    const now = new Date('2026-11-21T12:00:00Z')
    const next = (expiresIn: number) => nextPollAt(sessionOf(expiresIn, now), { polls: 9, isFollowed: false, now })
    expect(secondsFrom(now, next(61))).toBe(600)
    expect(secondsFrom(now, next(60))).toBe(5)
  })

  test('never exceeds 10 minutes', () => {
    const now = new Date('2026-11-21T12:00:00Z')
    for (const polls of [6, 10, 1_000, 100_000])
      expect(secondsFrom(now, nextPollAt(sessionOf(1e9, now), { polls, isFollowed: false, now }))).toBe(600)
  })
})

function sessionOf(expiresIn: number, now: Date) {
  const sync = { fetchedAt: now, stale: false, source: 'FETCH', lastError: null } as const
  return { status: 'CREATED', expiresAt: new Date(now.getTime() + expiresIn * 1000), sync } as const
}

function secondsFrom(now: Date, then: Date | null): number | null {
  return then && (then.getTime() - now.getTime()) / 1000
}

test('a time that was set before the clock was set back is due', async () => {
  const app = await start()
  await make(app, 'VERILOCK')
  const day = 86_400_000
  at += day
  await app.services.polling.run()
  at -= day
  const [row] = await app.db.sql.selectFrom('sessions').select('next_poll_at').execute()
  expect(Number(row?.next_poll_at)).toBeGreaterThan(at + day)
  expect(await follow(app, 'VERILOCK', 70)).toEqual([1, 61])
})

test('a time that was set during a provider call is not overwritten', async () => {
  const app = await start()
  await make(app, 'KAYLE')
  await app.sandbox('KAYLE').faults([{ method: 'GET', fault: { kind: 'latency', ms: 200 } }])
  await move(app, 15)
  const run = app.services.polling.run()
  await expect.poll(async () => (await readsOf(app, 'KAYLE')).length).toBe(1)
  await app.db.sql
    .updateTable('sessions')
    .set({ next_poll_at: at + 1 })
    .execute()
  await run
  const rows = await app.db.sql.selectFrom('sessions').select(['next_poll_at', 'polls']).execute()
  expect(rows).toEqual([{ next_poll_at: at + 1, polls: 0 }])
})

describe('a session that expired by the clock alone', () => {
  const LIFETIME = 3_600

  /** A Kayle session that was not read before it expired. */
  async function startOverdue(): Promise<{ app: TestApp; session: CreatedRecord }> {
    const app = await start()
    const session = await make(app, 'KAYLE')
    await move(app, LIFETIME + 1, 'KAYLE')
    const { data } = await app.execute('{ sessions(filter: { statuses: [EXPIRED] }) { nodes { sync { source } } } }')
    expect(data.sessions.nodes).toEqual([{ sync: { source: 'DERIVED' } }])
    return { app, session }
  }

  test('is polled after 30 seconds and 10 minutes, and then no more', async () => {
    const { app } = await startOverdue()
    expect(await follow(app, 'KAYLE', 31)).toEqual([30])
    await move(app, 565)
    expect(await follow(app, 'KAYLE', 10)).toEqual([4])
    await move(app, 86_400)
    expect(await follow(app, 'KAYLE', 3)).toEqual([])
  })

  test('takes the status that the provider reports later', async () => {
    const { app, session } = await startOverdue()
    await app.sandbox('KAYLE').moveClock(-LIFETIME - 1)
    await app.sandbox('KAYLE').advance({ id: session.providerId, to: 'attempt_succeeded' })
    await move(app, 30)
    await app.services.polling.run()
    expect(await stored(app, session)).toMatchObject({ status: 'COMPLETED', outcome: 'APPROVED' })
  })

  test('is not given up because a poll could not be made', async () => {
    const { app, session } = await startOverdue()
    await app.sandbox('KAYLE').moveClock(-LIFETIME - 1)
    await app.sandbox('KAYLE').advance({ id: session.providerId, to: 'attempt_succeeded' })
    await app.sandbox('KAYLE').faults([{ method: 'GET', fault: { kind: 'status', status: 500 } }])
    for (let look = 0; look < 4; look++) {
      await move(app, 400)
      await app.services.polling.run()
    }
    expect(await stored(app, session)).toMatchObject({ status: 'EXPIRED' })
    await app.sandbox('KAYLE').clearFaults()
    await new Promise(resolve => setTimeout(resolve, 2_100))
    await move(app, 400)
    await app.services.polling.run()
    expect(await stored(app, session)).toMatchObject({ status: 'COMPLETED' })
  })
})

describe('never polled is', () => {
  test.each(['RAPIDLY', 'YORLET'] as const)('a session of %s, which cannot be read', async provider => {
    const app = await start()
    await make(app, provider)
    for (let hour = 0; hour < 30; hour++) {
      await move(app, 3_600)
      expect(await app.services.polling.run()).toBe(0)
    }
    expect(await readsOf(app, provider)).toEqual([])
  })

  test('a session that this instance cannot read: it is left to others', async () => {
    const app = await start()
    await make(app, 'YORLET')
    await app.db.sql.updateTable('sessions').set({ next_poll_at: 0 }).execute()
    await app.services.polling.run()
    expect(await app.db.sql.selectFrom('sessions').select('next_poll_at').execute()).toEqual([{ next_poll_at: 0 }])
    expect(await readsOf(app, 'YORLET')).toEqual([])
  })

  test('a final session, whatever made it final', async () => {
    const app = await start()
    const session = await make(app, 'KAYLE')
    await app.sandbox('KAYLE').advance({ id: session.providerId, to: 'cancelled' })
    await app.execute('query ($id: ID!) { session(by: { id: $id }, freshness: { maxAgeSeconds: 0 }) { id } }', {
      id: session.id,
    })
    expect(await stored(app, session)).toMatchObject({ status: 'CANCELED' })
    await app.sandbox('KAYLE').forget()
    await move(app, 100_000)
    await app.services.polling.run()
    expect(await readsOf(app, 'KAYLE')).toEqual([])
  })

  test('a Yorlet session, unless reads are switched on', async () => {
    const app = await start({ YORLET_UNDOCUMENTED_READS: 'on' })
    await make(app, 'YORLET')
    await move(app, 15)
    expect(await app.services.polling.run()).toBe(1)
  })
})

describe('the budget', () => {
  /** Copies the open session this often, each due now. */
  async function multiply(app: TestApp, provider: Provider, count: number): Promise<void> {
    const row = await app.db.sql
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
      await app.db.sql
        .insertInto('sessions')
        .values(copies.slice(first, first + 20))
        .execute()
    await app.db.sql.updateTable('sessions').set({ next_poll_at: at }).where('provider', '=', provider).execute()
  }

  test('of 30 calls a minute holds for 1,000 open sessions of one account, in any minute', async () => {
    const app = await start()
    await make(app, 'KAYLE')
    await multiply(app, 'KAYLE', 1_000)
    const requests = await follow(app, 'KAYLE', 185)
    expect(requests).toHaveLength(120)
    for (const from of requests)
      expect(requests.filter(second => second >= from && second < from + 60).length).toBeLessThanOrEqual(30)
  })

  test('applies to one account: the others have their own, and their turn', async () => {
    const app = await start({ POLLS_PER_MINUTE: '5' })
    await make(app, 'KAYLE')
    await multiply(app, 'KAYLE', 1_000)
    await make(app, 'VERILOCK')
    await multiply(app, 'VERILOCK', 3)
    await move(app, 1)
    await app.services.polling.run()
    expect(await readsOf(app, 'KAYLE')).toHaveLength(5)
    expect(await readsOf(app, 'VERILOCK')).toHaveLength(3)
  })

  test('of other accounts is not blocked by an account that this instance cannot poll', async () => {
    const app = await start()
    await make(app, 'YORLET')
    await multiply(app, 'YORLET', 201)
    await make(app, 'KAYLE')
    await move(app, 16)
    expect(await app.services.polling.run()).toBe(1)
    expect(await readsOf(app, 'KAYLE')).toHaveLength(1)
  })

  test('is available again a minute later, also if the clock was set back', async () => {
    const app = await start({ POLLS_PER_MINUTE: '1' })
    await make(app, 'KAYLE')
    const due = () => app.db.sql.updateTable('sessions').set({ next_poll_at: 0 }).execute()
    await due()
    expect(await app.services.polling.run()).toBe(1)
    at -= 3_600_000
    await due()
    expect(await app.services.polling.run()).toBe(0)
    const monotonic = performance.now.bind(performance)
    const later = vi.spyOn(performance, 'now').mockImplementation(() => monotonic() + 61_000)
    expect(await app.services.polling.run()).toBe(1)
    later.mockRestore()
  })

  test('is not used while clients keep the account busy', async () => {
    const app = await start()
    await make(app, 'KAYLE')
    await multiply(app, 'KAYLE', 20)
    const sandbox = app.sandbox('KAYLE')
    await sandbox.faults([{ fault: { kind: 'latency', ms: 300 } }])
    const ids = (await app.db.sql.selectFrom('sessions').select('id').execute()).map(({ id }) => id).slice(0, 9)
    const call = { tenantId: 'dev', signal: new AbortController().signal }
    const reads = ids.map(id => app.services.sessions.get(call, { id }, { maxAgeSeconds: 0 }).catch(() => {}))
    await expect.poll(async () => (await app.services.accounts.get('dev', 'KAYLE')).upstream.health().inFlight).toBe(9)
    await move(app, 1)
    expect(await app.services.polling.run()).toBe(0)
    await Promise.all(reads)
    expect(await app.services.polling.run()).toBeGreaterThan(0)
  })

  test('is shared by two processes: one of them polls, and the other takes over after the first has ended', async () => {
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
