import { PROVIDERS } from '../domain/provider.ts'
import type { ProviderModule } from '../providers/contract.ts'
import type { SandboxDefinition } from '../sandbox/sandbox.ts'
import { type NamedSandbox, type StartedSandbox, startSandboxes } from '../sandbox/start-all.ts'
import type { Config } from './config.ts'
import { databaseFolder } from './container.ts'

/** The sandboxes of the providers. `place` is the offset of each port. */
export function loadSandboxes(
  modules: readonly ProviderModule[],
  providers: Config['providers'] = {},
): Promise<NamedSandbox[]> {
  return Promise.all(
    modules.map(async module => {
      const { sandbox } = await module.sandbox()
      // The contract types the part that a client needs; every sandbox.ts exports a whole definition.
      const definition = sandbox as SandboxDefinition
      const version = providers[module.provider]?.sandboxVersion
      return { provider: module.provider, definition, place: PROVIDERS.indexOf(module.provider), version }
    }),
  )
}

/** Starts the sandboxes in this process. With a database file, they store their objects beside it. */
export async function startSandboxesFor(
  modules: readonly ProviderModule[],
  { server, providers }: Config,
): Promise<StartedSandbox[]> {
  const beside = databaseFolder(server.DATABASE_URL)
  const folder = beside && `${beside}/sandbox`
  return startSandboxes(await loadSandboxes(modules, providers), { port: server.SANDBOX_PORT, folder, anyPort: true })
}

/** The sandboxes that another process on this machine runs. */
export async function connectToRunningSandboxes(
  modules: readonly ProviderModule[],
  { server }: Config,
): Promise<StartedSandbox[]> {
  return (await loadSandboxes(modules)).map(({ provider, definition, place }) => {
    const origin = `http://localhost:${server.SANDBOX_PORT + place}`
    const baseUrl = origin + definition.basePath
    return { provider, origin, baseUrl, settings: { ...definition.credentials, baseUrl }, close: async () => {} }
  })
}
