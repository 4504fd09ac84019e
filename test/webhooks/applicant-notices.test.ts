import { afterEach, describe, expect, test } from 'vitest'
import type { Provider } from '../../src/domain/provider.ts'
import { startApp, type TestApp } from '../harness/app/test-app.ts'
import { create, newKey } from '../harness/clients/reads.ts'
import {
  DEV,
  deliver,
  fromPersonr,
  fromYorlet,
  openEndpoint,
  type WebhookTarget,
} from '../harness/providers/deliveries.ts'

/** Applicants are updated with and without a session: by webhooks and by polls. */

let app: TestApp
let at = Date.now()
afterEach(() => app.close())

/** The clock of this server and of Personr moves only when a test moves it. */
async function start(env: NodeJS.ProcessEnv = {}): Promise<TestApp> {
  at = Date.now()
  app = await startApp({ BREAKER_MINIMUM_CALLS: '100000', ...env }, { now: () => new Date(at), jobs: false })
  // Only the deliveries that the tests send.
  for (const { origin } of app.sandboxes) await fetch(`${origin}/_sandbox/webhooks`, { method: 'DELETE' })
  return app
}

interface CreatedRecord {
  readonly id: string
  readonly providerId: string
}

const PERSONR = { email: 'ann@example.com', phone: '+46 70 000 00 00', flowName: 'KYC basic' }

async function make(recordType: 'applicant' | 'session', input: object): Promise<CreatedRecord> {
  const { data } = await create(app, { recordType, input }, newKey())
  expect(data.made).toMatchObject({ __typename: expect.stringMatching(/Payload$/) })
  return data.made.record
}

const makeApplicant = (externalUserIds: string[] = []) =>
  make('applicant', { personr: { ...PERSONR, externalUserIds } })

/** Creates an applicant in Personr's dashboard. */
async function makeElsewhere(externalUserIds: string[]): Promise<string> {
  const response = await fetch(`${app.sandbox('PERSONR').origin}/api/1.1/wf/api-applicant-create`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      authorization: 'Bearer bus|4242424242424x424242424242424242|4343434343434x434343434343434343',
    },
    body: JSON.stringify({ ...PERSONR, externalUserId: externalUserIds }),
  })
  return ((await response.json()) as { response: { applicantId: string } }).response.applicantId
}

async function deliverNotice(policy: WebhookTarget, applicantId: string): Promise<void> {
  // Personr's notices have no id: those of one minute count as one.
  at += 61_000
  expect(await deliver(app, policy, fromPersonr(policy, { applicantId, actionStatus: 'Reviewed' }))).toBe(204)
  await app.services.webhookInbox.applyDue()
  const deliveries = await app.db.sql.selectFrom('deliveries').select('state').execute()
  expect(deliveries.map(({ state }) => state)).toEqual(deliveries.map(() => 'APPLIED'))
}

const SHOWN = 'id providerId status outcome externalId sync { source stale lastError { code } }'

/** The stored applicant, without a provider call. */
async function listed() {
  const { data, errors } = await app.execute(`{ applicants(first: 50) { nodes { ${SHOWN} } } }`)
  expect(errors).toEqual([])
  return data.applicants.nodes
}

async function shown(id: string) {
  const { data, errors } = await app.execute(
    `query ($id: ID!) { applicant(by: { id: $id }, freshness: { maxAgeSeconds: 1000000 }) { ${SHOWN} } }`,
    { id },
  )
  expect(errors).toEqual([])
  return data.applicant
}

async function reads(provider: Provider = 'PERSONR'): Promise<number> {
  const requests = await app.sandbox(provider).requests()
  return requests.filter(({ path }) => /applicant-status|\/applicants/.test(path)).length
}

const APPROVED = { status: 'COMPLETED', outcome: 'APPROVED' }

