import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Provider } from '../../src/domain/provider.ts'
import type { DriftFault } from '../../src/sandbox/faults/fault-rule.ts'
import { startApp, type TestApp } from '../harness/app/test-app.ts'
import { create, newKey } from '../harness/clients/reads.ts'
import { SESSION_INPUTS } from '../harness/documents/session-inputs.ts'
import {
  DEV,
  deliver,
  fromKayle,
  fromPersonr,
  fromVerilock,
  fromYorlet,
  openEndpoint,
  type WebhookTarget,
} from '../harness/providers/deliveries.ts'

/** An unknown status, outcome or answer never replaces a known one, whichever way it arrives. */

const WORD = 'manual_review_v2'

let app: TestApp
/** A strictly increasing clock, so that a record is stale at its next read. */
let at = Date.now()
const endpoints = new Map<Provider, WebhookTarget>()

beforeAll(async () => {
  // With the undocumented reads of Yorlet switched on; another test runs with them off.
  app = await startApp(
    { BREAKER_MINIMUM_CALLS: '100000', POLLS_PER_MINUTE: '1000' },
    { now: () => new Date(at++), jobs: false },
  )
  for (const { origin } of app.sandboxes) await fetch(`${origin}/_sandbox/webhooks`, { method: 'DELETE' })
  for (const provider of ['KAYLE', 'PERSONR', 'VERILOCK', 'YORLET'] as const)
    endpoints.set(provider, await openEndpoint(app, provider))
})
afterAll(() => app.close())
beforeEach(async () => {
  at = Math.max(Date.now(), at + 120_000)
  for (const provider of ['KAYLE', 'PERSONR', 'VERILOCK', 'YORLET'] as const) await app.sandbox(provider).clearFaults()
  // Stops the polls of sessions that earlier tests left open.
  for (const table of ['sessions', 'applicants'] as const)
    await app.db.sql.updateTable(table).set({ next_poll_at: null }).execute()
})

interface Record {
  readonly recordType: 'session' | 'applicant'
  readonly id: string
  readonly providerId: string
}

/** The steps to a decision at each provider, and the field that then has an unknown value. */
interface Subject {
  readonly provider: 'KAYLE' | 'PERSONR' | 'VERILOCK'
  readonly recordType: 'session' | 'applicant'
  readonly decide: string
  readonly decided: { readonly status: string; readonly outcome: string }
  readonly drift: DriftFault
  /** The step after that, and its status. */
  readonly next: { readonly to: string; readonly status: string; readonly outcome: string } | null
}

const word = (field: string, to = WORD): DriftFault => ({ kind: 'drift', change: 'word', field, to })
const drop = (field: string): DriftFault => ({ kind: 'drift', change: 'drop', field })

const APPROVED = { status: 'COMPLETED', outcome: 'APPROVED' } as const
const REJECTED = { status: 'COMPLETED', outcome: 'REJECTED' } as const
const RETRY = { status: 'IN_PROGRESS', outcome: 'NEEDS_RETRY' } as const
const again = { to: 'pending', status: 'IN_PROGRESS', outcome: 'PENDING' } as const

const SUBJECTS: readonly Subject[] = [
  {
    provider: 'KAYLE',
    recordType: 'session',
    decide: 'attempt_succeeded',
    decided: APPROVED,
    drift: word('data.status'),
    next: null,
  },
  {
    provider: 'VERILOCK',
    recordType: 'session',
    decide: 'approved',
    decided: APPROVED,
    drift: word('status'),
    next: null,
  },
  {
    provider: 'VERILOCK',
    recordType: 'session',
    decide: 'declined',
    decided: REJECTED,
    drift: word('status'),
    next: null,
  },
  ...(['session', 'applicant'] as const).flatMap((recordType): Subject[] =>
    [
      { decide: 'approved', decided: APPROVED },
      { decide: 'rejected_final', decided: REJECTED },
      { decide: 'rejected_retry', decided: RETRY },
    ].flatMap(step =>
      [
        word('response.applicantStatus'),
        word('response.result.reviewAnswer'),
        drop('response.result.reviewAnswer'),
        drop('response.result'),
      ].map(drift => ({ provider: 'PERSONR' as const, recordType, ...step, drift, next: again })),
    ),
  ),
]

