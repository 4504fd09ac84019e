import type { Server } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Gate } from './gate.ts'
import type { Streams } from './streams.ts'

/** How long a server that is told to stop may take. */
export interface Grace {
  /** How long it goes on taking requests after /readyz said no, so that whoever sends them hears of it first. */
  readonly delayMs: number
  /** All of it: what is not done by then is broken off. */
  readonly deadlineMs: number
}

export interface DrainOptions {
  readonly server: Server
  readonly gate: Gate
  readonly streams: Streams
  readonly grace: Grace
}

/** Not ready → what is in flight is answered → streams end, and say why → connections close. */
export async function drain({ server, gate, streams, grace }: DrainOptions): Promise<void> {
  const over = new AbortController()
  const deadline = sleep(grace.deadlineMs, undefined, { signal: over.signal }).catch(() => {})
  gate.drain()
  await sleep(Math.min(grace.delayMs, grace.deadlineMs))
  const closed = close(server)
  await Promise.race([gate.idle(), deadline])
  streams.end('CLOSING')
  await Promise.race([closed, deadline])
  server.closeAllConnections()
  await closed
  over.abort()
}

function close(server: Server): Promise<void> {
  return new Promise(resolve => {
    // A connection whose last answer has just ended is idle only a moment later.
    const sweep = setInterval(() => server.closeIdleConnections(), 10)
    server.close(() => {
      clearInterval(sweep)
      resolve()
    })
  })
}
