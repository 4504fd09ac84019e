import type { Providers } from './providers.ts'
import * as view from './views.ts'

/** The answers of the limit from the rows of either database. */

export interface SessionRows {
  readonly session: view.Session
  readonly customer: view.Customer
  readonly applicant: view.Applicant
  readonly attempts: readonly view.Attempt[]
}

/** It calls the provider each time, and fails if that fails. */
const FRESH = { stale: false }

export async function answerOne(providers: Providers, { session, customer, applicant, attempts }: SessionRows) {
  const [reported, customerFromProvider, applicantFromProvider] = await Promise.all([
    providers.session(session.provider_id),
    providers.customer(customer.provider_id),
    providers.applicant(applicant.provider_id, applicant.parent_provider_id),
  ])
  return {
    session: {
      ...view.sessionFromProvider(session, reported),
      attempts: { nodes: view.reportedAttempts(attempts, reported) },
      customer: view.customerFromProvider(customer, customerFromProvider),
      applicant: view.applicantFromProvider(applicant, applicantFromProvider),
    },
  }
}

export function answerStored(
  { session, customer, applicant, attempts }: SessionRows,
  pii: Parameters<typeof view.storedCustomer>[1],
) {
  return {
    session: {
      ...view.storedSession(session),
      attempts: { nodes: attempts.map(view.storedAttempt) },
      customer: view.storedCustomer(customer, pii),
      applicant: view.storedApplicant(applicant),
    },
  }
}

/** The customer of a list. */
export async function answerCustomer(providers: Providers, row: view.Customer) {
  return { ...view.customerFromProvider(row, await providers.customer(row.provider_id)), sync: FRESH }
}
