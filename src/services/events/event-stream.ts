import type { Position } from '../../../db/core/keyset.ts'
import { pollSoon } from '../../../db/records/poll-repository.ts'
import { findSessions, listSessions, type SessionFilter } from '../../../db/records/session-repository.ts'
import {
  countEvents,
  type EventFilter,
  findOldestPosition,
  findPosition,
  hashOfPerson,
  listEvents,
} from '../../../db/repositories/event-repository.ts'
import { canAccessSession } from '../../domain/access/caller.ts'
import { DomainError, notFoundError } from '../../domain/errors.ts'
import type { TimelineEvent } from '../../domain/records/event.ts'
import type { Person } from '../../domain/records/person.ts'
import { isTerminal, type Session } from '../../domain/records/session.ts'
import type { ServiceDeps } from '../deps.ts'
import { type Connection, type PageArguments, readConnection } from '../lists/connection.ts'
import { changesOf, matchAround } from '../lists/session-filter.ts'
import type { RequestScope } from '../request-scope.ts'
import { retryWhileUnavailable, streamEvents } from './event-batches.ts'
import type { EventSink } from './event-sink.ts'
import { createLaterEvents, type LaterEvents } from './later-events.ts'

/** An event and the current state of its session. */
export interface SessionUpdate {
  readonly cursor: string
  readonly event: EventWithCursor
  readonly session: Session
  /** False if the session matched the filter before the event and no longer does. */
  readonly matchesFilter: boolean
  /** True for an event from before the subscription. */
  readonly isReplayed: boolean
}

/** An event with its cursor. */
export interface EventWithCursor extends TimelineEvent {
  readonly cursor: string
}

/** A session is polled this soon after a subscription starts. */
const POLL_SOON_MS = 5_000

const OPEN_STATUSES = ['CREATED', 'IN_PROGRESS'] as const
/** The most sessions that a subscription to a person follows from its start on. */
const NEWEST_OPEN = { column: 'created_at', direction: 'desc', limit: 20 } as const

/** The position after which a subscription starts, and the tenant's position when it began. */
interface StartPosition {
  readonly after: number
  readonly present: number
}

/** What a subscription delivers. */
interface Selection {
  /** Only events of this session. */
  readonly sessionId?: string
  /** Only events of sessions that match before or after the event. */
  readonly filter?: SessionFilter
  /** True for the stream of a person: of a session that left the person it only shows that one did. */
  readonly ofPerson?: boolean
  /** The sessions that are polled more often while the stream is open. Sessions with new events are added. */
  readonly followed?: Set<string>
}

/** The scope of a subscription. */
export interface SubscriptionScope extends RequestScope {
  /** On a reconnect, the last event that the client received: it is newer than the `after` argument. */
  readonly lastEventId?: string | null
  /** For a stream that can end before its client disconnects. */
  readonly stream?: EventSink
}

export type EventStream = ReturnType<typeof createEventStream>

