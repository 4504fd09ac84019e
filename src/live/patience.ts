import { setTimeout as sleep } from 'node:timers/promises'
import { DatabaseUnavailableError } from '../../db/failure.ts'

const PAUSE_MS = 500

/** Reads for a stream, which outlives an outage of the database. Throws where the stream ended before it was back. */
export async function readPatiently<T>(signal: AbortSignal, read: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await read()
    } catch (error) {
      if (!(error instanceof DatabaseUnavailableError) || signal.aborted) throw error
      await sleep(PAUSE_MS)
    }
  }
}
