import { execFile, spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { rmSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse, request as send } from 'node:http'
import { createServer as createSocketServer, type Server } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

/** The server as a process of its own, and the network between it and a provider. */

const ROOT = fileURLToPath(new URL('../../', import.meta.url))

export interface Build {
  readonly main: string
  remove(): void
}

let built: Promise<Build> | undefined

/** Compiles the server once: a process starts from it in half the time that it takes from the sources. */
export function buildServer(): Promise<Build> {
  built ??= compile()
  return built
}

async function compile(): Promise<Build> {
  const folder = `${ROOT}node_modules/.cache/sessiongraph-${process.pid}`
  const script = ['--import', 'tsx', `${ROOT}scripts/build.ts`, '--outdir', folder]
  await promisify(execFile)(process.execPath, script, { cwd: ROOT })
  return { main: `${folder}/src/main.js`, remove: () => rmSync(folder, { recursive: true, force: true }) }
}

export interface ServerProcess {
  readonly url: string
  /** Settles when it listens, or when it ended before it did. */
  readonly ready: Promise<void>
  isUp(): boolean
  /** SIGKILL: nothing of it runs any more when this resolves. */
  kill(): Promise<void>
  /** SIGTERM, or another: what it exits with, and after how long. It may be told again. */
  stop(signal?: NodeJS.Signals): Promise<Stopped>
}

export interface Stopped {
  /** Null where it was killed. */
  readonly code: number | null
  readonly ms: number
  /** The end of what it printed. */
  readonly said: string
}

/** What tests ask is not what one client asks in a minute. */
const UNLIMITED = { COST_PER_MINUTE: '1000000000' }

/** With PORT 0 it takes any port, and its url is not known. `ended` is told what it said, where it ended by itself. */
export function startServer(main: string, env: NodeJS.ProcessEnv, ended: (said: string) => void): ServerProcess {
  const child = spawn(process.execPath, [main], { cwd: ROOT, env: { PATH: process.env.PATH, ...UNLIMITED, ...env } })
  let said = ''
  let up = false
  let killed = false
  const exit = new Promise<number | null>(resolve => child.once('exit', resolve))
  const gone = exit.then(() => {})
  const listening = new Promise<void>(resolve => {
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', chunk => {
        said = (said + chunk).slice(-4000)
        if (!up && /:\d+\/graphql/.test(said)) {
          up = true
          resolve()
        }
      })
    }
  })
  void gone.then(() => {
    up = false
    if (!killed) ended(said)
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
      return { code, ms: performance.now() - began, said }
    },
  }
}

/** A port that a server may come back to: nobody who asks the system for any port gets it meanwhile. */
export async function findFreePort(): Promise<number> {
  const server = createSocketServer()
  const port = await listenOnOwnPort(wanted => listenOn(server, wanted))
  await new Promise(resolve => server.close(resolve))
  return port
}

/** Rejects where the port is taken. */
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
 * What becomes of one request. The provider carries it out where it is ANSWERED, LOST (no answer comes), HUNG (neither
 * an answer nor an end comes), FAILED_AFTER (a 500 comes) or GARBLED (HTML comes), and LATE where the connection breaks
 * first. It does not where it is REFUSED (a 422), FAILED (a 500) or RESET (the connection breaks).
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
  /** Where the provider is. */
  readonly target: string
  fateOf(passing: Passing): Fate
  /** For the way there, and again for the way back. */
  delayMs(): number
}

export interface Network {
  readonly origin: string
  /** Has the provider carry out what came late. */
  deliver(): Promise<void>
  /** From now on connections are refused, or accepted again. */
  setReachable(reachable: boolean): Promise<void>
  close(): Promise<void>
}

export async function startNetwork({ target, fateOf, delayMs }: NetworkOptions): Promise<Network> {
  const late: (() => Promise<unknown>)[] = []
  const server = createServer((incoming, outgoing) => void pass(incoming, outgoing).catch(() => outgoing.destroy()))

  async function pass(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const { method = 'GET', url: path = '/' } = incoming
    const body = await buffer(incoming)
    const fate = fateOf({ method, path })
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
 * A port that stays ours while nobody listens there: it lies outside those that the system hands to whoever asks for any,
 * such as a test that runs beside this one.
 */
async function listenOnOwnPort(listen: (port: number) => Promise<void>): Promise<number> {
  for (let tries = 0; tries < 100; tries++) {
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
