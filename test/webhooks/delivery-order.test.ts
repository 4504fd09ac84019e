import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startApp, type TestApp } from '../harness/app/test-app.ts'
import { SESSION_INPUTS } from '../harness/documents/session-inputs.ts'
import {
  deliver,
  fromKayle,
  fromPersonr,
  fromVerilock,
  openEndpoint,
  type SignedDelivery,
  type WebhookTarget,
} from '../harness/providers/deliveries.ts'

/**
 * Deliveries in any order and repeated, each as if the first was forgotten: what only deliveries report ends as the newest
 * one reports it, and where none has a time as the first one reports it.
 */

let app: TestApp
let kayle: WebhookTarget
let personr: WebhookTarget
let verilock: WebhookTarget
let at = Date.now()

beforeAll(async () => {
  const env = { BREAKER_MINIMUM_CALLS: '100000', MAX_AGE_SECONDS: '1000000' }
  app = await startApp(env, { now: () => new Date(at), jobs: false })
  kayle = await openEndpoint(app, 'KAYLE')
  personr = await openEndpoint(app, 'PERSONR')
  verilock = await openEndpoint(app, 'VERILOCK')
})
afterAll(() => app.close())

const RUNS = { numRuns: 12 }

/** Indexes of deliveries, each at least once, in any order. */
function orders(count: number): fc.Arbitrary<number[]> {
  const each = Array.from({ length: count }, (_, index) => index)
  return fc
    .array(fc.nat(count - 1), { maxLength: 4 })
    .chain(repeats => fc.shuffledSubarray([...each, ...repeats], { minLength: count + repeats.length }))
}

async function send(target: WebhookTarget, delivery: SignedDelivery): Promise<void> {
  expect(await deliver(app, target, delivery)).toBe(204)
  await app.services.webhookInbox.applyDue()
  // Equal deliveries without an id within one minute count as one.
  at += 120_000
}

const CREATE = `mutation ($input: CreateSessionInput!) {
  createSession(input: $input) { ... on CreateSessionPayload { session { id providerId } } } }`

async function createSession(session: object): Promise<{ readonly id: string; readonly providerId: string }> {
  const { data } = await app.execute(CREATE, { input: { idempotencyKey: randomUUID(), session } })
  return data.createSession.session
}

async function detailsOf(id: string, selection: string) {
  const query = `query ($id: ID!) { session(by: { id: $id }) { outcome details { ${selection} } attempts { nodes {
    providerId details { ... on KayleAttemptDetails { claims selectedFieldKeys } } } } } }`
  const { data, errors } = await app.execute(query, { id })
  expect(errors).toEqual([])
  return data.session
}

const KAYLE_DETAILS = '... on KayleSessionDetails { claims selectedFieldKeys nfcTriesUsed reason }'
const SHARED = { claims: { given_names: 'Ann' }, selected_field_keys: ['given_names'] }
const READ = { claims: SHARED.claims, selectedFieldKeys: SHARED.selected_field_keys }

test('what an end user shared stays whatever is delivered around it', async () => {
  await fc.assert(
    fc.asyncProperty(orders(3), async order => {
      const { id, providerId: sessionId } = await createSession({ kayle: {} })
      const attemptId = `va_${randomUUID()}`
      const events = [
        { type: 'verification.session.succeeded', data: SHARED },
        { type: 'verification.session.succeeded', data: { claims: {}, selected_field_keys: [], nfc_tries_used: 2 } },
        { type: 'verification.attempt.succeeded', attemptId, data: SHARED },
      ]
      for (const index of order) {
        const event = events[index] ?? { type: '' }
        await send(kayle, await fromKayle(kayle, { ...event, sessionId }, new Date(at)))
      }
      const session = await detailsOf(id, KAYLE_DETAILS)
      expect(session.details).toMatchObject(READ)
      expect(session.attempts.nodes).toMatchObject([{ providerId: attemptId, details: READ }])
    }),
    RUNS,
  )
})

