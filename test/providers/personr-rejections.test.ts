import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { startApp, type TestApp } from '../harness/app/test-app.ts'
import { create, newKey } from '../harness/clients/reads.ts'
import { deliver, fromPersonr, openEndpoint, type WebhookTarget } from '../harness/providers/deliveries.ts'

/** Whether a person rejected by Personr may try again, and other values that only one response or webhook has. */

let app: TestApp
let policy: WebhookTarget
/** A strictly increasing clock, so that a record is stale at its next read. */
let at = Date.now()

beforeAll(async () => {
  app = await startApp({ BREAKER_MINIMUM_CALLS: '100000' }, { now: () => new Date(at++), jobs: false })
  for (const { origin } of app.sandboxes) await fetch(`${origin}/_sandbox/webhooks`, { method: 'DELETE' })
  policy = await openEndpoint(app, 'PERSONR')
})
afterAll(() => app.close())
beforeEach(async () => {
  // Notices without an id within one minute count as one.
  at = Math.max(Date.now(), at + 120_000)
  await app.sandbox('PERSONR').clearFaults()
})

interface CreatedRecord {
  readonly id: string
  readonly providerId: string
}

async function make(recordType: 'applicant' | 'session', input: object): Promise<CreatedRecord> {
  const { data } = await create(app, { recordType, input }, newKey())
  expect(data.made).toMatchObject({ __typename: expect.stringMatching(/Payload$/) })
  return data.made.record
}

const PERSONR = { email: 'ann@example.com', phone: '+46 70 000 00 00', flowName: 'KYC basic' }
const makeApplicant = () => make('applicant', { personr: PERSONR })
const makeLink = ({ id }: CreatedRecord) => make('session', { personr: { applicant: { applicantId: id } } })

const DETAILS = {
  applicant: '... on PersonrApplicantDetails { flowName customHostedUrl }',
  session: '... on PersonrSessionDetails { flowName }',
}

async function show(recordType: 'applicant' | 'session', { id }: CreatedRecord, maxAgeSeconds: number) {
  const { data, errors } = await app.execute(
    `query ($id: ID!, $age: Int!) { record: ${recordType}(by: { id: $id }, freshness: { maxAgeSeconds: $age, onError: FAIL }) {
      status outcome details { ${DETAILS[recordType]} }
    } }`,
    { id, age: maxAgeSeconds },
  )
  expect(errors).toEqual([])
  return data.record
}

const read = (recordType: 'applicant' | 'session', record: CreatedRecord) => show(recordType, record, 0)
const stored = (recordType: 'applicant' | 'session', record: CreatedRecord) => show(recordType, record, 1e6)

const REJECTED = { status: 'COMPLETED', outcome: 'REJECTED' }
const RETRY = { status: 'IN_PROGRESS', outcome: 'NEEDS_RETRY' }

/** The rejection type in the status response: none, or this one. */
async function deliverType(type: string | null): Promise<void> {
  const field = 'response.result.reviewRejectType'
  const fault = type === null ? { change: 'drop' as const } : { change: 'word' as const, to: type }
  await app.sandbox('PERSONR').faults([{ path: '*/api-applicant-status', fault: { kind: 'drift', field, ...fault } }])
}

describe('a rejection', () => {
  const SOFT = { to: 'rejected_retry', failureCode: 'LOW_QUALITY' }
  const HARD = { to: 'rejected_final', failureCode: 'FORGERY' }
  test.each([
    ['FINAL', SOFT, REJECTED],
    ['final', SOFT, REJECTED],
    [' Final ', SOFT, REJECTED],
    ['RETRY', HARD, RETRY],
    ['retry', HARD, RETRY],
    ['Retry', HARD, RETRY],
    ['FINAL', HARD, REJECTED],
    ['RETRY', SOFT, RETRY],
    [null, SOFT, RETRY],
    [null, HARD, REJECTED],
    ['  ', SOFT, RETRY],
    ['  ', HARD, REJECTED],
  ])('of the type %j with %o is %o, for the session and the applicant', async (type, step, verdict) => {
    const applicant = await makeApplicant()
    const session = await makeLink(applicant)
    await app.sandbox('PERSONR').advance({ id: applicant.providerId, ...step })
    await deliverType(type)
    expect(await read('session', session)).toMatchObject(verdict)
    expect(await stored('applicant', applicant)).toMatchObject(verdict)
    expect(await read('applicant', applicant)).toMatchObject(verdict)
  })

  test.each([SOFT, HARD])('of an unknown type, with %o, has an unknown finality and removes nothing', async step => {
    const applicant = await makeApplicant()
    const session = await makeLink(applicant)
    await app.sandbox('PERSONR').advance({ id: applicant.providerId, ...step })
    await deliverType('ONLY_ON_TUESDAYS')
    expect(await read('session', session)).toMatchObject({ status: 'COMPLETED', outcome: 'UNKNOWN' })
    expect(await stored('applicant', applicant)).toMatchObject({ outcome: 'UNKNOWN' })
    await deliverType('FINAL')
    expect(await read('applicant', applicant)).toMatchObject(REJECTED)
    await deliverType('ONLY_ON_TUESDAYS')
    expect(await read('applicant', applicant)).toMatchObject(REJECTED)
  })

  test('is final over a retryable label in the sandbox', async () => {
    const applicant = await makeApplicant()
    await app.sandbox('PERSONR').advance({ id: applicant.providerId, to: 'rejected_final', failureCode: 'LOW_QUALITY' })
    expect(await read('applicant', applicant)).toMatchObject(REJECTED)
  })

  const content = { actionStatus: 'Reviewed', reviewAnswer: 'Rejected', rejectLabels: ['LOW_QUALITY'] }
  test.each([
    ['flat', (id: string, reviewRejectType: string) => ({ applicantId: id, ...content, reviewRejectType })],
    [
      'in a result',
      (id: string, type: string) => ({ applicantId: id, result: { ...content, reviewRejectType: type } }),
    ],
    [
      'as the status call answers',
      (id: string, type: string) => ({ response: { result: { applicant: id, ...content, reviewRejectType: type } } }),
    ],
  ])('whose type only a notice reports (%s) keeps that type', async (_, write) => {
    const applicant = await makeApplicant()
    const session = await makeLink(applicant)
    await app.sandbox('PERSONR').advance({ id: applicant.providerId, ...SOFT })
    await deliverType(null)
    expect(await read('session', session)).toMatchObject(RETRY)
    await deliver(app, policy, fromPersonr(policy, write(applicant.providerId, 'final')))
    await app.services.webhookInbox.applyDue()
    for (const recordType of ['session', 'applicant'] as const) {
      const record = recordType === 'session' ? session : applicant
      expect(await stored(recordType, record)).toMatchObject(REJECTED)
      expect(await read(recordType, record)).toMatchObject(REJECTED)
    }
    // The next review is a new one.
    await app.sandbox('PERSONR').advance({ id: applicant.providerId, ...SOFT })
    expect(await read('session', session)).toMatchObject(RETRY)
    expect(await read('applicant', applicant)).toMatchObject(RETRY)
  })

  test('whose type a notice reports of an unknown applicant has that type', async () => {
    const applicant = await makeApplicant()
    await app.db.sql.deleteFrom('attempts').execute()
    await app.db.sql.deleteFrom('applicants').where('provider_id', '=', applicant.providerId).execute()
    await app.sandbox('PERSONR').advance({ id: applicant.providerId, ...SOFT })
    await deliverType(null)
    const reported = { applicantId: applicant.providerId, ...content, reviewRejectType: 'FINAL' }
    await deliver(app, policy, fromPersonr(policy, reported))
    await app.services.webhookInbox.applyDue()
    const { data } = await app.execute('{ applicants(first: 1) { nodes { providerId status outcome } } }')
    expect(data.applicants.nodes).toMatchObject([{ providerId: applicant.providerId, ...REJECTED }])
  })
})

