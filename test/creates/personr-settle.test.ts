import { afterAll, beforeAll, expect, test } from 'vitest'
import { sandbox } from '../../src/providers/personr/sandbox.ts'
import { type RunningSandbox, startSandbox } from '../../src/sandbox/server.ts'
import { controlSandbox, startApp, type TestApp } from '../harness/app/test-app.ts'

const SECRET = 'personr-header-token'

let personr: RunningSandbox
let app: TestApp

beforeAll(async () => {
  personr = await startSandbox(sandbox, { port: 0 })
  app = await startApp({
    CREATE_DEADLINE_MS: '400',
    PERSONR_BASE_URL: personr.baseUrl,
    PERSONR_EMAIL: sandbox.credentials.email,
    PERSONR_PASSWORD: sandbox.credentials.password,
    PERSONR_WEBHOOK_SECRET: SECRET,
  })
})

afterAll(async () => {
  await app.close()
  await personr.close()
})

const CREATE = `mutation {
  createApplicant(input: { idempotencyKey: "lost", externalId: "usr_7", applicant: {
    personr: { email: "ada@example.com", phone: "+44 1", flowName: "KYC basic" }
  } }) {
    __typename
    ... on CreateApplicantPayload { replayed operation { recovered } applicant { providerId externalId } }
  }
}`

test('an applicant whose create response was lost is settled by the first webhook about it', async () => {
  const rules = [{ path: '*/api-applicant-create', fault: { kind: 'hang' } }]
  await fetch(`${personr.origin}/_sandbox/faults`, { method: 'POST', body: JSON.stringify({ rules }) })
  expect((await app.execute(CREATE)).data.createApplicant).toEqual({ __typename: 'UnconfirmedError' })
  await fetch(`${personr.origin}/_sandbox/faults`, { method: 'DELETE' })

  const { applicants = {} } = await controlSandbox(personr.origin).objects()
  const [applicantId = '', made] =
    Object.entries(applicants).find(([, each]) => JSON.stringify(each).includes('usr_7')) ?? []
  const { externalUserId } = made as { externalUserId: string[] }
  const policy = app.webhookRoutes.find(({ provider }) => provider === 'PERSONR')
  const response = await app.app.fetch(`http://localhost${policy?.path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${SECRET}`, 'content-type': 'application/json' },
    body: JSON.stringify({ applicantId, actionStatus: 'Reviewed', externalUserId }),
  })
  expect(response.status).toBe(204)
  await app.services.webhookInbox.applyDue()

  expect((await app.execute(CREATE)).data.createApplicant).toEqual({
    __typename: 'CreateApplicantPayload',
    replayed: true,
    operation: { recovered: true },
    applicant: { providerId: applicantId, externalId: 'usr_7' },
  })
})
