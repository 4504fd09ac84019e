import type { Provider } from '../provider.ts'
import type { AttemptStatus } from './attempt.ts'
import type { Outcome } from './decision.ts'
import type { SessionStatus } from './session.ts'
import type { ChangeSource } from './sync.ts'

/** A change of a session, as recorded in its timeline: no PII, no secrets. */
export type EventData =
  | { readonly type: 'SessionCreated' }
  | {
      readonly type: 'SessionStatusChanged'
      readonly from: SessionStatus | null
      readonly to: SessionStatus
      readonly fromOutcome: Outcome | null
      readonly outcome: Outcome
      readonly providerStatus: string | null
    }
  | {
      readonly type: 'AttemptStatusChanged'
      readonly attemptId: string
      readonly from: AttemptStatus | null
      readonly to: AttemptStatus
    }
  | { readonly type: 'WebhookReceived'; readonly providerEvent: string; readonly applied: boolean }
  | {
      readonly type: 'SessionLinksChanged'
      readonly applicantId: string | null
      readonly customerId: string | null
      readonly fromApplicantId: string | null
      readonly fromCustomerId: string | null
    }
  | { readonly type: 'ExternalIdConflict' }

export type EventType = EventData['type']

/** One entry of a timeline. Positions follow the order in which a tenant's events were committed. */
export interface TimelineEvent {
  readonly id: string
  readonly tenantId: string
  readonly sessionId: string
  /** The provider of the session. */
  readonly provider: Provider
  readonly position: number
  readonly at: Date
  readonly source: ChangeSource
  readonly data: EventData
  /** A hash of the person whose session it was before the event, if that changed. */
  readonly formerPersonHash: string | null
}
