import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { SubscriptionRegistry } from '../subscriptions/registry.ts'
import type { WebSocketEndpoint } from '../websocket/websocket-server.ts'
import type { AdmissionControl } from './admission-control.ts'

export interface ShutdownTimeouts {
  /** How long the server still accepts requests after /readyz reports 503, so that load balancers notice first. */
  readonly delayMs: number
  /** The whole shutdown: requests still running then are aborted. */
  readonly deadlineMs: number
}

export interface ShutdownOptions {
  readonly server: Server
  readonly sockets: OpenSockets
  readonly admission: AdmissionControl
  readonly streams: SubscriptionRegistry
  readonly webSockets: Pick<WebSocketEndpoint, 'end'>
  readonly timeouts: ShutdownTimeouts
}

/** The open connections of a server. */
export type OpenSockets = ReadonlySet<Socket>

export function trackConnections(server: Server): OpenSockets {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    if (sockets.has(socket)) return
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  return sockets
}

/** Not ready → requests in flight finish → streams end with a reason → connections close. */
export async function shutdownGracefully({
  server,
  sockets,
  admission,
  streams,
  webSockets,
  timeouts,
}: ShutdownOptions): Promise<void> {
  const aborted = new AbortController()
  const deadline = sleep(timeouts.deadlineMs, undefined, { signal: aborted.signal }).catch(() => {})
  admission.drain()
  await sleep(Math.min(timeouts.delayMs, timeouts.deadlineMs))
  await acceptWaiting(server, performance.now() + Math.min(ACCEPT_MS, timeouts.deadlineMs))
  const closed = close(server, sockets)
  await Promise.race([admission.whenIdle(), deadline])
  // Before their streams end, so that clients connect again and resume them.
  webSockets.end()
  streams.end('CLOSING')
  await Promise.race([closed, deadline])
  for (const socket of sockets) socket.destroy()
  await closed
  aborted.abort()
}

const ACCEPT_MS = 500
/** Node accepts one connection in a turn of the event loop, and reads from it in a later one. */
const TURNS_BETWEEN_CONNECTIONS = 3

/** Accepts the connections that clients have opened: the system resets those that wait when the server closes. */
async function acceptWaiting(server: Server, untilMs: number): Promise<void> {
  let quietTurns = 0
  const onConnection = () => {
    quietTurns = 0
  }
  server.on('connection', onConnection)
  while (quietTurns < TURNS_BETWEEN_CONNECTIONS && performance.now() < untilMs) {
    quietTurns++
    // A timer, because the system may need a moment for what a client has sent.
    await sleep(1)
  }
  server.off('connection', onConnection)
}

/** So often a connection is found without a byte before it counts as opened in advance. */
const UNREAD_SWEEPS = 5

function close(server: Server, sockets: OpenSockets): Promise<void> {
  const unread = new Map<Socket, number>()
  return new Promise(resolve => {
    // A connection becomes idle a moment after its last response ended.
    const sweep = setInterval(() => {
      server.closeIdleConnections()
      // Node counts a connection as idle after its first request only. Browsers open connections in advance.
      for (const socket of sockets) {
        if (socket.bytesRead > 0) continue
        const sweeps = (unread.get(socket) ?? 0) + 1
        unread.set(socket, sweeps)
        if (sweeps > UNREAD_SWEEPS) socket.destroy()
      }
    }, 10)
    server.close(() => {
      clearInterval(sweep)
      resolve()
    })
  })
}
