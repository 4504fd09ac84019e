import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { isLoopbackHostHeader } from '../domain/input/hosts.ts'
import { createPipelining } from './admission/pipelined-requests.ts'
import { toErrorBody } from './errors/error-body.ts'
import type { SocketTimeouts } from './limits.ts'
import { continueWithoutUpgrade, refuseUpgrade } from './websocket/http-upgrade.ts'
import type { WebSocketEndpoint } from './websocket/websocket-server.ts'

export interface ServerOptions extends SocketTimeouts {
  /**
   * True to serve only requests whose Host header names this machine: a page of another site, whose name resolves to
   * loopback, cannot use a local development server then.
   */
  readonly loopbackHostsOnly?: boolean
  /** A prefix of the path that a proxy does not remove, such as `/onboarding`. Paths without it are served as well. */
  readonly basePath?: string
}

/** A server with timeouts for slow clients, JSON errors for requests that Node cannot parse, and WebSockets. */
export function createHttpServer(
  handle: RequestListener,
  limits: ServerOptions,
  webSockets?: Pick<WebSocketEndpoint, 'handles' | 'upgrade'>,
): Server {
  const options = {
    // Node rejects a headersTimeout above the requestTimeout.
    headersTimeout: Math.min(limits.headersTimeoutMs, limits.requestTimeoutMs),
    requestTimeout: limits.requestTimeoutMs,
    keepAliveTimeout: limits.keepAliveTimeoutMs,
    maxHeaderSize: limits.maxHeaderBytes,
    // `findRejection` checks it, with a JSON error.
    requireHostHeader: false,
    // Node checks its timeouts at this interval only.
    connectionsCheckingInterval: Math.max(50, Math.min(limits.headersTimeoutMs, limits.requestTimeoutMs) / 4),
  }
  const inTurn = createPipelining()
  const listener: RequestListener = (request, response) => {
    normalizeTarget(request, limits.basePath)
    const rejection = findRejection(request, limits)
    if (!rejection) return handle(request, response)
    reject(response, rejection)
  }
  const server = createServer(options, inTurn(listener))
  if (webSockets) server.on('upgrade', createUpgradeListener(server, limits, webSockets))
  // Node destroys a socket on which nothing is sent or received for this long.
  server.setTimeout(limits.stalledTimeoutMs)
  server.on(
    'checkExpectation',
    inTurn((_request, response) => reject(response, UNKNOWN_EXPECTATION)),
  )
  return server.on('clientError', handleClientError)
}

function createUpgradeListener(
  server: Server,
  limits: ServerOptions,
  webSockets: Pick<WebSocketEndpoint, 'handles' | 'upgrade'>,
) {
  return (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const target = request.url ?? ''
    normalizeTarget(request, limits.basePath)
    if (!webSockets.handles(request)) return continueWithoutUpgrade(server, request, target, socket, head)
    const rejection = findRejection(request, limits)
    if (rejection) refuseUpgrade(socket, rejection.status, HEADERS, toErrorBody(rejection.message, BAD_REQUEST))
    else webSockets.upgrade(request, socket, head)
  }
}

interface Rejection {
  readonly status: number
  readonly message: string
}

const HEADERS = { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store', connection: 'close' }
const BAD_REQUEST = { code: 'BAD_REQUEST', retryable: false } as const
const UNKNOWN_EXPECTATION = { status: 417, message: 'Expected no Expect header other than 100-continue.' }
const INVALID_TARGET = { status: 400, message: 'Expected a path and one Host header.' }
const FOREIGN_HOST = {
  status: 421,
  message: 'Expected a Host header of this machine, such as localhost: this is a local server.',
}

function reject(response: ServerResponse, { status, message }: Rejection): void {
  response.writeHead(status, HEADERS).end(toErrorBody(message, BAD_REQUEST))
}

/** A request to a proxy has the whole URL as its target: its host counts, and its path is served. */
function normalizeTarget(request: IncomingMessage, basePath: string | undefined): void {
  const absolute = /^https?:\/\/([^/?#]+)([^#]*)$/i.exec(request.url ?? '')
  if (absolute) {
    request.headers.host = absolute[1]
    request.url = absolute[2]?.startsWith('/') ? absolute[2] : `/${absolute[2]}`
  }
  if (basePath && request.url) request.url = withoutPrefix(request.url, basePath)
}

/** The path and query of a URL without a leading prefix; the URL itself where it does not begin with the prefix. */
export function withoutPrefix(url: string, prefix: string): string {
  if (!url.startsWith(prefix)) return url
  const rest = url.slice(prefix.length)
  if (rest.startsWith('/')) return rest
  return rest === '' || rest.startsWith('?') ? `/${rest}` : url
}

/** A target that is no valid URL would be an unexpected error later. */
function findRejection(request: IncomingMessage, { loopbackHostsOnly }: ServerOptions): Rejection | undefined {
  if (!isValidTarget(request)) return INVALID_TARGET
  if (!loopbackHostsOnly || isLoopbackHostHeader(request.headers.host ?? 'localhost')) return undefined
  return FOREIGN_HOST
}

function isValidTarget({ url = '', headers: { host = '' }, rawHeaders, httpVersion }: IncomingMessage): boolean {
  // Node keeps the first of several Host headers; a proxy may have checked another one.
  if (rawHeaders.filter((name, index) => index % 2 === 0 && name.toLowerCase() === 'host').length > 1) return false
  const isHost = host === '' ? httpVersion === '1.0' : HOST.test(host)
  // The pattern also allows invalid hosts, such as 1.2.3.999 or a port of 99999.
  return isHost && /^\/(?!\/)/.test(url) && URL.canParse(url, `http://${host || 'localhost'}`)
}

const HOST = /^(?:[\w.-]+|\[[\da-f:.]+\])(?::\d{1,5})?$/i

/** Responds to a request that Node could not parse, and closes the connection. */
function handleClientError(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy()
  const { line, message } = CLIENT_ERRORS[error.code ?? ''] ?? MALFORMED
  const text = toErrorBody(message, BAD_REQUEST)
  const headers = Object.entries({ ...HEADERS, 'content-length': String(Buffer.byteLength(text)) })
  socket.end(`HTTP/1.1 ${line}\r\n${headers.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${text}`, () =>
    socket.destroy(),
  )
}

const MALFORMED = { line: '400 Bad Request', message: 'Expected a request in HTTP/1.1.' }
const CLIENT_ERRORS: Readonly<Record<string, { line: string; message: string }>> = {
  ERR_HTTP_REQUEST_TIMEOUT: {
    line: '408 Request Timeout',
    message:
      'The request was not received in time. Send it again, faster: HEADERS_TIMEOUT_MS and REQUEST_TIMEOUT_MS have the limits.',
  },
  HPE_HEADER_OVERFLOW: {
    line: '431 Request Header Fields Too Large',
    message: 'Expected shorter headers: MAX_HEADER_BYTES has the limit.',
  },
}
