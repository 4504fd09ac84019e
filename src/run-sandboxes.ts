import { loadConfig, toVariable } from './config.ts'
import { registry } from './providers/registry.ts'
import { type StartedSandbox, startSandboxes } from './sandbox/start-all.ts'
import { loadSandboxes } from './sandboxes.ts'

/** Runs the sandboxes alone until a signal. Prints only what a shell or an .env file takes. Throws what kept it from starting. */
export async function runSandboxes(env: NodeJS.ProcessEnv): Promise<void> {
  const { house } = loadConfig({ SANDBOX_PORT: env.SANDBOX_PORT }, [])
  const named = await loadSandboxes(Object.values(registry))
  const sandboxes = await startSandboxes(named, { port: house.SANDBOX_PORT, anyPort: false }).catch(explain)
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop(sandboxes))
  console.log('# The sandboxes of the providers. SIGINT ends them; docs/sandbox.md says how to drive them.')
  for (const sandbox of sandboxes) console.log(toLines(sandbox).join('\n'))
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

function explain(error: unknown): never {
  const { code, port } = error as { code?: string; port?: number }
  if (code !== 'EADDRINUSE') throw error
  throw Object.assign(new Error(`Port ${port} is taken. SANDBOX_PORT moves the first of the five ports.`), { code })
}

async function stop(sandboxes: readonly StartedSandbox[]): Promise<void> {
  await Promise.all(sandboxes.map(sandbox => sandbox.close()))
  process.exit(0)
}
