import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startApp, type TestApp } from '../harness/app/test-app.ts'
import {
  DEV,
  deliver,
  fromKayle,
  fromPersonr,
  fromVerilock,
  fromYorlet,
  openEndpoint,
  type SignedDelivery,
  type WebhookTarget,
} from '../harness/providers/deliveries.ts'

/**
 * Random histories at four providers, reported in random ways: by webhook (in order, late, twice, never), by polls, by
 * reads of one record and by lists, with known and unknown status values. A small model has the true state. Known
 * values are stored, unknown ones change nothing, and at the end the store has the last state. MODEL_RUNS sets the
 * number of histories, MODEL_SEED their seed.
 */

const RUNS = Number(process.env.MODEL_RUNS ?? 10)
const SEED = Number(process.env.MODEL_SEED ?? 20_261_121)
const WORD = 'somewhere_else'
const PROVIDERS = ['KAYLE', 'PERSONR', 'VERILOCK', 'YORLET'] as const
type Provider = (typeof PROVIDERS)[number]

let app: TestApp
let endpoints: { [provider in Provider]: WebhookTarget }
/** A strictly increasing clock, so that a record is stale at its next read. */
let at = Date.now()

beforeAll(async () => {
  const env = { BREAKER_MINIMUM_CALLS: '100000', POLLS_PER_MINUTE: '100000' }
  app = await startApp(env, { now: () => new Date(at++), jobs: false })
  for (const { origin } of app.sandboxes) await fetch(`${origin}/_sandbox/webhooks`, { method: 'DELETE' })
  const opened = await Promise.all(
    PROVIDERS.map(async provider => [provider, await openEndpoint(app, provider)] as const),
  )
  endpoints = Object.fromEntries(opened) as typeof endpoints
})
afterAll(() => app.close())

interface State {
  readonly status: string
  readonly outcome: string
}

const state = (status: string, outcome: string): State => ({ status, outcome })
const isFinal = ({ outcome }: State) => outcome === 'APPROVED' || outcome === 'REJECTED'
const isOpen = ({ status }: State) => status === 'CREATED' || status === 'IN_PROGRESS'

interface ReportedOutcome {
  readonly recordType: 'session' | 'applicant'
  readonly id: string
  readonly providerId: string
  /** The true state of a record. */
  truth: State
}

/** One history at one provider: its records, and the possible next steps. */
interface Course {
  readonly provider: Provider
  readonly records: ReportedOutcome[]
  /** The steps that are possible now, each of which changes the true state. */
  steps(): readonly string[]
  step(to: string): Promise<void>
  /** The statuses of the attempts of its first record, oldest first, if all are reported. */
  attempts?(): readonly string[]
  /** A delivery about it. Yorlet's contains the current state, the others cause a read. */
  notice(): Promise<SignedDelivery>
}

/** Kayle: up to three attempts may fail, and one success ends the session. */
function kayle(session: ReportedOutcome): Course {
  const attempts: string[] = []
  const end = (status: string) => {
    if (attempts.at(-1) === 'IN_PROGRESS') attempts.pop()
    attempts.push(status)
  }
  return {
    provider: 'KAYLE',
    records: [session],
    steps: () => (isOpen(session.truth) ? ['attempt_started', 'attempt_failed', 'attempt_succeeded', 'cancelled'] : []),
    attempts: () => attempts,
    async step(to) {
      await app.sandbox('KAYLE').advance({ id: session.providerId, to })
      if (to === 'attempt_started') end('IN_PROGRESS')
      if (to === 'attempt_failed') end('FAILED')
      if (to === 'attempt_succeeded') end('SUCCEEDED')
      if (to === 'cancelled' && attempts.at(-1) === 'IN_PROGRESS') end('FAILED')
      const failed = attempts.filter(status => status === 'FAILED').length
      if (to === 'cancelled') session.truth = state('CANCELED', 'NOT_APPLICABLE')
      else if (to === 'attempt_succeeded') session.truth = state('COMPLETED', 'APPROVED')
      else if (to === 'attempt_started') session.truth = state('IN_PROGRESS', 'PENDING')
      else session.truth = failed === 3 ? state('COMPLETED', 'REJECTED') : state('CREATED', 'PENDING')
    },
    notice: () =>
      fromKayle(
        endpoints.KAYLE,
        { type: 'verification.session.completed', sessionId: session.providerId },
        new Date(at),
      ),
  }
}

const VERILOCK: Readonly<{ [step: string]: State }> = {
  processing: state('IN_PROGRESS', 'PENDING'),
  approved: state('COMPLETED', 'APPROVED'),
  declined: state('COMPLETED', 'REJECTED'),
  expired: state('EXPIRED', 'NOT_APPLICABLE'),
}

