import { controlSandbox, type TestApp } from '../app/test-app.ts'
import { SESSION_INPUTS } from './session-inputs.ts'

/** A valid mutation with its input. */
export interface MutationCase {
  readonly field: string
  readonly inputType: string
  /** Returns a new input each time, so that no create is a replay. */
  readonly input: () => Record<string, unknown>
}

/** One case for each mutation, for records that this function creates. */
export async function mutationCases(app: TestApp): Promise<readonly MutationCase[]> {
  let count = 0
  const key = () => `key-${++count}`
  const session = SESSION_INPUTS.KAYLE
  const applicant = { personr: { email: 'ann@example.com', phone: '+46700000000', flowName: 'KYC basic' } }
  const customer = { rapidly: { email: 'ann@example.com' } }
  const made = await app.execute(
    `mutation ($s: CreateSessionInput!, $a: CreateApplicantInput!, $c: CreateCustomerInput!) {
      createSession(input: $s) { ... on CreateSessionPayload { session { id } } }
      createApplicant(input: $a) { ... on CreateApplicantPayload { applicant { id } } }
      createCustomer(input: $c) { ... on CreateCustomerPayload { customer { id } } }
    }`,
    {
      s: { idempotencyKey: key(), session },
      a: { idempotencyKey: key(), applicant },
      c: { idempotencyKey: key(), customer },
    },
  )
  const id = made.data.createSession.session.id
  const applicantId = made.data.createApplicant.applicant.id
  const customerId = made.data.createCustomer.customer.id
  const cases: Record<string, () => Record<string, unknown>> = {
    cancelSession: () => ({ sessionId: id }),
    createApplicant: () => ({ idempotencyKey: key(), applicant }),
    createClientToken: () => ({ subject: { sessionId: id } }),
    createCustomer: () => ({
      idempotencyKey: key(),
      customer: { rapidly: { ...customer.rapidly, email: `${key()}@example.com` } },
    }),
    createSession: () => ({ idempotencyKey: key(), session }),
    linkApplicant: () => ({ applicantId, externalId: key() }),
    linkCustomer: () => ({ customerId, externalId: key() }),
    linkSession: () => ({ sessionId: id, externalId: key() }),
  }
  return Object.entries(cases).map(([field, input]) => {
    const inputType = `${field[0]?.toUpperCase()}${field.slice(1)}Input`
    return { field, inputType, input }
  })
}

/** All possible effects of a mutation: the number of provider requests, and the stored rows. */
export async function effectsIn(app: TestApp): Promise<string> {
  // Read times are written in batches: those of earlier tests must not appear between two calls.
  await app.services.fetchedAtWriter.flush()
  const calls = await Promise.all(
    app.sandboxes.map(async ({ origin }) => (await controlSandbox(origin).requests()).length),
  )
  const rows = []
  for (const table of TABLES) rows.push(await app.db.sql.selectFrom(table).selectAll().orderBy('id').execute())
  return JSON.stringify({ calls, rows }, (_key, value) => (typeof value === 'bigint' ? String(value) : value))
}

const TABLES = ['applicants', 'attempts', 'customers', 'events', 'operations', 'sessions'] as const
