import { randomBytes } from 'node:crypto'
import { boot } from '../boot.ts'
import { loadConfig } from '../config.ts'
import { registry } from '../providers/registry.ts'

/** What an operation gave. */
export interface Answer<Data> {
  readonly data?: Data | null
  readonly errors?: readonly { readonly message: string; readonly extensions?: { readonly code?: string } }[]
}

export interface DemoServer {
  readonly url: string
  /** How it came to be used, for a person. */
  readonly origin: string
  ask<Data>(query: string, variables?: object): Promise<Answer<Data>>
  close(): Promise<void>
}

/**
 * The server at SESSIONGRAPH_URL; else the one on this machine's usual port, if it answers and all its providers are
 * sandboxes; else one of our own, in memory.
 */
export async function findServer(env: NodeJS.ProcessEnv): Promise<DemoServer> {
  const apiKey = env.DEV_API_KEY || loadConfig({}, []).house.DEV_API_KEY
  const named = env.SESSIONGRAPH_URL
  if (named) return { ...connect(named, apiKey), origin: 'named by SESSIONGRAPH_URL', close: async () => {} }
  const usual = connect('http://localhost:4000/graphql', apiKey)
  if (await isSandboxed(usual)) return { ...usual, origin: 'found running', close: async () => {} }
  return startServer()
}

async function startServer(): Promise<DemoServer> {
  const random = randomBytes(32).toString('hex')
  const env = { DATABASE_URL: 'sqlite::memory:', ENCRYPTION_KEY: random, PORT: '0', SANDBOX_PORT: '0' }
  const config = loadConfig({ ...env, LOG_LEVEL: 'error' }, Object.values(registry))
  const running = await boot(config)
  return { ...connect(running.url, config.house.DEV_API_KEY), origin: 'started for this run', close: running.close }
}

function connect(url: string, apiKey: string): Pick<DemoServer, 'url' | 'ask'> {
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${apiKey}` }
  return {
    url,
    ask: async <Data>(query: string, variables?: object) => {
      const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify({ query, variables }) })
      return (await response.json()) as Answer<Data>
    },
  }
}

/** False where nobody answers, and where the demo would make real sessions without being told to. */
async function isSandboxed({ ask }: Pick<DemoServer, 'ask'>): Promise<boolean> {
  try {
    const { data } = await ask<{ providers: { sandbox: boolean }[] }>('{ providers { sandbox } }')
    return data?.providers.every(({ sandbox }) => sandbox) ?? false
  } catch {
    return false
  }
}
