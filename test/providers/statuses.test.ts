import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Provider } from '../../src/domain/provider.ts'
import { SESSION_READS_KEY } from '../../src/providers/yorlet/sandbox.ts'
import { startApp, type TestApp } from '../harness/app/test-app.ts'

/** Each provider's session in all of its states: the status table, as a client sees it. */

const CREATE = /* GraphQL */ `
  mutation ($input: CreateSessionInput!) {
    createSession(input: $input) { ... on CreateSessionPayload { session { id providerId } } }
  }
`
const READ = /* GraphQL */ `
  query ($id: ID!, $maxAge: Int) {
    session(by: { id: $id }, freshness: { maxAgeSeconds: $maxAge, onError: FAIL }) {
      status outcome providerStatus completedAt sync { source }
      attempts {
        nodes {
          kind status providerStatus failureCode riskScore
          details {
            ... on KayleAttemptDetails { sessionProviderId }
            ... on PersonrAttemptDetails { reviewAnswer rejectLabels }
            ... on VerilockAttemptDetails { step score }
          }
        }
      }
      applicant { status outcome providerStatus }
    }
  }
`

let app: TestApp
let ahead = 0
let made = 0

beforeAll(async () => {
  app = await startApp({}, { now: () => new Date(Date.now() + ahead * 1000) })
})
afterAll(() => app.close())

interface CreatedRecord {
  readonly id: string
  readonly providerId: string
}

async function create(session: object, at = app): Promise<CreatedRecord> {
  made += 1
  const { data } = await at.execute(CREATE, { input: { idempotencyKey: `key-${made}`, session } })
  return data.createSession.session
}

/** The session after a fresh read. */
async function read({ id }: CreatedRecord, maxAge: number | null = 0, at = app) {
  const { data, errors } = await at.execute(READ, { id, maxAge })
  expect(errors).toEqual([])
  return data.session
}

/** Moves the object with this id, each step by its status or by its status and failure code. */
async function drive(provider: Provider, id: string, steps: readonly string[]): Promise<void> {
  for (const step of steps) {
    const [to = '', failureCode] = step.split(' ')
    await app.sandbox(provider).advance({ id, to, failureCode })
  }
}

describe('a session of Kayle', () => {
  const failed = (failureCode = 'selfie_face_mismatch') => ({ status: 'FAILED', failureCode, riskScore: null })
  const begun = { kind: 'ATTEMPT', status: 'IN_PROGRESS', providerStatus: 'in_progress', riskScore: null }
  const succeeded = { status: 'SUCCEEDED', providerStatus: 'succeeded', failureCode: null, riskScore: 0.125 }

  test.each([
    [[], 'created', 'CREATED', 'PENDING', []],
    [['attempt_started'], 'in_progress', 'IN_PROGRESS', 'PENDING', [begun]],
    [['attempt_failed nfc_read_error'], 'created', 'CREATED', 'PENDING', [failed('nfc_read_error')]],
    [['attempt_failed', 'attempt_started'], 'in_progress', 'IN_PROGRESS', 'PENDING', [failed(), begun]],
    [['attempt_failed', 'attempt_succeeded'], 'completed', 'COMPLETED', 'APPROVED', [failed(), succeeded]],
    [Array(3).fill('attempt_failed'), 'completed', 'COMPLETED', 'REJECTED', [failed(), failed(), failed()]],
    [['cancelled'], 'cancelled', 'CANCELED', 'NOT_APPLICABLE', []],
    [['attempt_started', 'cancelled'], 'cancelled', 'CANCELED', 'NOT_APPLICABLE', [failed('session_cancelled')]],
    [['expired'], 'expired', 'EXPIRED', 'NOT_APPLICABLE', []],
  ])('after %j is %s: %s and %s', async (steps, providerStatus, status, outcome, attempts) => {
    const session = await create({ kayle: {} })

    await drive('KAYLE', session.providerId, steps)

    const reported = await read(session)
    expect(reported).toMatchObject({ status, outcome, providerStatus, sync: { source: 'FETCH' }, applicant: null })
    expect(reported.completedAt === null).toBe(status === 'CREATED' || status === 'IN_PROGRESS')
    expect(reported.attempts.nodes).toHaveLength(attempts.length)
    expect(reported.attempts.nodes).toEqual(expect.arrayContaining(attempts.map(each => expect.objectContaining(each))))
    for (const { details } of reported.attempts.nodes) expect(details.sessionProviderId).toBe(session.providerId)
  })

  test('past its expiry is EXPIRED by the clock alone, until Kayle reports how it ended', async () => {
    const session = await create({ kayle: {} })

    ahead = 3601
    expect(await read(session)).toMatchObject({
      status: 'EXPIRED',
      outcome: 'NOT_APPLICABLE',
      providerStatus: 'created',
      sync: { source: 'DERIVED' },
    })
    await drive('KAYLE', session.providerId, ['attempt_succeeded'])
    ahead += 31
    const reported = await read(session, null)
    ahead = 0

    expect(reported).toMatchObject({ status: 'COMPLETED', outcome: 'APPROVED', sync: { source: 'FETCH' } })
  })
})

