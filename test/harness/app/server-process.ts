import { spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse, request as send } from 'node:http'
import { createServer as createSocketServer, type Server } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

/** The server as a separate process, and a proxy between it and a provider. */

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))

/** A file of the build that test/harness/app/build-setup.ts makes. */
export function builtFile(name: 'main.js' | 'cli/main.js'): string {
  const folder = process.env.TEST_BUILD
  if (!folder) throw new Error('TEST_BUILD is not set: vitest runs test/harness/app/build-setup.ts first.')
  return `${folder}/src/${name}`
}

export interface ServerProcess {
  readonly url: string
  /** Resolves when the server listens, or when it exits before that. */
  readonly ready: Promise<void>
  isUp(): boolean
  /** Sends SIGKILL. Resolves after the process has ended. */
  kill(): Promise<void>
  /** Sends SIGTERM or another signal. Returns the exit code and the duration. May be called again. */
  stop(signal?: NodeJS.Signals): Promise<Stopped>
}

export interface Stopped {
  /** Null where the process was killed. */
  readonly code: number | null
  readonly ms: number
  /** The end of its output. */
  readonly output: string
}

/** Tests exceed the default rate limit of one client. */
const UNLIMITED = { COST_PER_MINUTE: '1000000000' }

/** With PORT 0 the URL is unknown. `ended` receives the output of a process that exits on its own. */
export function startServer(main: string, env: NodeJS.ProcessEnv, ended: (output: string) => void): ServerProcess {
  const child = spawn(process.execPath, [main], { cwd: ROOT, env: { PATH: process.env.PATH, ...UNLIMITED, ...env } })
  let output = ''
  let up = false
  let killed = false
  const exit = new Promise<number | null>(resolve => child.once('exit', resolve))
  const gone = exit.then(() => {})
  const listening = new Promise<void>(resolve => {
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', chunk => {
        output = (output + chunk).slice(-4000)
        if (!up && /:\d+\/graphql/.test(output)) {
          up = true
          resolve()
        }
      })
    }
  })
  void gone.then(() => {
    up = false
    if (!killed) ended(output)
  })
  return {
    url: `http://localhost:${env.PORT}/graphql`,
    ready: Promise.race([listening, gone]),
    isUp: () => up,
    kill: () => {
      killed = true
      child.kill('SIGKILL')
      return gone
    },
    stop: async (signal = 'SIGTERM') => {
      killed = true
      const began = performance.now()
      child.kill(signal)
      const code = await exit
      return { code, ms: performance.now() - began, output }
    },
  }
}

/** A port for a server that restarts. The system never assigns it as an ephemeral port. */
export async function findFreePort(): Promise<number> {
  const server = createSocketServer()
  const port = await listenOnOwnPort(wanted => listenOn(server, wanted))
  await new Promise(resolve => server.close(resolve))
  return port
}

/** Rejects where the port is in use. */
function listenOn(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, 'localhost', () => {
      server.off('error', reject)
      resolve()
    })
  })
}

/**
 * The fate of one request. Executed: ANSWERED, LOST (connection closed without a response), HUNG (no response, connection
 * open), FAILED_AFTER (500), GARBLED (HTML), and LATE (executed after the connection breaks). Not executed: REFUSED (422),
 * FAILED (500) and RESET (connection reset).
 */
export const FATES = [
  'ANSWERED',
  'LOST',
  'HUNG',
  'FAILED_AFTER',
  'GARBLED',
  'LATE',
  'REFUSED',
  'FAILED',
  'RESET',
] as const
export type Fate = (typeof FATES)[number]

export interface Passing {
  readonly method: string
  readonly path: string
}

export interface NetworkOptions {
  /** The URL of the provider. */
  readonly target: string
  /** Where it returns a promise, the request waits for it. */
  fateOf(passing: Passing): Fate | Promise<Fate>
  /** The delay in each direction. */
  delayMs(): number
}

export interface Network {
  readonly origin: string
  /** Forwards the LATE requests to the provider. */
  deliver(): Promise<void>
  /** Refuses connections from now on, or accepts them again. */
  setReachable(reachable: boolean): Promise<void>
  close(): Promise<void>
}

export async function startNetwork({ target, fateOf, delayMs }: NetworkOptions): Promise<Network> {
  const late: (() => Promise<unknown>)[] = []
  const server = createServer((incoming, outgoing) => void pass(incoming, outgoing).catch(() => outgoing.destroy()))

  async function pass(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const { method = 'GET', url: path = '/' } = incoming
    const body = await buffer(incoming)
    const fate = await fateOf({ method, path })
    await sleep(delayMs())
    const forward = () => exchange(target, incoming, body)
    if (fate === 'LATE') late.push(forward)
    const unheard = fate === 'RESET' || fate === 'LATE' || fate === 'REFUSED' || fate === 'FAILED'
    const answer = unheard ? undefined : await forward()
    await sleep(delayMs())
    if (fate === 'HUNG') return
    if (fate === 'ANSWERED' && answer) outgoing.writeHead(answer.status, answer.headers).end(answer.body)
    else if (fate === 'REFUSED') outgoing.writeHead(422).end('{}')
    else if (fate === 'FAILED' || fate === 'FAILED_AFTER') outgoing.writeHead(500).end('{}')
    else if (fate === 'GARBLED') outgoing.writeHead(200, { 'content-type': 'text/html' }).end('<html>')
    else outgoing.destroy()
  }

  const listen = (port: number) => listenOn(server, port)
  const close = () =>
    new Promise<void>(resolve => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  const port = await listenOnOwnPort(listen)
  return {
    origin: `http://localhost:${port}`,
    deliver: async () => void (await Promise.all(late.splice(0).map(forward => forward()))),
    setReachable: async reachable => {
      if (reachable !== server.listening) await (reachable ? listen(port) : close())
    },
    close: async () => {
      if (server.listening) await close()
    },
  }
}

/**
 * A port outside the system's ephemeral range, so that no other process receives it while no server listens on it, such as
 * a test that runs at the same time.
 */
async function listenOnOwnPort(listen: (port: number) => Promise<void>): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const port = randomInt(20_000, 32_000)
    const taken = await listen(port).then(
      () => false,
      () => true,
    )
    if (!taken) return port
  }
  throw new Error('No free port from 20000 to 31999.')
}

interface Exchanged {
  readonly status: number
  readonly headers: Record<string, string | string[] | undefined>
  readonly body: Buffer
}

function exchange(target: string, incoming: IncomingMessage, body: Buffer): Promise<Exchanged> {
  const { 'transfer-encoding': _chunked, connection: _connection, ...headers } = incoming.headers
  return new Promise((resolve, reject) => {
    const options = { method: incoming.method, headers: { ...headers, 'content-length': body.length } }
    const outgoing = send(target + incoming.url, options, answer => {
      const { 'transfer-encoding': _, connection: __, ...rest } = answer.headers
      const status = answer.statusCode ?? 0
      buffer(answer).then(bytes => resolve({ status, headers: rest, body: bytes }), reject)
    })
    outgoing.once('error', reject).end(body)
  })
}
