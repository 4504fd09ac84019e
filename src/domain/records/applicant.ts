import type { Details } from '../json.ts'
import type { Provider } from '../provider.ts'
import type { AttemptSnapshot } from './attempt.ts'
import type { CustomerSnapshot } from './customer.ts'
import { isDecided, type Outcome } from './decision.ts'
import type { RecordLink } from './record-link.ts'
import type { Sync } from './sync.ts'

export const APPLICANT_STATUSES = ['CREATED', 'IN_PROGRESS', 'COMPLETED', 'UNKNOWN'] as const
export type ApplicantStatus = (typeof APPLICANT_STATUSES)[number]

/** A person at a provider who is being verified or who applies. */
export interface Applicant {
  readonly id: string
  readonly tenantId: string
  /** Grows with each change of the content, attempts included. */
  readonly revision: number
  readonly accountId: string
  readonly provider: Provider
  readonly providerId: string
  /** The provider's parent record, needed to read this one (a Yorlet application). */
  readonly parentProviderId: string | null
  readonly externalId: string | null
  readonly status: ApplicantStatus
  readonly outcome: Outcome
  readonly providerStatus: string | null
  readonly email: string | null
  readonly phone: string | null
  readonly firstName: string | null
  readonly lastName: string | null
  readonly createdAt: Date
  readonly updatedAt: Date
  readonly customerId: string | null
  readonly attemptsFetchedAt: Date | null
  /** When the read of the attempts started, in milliseconds of the shared clock. */
  readonly attemptsStartedMs: number | null
  /** Null: known from a link only, never read. */
  readonly sync: Sync | null
  readonly details: Details
}

/** The fields that decide whether the applicant can still change. */
export interface ApplicantState extends Pick<Applicant, 'outcome' | 'status'> {
  readonly sync: Pick<Sync, 'source' | 'unrecognized'> | null
}

/** True once the provider's decision is final and recognized, or if the provider makes no decisions. */
export function isSettled({ status, outcome, sync }: ApplicantState): boolean {
  if (outcome === 'NOT_APPLICABLE') return true
  return status === 'COMPLETED' && isDecided({ outcome }) && !sync?.unrecognized
}

/** What a provider reported about an applicant at one moment. An absent field was not reported; null means none. */
export interface ApplicantSnapshot {
  readonly providerId: string
  readonly parentProviderId?: string | null
  readonly status: ApplicantStatus
  readonly outcome: Outcome
  readonly providerStatus: string | null
  /** True if the response contained an unrecognized status or outcome. */
  readonly unrecognized?: boolean
  readonly externalId?: string | null
  /** All of the caller's own ids that the provider has for this person, if it supports several. */
  readonly externalIds?: readonly string[]
  readonly email?: string | null
  readonly phone?: string | null
  readonly firstName?: string | null
  readonly lastName?: string | null
  readonly createdAt?: Date | null
  readonly updatedAt?: Date | null
  readonly customer?: RecordLink<CustomerSnapshot>
  readonly attempts?: readonly AttemptSnapshot[]
  readonly details: Details
}