describe('a session of Verilock', () => {
  const STEPS = ['document', 'selfie', 'face_match', 'liveness', 'aml']
  const check = (step: string, status: string) => ({ kind: 'CHECK', status, riskScore: null, details: { step } })
  const input = { profileId: '01234567-89ab-cdef-0123-456789abcdef', applicantEmail: 'jean@example.com' }

  test.each([
    [[], 'created', 'CREATED', 'PENDING', []],
    [['processing'], 'processing', 'IN_PROGRESS', 'PENDING', STEPS.map(step => check(step, 'IN_PROGRESS'))],
    [['approved'], 'approved', 'COMPLETED', 'APPROVED', STEPS.map(step => check(step, 'SUCCEEDED'))],
    [
      ['processing', 'declined face_match'],
      'declined',
      'COMPLETED',
      'REJECTED',
      [check('document', 'SUCCEEDED'), check('selfie', 'SUCCEEDED'), check('face_match', 'FAILED')],
    ],
  ])('after %j is %s: %s and %s', async (steps, providerStatus, status, outcome, attempts) => {
    const session = await create({ verilock: input })

    await drive('VERILOCK', session.providerId, steps)

    const reported = await read(session)
    expect(reported).toMatchObject({ status, outcome, providerStatus, sync: { source: 'FETCH' } })
    expect(reported.applicant).toEqual({ status, outcome, providerStatus })
    const byStep = [...reported.attempts.nodes].sort(
      (a, b) => STEPS.indexOf(a.details.step) - STEPS.indexOf(b.details.step),
    )
    expect(byStep).toMatchObject(attempts)
  })

  test('that expired is EXPIRED, as Verilock reports', async () => {
    const session = await create({ verilock: input })
    await drive('VERILOCK', session.providerId, ['expired'])

    expect(await read(session)).toMatchObject({
      status: 'EXPIRED',
      outcome: 'NOT_APPLICABLE',
      providerStatus: 'expired',
      completedAt: null,
      sync: { source: 'FETCH' },
      attempts: { nodes: [] },
    })
  })

  // Known fault: the clock overrules the provider's later response. Remove `.fails` with the fix.
  test('that Verilock still processes past its expiry is IN_PROGRESS, in lists too', async () => {
    const session = await create({ verilock: input })
    await drive('VERILOCK', session.providerId, ['processing'])

    ahead = 3700
    const reported = await read(session)
    const { data } = await app.execute(
      '{ sessions(filter: { providers: [VERILOCK] }, first: 1) { nodes { id status } } }',
    )
    ahead = 0

    expect(reported).toMatchObject({ status: 'IN_PROGRESS', outcome: 'PENDING', sync: { source: 'FETCH' } })
    expect(data.sessions.nodes).toEqual([{ id: session.id, status: 'IN_PROGRESS' }])
  })

  test('returns the scores of its steps unchanged', async () => {
    const session = await create({ verilock: input })
    await drive('VERILOCK', session.providerId, ['declined aml'])

    const { attempts } = await read(session)

    const scores = Object.fromEntries(
      attempts.nodes.map(({ details }: { details: { step: string; score: number } }) => [details.step, details.score]),
    )
    expect(scores).toEqual({ document: null, selfie: null, face_match: 0.97, liveness: 0.99, aml: 0.91 })
  })
})

