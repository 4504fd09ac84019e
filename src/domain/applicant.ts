import type { AttemptSnapshot } from './attempt.ts'
import type { CustomerSnapshot } from './customer.ts'
import type { Details } from './json.ts'
import type { Linked } from './linked.ts'
import type { Outcome } from './outcome.ts'
import type { Provider } from './provider.ts'
import type { Sync } from './sync.ts'

export const APPLICANT_STATUSES = ['CREATED', 'IN_PROGRESS', 'COMPLETED', 'UNKNOWN'] as const
export type ApplicantStatus = (typeof APPLICANT_STATUSES)[number]

/** A person at a provider who is being verified or who applies. */
export interface Applicant {
  readonly id: string
  readonly tenantId: string
  readonly accountId: string
  readonly provider: Provider
  readonly providerId: string
  /** The provider's record through which this one is reached (a Yorlet application). */
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
  /** Null: known by a link only, never read yet. */
  readonly sync: Sync | null
  readonly details: Details
}

/** What a provider said about an applicant at one moment; absent = said nothing, null = none. */
export interface ApplicantSnapshot {
  readonly providerId: string
  readonly parentProviderId?: string | null
  readonly status: ApplicantStatus
  readonly outcome: Outcome
  readonly providerStatus: string | null
  readonly externalId?: string | null
  readonly email?: string | null
  readonly phone?: string | null
  readonly firstName?: string | null
  readonly lastName?: string | null
  readonly createdAt?: Date | null
  readonly updatedAt?: Date | null
  readonly customer?: Linked<CustomerSnapshot>
  readonly attempts?: readonly AttemptSnapshot[]
  readonly details: Details
}