describe('a notice about an applicant', () => {
  test('without a session is applied to it: lists, lookups and the person show the new state', async () => {
    await start()
    const policy = await openEndpoint(app, 'PERSONR')
    const applicant = await makeApplicant(['usr_1'])
    await app.sandbox('PERSONR').advance({ id: applicant.providerId, to: 'approved' })

    await deliverNotice(policy, applicant.providerId)

    const truth = { ...APPROVED, sync: { source: 'WEBHOOK', stale: false, lastError: null } }
    expect(await listed()).toMatchObject([truth])
    expect(await shown(applicant.id)).toMatchObject(truth)
    const { data } = await app.execute(`{ person(externalId: "usr_1") { applicants { nodes { ${SHOWN} } } } }`)
    expect(data.person.applicants.nodes).toMatchObject([truth])
  })

  test('that is unknown fetches and stores it, and its person has it from then on', async () => {
    await start()
    const policy = await openEndpoint(app, 'PERSONR')
    const providerId = await makeElsewhere(['usr_2'])
    await app.sandbox('PERSONR').advance({ id: providerId, to: 'rejected_retry' })

    await deliverNotice(policy, providerId)

    const truth = { providerId, status: 'IN_PROGRESS', outcome: 'NEEDS_RETRY', externalId: 'usr_2' }
    expect(await listed()).toMatchObject([{ ...truth, sync: { source: 'WEBHOOK', stale: false } }])
    const { data } = await app.execute('{ person(externalId: "usr_2") { applicants { nodes { providerId } } } }')
    expect(data.person.applicants.nodes).toEqual([{ providerId }])
    // It is polled like any other.
    await app.sandbox('PERSONR').advance({ id: providerId, to: 'approved' })
    at += 15_000
    expect(await app.services.polling.run()).toBe(1)
    expect(await listed()).toMatchObject([{ ...APPROVED, sync: { source: 'FETCH' } }])
  })

  test('that is being fetched for the first time fetches it once more', async () => {
    await start()
    const policy = await openEndpoint(app, 'PERSONR')
    const providerId = await makeElsewhere([])
    await app.sandbox('PERSONR').forget()
    await app.sandbox('PERSONR').faults([{ fault: { kind: 'latency', ms: 400 } }])
    const query = 'query ($ref: ProviderRef!) { applicant(by: { atProvider: $ref }) { id } }'
    const read = app.execute(query, { ref: { provider: 'PERSONR', providerId } })
    await expect.poll(() => reads()).toBe(1)
    await deliver(app, policy, fromPersonr(policy, { applicantId: providerId, actionStatus: 'Reviewed' }))
    await app.services.webhookInbox.applyDue()
    expect((await read).errors).toEqual([])
    expect(await reads()).toBe(2)
  })

  test('that its provider does not know either is completed without a change', async () => {
    await start()
    const policy = await openEndpoint(app, 'PERSONR')
    await deliverNotice(policy, '1111111111111x111111111111111111')
    expect(await listed()).toEqual([])
  })

  test('waits until its provider is available', async () => {
    await start()
    const policy = await openEndpoint(app, 'PERSONR')
    const applicant = await makeApplicant()
    const unknown = await makeElsewhere([])
    for (const id of [applicant.providerId, unknown]) await app.sandbox('PERSONR').advance({ id, to: 'approved' })
    await app.sandbox('PERSONR').faults([{ fault: { kind: 'status', status: 500 } }])
    for (const applicantId of [applicant.providerId, unknown])
      await deliver(app, policy, fromPersonr(policy, { applicantId }))
    await app.services.webhookInbox.applyDue()
    expect(await listed()).toMatchObject([{ status: 'CREATED' }])
    await app.sandbox('PERSONR').clearFaults()
    at += 600_000
    await app.services.webhookInbox.applyDue()
    expect(await listed()).toMatchObject([APPROVED, APPROVED])
  })

  test('who was erased fetches and stores nothing', async () => {
    await start()
    const policy = await openEndpoint(app, 'PERSONR')
    const applicant = await makeApplicant(['usr_3'])
    const later = await makeElsewhere(['usr_3'])
    // By Personr's clock it was created before that.
    at += 60_000
    await app.services.erasure.erase(DEV, 'usr_3')
    for (const id of [applicant.providerId, later]) {
      await app.sandbox('PERSONR').advance({ id, to: 'approved' })
      at += 61_000
      await deliver(app, policy, fromPersonr(policy, { applicantId: id }))
      await app.services.webhookInbox.applyDue()
    }
    expect(await listed()).toEqual([])
    at += 1_000_000
    expect(await app.services.polling.run()).toBe(0)
  })

  test('with sessions is applied to them and to the applicant', async () => {
    await start()
    const policy = await openEndpoint(app, 'PERSONR')
    const applicant = await makeApplicant()
    const session = await make('session', { personr: { applicant: { applicantId: applicant.id } } })
    await app.sandbox('PERSONR').advance({ id: applicant.providerId, to: 'approved' })
    await deliverNotice(policy, applicant.providerId)
    expect(await shown(applicant.id)).toMatchObject(APPROVED)
    const { data } = await app.execute(
      'query ($id: ID!) { session(by: { id: $id }) { status outcome timeline(first: 9) { nodes { __typename } } } }',
      { id: session.id },
    )
    expect(data.session).toMatchObject(APPROVED)
    expect(data.session.timeline.nodes).toContainEqual({ __typename: 'WebhookReceived' })
  })

  test('of Yorlet is read through the application that the notice names, whether stored or not', async () => {
    await start()
    const policy = await openEndpoint(app, 'YORLET')
    const objects = (await app.sandbox('YORLET').objects()).applicants as Record<string, { id: string; status: string }>
    const [one] = Object.values(objects)
    expect(one).toBeDefined()
    for (const status of ['the notice', 'the next notice']) {
      at += 61_000
      const event = {
        id: `evt_${at}`,
        object: 'event',
        created: Math.floor(at / 1000),
        type: 'application.applicant.updated',
      }
      await deliver(app, policy, fromYorlet(policy, { ...event, data: { object: { ...one, status } } }))
      await app.services.webhookInbox.applyDue()
      const sync = { source: 'WEBHOOK', stale: false }
      expect(await listed()).toMatchObject([
        { providerId: one?.id, status: 'UNKNOWN', outcome: 'NOT_APPLICABLE', sync },
      ])
    }
    expect(await reads('YORLET')).toBe(2)
    // A session without a decision is final.
    at += 1_000_000
    expect(await app.services.polling.run()).toBe(0)
  })
})

