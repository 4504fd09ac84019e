import type { Provider } from '../../src/domain/provider.ts'
import type { ProviderModule } from '../../src/providers/contract.ts'
import { registry } from '../../src/providers/registry.ts'
import { startSandboxes } from '../../src/sandbox/start-all.ts'
import { loadSandboxes } from '../../src/sandboxes.ts'
import { controlSandbox, type House, type SandboxControl } from './house.ts'

/** Providers of one tenant's own, so that what two tenants have there never meets. */
export interface OwnProviders {
  sandbox(provider: Provider): SandboxControl
  /** What an operator would pipe into `providers set`. */
  settings(provider: Provider): Record<string, string>
  close(): Promise<void>
}

export async function startOwnProviders(): Promise<OwnProviders> {
  const modules: readonly ProviderModule[] = Object.values(registry)
  const sandboxes = await startSandboxes(await loadSandboxes(modules), { port: 0, anyPort: true })
  function started(provider: Provider) {
    const sandbox = sandboxes.find(each => each.provider === provider)
    if (!sandbox) throw new Error(`There is no sandbox of ${provider}.`)
    return sandbox
  }
  return {
    sandbox: provider => controlSandbox(started(provider).origin),
    settings: provider =>
      Object.fromEntries(Object.entries(started(provider).settings).map(([name, value]) => [name, String(value)])),
    close: async () => void (await Promise.all(sandboxes.map(sandbox => sandbox.close()))),
  }
}

/** Connects a tenant to all of these providers. */
export async function connectTenant(
  { services }: Pick<House, 'services'>,
  tenantId: string,
  own: OwnProviders,
): Promise<void> {
  for (const provider of Object.keys(registry) as Provider[]) {
    await services.providerSettings.set({ tenantId }, { provider, given: own.settings(provider) })
  }
}
