import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { request } from 'undici'

/** A proxy in front of a sandbox that injects faults. */

export interface FaultyProvider {
  readonly origin: string
  /** The complete requests since the last `behave`, in order. */
  readonly received: readonly Received[]
  /** Sets the behaviour; without an argument, requests pass to the sandbox. */
  behave(conduct?: FaultyBehaviour): void
  /** The number of pending requests. */
  waiting(): number
  /** The number of requests that clients aborted since the last `behave`. */
  left(): number
  close(): Promise<void>
}

export interface Received {
  readonly method: string
  readonly path: string
  readonly headers: IncomingMessage['headers']
  readonly at: number
}

export interface FaultyResponse {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly text: string
}

/**
 * The handling of the n-th request: PASS it to the sandbox, HANG forever, RESET the connection before the sandbox executes
 * it or after that (LOSE_ANSWER), send a given response, or change the response of the sandbox.
 */
export type FaultyBehaviour = (request: Received, n: number) => FaultyStep | Promise<FaultyStep>
export type FaultyStep =
  | 'PASS'
  | 'HANG'
  | 'RESET'
  | 'LOSE_ANSWER'
  | FaultyResponse
  | ((given: FaultyResponse) => FaultyResponse)

export async function startFaultyProvider(target: string): Promise<FaultyProvider> {
  let conduct: FaultyBehaviour = () => 'PASS'
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

async function perform(act: FaultyStep, response: ServerResponse, pass: () => Promise<FaultyResponse>): Promise<void> {
  if (act === 'HANG' || response.destroyed) return
  if (act === 'LOSE_ANSWER') await pass()
  if (act === 'RESET' || act === 'LOSE_ANSWER') return void response.socket?.resetAndDestroy()
  const given = act === 'PASS' ? await pass() : typeof act === 'function' ? act(await pass()) : act
  response.writeHead(given.status, { 'content-type': 'application/json', ...given.headers }).end(given.text)
}

async function pass(target: string, { method, path, headers }: Received, body: Buffer): Promise<FaultyResponse> {
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
