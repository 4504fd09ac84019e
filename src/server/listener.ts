import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { ListenerLimits } from './limits.ts'

/** A server that closes those who are slow, and tells those who do not speak HTTP so in our own words. */
export function createListener(
  handle: (request: IncomingMessage, response: ServerResponse) => unknown,
  limits: ListenerLimits,
): Server {
  const options = {
    // Node refuses to start where the part may take longer than the whole.
    headersTimeout: Math.min(limits.headersTimeoutMs, limits.requestTimeoutMs),
    requestTimeout: limits.requestTimeoutMs,
    keepAliveTimeout: limits.keepAliveTimeoutMs,
    maxHeaderSize: limits.maxHeaderBytes,
    // Ours says in JSON what is wrong with it.
    requireHostHeader: false,
    // Node looks for slow clients only so often.
    connectionsCheckingInterval: Math.max(50, Math.min(limits.headersTimeoutMs, limits.requestTimeoutMs) / 4),
  }
  const server = createServer(options, (request, response) => {
    if (isAddressed(request)) handle(request, response)
    else response.writeHead(400, HEADERS).end(body('Expected a path and a host to ask.'))
  })
  return server.on('clientError', answerBroken)
}

const HEADERS = { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store', connection: 'close' }

/** What cannot be made an address of would be an unexpected error further in. */
function isAddressed({ url = '', headers: { host = '' }, httpVersion }: IncomingMessage): boolean {
  const isHost = host === '' ? httpVersion === '1.0' : HOST.test(host)
  // Some hosts look right and are none: 1.2.3.999, or a port of 99999.
  return isHost && /^\/(?!\/)/.test(url) && URL.canParse(url, `http://${host || 'localhost'}`)
}

const HOST = /^(?:[\w.-]+|\[[\da-f:.]+\])(?::\d{1,5})?$/i

/** What became of a request that node could not read: it is told once, and the connection closed. */
function answerBroken(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy()
  const { line, message } = BROKEN[error.code ?? ''] ?? MALFORMED
  const text = body(message)
  const headers = Object.entries({ ...HEADERS, 'content-length': String(Buffer.byteLength(text)) })
  socket.end(`HTTP/1.1 ${line}\r\n${headers.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${text}`, () =>
    socket.destroy(),
  )
}

const MALFORMED = { line: '400 Bad Request', message: 'Expected a request in HTTP/1.1.' }
const BROKEN: Readonly<Record<string, { line: string; message: string }>> = {
  ERR_HTTP_REQUEST_TIMEOUT: { line: '408 Request Timeout', message: 'Expected the whole request sooner.' },
  HPE_HEADER_OVERFLOW: { line: '431 Request Header Fields Too Large', message: 'Expected shorter headers.' },
}

function body(message: string): string {
  return JSON.stringify({ errors: [{ message, extensions: { code: 'BAD_REQUEST', retryable: false } }] })
}
