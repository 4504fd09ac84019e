import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { request } from 'undici'
import type { BootOptions } from '../../src/boot.ts'
import { toVariable } from '../../src/config.ts'
import { PROVIDERS, type Provider } from '../../src/domain/provider.ts'
import type { ProviderModule } from '../../src/providers/contract.ts'
import { registry } from '../../src/providers/registry.ts'
import { startSandboxes } from '../../src/sandbox/start-all.ts'
import { loadSandboxes } from '../../src/sandboxes.ts'
import { type House, startHouse } from './house.ts'

/** A house whose providers' sandboxes stand behind a door each, at which a test says how the provider behaves. */

export interface UnrulyHouse extends House {
  at(provider: Provider): Unruly
}

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

/** This token of Personr's sandbox outlives every login. */
const PERSONR_TOKEN = 'bus|4242424242424x424242424242424242|4343434343434x434343434343434343'

export async function startUnrulyHouse(env: NodeJS.ProcessEnv = {}, options: BootOptions = {}): Promise<UnrulyHouse> {
  const modules: readonly ProviderModule[] = Object.values(registry)
  const sandboxes = await startSandboxes(await loadSandboxes(modules), { port: 0, anyPort: true })
  const doors = new Map<string, Unruly>()
  const settings: Record<string, string> = { PERSONR_API_KEY: PERSONR_TOKEN, SANDBOX: 'off' }
  for (const { origin, provider, settings: given } of sandboxes) {
    const door = await startUnruly(origin)
    doors.set(provider, door)
    const baseUrl = given.baseUrl.replace(origin, door.origin)
    for (const [name, value] of Object.entries({ ...given, baseUrl }))
      settings[toVariable(provider, name)] = String(value)
  }
  const house = await startHouse({ ...settings, ...env }, { jobs: false, ...options })
  const at = (provider: Provider) => {
    const door = doors.get(provider)
    if (!door) throw new Error(`${provider} has no door here.`)
    return door
  }
  return {
    ...house,
    at,
    close: async () => {
      // What hangs is let go first, so that nothing waits for its deadline.
      await Promise.all(PROVIDERS.map(provider => at(provider).close()))
      await house.close()
      await Promise.all(sandboxes.map(sandbox => sandbox.close()))
    },
  }
}

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

/** Waits until it holds. */
export async function until(holds: () => boolean | Promise<boolean>, withinMs = 5_000): Promise<void> {
  const end = performance.now() + withinMs
  while (!(await holds())) {
    if (performance.now() > end) throw new Error('It never came to hold.')
    await sleep(5)
  }
}

/** What it gave, and how many milliseconds it took. */
export async function timed<T>(run: () => Promise<T>): Promise<{ value: T; ms: number }> {
  const began = performance.now()
  const value = await run()
  return { value, ms: performance.now() - began }
}
