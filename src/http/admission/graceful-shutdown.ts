import type { Server } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { SubscriptionRegistry } from '../subscriptions/registry.ts'
import type { AdmissionControl } from './admission-control.ts'

export interface ShutdownTimeouts {
  /** How long the server still accepts requests after /readyz reports 503, so that load balancers notice first. */
  readonly delayMs: number
  /** The whole shutdown: requests still running then are aborted. */
  readonly deadlineMs: number
}

export interface ShutdownOptions {
  readonly server: Server
  readonly admission: AdmissionControl
  readonly streams: SubscriptionRegistry
  readonly timeouts: ShutdownTimeouts
}

/** Not ready → requests in flight finish → streams end with a reason → connections close. */
export async function shutdownGracefully({ server, admission, streams, timeouts }: ShutdownOptions): Promise<void> {
  const aborted = new AbortController()
  const deadline = sleep(timeouts.deadlineMs, undefined, { signal: aborted.signal }).catch(() => {})
  admission.drain()
  await sleep(Math.min(timeouts.delayMs, timeouts.deadlineMs))
  const closed = close(server)
  await Promise.race([admission.whenIdle(), deadline])
  streams.end('CLOSING')
  await Promise.race([closed, deadline])
  server.closeAllConnections()
  await closed
  aborted.abort()
}

function close(server: Server): Promise<void> {
  return new Promise(resolve => {
    // A connection becomes idle a moment after its last response ended.
    const sweep = setInterval(() => server.closeIdleConnections(), 10)
    server.close(() => {
      clearInterval(sweep)
      resolve()
    })
  })
}
