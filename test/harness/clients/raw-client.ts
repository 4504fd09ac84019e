import { Agent, request } from 'node:http'
import { connect, type Socket } from 'node:net'

export interface RawAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly text: string
  /** From the first byte sent to the last one received. */
  readonly ms: number
}

export interface RawRequest {
  readonly method?: string
  readonly path?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array
}

/** A client that sends any bytes, including invalid HTTP. */
export interface RawClient {
  /** Sends an HTTP request. */
  execute(request: RawRequest): Promise<RawAnswer>
  /** Sends raw bytes. The response ends when the connection closes or is idle for a while. */
  send(bytes: string | Uint8Array, quietMs?: number): Promise<RawAnswer>
  /** Opens a connection that stays open. */
  open(): Promise<Socket>
  close(): void
}

export function createRawClient(url: string): RawClient {
  const { hostname, port } = new URL(url)
  const agent = new Agent({ keepAlive: true, maxSockets: 64 })
  const sockets = new Set<Socket>()

  async function open(): Promise<Socket> {
    const socket = connect({ host: hostname, port: Number(port) })
    sockets.add(socket)
    socket.on('error', () => {}).on('close', () => sockets.delete(socket))
    return new Promise((resolve, reject) => socket.once('connect', () => resolve(socket)).once('error', reject))
  }

  return {
    execute: ({ method = 'POST', path = '/graphql', headers, body }) =>
      new Promise((resolve, reject) => {
        const begun = performance.now()
        const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }
        const requests = request({ agent, host: hostname, port, method, path, headers: { ...length, ...headers } })
        requests.once('error', reject).once('response', response => {
          const chunks: Buffer[] = []
          response.on('data', chunk => chunks.push(chunk)).once('error', reject)
          response.once('end', () => {
            const text = Buffer.concat(chunks).toString()
            resolve({
              status: response.statusCode ?? 0,
              headers: response.headers,
              text,
              ms: performance.now() - begun,
            })
          })
        })
        requests.end(body)
      }),
    send: async (bytes, quietMs = 300) => {
      const socket = await open()
      const begun = performance.now()
      let [text, last] = ['', begun]
      await new Promise<void>(resolve => {
        const quiet = setTimeout(() => socket.destroy(), quietMs)
        socket.on('data', chunk => {
          text += chunk
          last = performance.now()
          quiet.refresh()
        })
        socket.once('close', () => {
          clearTimeout(quiet)
          resolve()
        })
        socket.write(bytes)
      })
      return { ...parseAnswer(text), ms: last - begun }
    },
    open,
    close: () => {
      agent.destroy()
      for (const socket of sockets) socket.destroy()
    },
  }
}

/** Status 0 where the connection closed without a response. */
function parseAnswer(text: string): Omit<RawAnswer, 'ms'> {
  const [head = '', ...body] = text.split('\r\n\r\n')
  const lines = head.split('\r\n').slice(1)
  const headers = Object.fromEntries(
    lines.map(line => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 2)]),
  )
  const rest = body.join('\r\n\r\n')
  // Further responses follow the first one.
  const first = headers['transfer-encoding']
    ? rest.replace(/^[\da-f]+\r\n/i, '').replace(/\r\n0(\r\n)[\s\S]*$/, '')
    : rest.slice(0, Number(headers['content-length'] ?? Number.POSITIVE_INFINITY))
  return { status: Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0), headers, text: first }
}
