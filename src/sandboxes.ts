import type { Config } from './config.ts'
import { PROVIDERS } from './domain/provider.ts'
import { databaseFolder } from './house.ts'
import type { ProviderModule } from './providers/contract.ts'
import type { SandboxDefinition } from './sandbox/sandbox.ts'
import { type NamedSandbox, type StartedSandbox, startSandboxes } from './sandbox/start-all.ts'

/** The sandboxes of the providers, by name and by the place that gives each its port. */
export function loadSandboxes(modules: readonly ProviderModule[]): Promise<NamedSandbox[]> {
  return Promise.all(
    modules.map(async module => {
      const { sandbox } = await module.sandbox()
      // The contract knows the part of a sandbox that a client needs; every sandbox.ts exports the whole definition.
      const definition = sandbox as SandboxDefinition
      return { provider: module.provider, definition, place: PROVIDERS.indexOf(module.provider) }
    }),
  )
}

/** Starts the sandboxes of these providers in this process. With a database in a file, they keep their objects beside it. */
export async function openSandboxes(modules: readonly ProviderModule[], { house }: Config): Promise<StartedSandbox[]> {
  const beside = databaseFolder(house.DATABASE_URL)
  const folder = beside && `${beside}/sandbox`
  return startSandboxes(await loadSandboxes(modules), { port: house.SANDBOX_PORT, folder, anyPort: true })
}

/** The sandboxes of these providers as another process on this machine serves them. */
export async function attachSandboxes(
  modules: readonly ProviderModule[],
  { house }: Config,
): Promise<StartedSandbox[]> {
  return (await loadSandboxes(modules)).map(({ provider, definition, place }) => {
    const origin = `http://localhost:${house.SANDBOX_PORT + place}`
    const baseUrl = origin + definition.basePath
    return { provider, origin, baseUrl, settings: { ...definition.credentials, baseUrl }, close: async () => {} }
  })
}
