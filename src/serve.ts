import { boot, type Running } from './boot.ts'
import { type Config, developmentKey, loadConfig } from './config.ts'
import { isShown } from './door-settings.ts'
import { registry } from './providers/registry.ts'
import type { Grace } from './server/drain.ts'
import { CONSOLE_PATH } from './server/use-console.ts'

/** Starts the server with these variables, says how to use it, and ends it on a signal. Throws what kept it from starting. */
export async function serve(env: NodeJS.ProcessEnv): Promise<void> {
  const config = loadConfig(env, Object.values(registry))
  const running = await boot(config).catch(explain)
  const { DRAIN_DELAY_MS, DRAIN_DEADLINE_MS } = config.house
  let stopping = false
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      // Who asks twice does not want to wait.
      if (stopping) process.exit(1)
      stopping = true
      // A person at the keyboard has nobody to tell first.
      const delayMs = signal === 'SIGINT' ? 0 : DRAIN_DELAY_MS
      void stop(running, { delayMs, deadlineMs: DRAIN_DEADLINE_MS })
    })
  }
  announce(running, config)
}

/** A port that somebody else has is no fault of ours. */
function explain(error: unknown): never {
  const { code, port } = error as { code?: string; port?: number }
  if (code !== 'EADDRINUSE') throw error
  throw Object.assign(new Error(`Port ${port} is taken. PORT sets another.`), { code })
}

function announce({ url, providers, sandboxes, doors }: Running, config: Config): void {
  const { CONSOLE, GRAPHIQL } = config.house
  const apiKey = developmentKey(config)
  const inBrowser = isShown(GRAPHIQL, config.house) ? '  (GraphiQL in a browser)' : ''
  const opens = apiKey ? 'the API key below opens it' : 'a key with the scope admin opens it'
  console.log(`sessiongraph  ${url}${inBrowser}`)
  if (CONSOLE === 'on') console.log(`console       ${new URL(CONSOLE_PATH, url)}  (${opens})`)
  if (apiKey) console.log(`API key       ${apiKey}  (send it as "Authorization: Bearer …"; DEV_API_KEY sets another)`)
  for (const { provider, configured, sandbox } of providers) {
    const at = sandboxes.find(running => running.provider === provider)?.origin
    const door = doors.find(open => open.provider === provider)?.path
    const real = door ? `real, webhooks at ${new URL(door, url)}` : 'real'
    const state = sandbox ? `sandbox at ${at}` : configured ? real : 'not configured'
    console.log(`${provider.padEnd(13)} ${state}`)
  }
}

async function stop(running: Running, grace: Grace): Promise<void> {
  await running.close(grace)
  process.exit(0)
}
