import { boot, type Running } from './boot.ts'
import { ConfigError, developmentKey, loadConfig } from './config.ts'
import { registry } from './providers/registry.ts'

/** Starts the server and says how to use it. The only file with side effects. */

try {
  const config = loadConfig(process.env, Object.values(registry))
  const running = await boot(config)
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop(running))
  announce(running, developmentKey(config))
} catch (error) {
  console.error(error instanceof ConfigError ? error.message : error)
  process.exit(1)
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

async function stop(running: Running): Promise<void> {
  await running.close()
  process.exit(0)
}
