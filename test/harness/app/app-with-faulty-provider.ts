import { envVarName } from '../../../src/app/config.ts'
import { loadSandboxes } from '../../../src/app/sandboxes.ts'
import type { StartOptions } from '../../../src/app/start-server.ts'
import { PROVIDERS, type Provider } from '../../../src/domain/provider.ts'
import type { ProviderModule } from '../../../src/providers/contract.ts'
import { registry } from '../../../src/providers/registry.ts'
import { startSandboxes } from '../../../src/sandbox/start-all.ts'
import { type FaultyProvider, startFaultyProvider } from '../providers/faulty-provider.ts'
import { startApp, type TestApp } from './test-app.ts'

/** An application with a fault-injecting proxy in front of each provider sandbox. */

export interface AppWithFaultyProvider extends TestApp {
  at(provider: Provider): FaultyProvider
}

/** A token of Personr's sandbox that a login does not invalidate. */
const PERSONR_TOKEN = 'bus|4242424242424x424242424242424242|4343434343434x434343434343434343'

export async function startAppWithFaultyProvider(
  env: NodeJS.ProcessEnv = {},
  options: StartOptions = {},
): Promise<AppWithFaultyProvider> {
  const modules: readonly ProviderModule[] = Object.values(registry)
  const sandboxes = await startSandboxes(await loadSandboxes(modules), { port: 0, anyPort: true })
  const endpoints = new Map<string, FaultyProvider>()
  const settings: Record<string, string> = { PERSONR_API_KEY: PERSONR_TOKEN, SANDBOX: 'off' }
  for (const { origin, provider, settings: given } of sandboxes) {
    const policy = await startFaultyProvider(origin)
    endpoints.set(provider, policy)
    const baseUrl = given.baseUrl.replace(origin, policy.origin)
    for (const [name, value] of Object.entries({ ...given, baseUrl }))
      settings[envVarName(provider, name)] = String(value)
  }
  const app = await startApp({ ...settings, ...env }, { jobs: false, now: createTicker(), ...options })
  const at = (provider: Provider) => {
    const policy = endpoints.get(provider)
    if (!policy) throw new Error(`${provider} has no endpoint here.`)
    return policy
  }
  return {
    ...app,
    at,
    close: async () => {
      // Closes hanging connections first, so that no request waits for its deadline.
      await Promise.all(PROVIDERS.map(provider => at(provider).close()))
      await app.close()
      await Promise.all(sandboxes.map(sandbox => sandbox.close()))
    },
  }
}

/** A strictly increasing clock, so that a record is stale at its next read. */
function createTicker(): () => Date {
  let last = 0
  return () => {
    last = Math.max(last + 1, Date.now())
    return new Date(last)
  }
}
