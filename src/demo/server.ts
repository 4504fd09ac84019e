import { randomBytes } from 'node:crypto'
import { loadConfig } from '../app/config.ts'
import { loopbackUrl } from '../app/server-url.ts'
import { startServer } from '../app/start-server.ts'
import { registry } from '../providers/registry.ts'

/** The result of an operation. */
export interface GraphqlResponse<Data> {
  readonly data?: Data | null
  readonly errors?: readonly { readonly message: string; readonly extensions?: { readonly code?: string } }[]
}

export interface DemoServer {
  readonly url: string
  /** Why this server was chosen, for the output. */
  readonly origin: string
  execute<Data>(query: string, variables?: object): Promise<GraphqlResponse<Data>>
  close(): Promise<void>
}

/**
 * The server at SESSIONGRAPH_URL; otherwise the one with these settings on this machine, if all its providers are
 * sandboxes; otherwise a temporary one in memory.
 */
export async function findServer(env: NodeJS.ProcessEnv): Promise<DemoServer> {
  const apiKey = env.DEV_API_KEY || loadConfig({}, []).server.DEV_API_KEY
  const configured = env.SESSIONGRAPH_URL
  if (configured) return { ...connect(configured, apiKey), origin: 'named by SESSIONGRAPH_URL', close: async () => {} }
  const { HOST, PORT, BASE_PATH = '' } = loadConfig(env, Object.values(registry)).server
  const origin = PORT === 0 ? undefined : loopbackUrl(HOST, PORT)
  const local = origin && connect(`${origin}${BASE_PATH}/graphql`, apiKey)
  if (local && (await isSandboxed(local))) return { ...local, origin: 'found running', close: async () => {} }
  return startDemoServer()
}

async function startDemoServer(): Promise<DemoServer> {
  const random = randomBytes(32).toString('hex')
  const env = { DATABASE_URL: 'sqlite::memory:', ENCRYPTION_KEY: random, PORT: '0', SANDBOX_PORT: '0' }
  const config = loadConfig({ ...env, LOG_LEVEL: 'error' }, Object.values(registry))
  const running = await startServer(config)
  return { ...connect(running.url, config.server.DEV_API_KEY), origin: 'started for this run', close: running.close }
}

function connect(url: string, apiKey: string): Pick<DemoServer, 'url' | 'execute'> {
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${apiKey}` }
  return {
    url,
    execute: async <Data>(query: string, variables?: object) => {
      const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify({ query, variables }) })
      return (await response.json()) as GraphqlResponse<Data>
    },
  }
}

/** False if there is no server, or if the demo would create real sessions without an explicit request. */
async function isSandboxed({ execute }: Pick<DemoServer, 'execute'>): Promise<boolean> {
  try {
    const { data } = await execute<{ providers: { sandbox: boolean }[] }>('{ providers { sandbox } }')
    return data?.providers.every(({ sandbox }) => sandbox) ?? false
  } catch {
    return false
  }
}
