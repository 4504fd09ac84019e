import { findOldestPosition, findPosition, listEvents } from '../../db/event-repository.ts'
import { pollSoon } from '../../db/session-clock-repository.ts'
import { findSessions, type SessionFilter } from '../../db/session-repository.ts'
import { opens } from '../domain/caller.ts'
import { DomainError, NotFoundError } from '../domain/errors.ts'
import type { TimelineEvent } from '../domain/event.ts'
import type { Session } from '../domain/session.ts'
import { readPatiently } from '../live/patience.ts'
import { streamEvents } from '../live/stream.ts'
import type { Call } from './call.ts'
import { type Connection, checkPage, MAX_COUNT, MAX_PAGE, type PageArguments } from './connection.ts'
import type { Deps } from './deps.ts'
import { dependsOnTime, matches } from './session-filter.ts'

/** An event as it was, and its session as it is now. */
export interface SessionEvent {
  readonly cursor: string
  readonly event: PlacedEvent
  readonly session: Session
}

/** An event with the opaque form of its position. */
export interface PlacedEvent extends TimelineEvent {
  readonly cursor: string
}

/** A session that somebody follows is looked at this soon. */
const SOON_MS = 5_000

/** Who asks for a stream. */
export interface LiveCall extends Call {
  /** The last event that the client saw, where it connects again: it is newer than the `after` it first came with. */
  readonly lastEventId?: string | null
  /** The stream itself, where it may end before its client leaves, and is told how far it came. */
  readonly stream?: { readonly ended: AbortSignal; reached(cursor: string): void }
}

export type Live = ReturnType<typeof createLive>

export function createLive(deps: Deps) {
  const { db, cursors, hub } = deps

  /** The tenant's position now, to be passed as `after`. */
  async function cursor(call: Pick<Call, 'tenantId'>): Promise<string> {
    return encode(call.tenantId, await findPosition(db, call.tenantId))
  }

  /** What happened to one session, oldest first. */
  async function timeline(session: Session, page: PageArguments): Promise<Connection<PlacedEvent>> {
    const { tenantId, id: sessionId } = session
    const { size } = checkPage(page)
    const after = page.after == null ? 0 : await decodeKept(tenantId, page.after)
    const rows = await listEvents(db, { tenantId, sessionId, after, limit: size + 1 })
    const edges = rows
      .slice(0, size)
      .map(event => place(event))
      .map(node => ({ cursor: node.cursor, node }))
    return {
      edges,
      pageInfo: {
        hasNextPage: rows.length > size,
        hasPreviousPage: after > 0,
        startCursor: edges[0]?.cursor ?? null,
        endCursor: edges.at(-1)?.cursor ?? null,
      },
      count: async () => {
        const { length } = await listEvents(db, { tenantId, sessionId, after: 0, limit: MAX_COUNT + 1 })
        return length > MAX_COUNT ? null : length
      },
    }
  }

  /** What happens to one session from a position on, or from now. Throws NOT_FOUND, CURSOR_INVALID, CURSOR_EXPIRED. */
  async function session(
    call: LiveCall,
    sessionId: string,
    after?: string | null,
  ): Promise<AsyncGenerator<SessionEvent>> {
    const [known] = await findSessions(db, call.tenantId, [sessionId])
    if (!known || !opens(call.subject, known)) throw new NotFoundError('There is no such session.')
    await pollSoon(db, [sessionId], new Date(deps.now().getTime() + SOON_MS))
    return withSessions(call, await start(call, after), sessionId)
  }

  /** What happens to all sessions that match before or after it, so that a row is seen leaving. */
  async function sessions(
    call: LiveCall,
    filter: SessionFilter,
    after?: string | null,
  ): Promise<AsyncGenerator<SessionEvent>> {
    return withSessions(call, await start(call, after), undefined, filter)
  }

  async function start({ tenantId, lastEventId }: LiveCall, after: string | null | undefined): Promise<number> {
    const from = lastEventId ?? after
    if (from == null) return findPosition(db, tenantId)
    return decodeKept(tenantId, from)
  }

  /** The position of a cursor since which everything is kept. Throws CURSOR_INVALID, CURSOR_EXPIRED. */
  async function decodeKept(tenantId: string, cursor: string): Promise<number> {
    const position = decode(tenantId, cursor)
    const oldest = await findOldestPosition(db, tenantId)
    const isPruned = oldest === undefined ? position < (await findPosition(db, tenantId)) : position < oldest - 1
    if (isPruned)
      throw new DomainError('CURSOR_EXPIRED', 'What happened since is not kept any more. Read again, then go on live.')
    return position
  }

  async function* withSessions(
    { tenantId, subject, signal, stream }: LiveCall,
    after: number,
    sessionId?: string,
    filter?: SessionFilter,
  ): AsyncGenerator<SessionEvent> {
    if (sessionId !== undefined) deps.watched.add(sessionId)
    try {
      const ended = stream?.ended ?? signal
      for await (const event of streamEvents(db, hub, { tenantId, sessionId, after, signal: ended })) {
        const current = await readPatiently(ended, () => findWanted(event, filter))
        if (!current || !opens(subject, current)) continue
        const placed = place(event)
        stream?.reached(placed.cursor)
        yield { cursor: placed.cursor, event: placed, session: current }
      }
    } finally {
      if (sessionId !== undefined) deps.watched.delete(sessionId)
    }
  }

  async function findWanted(event: TimelineEvent, filter?: SessionFilter): Promise<Session | undefined> {
    const [current] = await findSessions(db, event.tenantId, [event.sessionId])
    return current && (!filter || (await isWanted(filter, current, event))) ? current : undefined
  }

  /** `session` was read after `event`, and what happened since is read after both: it leads from one to the other. */
  async function isWanted(filter: SessionFilter, session: Session, event: TimelineEvent): Promise<boolean> {
    return matches(filter, session, event, dependsOnTime(filter) ? await listLater(event) : [])
  }

  async function listLater({ tenantId, sessionId, position }: TimelineEvent): Promise<TimelineEvent[]> {
    const later: TimelineEvent[] = []
    for (let after: number | undefined = position; after !== undefined; ) {
      const page = await listEvents(db, { tenantId, sessionId, after, limit: MAX_PAGE })
      later.push(...page)
      after = page.length < MAX_PAGE ? undefined : page.at(-1)?.position
    }
    return later
  }

  function place(event: TimelineEvent): PlacedEvent {
    return { ...event, cursor: encode(event.tenantId, event.position) }
  }

  function encode(tenantId: string, position: number): string {
    return cursors.encode(`${tenantId}|live`, { at: position, id: '0' })
  }

  function decode(tenantId: string, text: string): number {
    return cursors.decode(`${tenantId}|live`, text).at
  }

  return { cursor, timeline, session, sessions, asleep: hub.asleep }
}
