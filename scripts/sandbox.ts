import { ConfigError, loadConfig, toVariable } from '../src/config.ts'
import { registry } from '../src/providers/registry.ts'
import { type StartedSandbox, startSandboxes } from '../src/sandbox/start-all.ts'
import { loadSandboxes } from '../src/sandboxes.ts'

/** Runs the five sandboxes alone: `npm run sandbox`. Prints only what a shell or an .env file takes. */

try {
  const { house } = loadConfig({ SANDBOX_PORT: process.env.SANDBOX_PORT }, [])
  const named = await loadSandboxes(Object.values(registry))
  const sandboxes = await startSandboxes(named, { port: house.SANDBOX_PORT, anyPort: false })
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop(sandboxes))
  console.log('# The sandboxes of the providers. SIGINT ends them; docs/sandbox.md says how to drive them.')
  for (const sandbox of sandboxes) console.log(toLines(sandbox).join('\n'))
} catch (error) {
  console.error(explain(error))
  process.exit(1)
}

function toLines({ provider, settings }: StartedSandbox): string[] {
  const { baseUrl, ...credentials } = settings
  const all = Object.entries({ baseUrl, ...credentials })
  return ['', ...all.map(([name, value]) => `${toVariable(provider, name)}=${quoted(String(value))}`)]
}

/** As it is where no shell would read anything into it. */
function quoted(value: string): string {
  return /^[\w@%+:,./-]*$/.test(value) ? value : `'${value.replaceAll("'", "'\\''")}'`
}

function explain(error: unknown): unknown {
  if (error instanceof ConfigError) return error.message
  const { code, port } = error as { code?: string; port?: number }
  return code === 'EADDRINUSE' ? `Port ${port} is taken. SANDBOX_PORT moves the first of the five ports.` : error
}

async function stop(sandboxes: readonly StartedSandbox[]): Promise<void> {
  await Promise.all(sandboxes.map(sandbox => sandbox.close()))
  process.exit(0)
}
