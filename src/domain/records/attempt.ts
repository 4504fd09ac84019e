import type { Details } from '../json.ts'
import type { Provider } from '../provider.ts'

export const ATTEMPT_STATUSES = ['IN_PROGRESS', 'SUCCEEDED', 'FAILED', 'CANCELED', 'UNKNOWN'] as const
export type AttemptStatus = (typeof ATTEMPT_STATUSES)[number]

export const ATTEMPT_KINDS = ['ATTEMPT', 'CHECK', 'REVIEW'] as const
/** ATTEMPT: one attempt of the end user. CHECK: the result of one step. REVIEW: the latest review of an applicant. */
export type AttemptKind = (typeof ATTEMPT_KINDS)[number]

/** What a provider reported about an attempt at one moment. */
export interface AttemptSnapshot {
  readonly providerId: string
  readonly kind: AttemptKind
  readonly status: AttemptStatus
  readonly providerStatus: string | null
  readonly failureCode: string | null
  /** 0 (no risk) to 1; null if not rated. */
  readonly riskScore: number | null
  readonly createdAt?: Date | null
  readonly updatedAt?: Date | null
  readonly completedAt?: Date | null
  readonly details: Details
}

export interface Attempt {
  readonly id: string
  readonly tenantId: string
  readonly accountId: string
  readonly provider: Provider
  readonly providerId: string
  readonly kind: AttemptKind
  readonly status: AttemptStatus
  readonly providerStatus: string | null
  readonly failureCode: string | null
  readonly riskScore: number | null
  readonly createdAt: Date
  readonly updatedAt: Date
  readonly completedAt: Date | null
  readonly sessionId: string | null
  readonly applicantId: string | null
  readonly details: Details
}
