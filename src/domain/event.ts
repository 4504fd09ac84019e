import type { AttemptStatus } from './attempt.ts'
import type { Outcome } from './outcome.ts'
import type { SessionStatus } from './session.ts'
import type { StatusSource } from './sync.ts'

/** What happened to a session, as it is written down: never PII, never a secret. */
export type EventData =
  | { readonly type: 'SessionCreated' }
  | {
      readonly type: 'StatusChanged'
      readonly from: SessionStatus | null
      readonly to: SessionStatus
      readonly fromOutcome: Outcome | null
      readonly outcome: Outcome
      readonly providerStatus: string | null
    }
  | {
      readonly type: 'AttemptChanged'
      readonly attemptId: string
      readonly from: AttemptStatus | null
      readonly to: AttemptStatus
    }
  | { readonly type: 'WebhookReceived'; readonly providerEvent: string; readonly applied: boolean }
  | {
      readonly type: 'LinkChanged'
      readonly applicantId: string | null
      readonly customerId: string | null
      readonly fromApplicantId: string | null
      readonly fromCustomerId: string | null
    }

export type EventType = EventData['type']

/** One row of a timeline. Positions grow in the order in which a tenant's events were committed. */
export interface TimelineEvent {
  readonly id: string
  readonly tenantId: string
  readonly sessionId: string
  readonly position: number
  readonly at: Date
  readonly source: StatusSource
  readonly data: EventData
}
