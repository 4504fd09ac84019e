import { v7 as uuid } from 'uuid'
import { inBatches } from '../../../db/core/batches.ts'
import type { Database } from '../../../db/core/database.ts'
import { raiseStage } from '../../../db/records/session-stage-repository.ts'
import { appendEvents, type NewEvent } from '../../../db/repositories/event-repository.ts'
import type { AttemptStatus } from '../../domain/records/attempt.ts'
import type { EventData } from '../../domain/records/event.ts'
import type { Ownership } from '../../domain/records/ownership.ts'
import type { Session } from '../../domain/records/session.ts'
import type { ChangeSource } from '../../domain/records/sync.ts'

/** The timeline events of a session change. Each function is a step of the transaction that changes the session. */

type State = Pick<Session, 'status' | 'outcome' | 'providerStatus' | 'applicantId' | 'customerId' | 'externalId'>

type Links = Pick<Session, 'applicantId' | 'customerId'> & Partial<Pick<Session, 'externalId'>>

export interface AttemptChange {
  readonly attemptId: string
  readonly from: AttemptStatus | null
  readonly to: AttemptStatus
}

export interface ChangeContext {
  readonly session: Pick<Session, 'id' | 'provider' | 'tenantId'>
  readonly source: ChangeSource
  readonly at: Date
}

/** Records the differences between two states of a session; `before` undefined: the session is new. */
export async function recordChange(
  db: Database,
  change: ChangeContext,
  before: State | undefined,
  after: State,
  attempts: readonly AttemptChange[] = [],
): Promise<void> {
  const events: EventData[] = [
    ...(before ? [] : [{ type: 'SessionCreated' } as const]),
    ...statusChange(before, after),
    ...linkChange(before, after, before?.externalId != null && before.externalId !== after.externalId),
    ...attempts.map(change => ({ type: 'AttemptStatusChanged', ...change }) as const),
  ]
  await recordEvents(db, change, events, toFormer(before, after))
}

/** A session whose owner changed, or was removed because its links contradict each other. */
export interface OwnerChange {
  readonly session: ChangeContext['session'] & Links
  readonly owner: Ownership
}

/** Records the changes of the owners of sessions of one tenant. */
export async function recordOwnerChanges(
  db: Database,
  context: Pick<ChangeContext, 'source' | 'at'>,
  changes: readonly OwnerChange[],
): Promise<void> {
  await inBatches(changes, async batch => {
    await appendEvents(
      db,
      batch.flatMap(change => toOwnerEvents(context, change)),
    )
    return []
  })
}

function toOwnerEvents(context: Pick<ChangeContext, 'source' | 'at'>, { session, owner }: OwnerChange): NewEvent[] {
  const change = { session, ...context }
  if (owner.isContradicted) return toNewEvents(change, [{ type: 'ExternalIdConflict' }], session.externalId ?? null)
  return toLinkEvents(change, session, { ...session, externalId: owner.externalId })
}

/** A session before and after a change of its links or its externalId. */
export interface LinkChange {
  readonly session: ChangeContext['session'] & Links
  readonly after: Links
}

/** Records the changed links and externalIds of sessions of one tenant. */
export async function recordLinkChanges(
  db: Database,
  { source, at }: Pick<ChangeContext, 'source' | 'at'>,
  changes: readonly LinkChange[],
): Promise<void> {
  const events = changes.flatMap(({ session, after }) => toLinkEvents({ session, source, at }, session, after))
  await appendEvents(db, events)
}

function toLinkEvents(change: ChangeContext, before: Links, after: Links): NewEvent[] {
  const events = linkChange(before, after, before.externalId !== after.externalId)
  return toNewEvents(change, events, toFormer(before, after))
}

/** The externalId that the session lost. */
function toFormer(before: Links | undefined, after: Links): string | null {
  return before?.externalId != null && before.externalId !== after.externalId ? before.externalId : null
}

/** `formerExternalId`: the externalId that the session lost by a change of its links or its owner. */
export async function recordEvents(
  db: Database,
  change: ChangeContext,
  events: readonly EventData[],
  formerExternalId: string | null = null,
): Promise<void> {
  const { id: sessionId, tenantId } = change.session
  await appendEvents(db, toNewEvents(change, events, formerExternalId))
  const stage = Math.max(0, ...events.map(stageOf))
  if (stage > 0) await raiseStage(db, tenantId, sessionId, stage)
}

function toNewEvents(
  { session, source, at }: ChangeContext,
  events: readonly EventData[],
  formerExternalId: string | null,
): NewEvent[] {
  const { id: sessionId, provider, tenantId } = session
  return events.map(data => {
    const movesPerson = data.type === 'SessionLinksChanged' || data.type === 'ExternalIdConflict'
    const former = movesPerson ? formerExternalId : null
    return { id: uuid(), tenantId, sessionId, provider, at, source, data, formerExternalId: former }
  })
}

/** The stage that the event shows: 1 started, 2 completed, 3 approved; 0 if it shows none. */
function stageOf(event: EventData): number {
  if (event.type === 'AttemptStatusChanged') return 1
  if (event.type !== 'SessionStatusChanged') return 0
  if (event.outcome === 'APPROVED') return 3
  return event.to === 'COMPLETED' ? 2 : event.to === 'IN_PROGRESS' ? 1 : 0
}

function statusChange(before: State | undefined, after: State): EventData[] {
  const same =
    before?.status === after.status &&
    before.outcome === after.outcome &&
    before.providerStatus === after.providerStatus
  if (same) return []
  return [
    {
      type: 'SessionStatusChanged',
      from: before?.status ?? null,
      to: after.status,
      fromOutcome: before?.outcome ?? null,
      outcome: after.outcome,
      providerStatus: after.providerStatus,
    },
  ]
}

function linkChange(before: Links | undefined, after: Links, isMoved: boolean): EventData[] {
  const fromApplicantId = before?.applicantId ?? null
  const fromCustomerId = before?.customerId ?? null
  const { applicantId, customerId } = after
  if (applicantId === fromApplicantId && customerId === fromCustomerId && !isMoved) return []
  return [{ type: 'SessionLinksChanged', applicantId, customerId, fromApplicantId, fromCustomerId }]
}
