import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect, onTestFinished } from 'vitest'
import { builtFile, findFreePort } from './server-process.ts'

/** The built server as a process of its own, with the limits of a shell. */

export const KEY = 'sg_dev_key_of_the_built_server'

export interface BuiltServer {
  readonly child: ChildProcess
  readonly url: string
}

export interface BuiltServerOptions {
  /** Default: a database in memory. */
  readonly env?: Readonly<Record<string, string>>
  readonly stdio?: StdioOptions
  /** Commands of the shell before the server, such as `ulimit -n 80;`. */
  readonly limits?: string
  /** A command that runs the server with fewer rights. */
  readonly as?: string
}

const IGNORED: StdioOptions = ['ignore', 'ignore', 'ignore']

/** The process ends with the test at the latest. */
export async function startBuilt({
  env,
  stdio = IGNORED,
  limits = '',
  as = '',
}: BuiltServerOptions = {}): Promise<BuiltServer> {
  const port = await findFreePort()
  const settings = {
    PATH: process.env.PATH,
    NODE: process.execPath,
    PORT: String(port),
    SANDBOX_PORT: '0',
    DEV_API_KEY: KEY,
    COST_PER_MINUTE: '1000000000',
    DATABASE_URL: 'sqlite::memory:',
    ENCRYPTION_KEY: '0e'.repeat(32),
    ...env,
  }
  const child = spawn('sh', ['-c', `${limits} exec ${as} "$NODE" "${builtFile('main.js')}"`], { env: settings, stdio })
  const server = { child, url: `http://localhost:${port}` }
  onTestFinished(() => killBuilt(server))
  return server
}

/** 0 where there is no response. */
export async function statusOf(url: string): Promise<number> {
  return fetch(url).then(
    ({ status }) => status,
    () => 0,
  )
}

export async function whenReady({ url }: BuiltServer): Promise<void> {
  await expect.poll(() => statusOf(`${url}/readyz`), { timeout: 30_000 }).toBe(200)
}

export async function executeAt(server: BuiltServer, query: string) {
  return postTo(server, { query })
}

/** The parsed answer to an operation, or to a batch of operations. */
export async function postTo({ url }: BuiltServer, body: object) {
  const headers = { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' }
  const response = await fetch(`${url}/graphql`, { method: 'POST', headers, body: JSON.stringify(body) })
  // biome-ignore lint/suspicious/noExplicitAny: each test knows the shape of what it reads
  return (await response.json()) as any
}

/** Sends the signal. Returns the exit code; null where the signal ended the process. */
export async function stopBuilt({ child }: BuiltServer, signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
  const exited = once(child, 'exit')
  child.kill(signal)
  const [code] = await exited
  return code
}

export function killBuilt({ child }: BuiltServer): void {
  if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
}
