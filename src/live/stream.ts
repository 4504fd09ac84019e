import type { Database } from '../../db/database.ts'
import { listEvents } from '../../db/event-repository.ts'
import type { TimelineEvent } from '../domain/event.ts'
import type { Hub } from './hub.ts'
import { readPatiently } from './patience.ts'

export interface StreamOptions {
  readonly tenantId: string
  readonly sessionId?: string
  /** The position of the last event that the reader has. */
  readonly after: number
  /** Ends the stream. */
  readonly signal: AbortSignal
}

const BATCH = 100

/** The events after a position, in order, each once, for as long as the signal is not aborted. */
export async function* streamEvents(db: Database, hub: Hub, options: StreamOptions): AsyncGenerator<TimelineEvent> {
  const { tenantId, sessionId, signal } = options
  let after = options.after
  while (!signal.aborted) {
    // The nap begins before the read, so that what is written between them is not slept through.
    const nap = hub.nap(tenantId, hub.pollMs(), signal)
    try {
      const page = { tenantId, sessionId, after, limit: BATCH }
      const events = await readPatiently(signal, () => listEvents(db, page))
      for (const event of events) {
        if (signal.aborted) return
        yield event
        after = event.position
      }
      if (events.length === 0) await nap.over
    } finally {
      nap.end()
    }
  }
}