describe('a rejection whose notice has no labels', () => {
  const deliverNotice = async ({ providerId }: CreatedRecord, type: string) => {
    await deliver(app, policy, fromPersonr(policy, { applicantId: providerId, reviewRejectType: type }))
    await app.services.webhookInbox.applyDue()
  }

  test.each([
    ['FINAL', 'rejected_retry', 'LOW_QUALITY', REJECTED],
    ['RETRY', 'rejected_final', 'FORGERY', RETRY],
  ])('has the reported type %s whatever its labels are', async (type, to, failureCode, verdict) => {
    const applicant = await makeApplicant()
    await app.sandbox('PERSONR').advance({ id: applicant.providerId, to, failureCode })
    await deliverType(null)
    await deliverNotice(applicant, type)
    expect(await read('applicant', applicant)).toMatchObject(verdict)
    expect(await read('applicant', applicant)).toMatchObject(verdict)
  })

  test('does not apply to the approval that was read before it', async () => {
    const applicant = await makeApplicant()
    await app.sandbox('PERSONR').advance({ id: applicant.providerId, to: 'approved' })
    await deliverType(null)
    await deliverNotice(applicant, 'FINAL')
    expect(await read('applicant', applicant)).toMatchObject({ outcome: 'APPROVED' })
    const rejected = { to: 'rejected_retry', failureCode: 'LOW_QUALITY' }
    await app.sandbox('PERSONR').advance({ id: applicant.providerId, ...rejected })
    expect(await read('applicant', applicant)).toMatchObject(REJECTED)
  })
})

describe('a session link', () => {
  test('has the flow of its applicant from the beginning, and a custom link is stored with the applicant', async () => {
    const applicant = await makeApplicant()
    const session = await makeLink(applicant)
    expect((await stored('session', session)).details).toEqual({ flowName: 'KYC basic' })
    const customHostedUrl = `https://verify.example.com/verification/${session.providerId}`
    expect((await stored('applicant', applicant)).details).toEqual({ flowName: 'KYC basic', customHostedUrl })
    expect((await read('session', session)).details).toEqual({ flowName: 'KYC basic' })
    expect((await read('applicant', applicant)).details).toEqual({ flowName: 'KYC basic', customHostedUrl })
    const second = await makeLink(applicant)
    expect((await stored('applicant', applicant)).details.customHostedUrl).toContain(second.providerId)
  })

  test('of an applicant known only by id has the flow once it was read', async () => {
    const session = await make('session', {
      personr: { applicant: { applicantProviderId: '4242424242424x424242424242424242' } },
    })
    expect((await stored('session', session)).details).toEqual({ flowName: null })
    expect((await read('session', session)).details).toEqual({ flowName: 'KYC basic' })
    const { data } = await app.execute(
      'query ($id: ID!) { session(by: { id: $id }) { applicant { email details { ... on PersonrApplicantDetails { customHostedUrl } } } } }',
      { id: session.id },
    )
    expect(data.session.applicant).toMatchObject({
      email: 'johndoe@mail.com',
      details: { customHostedUrl: `https://verify.example.com/verification/${session.providerId}` },
    })
  })

  test('of a provider that returns an invalid URL is no custom link', async () => {
    const field = 'response.customLink'
    const fault = { kind: 'drift', change: 'word', field, to: 'javascript:alert(1)' } as const
    await app.sandbox('PERSONR').faults([{ path: '*/api-verificationlink-create', fault }])
    const applicant = await makeApplicant()
    await makeLink(applicant)
    expect((await stored('applicant', applicant)).details).toMatchObject({ customHostedUrl: null })
  })
})