function verilock(session: ReportedOutcome): Course {
  return {
    provider: 'VERILOCK',
    records: [session],
    steps: () => {
      if (!isOpen(session.truth)) return []
      return session.truth.status === 'CREATED' ? Object.keys(VERILOCK) : ['approved', 'declined']
    },
    async step(to) {
      await app.sandbox('VERILOCK').advance({ id: session.providerId, to })
      session.truth = VERILOCK[to] as State
    },
    notice: async () => {
      const data = { session_id: session.providerId, status: WORD, decision: WORD }
      const sent = { event: 'session.completed', data, timestamp: new Date(at).toISOString(), webhook_id: `wh_${at++}` }
      return fromVerilock(endpoints.VERILOCK, sent)
    },
  }
}

const PERSONR: Readonly<{ [step: string]: State }> = {
  pre_checked: state('IN_PROGRESS', 'PENDING'),
  pending: state('IN_PROGRESS', 'PENDING'),
  approved: state('COMPLETED', 'APPROVED'),
  rejected_retry: state('IN_PROGRESS', 'NEEDS_RETRY'),
  rejected_final: state('COMPLETED', 'REJECTED'),
}

/**
 * Personr: a decided applicant may be reviewed again, a link has the results after its creation, and the fifth
 * rejection is final.
 */
function personr(applicant: ReportedOutcome, link: (id: string) => Promise<ReportedOutcome>): Course {
  const records = [applicant]
  let retries = 0
  return {
    provider: 'PERSONR',
    records,
    steps: () => [...Object.keys(PERSONR), 'link'],
    async step(to) {
      // Reviews and links are ordered by millisecond.
      await sleep(2)
      if (to === 'link') {
        const made = await link(applicant.id)
        // An earlier decision does not belong to this link; a review in progress does.
        if (applicant.truth.outcome === 'PENDING') made.truth = applicant.truth
        return void records.push(made)
      }
      await app.sandbox('PERSONR').advance({ id: applicant.providerId, to })
      await sleep(2)
      if (to === 'rejected_retry') retries++
      const truth = to === 'rejected_retry' && retries >= 5 ? PERSONR.rejected_final : PERSONR[to]
      for (const record of records) record.truth = truth as State
    },
    notice: async () =>
      fromPersonr(endpoints.PERSONR, { applicantId: applicant.providerId, sourceKey: `notice ${at++}` }),
  }
}

const YORLET: Readonly<{ [step: string]: State }> = {
  pending: state('CREATED', 'NOT_APPLICABLE'),
  active: state('IN_PROGRESS', 'NOT_APPLICABLE'),
  complete: state('COMPLETED', 'NOT_APPLICABLE'),
  canceled: state('CANCELED', 'NOT_APPLICABLE'),
  expired: state('EXPIRED', 'NOT_APPLICABLE'),
}

/** Yorlet's sessions cannot be read: the last reported event by Yorlet's clock counts. */
function yorlet(session: ReportedOutcome): Course {
  let status = 'pending'
  let second = Math.floor(at / 1000)
  return {
    provider: 'YORLET',
    records: [session],
    steps: () => ['active', 'complete', 'canceled', 'expired'],
    async step(to) {
      status = to
      session.truth = YORLET[to] as State
    },
    notice: async () => {
      second++
      const object = {
        id: session.providerId,
        object: 'application_session',
        application: 'app_manvb1x2k9QpLr3T',
        application_status: 'apst_manvb9c4m2WsXy5Z',
        customer: 'cus_lrhplff1u4ZhIPSU',
        status: words.has('YORLET') ? WORD : status,
      }
      const event = { id: `evt_${at++}`, object: 'event', created: second, type: 'application_session.updated' }
      return fromYorlet(endpoints.YORLET, { ...event, data: { object } })
    },
  }
}

/** The providers that currently use unknown status values. */
const words = new Set<Provider>()
/** The status fields of each provider: in the response for one session, and in a list. */
const REPORTED: { readonly [provider in Provider]: readonly { path: string; field: string }[] } = {
  KAYLE: [
    { path: '/v1/sessions/*', field: 'data.status' },
    { path: '/v1/sessions', field: 'data.*.status' },
  ],
  PERSONR: [{ path: '*/api-applicant-status', field: 'response.applicantStatus' }],
  VERILOCK: [
    { path: '/api/v1/sessions/*', field: 'status' },
    { path: '/api/v1/sessions', field: 'data.*.status' },
  ],
  YORLET: [],
}