describe('an undecided applicant', () => {
  /** Polls every second, as the job does. Returns the seconds in which the provider was called. */
  async function follow(seconds: number): Promise<number[]> {
    const requests: number[] = []
    for (let second = 1; second <= seconds; second++) {
      at += 1_000
      await app.sandbox('PERSONR').forget()
      await app.services.polling.run()
      for (let read = await reads(); read > 0; read--) requests.push(second)
    }
    return requests
  }

  test('is polled as often as a session, and no more once it is decided', async () => {
    await start()
    const applicant = await makeApplicant()
    expect(await follow(50)).toEqual([15, 45])
    await app.sandbox('PERSONR').advance({ id: applicant.providerId, to: 'pending' })
    expect(await follow(72)).toEqual([55, 70])
    expect(await shown(applicant.id)).toMatchObject({ status: 'IN_PROGRESS', sync: { source: 'FETCH' } })
    await app.sandbox('PERSONR').advance({ id: applicant.providerId, to: 'rejected_final' })
    at += 600_000
    expect(await follow(1)).toEqual([1])
    expect(await shown(applicant.id)).toMatchObject({ status: 'COMPLETED', outcome: 'REJECTED' })
    at += 86_400_000
    expect(await follow(2)).toEqual([])
  })

  test('is polled again if it continues after it was decided', async () => {
    await start()
    const policy = await openEndpoint(app, 'PERSONR')
    const applicant = await makeApplicant()
    await app.sandbox('PERSONR').advance({ id: applicant.providerId, to: 'approved' })
    at += 15_000
    await app.services.polling.run()
    at += 600_000
    expect(await app.services.polling.run()).toBe(0)
    await app.sandbox('PERSONR').advance({ id: applicant.providerId, to: 'pending' })
    await deliverNotice(policy, applicant.providerId)
    await app.sandbox('PERSONR').advance({ id: applicant.providerId, to: 'rejected_final' })
    at += 15_000
    expect(await app.services.polling.run()).toBe(1)
    expect(await shown(applicant.id)).toMatchObject({ outcome: 'REJECTED' })
  })

  test('whose session is polled is updated by that poll, without calls of its own', async () => {
    await start()
    const applicant = await makeApplicant()
    await make('session', { personr: { applicant: { applicantId: applicant.id } } })
    expect(await follow(110)).toEqual([15, 45, 105])
    await app.sandbox('PERSONR').advance({ id: applicant.providerId, to: 'approved' })
    at += 600_000
    await app.services.polling.run()
    expect(await shown(applicant.id)).toMatchObject(APPROVED)
  })

  test('shares the budget of its account with the sessions, in turn', async () => {
    await start({ POLLS_PER_MINUTE: '4' })
    for (let n = 0; n < 3; n++) await makeApplicant()
    for (let n = 0; n < 3; n++) {
      at += 1
      const { id } = await makeApplicant()
      await make('session', { personr: { applicant: { applicantId: id } } })
    }
    at += 15_000
    await app.sandbox('PERSONR').forget()
    await app.services.polling.run()
    expect(await reads()).toBe(4)
    // Those that were due first were polled: the three without a session, and one of the others.
    const polls = await app.db.sql.selectFrom('applicants').select('polls').where('polls', '>', 0).execute()
    expect(polls).toHaveLength(3)
  })
})