async function make({ provider, recordType }: Pick<Subject, 'recordType' | 'provider'>): Promise<Record> {
  if (provider !== 'PERSONR') return { recordType, ...(await made('session', SESSION_INPUTS[provider])) }
  const personr = { email: 'ann@example.com', phone: '+46 70 000 00 00', flowName: 'KYC basic' }
  const applicant = await made('applicant', { personr })
  if (recordType === 'applicant') return { recordType, ...applicant }
  return { recordType, ...(await made('session', { personr: { applicant: { applicantId: applicant.id } } })) }
}

async function made(recordType: 'session' | 'applicant', input: object): Promise<{ id: string; providerId: string }> {
  const { data, errors } = await create(app, { recordType, input }, newKey())
  expect(errors).toEqual([])
  expect(data.made).toMatchObject({ __typename: expect.stringMatching(/Payload$/) })
  return data.made.record
}

async function show({ recordType, id }: Record, maxAgeSeconds = 1e6) {
  const { data, errors } = await app.execute(
    `query ($id: ID!, $age: Int!) { record: ${recordType}(by: { id: $id }, freshness: { maxAgeSeconds: $age, onError: FAIL }) {
      status outcome providerStatus sync { stale source lastError { code message } }
    } }`,
    { id, age: maxAgeSeconds },
  )
  expect(errors).toEqual([])
  return data.record
}

/** Every way in which a response of a provider is received. */
const WAYS = {
  read: async record => void (await show(record, 0)),
  refresh: async ({ recordType, id }) => {
    if (recordType === 'applicant') return void (await show({ recordType, id, providerId: '' }, 0))
    await app.execute('query ($id: ID!) { session(by: { id: $id }, freshness: { maxAgeSeconds: 0 }) { id } }', { id })
  },
  poll: async () => {
    at += 700_000
    await app.services.polling.run()
  },
  webhook: async (record, { provider }) => {
    const policy = endpoints.get(provider) as WebhookTarget
    await deliver(app, policy, await noticeOf(record, provider, policy))
    await app.services.webhookInbox.applyDue()
  },
} satisfies { [way: string]: (record: Record, subject: Subject) => Promise<void> }

async function noticeOf({ recordType, id, providerId }: Record, provider: Provider, policy: WebhookTarget) {
  if (provider === 'KAYLE')
    return fromKayle(policy, { type: 'verification.session.completed', sessionId: providerId }, new Date(at))
  if (provider === 'VERILOCK') {
    const data = { session_id: providerId, status: WORD, decision: WORD }
    return fromVerilock(policy, {
      event: 'session.completed',
      data,
      timestamp: new Date(at).toISOString(),
      webhook_id: `wh_${at}`,
    })
  }
  const applicantId = recordType === 'applicant' ? providerId : await applicantOf(id)
  return fromPersonr(policy, { applicantId, actionStatus: WORD, reviewAnswer: WORD })
}

async function applicantOf(sessionId: string): Promise<string> {
  const { data } = await app.execute('query ($id: ID!) { session(by: { id: $id }) { applicant { providerId } } }', {
    id: sessionId,
  })
  return data.session.applicant.providerId
}

async function drifts(provider: Provider) {
  const { upstream } = await app.services.accounts.get(DEV.tenantId, provider)
  return upstream.drift().filter(({ grade }) => grade === 'DEGRADED')
}

const NAMES = Object.keys(WAYS) as (keyof typeof WAYS)[]
/** Personr has many values: each arrives in one way, and each way covers every type of value. */
const CASES = SUBJECTS.flatMap((subject, index) =>
  NAMES.filter((_, way) => subject.provider !== 'PERSONR' || way === (index + Math.floor(index / 4)) % 4).map(way => ({
    ...subject,
    way,
  })),
)
const titled = CASES.map(
  each =>
    [
      `${each.provider} ${each.recordType} ${each.decide}, ${each.drift.change} ${each.drift.field}, by ${each.way}`,
      each,
    ] as const,
)

