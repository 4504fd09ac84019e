import { v7 as uuid } from 'uuid'
import type { Database } from '../../db/database.ts'
import { appendEvents, type NewEvent } from '../../db/event-repository.ts'
import type { AttemptStatus } from '../domain/attempt.ts'
import type { EventData } from '../domain/event.ts'
import type { Session } from '../domain/session.ts'
import type { StatusSource } from '../domain/sync.ts'

/** What is written down when a session changes. One step of the transaction that changes it. */

type State = Pick<Session, 'status' | 'outcome' | 'providerStatus' | 'applicantId' | 'customerId'>

export interface AttemptChange {
  readonly attemptId: string
  readonly from: AttemptStatus | null
  readonly to: AttemptStatus
}

export interface Happening {
  readonly session: Pick<Session, 'id' | 'tenantId'>
  readonly source: StatusSource
  readonly at: Date
}

/** Writes what differs between a session before and after; `before` undefined: it is new. */
export async function recordChange(
  db: Database,
  happening: Happening,
  before: State | undefined,
  after: State,
  attempts: readonly AttemptChange[] = [],
): Promise<void> {
  const events: EventData[] = [
    ...(before ? [] : [{ type: 'SessionCreated' } as const]),
    ...statusChange(before, after),
    ...linkChange(before, after),
    ...attempts.map(change => ({ type: 'AttemptChanged', ...change }) as const),
  ]
  await recordEvents(db, happening, events)
}

export async function recordEvents(db: Database, happening: Happening, events: readonly EventData[]): Promise<void> {
  const { session, source, at } = happening
  const rows = events.map(
    (data): NewEvent => ({ id: uuid(), tenantId: session.tenantId, sessionId: session.id, at, source, data }),
  )
  await appendEvents(db, rows)
}

function statusChange(before: State | undefined, after: State): EventData[] {
  const same =
    before?.status === after.status &&
    before.outcome === after.outcome &&
    before.providerStatus === after.providerStatus
  if (same) return []
  return [
    {
      type: 'StatusChanged',
      from: before?.status ?? null,
      to: after.status,
      fromOutcome: before?.outcome ?? null,
      outcome: after.outcome,
      providerStatus: after.providerStatus,
    },
  ]
}

function linkChange(before: State | undefined, after: State): EventData[] {
  const fromApplicantId = before?.applicantId ?? null
  const fromCustomerId = before?.customerId ?? null
  const { applicantId, customerId } = after
  if (applicantId === fromApplicantId && customerId === fromCustomerId) return []
  return [{ type: 'LinkChanged', applicantId, customerId, fromApplicantId, fromCustomerId }]
}
