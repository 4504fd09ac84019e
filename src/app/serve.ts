import { CONSOLE_PATH } from '../http/admin/use-console.ts'
import type { ShutdownTimeouts } from '../http/admission/graceful-shutdown.ts'
import { registry } from '../providers/registry.ts'
import { type Config, developmentKey, loadConfig } from './config.ts'
import { isExposed } from './http-settings.ts'
import { type RunningServer, startServer } from './start-server.ts'

/** Starts the server, prints its URLs and stops it on SIGINT or SIGTERM. */
export async function serve(env: NodeJS.ProcessEnv): Promise<void> {
  const config = loadConfig(env, Object.values(registry))
  const running = await startServer(config).catch(explainStartError)
  const { DRAIN_DELAY_MS, DRAIN_DEADLINE_MS } = config.server
  let stopping = false
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      // A second signal stops at once.
      if (stopping) process.exit(1)
      stopping = true
      // SIGINT comes from a terminal, where no load balancer has to notice first.
      const delayMs = signal === 'SIGINT' ? 0 : DRAIN_DELAY_MS
      void stop(running, { delayMs, deadlineMs: DRAIN_DEADLINE_MS })
    })
  }
  printAddresses(running, config)
}

function explainStartError(error: unknown): never {
  const { code, port } = error as { code?: string; port?: number }
  if (code !== 'EADDRINUSE') throw error
  throw Object.assign(new Error(`Port ${port} is in use. Set PORT to use another.`), { code })
}

function printAddresses({ url, providers, sandboxes, webhookRoutes }: RunningServer, config: Config): void {
  const { CONSOLE, GRAPHIQL } = config.server
  const apiKey = developmentKey(config)
  const inBrowser = isExposed(GRAPHIQL, config.server) ? '  (GraphiQL in a browser)' : ''
  const login = apiKey ? 'log in with the API key below' : 'log in with an API key that has the scope admin'
  console.log(`sessiongraph  ${url}${inBrowser}`)
  if (CONSOLE === 'on') console.log(`console       ${new URL(CONSOLE_PATH, url)}  (${login})`)
  if (apiKey)
    console.log(`API key       ${apiKey}  (send it as "Authorization: Bearer …"; set DEV_API_KEY to change it)`)
  for (const { provider, configured, sandbox } of providers) {
    const at = sandboxes.find(running => running.provider === provider)?.origin
    const route = webhookRoutes.find(known => known.provider === provider)
    const real = route ? `real, webhooks at ${new URL(route.path, url)}` : 'real'
    const state = sandbox ? `sandbox at ${at}` : configured ? real : 'not configured'
    console.log(`${provider.padEnd(13)} ${state}`)
  }
}

async function stop(running: RunningServer, timeouts: ShutdownTimeouts): Promise<void> {
  await running.close(timeouts)
  process.exit(0)
}
