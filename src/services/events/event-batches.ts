import { setTimeout as sleep } from 'node:timers/promises'
import type { Database } from '../../../db/core/database.ts'
import { DatabaseUnavailableError } from '../../../db/core/database-error.ts'
import { type EventFilter, listEvents } from '../../../db/repositories/event-repository.ts'
import type { AbortSignalLike } from '../../domain/abort-signal.ts'
import type { TimelineEvent } from '../../domain/records/event.ts'
import type { EventSink } from './event-sink.ts'
import type { Notifier } from './notifier.ts'

export interface StreamOptions extends EventFilter {
  /** The position of the last event that the reader has. */
  readonly after: number
  /** Ends the stream. */
  readonly signal: AbortSignalLike
  readonly stream?: Pick<EventSink, 'turn'>
}

const BATCH = 100

/** Yields the events after a position, in order, each once, until the signal is aborted. */
export async function* streamEvents(
  db: Database,
  notifier: Notifier,
  options: StreamOptions,
): AsyncGenerator<TimelineEvent> {
  const { signal, stream, ...filter } = options
  let after = options.after
  while (!signal.aborted) {
    // The wait begins before the read, so that an event written between them ends it.
    const waitHandle = notifier.wait(filter.tenantId, notifier.pollMs(), signal)
    try {
      // An event wakes all streams of its tenant.
      await stream?.turn()
      const page = { ...filter, after, limit: BATCH }
      const events = await retryWhileUnavailable(signal, () => listEvents(db, page))
      for (const event of events) {
        if (signal.aborted) return
        yield event
        after = event.position
      }
      if (events.length === 0) await waitHandle.ended
    } finally {
      waitHandle.end()
    }
  }
}

const RETRY_PAUSE_MS = 500

/** Retries a stream's read during a database outage. Throws if the stream ends first. */
export async function retryWhileUnavailable<T>(signal: AbortSignalLike, read: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await read()
    } catch (error) {
      if (!(error instanceof DatabaseUnavailableError) || signal.aborted) throw error
      await sleep(RETRY_PAUSE_MS)
    }
  }
}
