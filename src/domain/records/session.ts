import type { Details, JsonObject } from '../json.ts'
import type { Provider } from '../provider.ts'
import type { ApplicantSnapshot } from './applicant.ts'
import type { AttemptSnapshot } from './attempt.ts'
import type { CustomerSnapshot } from './customer.ts'
import type { Outcome } from './decision.ts'
import type { RecordLink } from './record-link.ts'
import type { Sync } from './sync.ts'

export const SESSION_STATUSES = ['CREATED', 'IN_PROGRESS', 'COMPLETED', 'CANCELED', 'EXPIRED', 'UNKNOWN'] as const
export type SessionStatus = (typeof SESSION_STATUSES)[number]

export const SESSION_ORDERS = ['CREATED_AT_DESC', 'CREATED_AT_ASC', 'UPDATED_AT_DESC', 'UPDATED_AT_ASC'] as const
export type SessionOrder = (typeof SESSION_ORDERS)[number]

/** Where the end user is redirected to. Bearer secrets: encrypted at rest, never logged. */
export interface SessionAccess {
  readonly hostedUrl: string | null
  readonly sdkToken: string | null
  readonly cancelToken: string | null
  readonly expiresAt: Date | null
}

/** A stored session. `id` is ours, `providerId` the provider's, `externalId` the caller's own id of its user. */
export interface Session {
  readonly id: string
  readonly tenantId: string
  /** Grows with each change of the content, attempts included. */
  readonly revision: number
  readonly accountId: string
  readonly provider: Provider
  readonly providerId: string
  readonly status: SessionStatus
  readonly outcome: Outcome
  readonly providerStatus: string | null
  readonly externalId: string | null
  readonly testMode: boolean
  readonly redirectUrl: string | null
  readonly metadata: JsonObject | null
  readonly createdAt: Date
  readonly updatedAt: Date
  readonly expiresAt: Date | null
  readonly completedAt: Date | null
  readonly access: SessionAccess | null
  readonly applicantId: string | null
  readonly customerId: string | null
  /** When its attempts were last read; null: never. */
  readonly attemptsFetchedAt: Date | null
  /** When that read started, in milliseconds of the shared clock. */
  readonly attemptsStartedMs: number | null
  readonly sync: Sync
  readonly details: Details
}

/**
 * What a provider reported about a session at one moment. An absent field was not reported and keeps its stored value;
 * null means none.
 */
export interface SessionSnapshot {
  readonly providerId: string
  readonly status: SessionStatus
  readonly outcome: Outcome
  /** The provider's own status, verbatim. */
  readonly providerStatus: string | null
  /** True if the response contained an unrecognized status or outcome. */
  readonly unrecognized?: boolean
  /** True if the status was derived from the clock instead of reported by the provider. */
  readonly derived?: boolean
  readonly externalId?: string | null
  readonly redirectUrl?: string | null
  readonly createdAt?: Date | null
  readonly updatedAt?: Date | null
  readonly expiresAt?: Date | null
  readonly completedAt?: Date | null
  readonly access?: SessionAccess
  readonly applicant?: RecordLink<ApplicantSnapshot>
  readonly customer?: RecordLink<CustomerSnapshot>
  /** All attempts of the session, if the response contained them. */
  readonly attempts?: readonly AttemptSnapshot[]
  readonly details: Details
}

/** The fields that decide whether the session can still change. */
export interface SessionPhase {
  readonly status: SessionStatus
  readonly sync: Pick<Sync, 'source' | 'unrecognized'>
}

const TERMINAL: readonly SessionStatus[] = ['COMPLETED', 'CANCELED', 'EXPIRED']

/**
 * True if the session can no longer change. A derived EXPIRED is provisional and thus not terminal; neither is a status
 * that the latest response no longer confirms in recognized terms.
 */
export function isTerminal({ status, sync }: SessionPhase): boolean {
  return TERMINAL.includes(status) && !sync.unrecognized && !(status === 'EXPIRED' && sync.source === 'DERIVED')
}