describe('an unknown status does not replace a decision, and later statuses count', () => {
  test.each(titled)('%s', async (_, subject) => {
    const { provider, decided, drift, way, next } = subject
    const record = await make(subject)
    await app.sandbox(provider).advance({ id: record.providerId, to: subject.decide })
    expect(await show(record, 0)).toMatchObject({ ...decided, sync: { stale: false, lastError: null } })
    // For Personr only the status request, for the others every read.
    const path = provider === 'PERSONR' ? '*/api-applicant-status' : undefined
    await app.sandbox(provider).faults([{ path, fault: drift }])
    at += 100_000
    // An ended record is not polled.
    const isSeen = way !== 'poll' || decided === RETRY
    await WAYS[way](record, subject)
    if (isSeen) {
      const stale = {
        stale: true,
        lastError: { code: 'PROVIDER_CONTRACT_BROKEN', message: expect.stringContaining('unknown') },
      }
      expect(await show(record)).toMatchObject({ ...decided, sync: stale })
      if (drift.field.endsWith('tatus')) expect(await show(record)).toMatchObject({ providerStatus: WORD })
      if (drift.change === 'word')
        expect(await drifts(provider)).toContainEqual(expect.objectContaining({ path: drift.field }))
    }
    // It is polled again, and does not change.
    await WAYS.poll()
    expect(await show(record)).toMatchObject(decided)

    await app.sandbox(provider).clearFaults()
    if (next) await app.sandbox(provider).advance({ id: record.providerId, to: next.to })
    if (isSeen) await WAYS.poll()
    else await WAYS.read(record)
    const { to: __, ...after } = next ?? { to: '', ...decided }
    expect(await show(record)).toMatchObject({ ...after, sync: { stale: false, lastError: null } })
  })
})

describe('an unknown status of a new record', () => {
  test.each([
    ['KAYLE', { ...word('data.status') }],
    ['VERILOCK', { ...word('status') }],
    ['YORLET', { ...word('status') }],
  ] as const)(
    'in the response to a create at %s is UNKNOWN, and is stored as providerStatus',
    async (provider, drift) => {
      await app.sandbox(provider).faults([{ method: 'POST', fault: drift }])
      const record = { recordType: 'session', ...(await made('session', SESSION_INPUTS[provider])) } as const
      expect(await show(record)).toMatchObject({
        status: 'UNKNOWN',
        providerStatus: WORD,
        sync: { stale: true, lastError: { code: 'PROVIDER_CONTRACT_BROKEN' } },
      })
    },
  )

  test('in the response to a create of a Personr applicant is UNKNOWN until a known one comes', async () => {
    await app.sandbox('PERSONR').faults([{ path: '*/api-applicant-create', fault: word('response.applicantStatus') }])
    const record = await make({ provider: 'PERSONR', recordType: 'applicant' })
    expect(await show(record)).toMatchObject({ status: 'UNKNOWN', providerStatus: WORD, sync: { stale: true } })
    await WAYS.poll()
    expect(await show(record)).toMatchObject({ status: 'CREATED', outcome: 'PENDING', sync: { stale: false } })
  })

  test('as the result of a review is COMPLETED without an outcome, and no rejection', async () => {
    const record = await make({ provider: 'PERSONR', recordType: 'applicant' })
    await app.sandbox('PERSONR').advance({ id: record.providerId, to: 'approved' })
    await app.sandbox('PERSONR').faults([{ fault: word('response.result.reviewAnswer') }])
    expect(await show(record, 0)).toMatchObject({ status: 'COMPLETED', outcome: 'UNKNOWN', sync: { stale: true } })
    await app.sandbox('PERSONR').clearFaults()
    await WAYS.poll()
    expect(await show(record)).toMatchObject({ ...APPROVED, sync: { stale: false } })
  })
})

