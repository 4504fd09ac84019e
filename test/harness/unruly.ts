import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { request } from 'undici'

/** A door before a sandbox, at which a test says how the provider behaves. */

export interface Unruly {
  readonly origin: string
  /** What came whole since the last `behave`, in the order in which it came. */
  readonly received: readonly Received[]
  /** How it behaves from now on; without an argument as its sandbox does. */
  behave(conduct?: Conduct): void
  /** How many requests wait for their answer. */
  waiting(): number
  /** How many clients left before their answer came, since the last `behave`. */
  left(): number
  close(): Promise<void>
}

export interface Received {
  readonly method: string
  readonly path: string
  readonly headers: IncomingMessage['headers']
  readonly at: number
}

export interface Given {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly text: string
}

/**
 * What becomes of the n-th request: PASS it to the sandbox, HANG for ever, RESET the connection, give an answer, or
 * change the sandbox's own.
 */
export type Conduct = (request: Received, n: number) => Act | Promise<Act>
export type Act = 'PASS' | 'HANG' | 'RESET' | Given | ((given: Given) => Given)

export async function startUnruly(target: string): Promise<Unruly> {
  let conduct: Conduct = () => 'PASS'
  let received: Received[] = []
  let waiting = 0
  let left = 0
  const server = createServer(async (incoming, response) => {
    const body = await readBody(incoming)
    const { method = 'GET', url: path = '/', headers } = incoming
    const passing = { method, path, headers, at: performance.now() }
    received.push(passing)
    waiting++
    response.once('close', () => {
      waiting--
      if (!response.writableFinished) left++
    })
    const act = await conduct(passing, received.length)
    await perform(act, response, () => pass(target, passing, body)).catch(() => response.destroy())
  })
  await new Promise<void>(resolve => server.listen(0, 'localhost', resolve))
  return {
    origin: `http://localhost:${(server.address() as AddressInfo).port}`,
    get received() {
      return received
    },
    behave(next = () => 'PASS') {
      conduct = next
      received = []
      left = 0
    },
    waiting: () => waiting,
    left: () => left,
    close: () => close(server),
  }
}

async function perform(act: Act, response: ServerResponse, pass: () => Promise<Given>): Promise<void> {
  if (act === 'HANG' || response.destroyed) return
  if (act === 'RESET') return void response.socket?.resetAndDestroy()
  const given = act === 'PASS' ? await pass() : typeof act === 'function' ? act(await pass()) : act
  response.writeHead(given.status, { 'content-type': 'application/json', ...given.headers }).end(given.text)
}

async function pass(target: string, { method, path, headers }: Received, body: Buffer): Promise<Given> {
  const { connection: _, host: __, 'transfer-encoding': ___, ...rest } = headers
  const answer = await request(target + path, {
    method: method as 'GET',
    headers: rest,
    body: body.length > 0 ? body : null,
  })
  return { status: answer.statusCode, text: await answer.body.text() }
}

async function readBody(incoming: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of incoming) chunks.push(chunk)
  return Buffer.concat(chunks)
}

function close(server: Server): Promise<void> {
  return new Promise(resolve => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}
