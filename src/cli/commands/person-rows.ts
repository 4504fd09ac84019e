import type { Database } from '../../../db/core/database.ts'
import { findApplicants } from '../../../db/records/applicant-repository.ts'
import { listAttemptsOf } from '../../../db/records/attempt-repository.ts'
import { findCustomers } from '../../../db/records/customer-repository.ts'
import { findSessions } from '../../../db/records/session-repository.ts'
import { findPersonOperations, findPersonRecords } from '../../../db/repositories/erasure-repository.ts'
import { listEvents } from '../../../db/repositories/event-repository.ts'
import { findOperations } from '../../../db/repositories/operation-repository.ts'
import { distinctById } from '../../domain/distinct-by-id.ts'
import type { Applicant } from '../../domain/records/applicant.ts'
import type { Attempt } from '../../domain/records/attempt.ts'
import type { Customer } from '../../domain/records/customer.ts'
import type { TimelineEvent } from '../../domain/records/event.ts'
import type { ProviderOperation } from '../../domain/records/operation.ts'
import type { Session } from '../../domain/records/session.ts'

export interface PersonRow {
  readonly record: 'session' | 'applicant' | 'customer' | 'attempt' | 'create' | 'event'
  readonly [column: string]: unknown
}

/**
 * The stored data of a person, one row per record: everything that erasing would delete, decrypted. Omits access
 * secrets (links, tokens) and webhook deliveries, whose content is in the records.
 */
export async function listPersonRows(db: Database, tenantId: string, externalId: string): Promise<PersonRow[]> {
  const records = await findPersonRecords(db, tenantId, externalId)
  const creates = await findPersonOperations(db, tenantId, externalId, records)
  const [sessionIds, applicantIds] = [idsOf(records.sessions), idsOf(records.applicants)]
  const attempts = [
    ...(await listAttemptsOf(db, tenantId, 'session_id', sessionIds)),
    ...(await listAttemptsOf(db, tenantId, 'applicant_id', applicantIds)),
  ]
  const events: TimelineEvent[] = []
  for (const sessionId of sessionIds) events.push(...(await listAllEvents(db, tenantId, sessionId)))
  return [
    ...(await findSessions(db, tenantId, sessionIds)).map(toSessionRow),
    ...(await findApplicants(db, tenantId, applicantIds)).map(toApplicantRow),
    ...(await findCustomers(db, tenantId, idsOf(records.customers))).map(toCustomerRow),
    // An attempt of a session may also belong to its applicant.
    ...distinctById(attempts).map(toAttemptRow),
    ...(await findOperations(db, tenantId, idsOf(creates))).map(toCreateRow),
    ...events.map(toEventRow),
  ]
}

const PAGE = 500

async function listAllEvents(db: Database, tenantId: string, sessionId: string): Promise<TimelineEvent[]> {
  const events: TimelineEvent[] = []
  for (let after = 0; ; ) {
    const page = await listEvents(db, { tenantId, sessionId, after, limit: PAGE })
    events.push(...page)
    const last = page.at(-1)
    if (!last || page.length < PAGE) return events
    after = last.position
  }
}

function idsOf(rows: readonly { readonly id: string }[]): string[] {
  return rows.map(({ id }) => id)
}

function toSessionRow(session: Session): PersonRow {
  const { id, provider, providerId, externalId, status, outcome, redirectUrl, metadata, details, createdAt } = session
  const row = { externalId, status, outcome, redirectUrl, metadata, details, createdAt }
  return { record: 'session', id, provider, providerId, ...row }
}

function toApplicantRow(applicant: Applicant): PersonRow {
  const { id, provider, providerId, externalId, status, outcome, firstName, lastName } = applicant
  const { email, phone, details, createdAt } = applicant
  const row = { externalId, status, outcome, firstName, lastName, email, phone, details, createdAt }
  return { record: 'applicant', id, provider, providerId, ...row }
}

function toCustomerRow(customer: Customer): PersonRow {
  const { id, provider, providerId, externalId, name, email, phone, metadata, details, createdAt } = customer
  const row = { externalId, name, email, phone, metadata, details, createdAt }
  return { record: 'customer', id, provider, providerId, ...row }
}

function toAttemptRow(attempt: Attempt): PersonRow {
  const { id, provider, providerId, kind, status, failureCode, riskScore, details, createdAt } = attempt
  return { record: 'attempt', id, provider, providerId, kind, status, failureCode, riskScore, details, createdAt }
}

function toCreateRow({ id, provider, kind, idempotencyKey, state, recordId, createdAt }: ProviderOperation): PersonRow {
  return { record: 'create', id, provider, kind, idempotencyKey, state, recordId, createdAt }
}

function toEventRow({ id, sessionId, source, at, data: { type, ...data } }: TimelineEvent): PersonRow {
  return { record: 'event', id, sessionId, type, source, at, data }
}
