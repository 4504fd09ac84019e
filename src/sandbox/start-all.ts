import type { SandboxDefinition } from './sandbox.ts'
import { type RunningSandbox, startSandbox } from './server.ts'

export interface NamedSandbox {
  readonly provider: string
  readonly definition: SandboxDefinition
  /** The position among all providers, which determines the port. */
  readonly place: number
  /** The provider's version to implement. */
  readonly version?: string
}

export interface StartedSandbox extends RunningSandbox {
  readonly provider: string
  /** The settings with which the provider's client connects to it. */
  readonly settings: { readonly baseUrl: string } & Readonly<Record<string, unknown>>
}

export interface StartAllOptions {
  /** The first port; the others follow. 0 for any free ports. */
  readonly port: number
  /** The folder for persistent objects; absent: in memory only. */
  readonly folder?: string
  /** True to use any free port if the chosen one is in use. */
  readonly anyPort: boolean
}

/** Starts the sandboxes in parallel. */
export function startSandboxes(
  sandboxes: readonly NamedSandbox[],
  options: StartAllOptions,
): Promise<StartedSandbox[]> {
  return Promise.all(sandboxes.map(sandbox => startOne(sandbox, options)))
}

async function startOne(sandbox: NamedSandbox, options: StartAllOptions): Promise<StartedSandbox> {
  const { provider, definition, place, version } = sandbox
  const file = options.folder && `${options.folder}/${provider.toLowerCase()}.json`
  const port = options.port === 0 ? 0 : options.port + place
  const running = await startSandbox(definition, { port, file, version }).catch((error: unknown) => {
    if (!options.anyPort || !isPortTaken(error)) throw error
    return startSandbox(definition, { port: 0, file, version })
  })
  return { ...running, provider, settings: { ...definition.credentials, baseUrl: running.baseUrl } }
}

function isPortTaken(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EADDRINUSE'
}