describe('a Yorlet session, which only webhooks update,', () => {
  test('keeps its status after an unknown one and takes the next known one', async () => {
    const record = { recordType: 'session', ...(await made('session', SESSION_INPUTS.YORLET)) } as const
    const deliverNotice = async (status: string) => {
      at += 10_000
      const object = {
        id: record.providerId,
        object: 'application_session',
        application: 'app_manvb1x2k9QpLr3T',
        application_status: 'apst_manvb9c4m2WsXy5Z',
        customer: 'cus_lrhplff1u4ZhIPSU',
        status,
      }
      const event = {
        id: `evt_${at}`,
        object: 'event',
        created: Math.floor(at / 1000),
        type: 'application_session.updated',
      }
      await deliver(
        app,
        endpoints.get('YORLET') as WebhookTarget,
        fromYorlet(endpoints.get('YORLET') as WebhookTarget, { ...event, data: { object } }),
      )
      await app.services.webhookInbox.applyDue()
      return show(record)
    }
    expect(await deliverNotice('active')).toMatchObject({ status: 'IN_PROGRESS', sync: { stale: false } })
    const unknownCreate = {
      status: 'IN_PROGRESS',
      providerStatus: WORD,
      sync: { stale: true, lastError: { code: 'PROVIDER_CONTRACT_BROKEN' } },
    }
    expect(await deliverNotice(WORD)).toMatchObject(unknownCreate)
    expect(await drifts('YORLET')).toContainEqual(expect.objectContaining({ operation: 'webhook', path: 'status' }))
    expect(await deliverNotice('complete')).toMatchObject({
      status: 'COMPLETED',
      sync: { stale: false, lastError: null },
    })
    expect(await deliverNotice(WORD)).toMatchObject({ ...unknownCreate, status: 'COMPLETED' })
    expect(await deliverNotice('active')).toMatchObject({ status: 'IN_PROGRESS', sync: { stale: false } })
  })
})

describe('an attempt', () => {
  const attemptsOf = async ({ recordType, id }: Record) => {
    const { data, errors } = await app.execute(
      `query ($id: ID!) { record: ${recordType}(by: { id: $id }, freshness: { maxAgeSeconds: 0, onError: FAIL }) {
        status outcome attempts { nodes { status providerStatus failureCode completedAt } }
      } }`,
      { id },
    )
    expect(errors).toEqual([])
    return { ...data.record, attempts: data.record.attempts.nodes }
  }

  test.each([
    ['KAYLE', 'session', 'attempt_succeeded', 'data.attempts.*.status', 'SUCCEEDED'],
    ['KAYLE', 'session', 'attempt_failed', 'data.attempts.*.status', 'FAILED'],
    ['VERILOCK', 'session', 'approved', 'results.*.status', 'SUCCEEDED'],
    ['VERILOCK', 'session', 'declined', 'results.document.status', 'FAILED'],
    ['PERSONR', 'applicant', 'rejected_final', 'response.result.reviewAnswer', 'FAILED'],
  ] as const)(
    'of %s (%s, %s) keeps its result after an unknown status',
    async (provider, recordType, to, field, status) => {
      const record = await make({ provider, recordType })
      if (to.startsWith('attempt'))
        await app.sandbox(provider).advance({ id: record.providerId, to: 'attempt_started' })
      await app.sandbox(provider).advance({ id: record.providerId, to })
      const before = await attemptsOf(record)
      expect(before.attempts).toContainEqual(expect.objectContaining({ status }))
      at += 100_000
      await app.sandbox(provider).faults([{ fault: word(field) }])
      const after = await attemptsOf(record)
      expect(after).toMatchObject({ status: before.status, outcome: before.outcome })
      const shown = (attempts: readonly { providerStatus: string }[]) =>
        attempts.map(each => ({ ...each, providerStatus: '' }))
      expect(shown(after.attempts)).toEqual(shown(before.attempts))
      expect(after.attempts).toContainEqual(expect.objectContaining({ providerStatus: WORD }))
    },
  )

  test('of Kayle with an unknown status does not reject its session', async () => {
    const record = await make({ provider: 'KAYLE', recordType: 'session' })
    await app.sandbox('KAYLE').advance({ id: record.providerId, to: 'attempt_succeeded' })
    await app.sandbox('KAYLE').faults([{ fault: word('data.attempts.*.status') }])
    expect(await show(record, 0)).toMatchObject({ status: 'COMPLETED', outcome: 'UNKNOWN', sync: { stale: true } })
    await app.sandbox('KAYLE').clearFaults()
    await WAYS.poll()
    expect(await show(record)).toMatchObject({ ...APPROVED, sync: { stale: false } })
  })
})