export function createEventStream(deps: ServiceDeps) {
  const { db, cursors, notifier } = deps

  /** The tenant's current position, for `after`. */
  async function cursor(call: Pick<RequestScope, 'tenantId'>): Promise<string> {
    return encode(call.tenantId, await findPosition(db, call.tenantId))
  }

  /** The events of one session, oldest first. Throws INVALID_INPUT, CURSOR_INVALID, CURSOR_EXPIRED. */
  function timeline({ tenantId, id: sessionId }: Session, page: PageArguments): Promise<Connection<EventWithCursor>> {
    return readEvents({ tenantId, sessionId }, page)
  }

  /** The events of all sessions at these providers, by default at all, oldest first. Throws the same errors. */
  function events(
    { tenantId }: Pick<RequestScope, 'tenantId'>,
    filter: Pick<EventFilter, 'providers'>,
    page: PageArguments,
  ): Promise<Connection<EventWithCursor>> {
    return readEvents({ tenantId, providers: filter.providers }, page)
  }

  function readEvents(filter: EventFilter, page: PageArguments): Promise<Connection<EventWithCursor>> {
    const { tenantId } = filter
    return readConnection(cursors, page, {
      scope: toScope(tenantId),
      positionOf: ({ position }) => toPosition(position),
      read: async ({ after, before, ...limits }) => {
        if (after) await assertStored(tenantId, after.at)
        const bounds = { after: after?.at ?? 0, before: before?.at }
        const events = await listEvents(db, { ...filter, ...bounds, ...limits })
        return events.map(withCursor)
      },
      count: max => countEvents(db, filter, max),
    })
  }

  /** The events of one session after a position, or from now. Throws NOT_FOUND, CURSOR_INVALID, CURSOR_EXPIRED. */
  async function session(
    call: SubscriptionScope,
    sessionId: string,
    after?: string | null,
  ): Promise<AsyncGenerator<SessionUpdate>> {
    const [known] = await findSessions(db, call.tenantId, [sessionId])
    if (!known || !canAccessSession(call.subject, known)) throw notFoundError('session')
    return withSessions(call, await resumePosition(call, after), { sessionId, followed: await follow([known]) })
  }

  /** The events of the sessions that have the externalId when an event is read. Throws CURSOR_INVALID, CURSOR_EXPIRED. */
  async function person(
    call: SubscriptionScope,
    { externalId }: Person,
    after?: string | null,
  ): Promise<AsyncGenerator<SessionUpdate>> {
    const position = await resumePosition(call, after)
    const open = await listSessions(db, call.tenantId, { externalId, statuses: OPEN_STATUSES }, NEWEST_OPEN)
    return withSessions(call, position, { filter: { externalId }, ofPerson: true, followed: await follow(open) })
  }

  /** The events of all sessions that match the filter before or after the event, so that a client sees rows disappear. */
  async function sessions(
    call: SubscriptionScope,
    filter: SessionFilter,
    after?: string | null,
  ): Promise<AsyncGenerator<SessionUpdate>> {
    return withSessions(call, await resumePosition(call, after), { filter })
  }

  /** Polls these sessions soon. Returns their ids. */
  async function follow(sessions: readonly Session[]): Promise<Set<string>> {
    const ids = sessions.map(({ id }) => id)
    if (ids.length > 0) await pollSoon(db, ids, new Date(deps.now().getTime() + POLL_SOON_MS))
    return new Set(ids)
  }

  /** Where a subscription starts: after the last event that a reconnecting client received (Last-Event-ID), else after `after`, else now. */
  async function resumePosition(
    { tenantId, lastEventId }: SubscriptionScope,
    after: string | null | undefined,
  ): Promise<StartPosition> {
    const from = lastEventId ?? after
    const present = await findPosition(db, tenantId)
    if (from == null) return { after: present, present }
    const { at: position } = cursors.decode(toScope(tenantId), from)
    // A database that was reset or restored has not come as far.
    if (position > present) throw cursorExpired()
    await assertStored(tenantId, position)
    return { after: position, present }
  }

  /** Throws CURSOR_EXPIRED if events after the position were deleted. */
  async function assertStored(tenantId: string, position: number): Promise<void> {
    const oldest = await findOldestPosition(db, tenantId)
    const isPruned = oldest === undefined ? position < (await findPosition(db, tenantId)) : position < oldest - 1
    if (isPruned) throw cursorExpired()
  }

  async function* withSessions(
    { tenantId, subject, signal, stream }: SubscriptionScope,
    { after, present }: StartPosition,
    { sessionId, filter, followed, ofPerson = false }: Selection,
  ): AsyncGenerator<SessionUpdate> {
    for (const id of followed ?? []) deps.followedSessions.add(id)
    try {
      const ended = stream?.ended ?? signal
      const { externalId, providers } = filter ?? {}
      const selected = { tenantId, sessionId, externalId, providers }
      const laterEvents = changesOf(filter ?? {}).map(type => createLaterEvents(db, type, stream))
      const personHash = await hashOfPerson(db, tenantId, externalId ?? null)
      let isFirst = true
      for await (const event of streamEvents(db, notifier, { ...selected, after, signal: ended, stream })) {
        await stream?.turn()
        const found = await retryWhileUnavailable(ended, () => findMatching(event, laterEvents, filter, personHash))
        if (ended.aborted) return
        const isHidden = ofPerson && found?.hasLeft === true
        if (!found || !(isHidden || canAccessSession(subject, found.session))) {
          if (stream?.countReads(1)) {
            // If the budget is spent, the client continues after this event.
            stream.reached(encode(tenantId, event.position))
            await stream.assertPaid()
          }
          continue
        }
        const { hasLeft, ...matching } = found
        if (followed && !hasLeft) followAlso(followed, matching.session)
        const withPosition = withCursor(isHidden ? withoutSession(event) : event)
        // The request was charged for the first event.
        if (!isFirst) await stream?.charge()
        isFirst = false
        stream?.reached(withPosition.cursor)
        yield { cursor: withPosition.cursor, event: withPosition, isReplayed: event.position <= present, ...matching }
      }
    } finally {
      for (const id of followed ?? []) deps.followedSessions.delete(id)
    }
  }

  function followAlso(followed: Set<string>, session: Session): void {
    if (followed.has(session.id) || isTerminal(session)) return
    followed.add(session.id)
    deps.followedSessions.add(session.id)
  }

  /** The session of an event; undefined if it matches the filter neither before nor after the event. */
  async function findMatching(
    event: TimelineEvent,
    laterEvents: readonly LaterEvents[],
    filter: SessionFilter | undefined,
    personHash: string | null,
  ) {
    const [session] = await findSessions(db, event.tenantId, [event.sessionId])
    if (!session) return undefined
    if (!filter) return { session, matchesFilter: true, hasLeft: false }
    // The later events, read after the session, lead from the event to the session's current state.
    const later: TimelineEvent[] = []
    for (const ofType of laterEvents) later.push(...(await ofType.list(event)))
    const hasLeft = filter.externalId != null && session.externalId !== filter.externalId
    // Of a session that left the person only the event by which it left matches.
    if (hasLeft && event.formerPersonHash !== personHash) return undefined
    const { before, after } = matchAround(hasLeft ? { ...filter, externalId: null } : filter, session, event, later)
    return before || after ? { session, matchesFilter: after && !hasLeft, hasLeft } : undefined
  }

  function withCursor(event: TimelineEvent): EventWithCursor {
    return { ...event, cursor: encode(event.tenantId, event.position) }
  }

  function encode(tenantId: string, position: number): string {
    return cursors.encode(toScope(tenantId), toPosition(position))
  }

  return { cursor, events, timeline, person, session, sessions, asleep: notifier.asleep }
}

function cursorExpired(): DomainError {
  return new DomainError(
    'CURSOR_EXPIRED',
    'Events after this cursor were deleted. Read the data again, then subscribe without it.',
  )
}

/** The event as the former person may see it: without the session, which is another person's, and without its links. */
function withoutSession(event: TimelineEvent): TimelineEvent {
  const { data } = event
  const links = { applicantId: null, customerId: null, fromApplicantId: null, fromCustomerId: null }
  return { ...event, sessionId: '', data: data.type === 'SessionLinksChanged' ? { ...data, ...links } : data }
}

/** One scope for timelines, subscriptions and `liveCursor`: a cursor of one is valid in the others. */
function toScope(tenantId: string): string {
  return `${tenantId}|live`
}

/** The position of an event is unique, so it needs no id. */
function toPosition(position: number): Position {
  return { at: position, id: '0' }
}
