import { registry } from '../providers/registry.ts'
import { type StartedSandbox, startSandboxes } from '../sandbox/start-all.ts'
import { envVarName, loadConfig } from './config.ts'
import { loadSandboxes } from './sandboxes.ts'

/** Runs the sandboxes without the server until a signal. The output is valid in a shell and in an .env file. */
export async function runSandboxCommand(env: NodeJS.ProcessEnv): Promise<void> {
  const modules = Object.values(registry)
  const { SANDBOX_PORT, KAYLE_SANDBOX_VERSION } = env
  const { server, providers } = loadConfig({ SANDBOX_PORT, KAYLE_SANDBOX_VERSION }, modules)
  const named = await loadSandboxes(modules, providers)
  const sandboxes = await startSandboxes(named, { port: server.SANDBOX_PORT, anyPort: false }).catch(explainStartError)
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.once(signal, () => stop(sandboxes))
  console.log('# Provider sandboxes are running. Press Ctrl+C to stop. See docs/reference/sandbox.md.')
  for (const sandbox of sandboxes) console.log(toLines(sandbox).join('\n'))
}

function toLines({ provider, settings }: StartedSandbox): string[] {
  const { baseUrl, ...credentials } = settings
  const all = Object.entries({ baseUrl, ...credentials })
  return ['', ...all.map(([name, value]) => `${envVarName(provider, name)}=${quoted(String(value))}`)]
}

/** Quoted if a shell would interpret the value. */
function quoted(value: string): string {
  return /^[\w@%+:,./-]*$/.test(value) ? value : `'${value.replaceAll("'", "'\\''")}'`
}

function explainStartError(error: unknown): never {
  const { code, port } = error as { code?: string; port?: number }
  if (code !== 'EADDRINUSE') throw error
  throw Object.assign(new Error(`Port ${port} is in use. Set SANDBOX_PORT to use five other ports.`), { code })
}

async function stop(sandboxes: readonly StartedSandbox[]): Promise<void> {
  await Promise.all(sandboxes.map(sandbox => sandbox.close()))
  process.exit(0)
}
