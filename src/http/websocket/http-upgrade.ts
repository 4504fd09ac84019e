import { type IncomingMessage, type Server, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'

/** True for a request that opens a WebSocket. */
export function isWebSocketUpgrade({ method, headers }: IncomingMessage): boolean {
  return method === 'GET' && headers.upgrade?.toLowerCase() === 'websocket'
}

/** Answers a request for an upgrade like any other, and closes its connection. */
export function refuseUpgrade(socket: Duplex, status: number, headers: Record<string, string>, body: string): void {
  const all = { ...headers, connection: 'close', 'content-length': String(Buffer.byteLength(body)) }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${body}`, () => socket.destroy())
}

/**
 * Handles a request for another protocol as if it had not offered it, which HTTP allows: Java's client offers HTTP/2 with
 * each request. Node stops parsing at an upgrade, so the connection is read again from the request on, without the header.
 */
export function continueWithoutUpgrade(
  server: Server,
  { method, httpVersion, rawHeaders }: IncomingMessage,
  target: string,
  socket: Duplex,
  rest: Buffer,
): void {
  const lines = [`${method} ${target} HTTP/${httpVersion}`]
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const [name = '', value = ''] = rawHeaders.slice(at, at + 2)
    if (!UPGRADE_HEADERS.has(name.toLowerCase())) lines.push(`${name}: ${value}`)
  }
  socket.unshift(Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), rest]))
  server.emit('connection', socket)
}

const UPGRADE_HEADERS = new Set(['connection', 'http2-settings', 'upgrade'])