describe('a session of Personr', () => {
  const review = (status: string, reviewAnswer: string, rejectLabels: string[]) => ({
    kind: 'REVIEW',
    status,
    providerStatus: reviewAnswer,
    failureCode: rejectLabels[0] ?? null,
    riskScore: null,
    details: { reviewAnswer, rejectLabels },
  })

  async function createApplicant(): Promise<CreatedRecord> {
    made += 1
    const personr = { email: 'ann@example.com', phone: '+46 1', flowName: 'KYC basic' }
    const { data } = await app.execute(
      `mutation ($input: CreateApplicantInput!) {
        createApplicant(input: $input) { ... on CreateApplicantPayload { applicant { id providerId } } }
      }`,
      { input: { idempotencyKey: `key-${made}`, applicant: { personr } } },
    )
    return data.createApplicant.applicant
  }

  test.each([
    [[], 'Created', 'CREATED', 'PENDING', []],
    [['pre_checked'], 'Pre-Checked', 'IN_PROGRESS', 'PENDING', []],
    [['pending'], 'Pending', 'IN_PROGRESS', 'PENDING', []],
    [['approved'], 'Reviewed', 'COMPLETED', 'APPROVED', [review('SUCCEEDED', 'Approved', [])]],
    [['rejected_retry'], 'Reviewed', 'IN_PROGRESS', 'NEEDS_RETRY', [review('FAILED', 'Rejected', ['LOW_QUALITY'])]],
    [['rejected_final'], 'Reviewed', 'COMPLETED', 'REJECTED', [review('FAILED', 'Rejected', ['FORGERY'])]],
    [
      Array(5).fill('rejected_retry'),
      'Reviewed',
      'COMPLETED',
      'REJECTED',
      [review('FAILED', 'Rejected (Final)', ['LOW_QUALITY'])],
    ],
    [['rejected_retry', 'pending', 'approved'], 'Reviewed', 'COMPLETED', 'APPROVED', undefined],
  ])('after %j is %s: %s and %s', async (steps, providerStatus, status, outcome, attempts) => {
    const applicant = await createApplicant()
    const session = await create({ personr: { applicant: { applicantId: applicant.id } } })
    await new Promise(resolve => setTimeout(resolve, 2))

    await drive('PERSONR', applicant.providerId, steps)

    const reported = await read(session)
    expect(reported).toMatchObject({ status, outcome, providerStatus, sync: { source: 'FETCH' } })
    expect(reported.applicant).toEqual({ status, outcome, providerStatus })
    if (attempts) expect(reported.attempts.nodes).toEqual(attempts)
  })

  test('is CREATED while the last result is older than its link', async () => {
    const applicant = await createApplicant()
    const first = await create({ personr: { applicant: { applicantId: applicant.id } } })
    await new Promise(resolve => setTimeout(resolve, 2))
    await drive('PERSONR', applicant.providerId, ['rejected_retry'])
    await new Promise(resolve => setTimeout(resolve, 5))
    const second = await create({ personr: { applicant: { applicantId: applicant.id } } })

    const before = await read(second)
    await new Promise(resolve => setTimeout(resolve, 2))
    await drive('PERSONR', applicant.providerId, ['approved'])
    const after = await read(second)

    expect(before).toMatchObject({ status: 'CREATED', outcome: 'PENDING', attempts: { nodes: [] } })
    expect(after).toMatchObject({ status: 'COMPLETED', outcome: 'APPROVED', attempts: { nodes: [{}] } })
    expect((await read(first)).status).toBe('COMPLETED')
  })
})

describe('a session of Yorlet', () => {
  let reader: TestApp

  beforeAll(async () => {
    const { baseUrl = '' } = app.sandboxes.find(({ provider }) => provider === 'YORLET') ?? {}
    reader = await startApp({
      YORLET_BASE_URL: baseUrl,
      YORLET_API_KEY: SESSION_READS_KEY,
      YORLET_UNDOCUMENTED_READS: 'on',
    })
  })
  afterAll(() => reader.close())

  test.each([
    [[], 'pending', 'CREATED'],
    [['active'], 'active', 'IN_PROGRESS'],
    [['active', 'complete'], 'complete', 'COMPLETED'],
    [['canceled'], 'canceled', 'CANCELED'],
    [['expired'], 'expired', 'EXPIRED'],
  ])('after %j is %s: %s, and has no decision', async (steps, providerStatus, status) => {
    const session = await create({ yorlet: { applicantProviderId: 'apst_manvb9c4m2WsXy5Z' } }, reader)

    await drive('YORLET', session.providerId, steps)

    expect(await read(session, 0, reader)).toMatchObject({
      status,
      outcome: 'NOT_APPLICABLE',
      providerStatus,
      attempts: null,
      applicant: { status: 'UNKNOWN', outcome: 'NOT_APPLICABLE', providerStatus: 'pending' },
      sync: { source: 'FETCH' },
    })
  })

  test('keeps its first status if reads are off', async () => {
    const session = await create({ yorlet: { applicantProviderId: 'apst_manvb9c4m2WsXy5Z' } })
    await drive('YORLET', session.providerId, ['active'])
    ahead = 600
    const reported = await read(session, null)
    ahead = 0

    expect(reported).toMatchObject({ status: 'CREATED', providerStatus: 'pending', sync: { source: 'CALLER' } })
  })
})

describe('a session of Rapidly', () => {
  test('is open for its hour and EXPIRED afterwards, by the clock alone', async () => {
    const session = await create({ rapidly: { customer: { customerExternalId: 'usr_1337' } } })
    const fixed = { outcome: 'NOT_APPLICABLE', providerStatus: null, attempts: null, sync: { source: 'DERIVED' } }

    expect(await read(session, null)).toMatchObject({ status: 'IN_PROGRESS', ...fixed })
    ahead = 3590
    const inTime = await read(session, null)
    ahead = 3601
    const late = await read(session, null)
    ahead = 0

    expect(inTime).toMatchObject({ status: 'IN_PROGRESS', ...fixed })
    expect(late).toMatchObject({ status: 'EXPIRED', ...fixed })
  })
})
