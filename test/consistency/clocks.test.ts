import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Instances, SLOW_START_MS, startInstances } from '../harness/app/instances.ts'
import type { TestApp } from '../harness/app/test-app.ts'
import { deliver, fromKayle, openEndpoint, type WebhookTarget } from '../harness/providers/deliveries.ts'
import { createKayleSession } from '../harness/providers/kayle-session.ts'

/**
 * Two instances whose clocks differ: neither freshness nor the order of responses may depend on comparing their times.
 */

const SKEWS = [-60_000, -900, 900, 60_000]

let instances: Instances
let endpoint: WebhookTarget
let skew = 0
let made = 0

beforeAll(async () => {
  instances = await startInstances(['KAYLE'], [{ now: () => new Date(Date.now() + skew) }, {}])
  endpoint = await openEndpoint(instances.at(0), 'KAYLE')
}, SLOW_START_MS)
afterAll(() => instances.close())
beforeEach(() => {
  skew = 0
})

const kayle = () => instances.provider('KAYLE')

/** A session that the instance with the other clock has just read, and that has changed at its provider since. */
async function changed(to: 'cancelled' | 'created' = 'cancelled'): Promise<{ id: string; providerId: string }> {
  const session = await createKayleSession(instances.at(0), `user-${++made}`)
  await readNow(instances.at(0), session.id)
  await instances.at(0).services.fetchedAtWriter.flush()
  if (to === 'cancelled') await kayle().sandbox.advance({ id: session.providerId, to })
  return session
}

async function readNow(at: TestApp, id: string): Promise<string> {
  const query =
    'query ($id: ID!) { session(by: { id: $id }, freshness: { maxAgeSeconds: 0, onError: FAIL }) { status } }'
  const { data, errors } = await at.execute(query, { id })
  expect(errors).toEqual([])
  return data.session.status
}

async function cancel(at: TestApp, id: string): Promise<string> {
  const mutation =
    'mutation ($id: ID!) { cancelSession(input: { sessionId: $id }) { ... on CancelSessionPayload { session { status } } } }'
  const { data, errors } = await at.execute(mutation, { id })
  expect(errors).toEqual([])
  return data.cancelSession.session.status
}

const stored = async (at: TestApp, id: string) =>
  (await at.execute('query ($id: ID!) { session(by: { id: $id }) { status } }', { id })).data.session.status

describe.each(SKEWS)('an instance whose clock is %i ms off', ms => {
  test.each([0, 1])('hides no change from a client of instance %i', async place => {
    const at = instances.at(place)
    skew = ms
    const first = await changed()
    const second = await changed('created')

    expect(await readNow(at, first.id)).toBe('CANCELED')
    expect(await cancel(at, second.id)).toBe('CANCELED')
    for (const { id } of [first, second])
      for (const app of instances.apps) expect(await stored(app, id)).toBe('CANCELED')
  })

  test.each([0, 1])('does not prevent a webhook from refreshing its session at instance %i', async place => {
    skew = ms
    const session = await changed()
    await kayle().sandbox.forget()
    const event = { type: 'verification.session.cancelled', sessionId: session.providerId }
    const at = instances.at(place)
    expect(await deliver(at, endpoint, await fromKayle(endpoint, event, new Date(Date.now() + (place ? 0 : ms))))).toBe(
      204,
    )
    skew = Math.max(0, skew)
    for (const app of instances.apps) await app.services.webhookInbox.applyDue()

    expect(await stored(at, session.id)).toBe('CANCELED')
  })

  test('reports no record as younger than it is', async () => {
    skew = ms
    const { id } = await changed()
    await sleep(1_100)
    const query = 'query ($id: ID!) { session(by: { id: $id }, freshness: { maxAgeSeconds: 1 }) { status } }'
    expect((await instances.at(1).execute(query, { id })).data.session.status).toBe('CANCELED')
  })

  test('does not undo what a later read of another instance stored', async () => {
    skew = ms
    const session = await changed('created')
    let release = () => {}
    const held = new Promise<void>(resolve => {
      release = resolve
    })
    kayle().policy.behave((_, n) => (n === 1 ? held.then(() => asCreated) : 'PASS'))
    const late = readNow(instances.at(0), session.id)
    while (kayle().policy.received.length === 0) await sleep(5)
    await kayle().sandbox.advance({ id: session.providerId, to: 'cancelled' })
    expect(await readNow(instances.at(1), session.id)).toBe('CANCELED')
    await instances.at(1).services.fetchedAtWriter.flush()
    release()
    await late

    for (const app of instances.apps) expect(await stored(app, session.id)).toBe('CANCELED')
    kayle().policy.behave()
  })
})

const asCreated = ({ text, ...given }: { status: number; text: string }) => ({
  ...given,
  text: text.replace(/"status":"\w+"/, '"status":"created"'),
})

describe('a clock that is set', () => {
  test.each([-3_600_000, -60_000, 60_000])('by %i ms while the server runs hides no change', async ms => {
    const { id } = await changed()
    skew = ms
    expect(await readNow(instances.at(0), id)).toBe('CANCELED')
    const other = await changed()
    skew = 0
    expect(await readNow(instances.at(0), other.id)).toBe('CANCELED')
  })

  test('back makes no old record fresh', async () => {
    const { id } = await changed()
    await sleep(1_100)
    skew = -1_000
    const query = 'query ($id: ID!) { session(by: { id: $id }, freshness: { maxAgeSeconds: 1 }) { status } }'
    expect((await instances.at(0).execute(query, { id })).data.session.status).toBe('CANCELED')
  })
})

test('20 webhooks at once, of an instance whose clock is ahead, leave the session as its provider has it', async () => {
  skew = 900
  const sessions: { id: string; providerId: string }[] = []
  while (sessions.length < 20) sessions.push(await changed())
  skew = 0
  const deliveries = await Promise.all(
    sessions.map(({ providerId }) =>
      fromKayle(endpoint, { type: 'verification.session.cancelled', sessionId: providerId }),
    ),
  )
  await Promise.all(deliveries.map(delivery => deliver(instances.at(1), endpoint, delivery)))
  await instances.at(1).services.webhookInbox.applyDue()

  for (const { id } of sessions) expect(await stored(instances.at(1), id)).toBe('CANCELED')
})
