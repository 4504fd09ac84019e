import type { SessionFilter } from '../../../db/records/session-repository.ts'
import type { EventData, TimelineEvent } from '../../domain/records/event.ts'
import type { Session } from '../../domain/records/session.ts'
import { withOverrides } from '../../domain/with-overrides.ts'

/**
 * Whether the session matches the filter before and after the event. `later` leads from `event` to `session`, so that a
 * replayed event gives the same result as a live one: of each type of `changesOf`, the events after `event`, in order, up to
 * one with another time.
 */
export function matchAround(
  filter: SessionFilter,
  session: Session,
  event: TimelineEvent,
  later: readonly TimelineEvent[],
): { readonly before: boolean; readonly after: boolean } {
  const after = valuesBefore(session, later)
  // Events with the same time are one change: a new session has its links from the start.
  const afterAll = valuesBefore(
    session,
    later.filter(({ at }) => at.getTime() !== event.at.getTime()),
  )
  return {
    before: [valuesBefore(after, [event]), after].some(state => satisfies(filter, state)),
    after: satisfies(filter, afterAll),
  }
}

/** The types of the events that change the filtered fields. */
export function changesOf({ statuses, outcomes, applicantId, customerId }: SessionFilter): EventData['type'][] {
  return [
    ...(statuses != null || outcomes != null ? (['SessionStatusChanged'] as const) : []),
    ...(applicantId != null || customerId != null ? (['SessionLinksChanged'] as const) : []),
  ]
}

/** The filtered values before these events: those that the first change of each names. */
function valuesBefore(session: Session, events: readonly TimelineEvent[]): Session {
  const changes = ['SessionStatusChanged', 'SessionLinksChanged'].map(type =>
    events.find(({ data }) => data.type === type),
  )
  return changes.filter(change => change !== undefined).reduce(valueBefore, session)
}

function valueBefore(session: Session, { data }: TimelineEvent): Session {
  if (data.type === 'SessionStatusChanged') {
    return withOverrides(session, { status: data.from ?? data.to, outcome: data.fromOutcome ?? data.outcome })
  }
  if (data.type === 'SessionLinksChanged') {
    return withOverrides(session, { applicantId: data.fromApplicantId, customerId: data.fromCustomerId })
  }
  return session
}

function satisfies(filter: SessionFilter, session: Session): boolean {
  return (
    isOneOf(filter.providers, session.provider) &&
    isOneOf(filter.statuses, session.status) &&
    isOneOf(filter.outcomes, session.outcome) &&
    equals(filter.externalId, session.externalId) &&
    equals(filter.applicantId, session.applicantId) &&
    equals(filter.customerId, session.customerId) &&
    (!filter.createdAfter || session.createdAt > filter.createdAfter) &&
    (!filter.createdBefore || session.createdAt < filter.createdBefore) &&
    (!filter.updatedAfter || session.updatedAt > filter.updatedAfter)
  )
}

function isOneOf<T>(expected: readonly T[] | null | undefined, value: T): boolean {
  return expected == null || expected.includes(value)
}

function equals(expected: string | null | undefined, value: string | null): boolean {
  return expected == null || expected === value
}
