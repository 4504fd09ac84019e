import { createServer, type Server, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/**
 * A TCP server that can violate every rule of HTTP: it reads requests and then executes the given steps on the connection.
 * After the last step, the connection stays open and idle.
 */

/** Bytes to write, a pause, a chunk to write repeatedly, or the end of the connection. */
export type Step =
  | Buffer
  | string
  | { readonly pauseMs: number }
  | { readonly chunk: Buffer; readonly times: number }
  | 'CLOSE'
  | 'RESET'

export interface ReceivedRequest {
  readonly path: string
  readonly head: string
  readonly body: string
}

export interface Misbehaviour {
  /** Steps on connection, before reading. */
  readonly onConnection?: readonly Step[]
  /** Steps after the head of a request. The body is not read. */
  readonly onHead?: readonly Step[]
  /** Steps after a complete request. */
  readonly onRequest?: (request: ReceivedRequest) => readonly Step[]
}

export interface HostileServer {
  readonly origin: string
  /** The complete requests. */
  readonly received: readonly ReceivedRequest[]
  connections(): number
  /** All written bytes, including those in the kernel's buffers. */
  sentBytes(): number
  close(): Promise<void>
}

export async function startHostileServer(manners: Misbehaviour): Promise<HostileServer> {
  const received: ReceivedRequest[] = []
  const sockets: Socket[] = []
  const server = createServer(socket => {
    sockets.push(socket)
    // Clients are expected to reset the connection when they give up.
    socket.on('error', () => {})
    if (manners.onConnection) return void perform(socket, manners.onConnection)
    listenTo(socket, manners, received)
  })
  await new Promise<void>(resolve => server.listen(0, 'localhost', resolve))
  return {
    origin: originOf(server),
    received,
    connections: () => sockets.length,
    sentBytes: () => sockets.reduce((sum, socket) => sum + socket.bytesWritten, 0),
    close: () => {
      for (const socket of sockets) socket.destroy()
      return new Promise(resolve => server.close(() => resolve()))
    },
  }
}

function originOf(server: Server): string {
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('The server does not listen.')
  return `http://localhost:${address.port}`
}

function listenTo(socket: Socket, manners: Misbehaviour, received: ReceivedRequest[]): void {
  let pending = Buffer.alloc(0)
  socket.on('data', async (bytes: Buffer) => {
    pending = Buffer.concat([pending, bytes])
    if (manners.onHead) return perform(socket, manners.onHead)
    const request = readRequest(pending)
    if (!request) return
    pending = Buffer.alloc(0)
    received.push(request)
    await perform(socket, manners.onRequest?.(request) ?? [])
  })
}

/** The request, if it is complete. Our clients always send Content-Length. */
function readRequest(bytes: Buffer): ReceivedRequest | undefined {
  const end = bytes.indexOf('\r\n\r\n')
  if (end < 0) return undefined
  const head = bytes.toString('latin1', 0, end)
  const length = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0)
  const body = bytes.subarray(end + 4)
  if (body.length < length) return undefined
  return { path: head.split(' ')[1] ?? '', head, body: body.toString('utf8') }
}

async function perform(socket: Socket, steps: readonly Step[]): Promise<void> {
  for (const step of steps) {
    if (socket.destroyed) return
    if (step === 'CLOSE') socket.end()
    else if (step === 'RESET') socket.resetAndDestroy()
    else if (typeof step === 'string' || Buffer.isBuffer(step)) socket.write(step)
    else if ('pauseMs' in step) await sleep(step.pauseMs)
    else await stream(socket, step.chunk, step.times)
  }
}

/** Respects backpressure, so that `sentBytes` is close to what the client reads. */
async function stream(socket: Socket, chunk: Buffer, times: number): Promise<void> {
  for (let sent = 0; sent < times && !socket.destroyed; sent++) {
    await new Promise<void>(resolve => {
      socket.once('close', resolve)
      socket.write(chunk, () => {
        socket.off('close', resolve)
        resolve()
      })
    })
  }
}
