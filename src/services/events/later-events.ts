import { LRUCache } from 'lru-cache'
import type { Database } from '../../../db/core/database.ts'
import { listSessionEvents } from '../../../db/repositories/event-repository.ts'
import type { EventData, TimelineEvent } from '../../domain/records/event.ts'
import type { EventSink } from './event-sink.ts'

/** The maximum number of events that a stream caches. */
const MAX_EVENTS = 1_000
/** The first page nearly always has the next change. A session without one is read to its end once. */
const PAGE = 20

/**
 * The events of one type of a session after one of its events. A stream asks for them event by event, in order. Only as many
 * are read as `matchAround` needs, and none twice while they are cached, so a replay takes linear time over any number of
 * sessions.
 */
export interface LaterEvents {
  /** The next events after `event`: up to one with another time, or to the last one. */
  list(event: TimelineEvent): Promise<readonly TimelineEvent[]>
}

interface Known {
  /** Of the type. */
  readonly events: readonly TimelineEvent[]
  /** All events of the session up to this position have been read. */
  readonly readTo: number
}

const NONE: Known = { events: [], readTo: 0 }

export function createLaterEvents(
  db: Database,
  type: EventData['type'],
  stream: Pick<EventSink, 'countReads' | 'ended' | 'turn'> | undefined,
): LaterEvents {
  const known = new LRUCache<string, Known>({ maxSize: MAX_EVENTS, sizeCalculation: ({ events }) => 1 + events.length })
  return {
    list: async event => {
      const { sessionId, position, at } = event
      const before = known.get(sessionId) ?? NONE
      const events = before.events.filter(later => later.position > position)
      let readTo = Math.max(before.readTo, position)
      while (events.every(later => later.at.getTime() === at.getTime())) {
        const page = await listSessionEvents(db, event, readTo, PAGE)
        stream?.countReads(page.length)
        events.push(...page.filter(({ data }) => data.type === type))
        readTo = page.at(-1)?.position ?? readTo
        if (page.length < PAGE || stream?.ended.aborted) break
        await stream?.turn()
      }
      known.set(sessionId, { events, readTo })
      return events
    },
  }
}