test('of two deliveries about one session without a time the first one counts', async () => {
  const { id, providerId: sessionId } = await createSession({ kayle: {} })
  const attemptId = `va_${randomUUID()}`
  for (const name of ['Ann', 'Bea']) {
    const data = { claims: { given_names: name }, selected_field_keys: ['given_names'] }
    for (const event of [
      { type: 'verification.session.succeeded', sessionId, data },
      { type: 'verification.attempt.succeeded', sessionId, attemptId, data },
    ])
      await send(kayle, await fromKayle(kayle, event, new Date(at)))
  }
  const session = await detailsOf(id, KAYLE_DETAILS)
  expect(session.details).toMatchObject(READ)
  expect(session.attempts.nodes).toMatchObject([{ details: READ }])
})

test('a risk score is that of the event with the latest time', async () => {
  await fc.assert(
    fc.asyncProperty(orders(4), async order => {
      const { id, providerId } = await createSession(SESSION_INPUTS.VERILOCK)
      const began = at
      const events = [10, 20, 30, 40].map(risk_score => ({
        event: 'session.completed',
        timestamp: new Date(began + risk_score * 1_000).toISOString(),
        data: { session_id: providerId, status: 'processing', risk_score },
      }))
      for (const index of order)
        await send(verilock, fromVerilock(verilock, { ...events[index], webhook_id: randomUUID() }))
      const { details } = await detailsOf(id, '... on VerilockSessionDetails { riskScore }')
      expect(details.riskScore).toBe(0.4)
    }),
    RUNS,
  )
})

test('a rejection has the type that is delivered for its review, whatever is repeated afterwards', async () => {
  // The type is only in the deliveries.
  const field = 'response.result.reviewRejectType'
  const fault = { kind: 'drift', field, change: 'drop' } as const
  await app.sandbox('PERSONR').faults([{ path: '*/api-applicant-status', fault }])
  const repeats = fc.array(fc.constantFrom('first', 'second', 'read'), { maxLength: 5 })
  await fc.assert(
    fc.asyncProperty(repeats, repeats, async (between, after) => {
      const { data } = await app.execute(
        `mutation ($input: CreateApplicantInput!) {
          createApplicant(input: $input) { ... on CreateApplicantPayload { applicant { id providerId } } } }`,
        { input: { idempotencyKey: randomUUID(), applicant: { personr: PERSONR } } },
      )
      const { id, providerId } = data.createApplicant.applicant
      const rejections = {
        first: { applicantId: providerId, rejectLabels: ['FORGERY'], reviewRejectType: 'RETRY' },
        second: { applicantId: providerId, rejectLabels: ['LOW_QUALITY'], reviewRejectType: 'FINAL' },
      }
      const readNow = async () => {
        at += 1
        const query = 'query ($id: ID!) { applicant(by: { id: $id }, freshness: { maxAgeSeconds: 0 }) { outcome } }'
        return (await app.execute(query, { id })).data.applicant.outcome
      }
      const perform = async (step: string) =>
        step === 'read' ? readNow() : send(personr, fromPersonr(personr, rejections[step as 'first' | 'second']))

      await app.sandbox('PERSONR').advance({ id: providerId, to: 'rejected_final', failureCode: 'FORGERY' })
      await perform('first')
      expect(await readNow()).toBe('NEEDS_RETRY')
      for (const step of between) await perform(step === 'second' ? 'first' : step)
      await app.sandbox('PERSONR').advance({ id: providerId, to: 'rejected_retry', failureCode: 'LOW_QUALITY' })
      await perform('second')
      expect(await readNow()).toBe('REJECTED')
      for (const step of after) await perform(step)
      expect(await readNow()).toBe('REJECTED')
    }),
    RUNS,
  )
  await app.sandbox('PERSONR').clearFaults()
})

const PERSONR = { email: 'ann@example.com', phone: '+46 70 000 00 00', flowName: 'KYC basic' }
