import type { SandboxDefinition } from './sandbox.ts'
import { type RunningSandbox, startSandbox } from './server.ts'

export interface NamedSandbox {
  readonly provider: string
  readonly definition: SandboxDefinition
  /** Its place among all providers, which gives it its port. */
  readonly place: number
}

export interface StartedSandbox extends RunningSandbox {
  readonly provider: string
  /** The settings by which the provider's client reaches it. */
  readonly settings: { readonly baseUrl: string } & Readonly<Record<string, unknown>>
}

export interface StartAllOptions {
  /** The first one's port, the others follow; 0 for any free ports. */
  readonly port: number
  /** The folder where their objects outlive the process; absent: in memory only. */
  readonly folder?: string
  /** True to take any free port where the wanted one is taken. */
  readonly anyPort: boolean
}

/** Starts the sandboxes side by side, in the order given. */
export function startSandboxes(
  sandboxes: readonly NamedSandbox[],
  options: StartAllOptions,
): Promise<StartedSandbox[]> {
  return Promise.all(sandboxes.map(sandbox => startOne(sandbox, options)))
}

async function startOne(sandbox: NamedSandbox, options: StartAllOptions): Promise<StartedSandbox> {
  const { provider, definition, place } = sandbox
  const file = options.folder && `${options.folder}/${provider.toLowerCase()}.json`
  const port = options.port === 0 ? 0 : options.port + place
  const running = await startSandbox(definition, { port, file }).catch((error: unknown) => {
    if (!options.anyPort || !isPortTaken(error)) throw error
    return startSandbox(definition, { port: 0, file })
  })
  return { ...running, provider, settings: { ...definition.credentials, baseUrl: running.baseUrl } }
}

function isPortTaken(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EADDRINUSE'
}