async function setWords(provider: Provider, unknown: boolean): Promise<void> {
  if (unknown) words.add(provider)
  else words.delete(provider)
  const fault = { kind: 'drift', change: 'word', to: WORD } as const
  const rules = REPORTED[provider].map(({ path, field }) => ({
    path,
    method: METHODS[provider],
    fault: { ...fault, field },
  }))
  await app.sandbox(provider).faults(unknown ? rules : [])
}

const METHODS = { KAYLE: 'GET', PERSONR: 'POST', VERILOCK: 'GET', YORLET: 'GET' } as const

async function shown({ recordType, id }: ReportedOutcome, maxAgeSeconds = 1e6) {
  const { data, errors } = await app.execute(
    `query ($id: ID!, $age: Int!) { record: ${recordType}(by: { id: $id }, freshness: { maxAgeSeconds: $age, onError: FAIL }) {
      status outcome sync { stale }
    } }`,
    { id, age: maxAgeSeconds },
  )
  expect(errors).toEqual([])
  return data.record
}

async function attemptsOf({ id }: ReportedOutcome): Promise<string[]> {
  const query = 'query ($id: ID!) { session(by: { id: $id }) { attempts { nodes { status } } } }'
  const { data } = await app.execute(query, { id })
  return data.session.attempts.nodes.map((each: { status: string }) => each.status)
}

/** Every way in which a change at the provider is received. */
const WAYS = ['webhook', 'twice', 'late', 'poll', 'read', 'list'] as const
type Way = (typeof WAYS)[number]

async function reportState(course: Course, way: Way, late: [Course, SignedDelivery][]): Promise<void> {
  if (way === 'late') return void late.push([course, await course.notice()])
  if (way === 'webhook' || way === 'twice') {
    const parcel = await course.notice()
    for (const again of way === 'twice' ? [parcel, parcel] : [parcel]) await receive(course, again)
  } else if (way === 'poll') {
    for (const table of ['sessions', 'applicants'] as const)
      await app.db.sql.updateTable(table).set({ next_poll_at: at }).where('next_poll_at', 'is not', null).execute()
    at += 10
    await app.services.polling.run()
  } else if (way === 'list' && (course.provider === 'KAYLE' || course.provider === 'VERILOCK')) {
    const options = { callsPerMinute: 60_000, restart: true, report: () => {} }
    await app.services.imports.run(DEV, course.provider, options)
  } else if (course.provider === 'YORLET') await receive(course, await course.notice())
  else for (const record of course.records) await shown(record, 0)
}

async function receive({ provider }: Course, parcel: SignedDelivery): Promise<void> {
  expect(await deliver(app, endpoints[provider], parcel)).toBe(204)
  await app.services.webhookInbox.applyDue()
}

const op = fc.record({
  course: fc.nat({ max: 3 }),
  does: fc.constantFrom('step', 'step', 'report', 'report', 'report', 'words', 'deliver'),
  way: fc.constantFrom(...WAYS),
  pick: fc.nat(),
})
type Op = typeof op extends fc.Arbitrary<infer O> ? O : never

let persons = 0

async function begin(): Promise<{ externalId: string; courses: Course[] }> {
  const externalId = `usr_${++persons}`
  const make = async (
    recordType: 'session' | 'applicant',
    input: object,
    more: object = {},
  ): Promise<ReportedOutcome> => {
    const name = recordType === 'session' ? 'CreateSession' : 'CreateApplicant'
    const { data } = await app.execute(
      `mutation ($input: ${name}Input!) { made: create${name.slice(6)}(input: $input) {
        ... on ${name}Payload { record: ${recordType} { id providerId } } } }`,
      { input: { idempotencyKey: `key-${at++}`, [recordType]: input, ...more } },
    )
    return { recordType, ...data.made.record, truth: state('CREATED', 'PENDING') }
  }
  const person = { externalId }
  const personrInput = { email: 'ann@example.com', phone: '+46 70 000 00 00', flowName: 'KYC basic' }
  const verilockInput = { profileId: '01234567-89ab-cdef-0123-456789abcdef' }
  const open = await make('session', { yorlet: { applicantProviderId: 'apst_manvb9c4m2WsXy5Z' } }, person)
  const courses = [
    kayle(await make('session', { kayle: {} }, person)),
    personr(await make('applicant', { personr: personrInput }, person), id =>
      make('session', { personr: { applicant: { applicantId: id } } }),
    ),
    verilock(await make('session', { verilock: verilockInput }, person)),
    yorlet({ ...open, truth: YORLET.pending as State }),
  ]
  return { externalId, courses }
}

