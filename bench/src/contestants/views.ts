import type { AttemptRow, CustomerRow, SessionRow } from '../../../db/core/tables.ts'
import { encodeGlobalId } from '../../../src/domain/global-id.ts'
import type { KayleSession, RapidlyCustomer, YorletApplicants } from './providers.ts'

/** The selections of the benchmark's documents, built from stored rows and provider responses. */

export type Session = Pick<
  SessionRow,
  'id' | 'provider' | 'provider_id' | 'status' | 'outcome' | 'external_id' | 'created_at' | 'updated_at'
> &
  Pick<SessionRow, 'customer_id' | 'applicant_id'>
export type Attempt = Pick<
  AttemptRow,
  'id' | 'provider_id' | 'kind' | 'status' | 'failure_code' | 'risk_score' | 'created_at' | 'session_id'
>
export type Customer = Pick<CustomerRow, 'id' | 'provider_id' | 'pii_encrypted' | 'created_at'>
export interface Applicant {
  readonly id: string
  readonly provider_id: string
  readonly parent_provider_id: string
  readonly status: string
  readonly outcome: string
  readonly provider_status: string
  readonly created_at: number
}

const STATUSES: Readonly<Record<string, string>> = { created: 'CREATED', completed: 'COMPLETED', cancelled: 'CANCELED' }
const time = (ms: number) => new Date(ms).toISOString()

export function storedSession(row: Session) {
  return {
    id: encodeGlobalId('Session', row.id),
    provider: row.provider,
    providerId: row.provider_id,
    status: row.status,
    outcome: row.outcome,
    externalId: row.external_id,
    createdAt: time(row.created_at),
    updatedAt: time(row.updated_at),
  }
}

export function sessionFromProvider(row: Session, reported: KayleSession) {
  const approved = reported.attempts.some(({ status }) => status === 'succeeded')
  return {
    id: encodeGlobalId('Session', row.id),
    provider: 'KAYLE',
    providerId: reported.id,
    status: STATUSES[reported.status] ?? 'UNKNOWN',
    outcome: reported.status === 'cancelled' ? 'NOT_APPLICABLE' : approved ? 'APPROVED' : 'REJECTED',
    externalId: row.external_id,
    createdAt: time(Date.parse(reported.created_at)),
    updatedAt: time(Date.parse(reported.updated_at)),
  }
}

export function storedAttempt(row: Attempt) {
  return {
    id: encodeGlobalId('Attempt', row.id),
    providerId: row.provider_id,
    kind: row.kind,
    status: row.status,
    failureCode: row.failure_code,
    riskScore: row.risk_score,
    createdAt: time(row.created_at),
  }
}

/** Our ids are only in the stored rows. */
export function reportedAttempts(rows: readonly Attempt[], reported: KayleSession) {
  return reported.attempts.map(attempt => ({
    id: encodeGlobalId('Attempt', rows.find(row => row.provider_id === attempt.id)?.id ?? ''),
    providerId: attempt.id,
    kind: 'ATTEMPT',
    status: attempt.status.toUpperCase(),
    failureCode: attempt.failure_code,
    riskScore: attempt.status === 'succeeded' || attempt.risk_score ? attempt.risk_score : null,
    createdAt: time(Date.parse(attempt.created_at)),
  }))
}

export function storedCustomer(row: Customer, pii: { readonly email: string; readonly name: string }) {
  const { email, name } = pii
  return {
    id: encodeGlobalId('Customer', row.id),
    providerId: row.provider_id,
    email,
    name,
    createdAt: time(row.created_at),
  }
}

export function customerFromProvider(row: Customer, { id, email, name, created_at }: RapidlyCustomer) {
  return {
    id: encodeGlobalId('Customer', row.id),
    providerId: id,
    email,
    name,
    createdAt: time(Date.parse(created_at)),
  }
}

export function storedApplicant(row: Applicant) {
  return {
    id: encodeGlobalId('Applicant', row.id),
    providerId: row.provider_id,
    status: row.status,
    outcome: row.outcome,
    providerStatus: row.provider_status,
    createdAt: time(row.created_at),
  }
}

export function applicantFromProvider(row: Applicant, reported: YorletApplicants['data'][number]) {
  return {
    id: encodeGlobalId('Applicant', row.id),
    providerId: reported.id,
    status: 'UNKNOWN',
    outcome: 'NOT_APPLICABLE',
    providerStatus: reported.status,
    createdAt: time(reported.created * 1000),
  }
}

/** The id of a row, from that of the API. */
export function toRowId(globalId?: string | null): string {
  return (
    Buffer.from(globalId ?? '', 'base64url')
      .toString('latin1')
      .split(':')[1] ?? ''
  )
}
