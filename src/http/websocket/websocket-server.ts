import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { GRAPHQL_TRANSPORT_WS_PROTOCOL, handleProtocols } from 'graphql-ws'
import { type WebSocket, WebSocketServer } from 'ws'
import type { Caller } from '../../domain/access/caller.ts'
import type { Authentication } from '../../services/access/authentication.ts'
import type { AdmissionControl } from '../admission/admission-control.ts'
import { type AuthenticatorOptions, createAuthenticator } from '../auth/authenticator.ts'
import type { Cors } from '../cors.ts'
import { toErrorBody } from '../errors/error-body.ts'
import { toRequestId } from '../request/request-head.ts'
import { closingFor } from './close-codes.ts'
import { createConnectionHandler, type WebSocketConnectionOptions } from './connection.ts'
import { isWebSocketUpgrade, refuseUpgrade } from './http-upgrade.ts'

/** GraphQL over WebSocket with the protocol graphql-transport-ws, at the same path as over HTTP. */
export interface WebSocketEndpoint {
  /** True for a request that `upgrade` handles. */
  handles(request: IncomingMessage): boolean
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void
  /** Closes all connections, and from now on each new one. */
  end(): void
}

export interface WebSocketOptions
  extends Omit<AuthenticatorOptions, 'authentication'>,
    Omit<WebSocketConnectionOptions, 'authenticate'> {
  readonly authentication: Authentication
  readonly path: string
  readonly cors: Pick<Cors, 'isAllowed' | 'headersFor'>
  readonly admission: Pick<AdmissionControl, 'draining' | 'enter'>
}

/** The most connections without a key. The oldest one is closed for a new one, unless it is younger than WAIT_MS. */
const MAX_WAITING = 256
const WAIT_MS = 1_000

/** How long a client has to close its side of a connection that the server closed. */
const CLOSE_TIMEOUT_MS = 1_000

export function createWebSocketEndpoint(options: WebSocketOptions): WebSocketEndpoint {
  const { path, cors, admission, connections, limits } = options
  const authenticateHeader = createAuthenticator(options)
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: true,
    // A ping is answered in its turn.
    autoPong: false,
    maxPayload: limits.maxBodyBytes,
    // Each takes time, however short it is.
    maxFragments: 1_024,
    handleProtocols,
  })
  server.on('wsClientError', (_error, socket: Duplex, { headers: { origin } }: IncomingMessage) =>
    refuseUpgrade(
      socket,
      400,
      { ...cors.headersFor(origin), ...JSON_TYPE, 'sec-websocket-version': '13' },
      INVALID_HANDSHAKE,
    ),
  )
  const waiting = new Map<WebSocket, number>()
  const authenticate = (header: string | null, req: IncomingMessage) => authenticateHeader(header, { req }, '')
  const open = createConnectionHandler({ ...options, authenticate })

  /** False if as many connections wait for their key, and none of them has waited long. */
  function makeRoom(): boolean {
    const [oldest] = waiting
    if (!oldest || waiting.size < MAX_WAITING) return true
    const [socket, sinceMs] = oldest
    if (performance.now() - sinceMs < WAIT_MS) return false
    waiting.delete(socket)
    socket.terminate()
    return true
  }

  function accept(request: IncomingMessage, socket: Duplex, head: Buffer, caller: Caller | undefined): void {
    server.handleUpgrade(request, socket, head, opened => {
      if (!caller) waiting.set(opened, performance.now())
      opened.once('close', () => waiting.delete(opened))
      open({ socket: opened, request, caller, onCaller: () => waiting.delete(opened) })
    })
  }

  async function upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const { origin, authorization } = request.headers
    const refuse = (status: number, body: string, headers: Record<string, string> = {}) =>
      refuseUpgrade(socket, status, { ...cors.headersFor(origin), ...JSON_TYPE, ...headers }, body)
    if (admission.draining) return refuse(503, DRAINING, { 'retry-after': '1' })
    if (!isOriginAllowed(request, cors)) return refuse(403, FOREIGN_ORIGIN)
    if (!handleProtocols(request.headers['sec-websocket-protocol'] ?? '')) return refuse(400, UNKNOWN_PROTOCOL)
    if (authorization === undefined) return makeRoom() ? accept(request, socket, head, undefined) : refuse(503, FULL)
    const requestId = toRequestId(undefined)
    const caller = await authenticateHeader(authorization, { req: request }, requestId)
    if (socket.destroyed) return
    if (!('error' in caller)) return accept(request, socket, head, caller)
    const headers = caller.init.headers as Record<string, string>
    refuse(caller.init.status ?? 401, JSON.stringify({ errors: [caller.error] }), headers)
  }

  return {
    handles: request => isWebSocketUpgrade(request) && pathOf(request) === path,
    upgrade: (request, socket, head) => {
      socket.on('error', () => socket.destroy())
      upgrade(request, socket, head).catch(error => {
        options.report(error)
        socket.destroy()
      })
    },
    end: () => {
      connections.end('CLOSING')
      const { code, reason } = closingFor('CLOSING', { subject: null })
      for (const socket of server.clients) {
        socket.close(code, reason)
        setTimeout(() => socket.terminate(), CLOSE_TIMEOUT_MS).unref()
      }
    },
  }
}

/** Browsers send the origin of the page. A page of this server, such as GraphiQL, may connect too. */
function isOriginAllowed({ headers: { origin, host } }: IncomingMessage, cors: Pick<Cors, 'isAllowed'>): boolean {
  if (origin === undefined || cors.isAllowed(origin)) return true
  return URL.canParse(origin) && new URL(origin).host === host
}

function pathOf({ url = '' }: IncomingMessage): string | undefined {
  return url.split('?', 1)[0]
}

const JSON_TYPE = { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' }
const FOREIGN_ORIGIN = toErrorBody('Expected a page of an origin in CORS_ORIGINS, a setting of the server.', {
  code: 'FORBIDDEN',
  retryable: false,
})
const UNKNOWN_PROTOCOL = toErrorBody(
  `Expected the WebSocket subprotocol "${GRAPHQL_TRANSPORT_WS_PROTOCOL}", as the package graphql-ws sends it.`,
  { code: 'BAD_REQUEST', retryable: false },
)
const INVALID_HANDSHAKE = toErrorBody(
  'Expected "sec-websocket-version: 13" and a "sec-websocket-key" of 16 random bytes in base64.',
  { code: 'BAD_REQUEST', retryable: false },
)
const DRAINING = toErrorBody('Server is shutting down. Connect again.', { code: 'OVERLOADED', retryable: true })
const FULL = toErrorBody(
  'Too many connections without a key. Connect again later, or send the key in the header Authorization.',
  { code: 'OVERLOADED', retryable: true },
)
