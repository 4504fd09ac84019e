import type { ApplicantSnapshot } from './applicant.ts'
import type { AttemptSnapshot } from './attempt.ts'
import type { CustomerSnapshot } from './customer.ts'
import type { Details, JsonObject } from './json.ts'
import type { Linked } from './linked.ts'
import type { Outcome } from './outcome.ts'
import type { Provider } from './provider.ts'
import type { Sync } from './sync.ts'

export const SESSION_STATUSES = ['CREATED', 'IN_PROGRESS', 'COMPLETED', 'CANCELED', 'EXPIRED', 'UNKNOWN'] as const
/** The lifecycle of a session. */
export type SessionStatus = (typeof SESSION_STATUSES)[number]

export const SESSION_ORDERS = ['CREATED_AT_DESC', 'CREATED_AT_ASC', 'UPDATED_AT_DESC'] as const
/** The order of a list of sessions. */
export type SessionOrder = (typeof SESSION_ORDERS)[number]

/** What the end user is sent to. Bearer secrets: encrypted at rest, never logged. */
export interface SessionAccess {
  readonly hostedUrl: string | null
  readonly token: string | null
  readonly cancelToken: string | null
  readonly expiresAt: Date | null
}

/** A session as we store it. `id` is ours, `providerId` the provider's, `externalId` the caller's own user id. */
export interface Session {
  readonly id: string
  readonly tenantId: string
  readonly accountId: string
  readonly provider: Provider
  readonly providerId: string
  readonly status: SessionStatus
  readonly outcome: Outcome
  readonly providerStatus: string | null
  readonly externalId: string | null
  readonly livemode: boolean
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
  readonly sync: Sync
  readonly details: Details
}

/**
 * What a provider said about a session at one moment. An absent field means that the provider said nothing and what is
 * stored stays; null means that there is none.
 */
export interface SessionSnapshot {
  readonly providerId: string
  readonly status: SessionStatus
  readonly outcome: Outcome
  /** The provider's own word, verbatim. */
  readonly providerStatus: string | null
  /** True where the status follows from the clock and not from a word of the provider. */
  readonly derived?: boolean
  readonly externalId?: string | null
  readonly redirectUrl?: string | null
  readonly createdAt?: Date | null
  readonly updatedAt?: Date | null
  readonly expiresAt?: Date | null
  readonly completedAt?: Date | null
  readonly access?: SessionAccess
  readonly applicant?: Linked<ApplicantSnapshot>
  readonly customer?: Linked<CustomerSnapshot>
  /** All attempts of the session, where the answer told them. */
  readonly attempts?: readonly AttemptSnapshot[]
  readonly details: Details
}

const TERMINAL: readonly SessionStatus[] = ['COMPLETED', 'CANCELED', 'EXPIRED']

/** True once nothing can happen any more. An EXPIRED that only the clock says is provisional, so it is not terminal. */
export function isTerminal(session: Pick<Session, 'status' | 'sync'>): boolean {
  return TERMINAL.includes(session.status) && !(session.status === 'EXPIRED' && session.sync.source === 'DERIVED')
}
