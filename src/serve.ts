import { boot, type Running } from './boot.ts'
import { developmentKey, loadConfig } from './config.ts'
import { registry } from './providers/registry.ts'
import type { Grace } from './server/drain.ts'

/** Starts the server with these variables, says how to use it, and ends it on a signal. Throws what kept it from starting. */
export async function serve(env: NodeJS.ProcessEnv): Promise<void> {
  const config = loadConfig(env, Object.values(registry))
  const running = await boot(config)
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
  announce(running, developmentKey(config))
}

function announce({ url, providers, sandboxes, doors }: Running, apiKey: string | undefined): void {
  console.log(`sessiongraph  ${url}  (GraphiQL in a browser)`)
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