async function carryOut(
  { course: index, does, way, pick }: Op,
  courses: readonly Course[],
  late: [Course, SignedDelivery][],
) {
  const course = courses[index] as Course
  const steps = course.steps()
  if (does === 'step' && steps.length > 0) return course.step(steps[pick % steps.length] as string)
  if (does === 'words') return setWords(course.provider, pick % 2 === 0)
  if (does === 'deliver') {
    const [one] = late.splice(pick % (late.length || 1), 1)
    if (one) await receive(...one)
    return
  }
  if (does !== 'report') return
  const before = await Promise.all(course.records.map(record => shown(record)))
  await reportState(course, way, late)
  for (const [place, record] of course.records.entries()) {
    const { sync, ...after } = await shown(record)
    const known = { status: before[place].status, outcome: before[place].outcome }
    if (words.has(course.provider)) expect(after, `${course.provider} says ${WORD} by ${way}`).toEqual(known)
    else if (way === 'late' || (way === 'poll' && course.provider === 'YORLET')) expect(after).toEqual(known)
    // A session with a known final status is not polled.
    else if (way === 'poll' && !isOpen(known) && !before[place].sync.stale)
      expect([known, record.truth]).toContainEqual(after)
    else {
      expect(after, `${course.provider} ${record.recordType} by ${way}`).toEqual(record.truth)
      expect(sync.stale).toBe(false)
    }
  }
}

test('the last state of the provider is stored, and no decision is replaced by an unknown status', async () => {
  const ops = fc.array(op, { minLength: 8, maxLength: 24 })
  await fc.assert(
    fc.asyncProperty(ops, fc.nat(), async (history, pick) => {
      for (const provider of PROVIDERS) await setWords(provider, false)
      for (const table of ['sessions', 'applicants'] as const)
        await app.db.sql.updateTable(table).set({ next_poll_at: null }).execute()
      const { externalId, courses } = await begin()
      const late: [Course, SignedDelivery][] = []
      for (const each of history) await carryOut(each, courses, late)

      for (const provider of PROVIDERS) await setWords(provider, false)
      // Some of the late deliveries never arrive.
      for (const [index, one] of late.entries()) if (index % 2 === pick % 2) await receive(...one)
      for (const [index, course] of courses.entries())
        await reportState(course, WAYS[(pick + index) % 2 ? 0 : 4] ?? 'read', [])
      for (const { records, attempts } of courses) {
        for (const { truth, ...record } of records) expect(await shown({ truth, ...record })).toMatchObject(truth)
        const [first] = records
        if (!first || !attempts) continue
        const reported = await attemptsOf(first)
        expect(reported.sort()).toEqual([...attempts()].sort())
      }
      await checkNextAction(externalId, courses)
    }),
    { numRuns: RUNS, seed: SEED, endOnFailure: true },
  )
}, 120_000)

/** No ended session is opened, no required action is hidden, and no rejected person gets a success message. */
async function checkNextAction(externalId: string, courses: readonly Course[]): Promise<void> {
  const { data } = await app.execute(
    'query ($id: String!) { person(externalId: $id) { nextAction { kind needsNewSession url session { id provider } } } }',
    { id: externalId },
  )
  const { kind, needsNewSession, url, session } = data.person.nextAction
  const applicant = courses.flatMap(({ records }) => records).find(({ recordType }) => recordType === 'applicant')
  const sessions = courses.flatMap(({ provider, records }) =>
    records
      .filter(({ recordType }) => recordType === 'session')
      .map(record => {
        const decided = provider === 'PERSONR' && applicant && isFinal(applicant.truth)
        return { provider, id: record.id, truth: decided ? applicant.truth : record.truth }
      }),
  )
  const chosen = sessions.find(({ id }) => id === session?.id)
  if (url) expect(chosen?.truth).toSatisfy(isOpen)
  const requiresUser = ['START', 'VERIFY', 'APPLY', 'OPEN_PORTAL', 'RETRY'].includes(kind)
  expect(needsNewSession).toBe(requiresUser && url === null)
  // The newest link of each provider counts, and one that was not started requires an action.
  const request = sessions.filter(
    ({ provider, truth }, index) =>
      truth.status === 'CREATED' && !sessions.slice(index + 1).some(later => later.provider === provider),
  )
  if (request.length > 0) expect(['VERIFY', 'APPLY', 'RETRY']).toContain(kind)
  const decisions = [...sessions.map(({ truth }) => truth), ...(applicant ? [applicant.truth] : [])].filter(isFinal)
  const isRejected = decisions.length > 0 && decisions.every(({ outcome }) => outcome === 'REJECTED')
  if (isRejected) expect(kind).not.toBe('DONE')
  if (kind === 'REJECTED') expect(chosen?.truth ?? applicant?.truth).toMatchObject({ outcome: 'REJECTED' })
}
