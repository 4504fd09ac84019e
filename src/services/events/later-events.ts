import { LRUCache } from 'lru-cache'
import type { Database } from '../../../db/core/database.ts'
import { listEvents } from '../../../db/repositories/event-repository.ts'
import type { TimelineEvent } from '../../domain/records/event.ts'
import { MAX_PAGE } from '../lists/connection.ts'

/** The maximum number of sessions whose events a stream caches. */
const MAX_SESSIONS = 100

/**
 * The events of a session after one of them. A stream asks for them event by event, in order, so each is read from the
 * database once, and a replay takes linear time.
 */
export interface LaterEvents {
  /** The events after `event` up to now. */
  list(event: TimelineEvent): Promise<readonly TimelineEvent[]>
}

export function createLaterEvents(db: Database): LaterEvents {
  const known = new LRUCache<string, TimelineEvent[]>({ max: MAX_SESSIONS })
  return {
    list: async event => {
      const stillLater = (known.get(event.sessionId) ?? []).filter(({ position }) => position > event.position)
      const later = [...stillLater, ...(await readAfter(db, event, stillLater.at(-1)?.position ?? event.position))]
      known.set(event.sessionId, later)
      return later
    },
  }
}

async function readAfter(
  db: Database,
  { tenantId, sessionId }: TimelineEvent,
  position: number,
): Promise<TimelineEvent[]> {
  const events: TimelineEvent[] = []
  for (let after: number | undefined = position; after !== undefined; ) {
    const page = await listEvents(db, { tenantId, sessionId, after, limit: MAX_PAGE })
    events.push(...page)
    after = page.length < MAX_PAGE ? undefined : page.at(-1)?.position
  }
  return events
}
