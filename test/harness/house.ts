import { Readable } from 'node:stream'
import { type BootOptions, boot, type Running } from '../../src/boot.ts'
import { loadConfig } from '../../src/config.ts'
import type { Provider } from '../../src/domain/provider.ts'
import { registry } from '../../src/providers/registry.ts'
import type { FaultRuleInput } from '../../src/sandbox/fault-rule.ts'
import type { LoggedRequest } from '../../src/sandbox/request-log.ts'
import type { AdvanceStep } from '../../src/sandbox/sandbox.ts'
import type { Grace } from '../../src/server/drain.ts'
import { takePrivateDatabase } from './database.ts'

export const API_KEY = 'sg_dev_key_of_the_tests'

/** What a client gets: the HTTP status and the JSON body. */
export interface Answer {
  readonly status: number
  // biome-ignore lint/suspicious/noExplicitAny: a test reads what it asked for
  readonly data: any
  readonly errors: readonly { message: string; path?: (string | number)[]; extensions: Record<string, unknown> }[]
}

/** The whole house on free ports, with a database of its own and its sandboxes. */
export interface House extends Running {
  ask(query: string, variables?: Record<string, unknown>): Promise<Answer>
  sandbox(provider: Provider): SandboxControl
}

export interface SandboxControl {
  readonly origin: string
  requests(): Promise<LoggedRequest[]>
  forget(): Promise<void>
  objects(): Promise<Record<string, Record<string, unknown>>>
  advance(step: AdvanceStep): Promise<void>
  moveClock(seconds: number): Promise<void>
  /** Takes the place of all fault rules there were. */
  faults(rules: readonly FaultRuleInput[], seed?: number): Promise<void>
  clearFaults(): Promise<void>
}

const MEMORY = {
  DEV_API_KEY: API_KEY,
  ENCRYPTION_KEY: '00'.repeat(32),
  // What tests ask is not what one client asks in a minute.
  COST_PER_MINUTE: '1000000000',
  LOG_LEVEL: 'silent',
  PORT: '0',
  SANDBOX_PORT: '0',
  // What a test does not ask for does not happen beside it.
  SANDBOX_WEBHOOKS: 'off',
}

export async function startHouse(env: NodeJS.ProcessEnv = {}, options: BootOptions = {}): Promise<House> {
  const database = env.DATABASE_URL ? undefined : await takePrivateDatabase()
  const settings = { DATABASE_URL: database?.url, ...MEMORY, ...env }
  // Every operation goes the short way at once, so that whatever is tested is tested there.
  const running = await boot(loadConfig(settings, Object.values(registry)), { readyAfter: 0, ...options })
  return {
    ...running,
    close: async (grace?: Grace) => {
      await running.close(grace)
      await database?.release()
    },
    ask: (query, variables) => ask(running, query, variables),
    sandbox: provider => {
      const started = running.sandboxes.find(sandbox => sandbox.provider === provider)
      if (!started) throw new Error(`${provider} has no sandbox here.`)
      return controlSandbox(started.origin)
    },
  }
}

async function ask(running: Running, query: string, variables?: Record<string, unknown>): Promise<Answer> {
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${API_KEY}` }
  const body = JSON.stringify({ query, variables })
  // DOOR=fetch: what tests ask goes through Yoga's own door instead of the short way in.
  const answer =
    process.env.DOOR === 'fetch'
      ? await answerByFetch(running, headers, body)
      : await answerLightly(running, headers, body)
  const told = JSON.parse(answer.body) as Partial<Answer>
  return { status: answer.status, data: told.data, errors: told.errors ?? [] }
}

async function answerByFetch({ app }: Running, headers: Record<string, string>, body: string) {
  const response = await app.fetch('http://localhost/graphql', { method: 'POST', headers, body })
  return { status: response.status, body: await response.text() }
}

async function answerLightly({ app }: Running, headers: Record<string, string>, body: string) {
  const sent = { ...headers, 'content-length': String(Buffer.byteLength(body)) }
  const posted = Object.assign(Readable.from([Buffer.from(body)]), { method: 'POST', headers: sent, rawHeaders: [] })
  const response = await app.answer(posted, new AbortController(), {})
  return { status: response.status, body: String(response.body) }
}

export function controlSandbox(origin: string): SandboxControl {
  async function control(method: string, path: string, body?: unknown) {
    const response = await fetch(`${origin}/_sandbox/${path}`, {
      method,
      body: body === undefined ? undefined : JSON.stringify(body),
    })
    const answer = (await response.json()) as Record<string, never>
    if (!response.ok) throw new Error(`${path}: ${JSON.stringify(answer)}`)
    return answer
  }
  return {
    origin,
    requests: async () => (await control('GET', 'requests')).requests as unknown as LoggedRequest[],
    forget: async () => void (await control('DELETE', 'requests')),
    objects: () => control('GET', 'objects'),
    advance: async step => void (await control('POST', 'advance', step)),
    moveClock: async seconds => void (await control('POST', 'clock', { advanceSeconds: seconds })),
    faults: async (rules, seed) => void (await control('POST', 'faults', { rules, seed })),
    clearFaults: async () => void (await control('DELETE', 'faults')),
  }
}
