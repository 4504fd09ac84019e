import { Readable } from 'node:stream'
import { loadConfig } from '../../../src/app/config.ts'
import { type RunningServer, type StartOptions, startServer } from '../../../src/app/start-server.ts'
import type { Provider } from '../../../src/domain/provider.ts'
import type { ShutdownTimeouts } from '../../../src/http/admission/graceful-shutdown.ts'
import { registry } from '../../../src/providers/registry.ts'
import type { FaultRuleInput } from '../../../src/sandbox/faults/fault-rule.ts'
import type { LoggedRequest } from '../../../src/sandbox/request-log.ts'
import type { AdvanceStep } from '../../../src/sandbox/sandbox.ts'
import { takePrivateDatabase } from './database.ts'

export const API_KEY = 'sg_dev_key_of_the_tests'

/** A response: the HTTP status and the JSON body. */
export interface Answer {
  readonly status: number
  // biome-ignore lint/suspicious/noExplicitAny: each test knows the shape of its response
  readonly data: any
  readonly errors: readonly {
    message: string
    path?: readonly (string | number)[]
    extensions: Record<string, unknown>
  }[]
}

/** The whole application on free ports, with its own database and sandboxes. */
export interface TestApp extends RunningServer {
  execute(query: string, variables?: Record<string, unknown>): Promise<Answer>
  sandbox(provider: Provider): SandboxControl
}

export interface SandboxControl {
  readonly origin: string
  requests(): Promise<LoggedRequest[]>
  forget(): Promise<void>
  objects(): Promise<Record<string, Record<string, object>>>
  advance(step: AdvanceStep): Promise<void>
  moveClock(seconds: number): Promise<void>
  /** Replaces all fault rules. */
  faults(rules: readonly FaultRuleInput[], seed?: number): Promise<void>
  clearFaults(): Promise<void>
}

const MEMORY = {
  DEV_API_KEY: API_KEY,
  ENCRYPTION_KEY: '00'.repeat(32),
  // Tests exceed the default rate limit of one client.
  COST_PER_MINUTE: '1000000000',
  LOG_LEVEL: 'silent',
  PORT: '0',
  SANDBOX_PORT: '0',
  // Sandboxes send webhooks only where a test requests them.
  SANDBOX_WEBHOOKS: 'off',
}

export async function startApp(env: NodeJS.ProcessEnv = {}, options: StartOptions = {}): Promise<TestApp> {
  const database = env.DATABASE_URL ? undefined : await takePrivateDatabase()
  const settings = { DATABASE_URL: database?.url, ...MEMORY, ...env }
  // Prepares operations from the first request, so that all tests run on the fast path.
  const running = await startServer(loadConfig(settings, Object.values(registry)), { prepareAfter: 0, ...options })
  return {
    ...running,
    close: async (grace?: ShutdownTimeouts) => {
      await running.close(grace)
      await database?.release()
    },
    execute: (query, variables) => execute(running, query, variables),
    sandbox: provider => {
      const started = running.sandboxes.find(sandbox => sandbox.provider === provider)
      if (!started) throw new Error(`${provider} has no sandbox here.`)
      return controlSandbox(started.origin)
    },
  }
}

async function execute(running: RunningServer, query: string, variables?: Record<string, unknown>): Promise<Answer> {
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${API_KEY}` }
  const body = JSON.stringify({ query, variables })
  // TEST_HTTP=fetch: requests go through Yoga instead of the fast path.
  const answer =
    process.env.TEST_HTTP === 'fetch'
      ? await answerByFetch(running, headers, body)
      : await answerLightly(running, headers, body)
  const reported = JSON.parse(answer.body) as Partial<Answer>
  return { status: answer.status, data: reported.data, errors: reported.errors ?? [] }
}

async function answerByFetch({ app }: RunningServer, headers: Record<string, string>, body: string) {
  const response = await app.fetch('http://localhost/graphql', { method: 'POST', headers, body })
  return { status: response.status, body: await response.text() }
}

async function answerLightly({ app }: RunningServer, headers: Record<string, string>, body: string) {
  const sent = { ...headers, 'content-length': String(Buffer.byteLength(body)) }
  const posted = Object.assign(Readable.from([Buffer.from(body)]), { method: 'POST', headers: sent, rawHeaders: [] })
  const response = await app.handlePost(posted, new AbortController(), {})
  return { status: response.status, body: String(response.body) }
}

export function controlSandbox(origin: string): SandboxControl {
  async function control(method: string, path: string, body?: unknown) {
    const response = await fetch(`${origin}/_sandbox/${path}`, {
      method,
      body: body === undefined ? undefined : JSON.stringify(body),
    })
    const answer = (await response.json()) as Record<string, never> & { requests: LoggedRequest[] }
    if (!response.ok) throw new Error(`${path}: ${JSON.stringify(answer)}`)
    return answer
  }
  return {
    origin,
    requests: async () => (await control('GET', 'requests')).requests,
    forget: async () => void (await control('DELETE', 'requests')),
    objects: () => control('GET', 'objects'),
    advance: async step => void (await control('POST', 'advance', step)),
    moveClock: async seconds => void (await control('POST', 'clock', { advanceSeconds: seconds })),
    faults: async (rules, seed) => void (await control('POST', 'faults', { rules, seed })),
    clearFaults: async () => void (await control('DELETE', 'faults')),
  }
}
