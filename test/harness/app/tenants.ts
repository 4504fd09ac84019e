import { loadSandboxes } from '../../../src/app/sandboxes.ts'
import type { Provider } from '../../../src/domain/provider.ts'
import type { ProviderModule } from '../../../src/providers/contract.ts'
import { registry } from '../../../src/providers/registry.ts'
import { startSandboxes } from '../../../src/sandbox/start-all.ts'
import { controlSandbox, type SandboxControl, type TestApp } from './test-app.ts'

/** Separate provider sandboxes for one tenant, so that two tenants share no provider data. */
export interface OwnProviders {
  sandbox(provider: Provider): SandboxControl
  /** The input of `providers set`. */
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

/** Connects the tenant to all of these providers. */
export async function connectTenant(
  { services }: Pick<TestApp, 'services'>,
  tenantId: string,
  own: OwnProviders,
): Promise<void> {
  for (const provider of Object.keys(registry) as Provider[]) {
    await services.providerSettings.set({ tenantId }, { provider, given: own.settings(provider) })
  }
}
