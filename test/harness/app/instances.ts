import { envVarName } from '../../../src/app/config.ts'
import { loadSandboxes } from '../../../src/app/sandboxes.ts'
import type { StartOptions } from '../../../src/app/start-server.ts'
import type { Provider } from '../../../src/domain/provider.ts'
import type { ProviderModule } from '../../../src/providers/contract.ts'
import { registry } from '../../../src/providers/registry.ts'
import { startSandboxes } from '../../../src/sandbox/start-all.ts'
import { type FaultyProvider, startFaultyProvider } from '../providers/faulty-provider.ts'
import { type TestDatabase, takeDatabase } from './database.ts'
import { controlSandbox, type SandboxControl, startApp, type TestApp } from './test-app.ts'

/** Several instances with their own clocks, one shared database and the same providers. */
export interface Instances {
  readonly apps: readonly TestApp[]
  readonly database: TestDatabase
  at(place: number): TestApp
  /** A provider's sandbox, and the proxy that can delay its responses. */
  provider(provider: Provider): { readonly sandbox: SandboxControl; readonly policy: FaultyProvider }
  close(): Promise<void>
}

export interface Instance extends StartOptions {
  readonly env?: NodeJS.ProcessEnv
  /** Providers for which the instance has no credentials. */
  readonly lacks?: readonly Provider[]
}

/** Long deadlines, so that a slow machine does not fail the tests. */
const LONG_DEADLINES = { SANDBOX: 'off', READ_DEADLINE_MS: '10000', QUERY_DEADLINE_MS: '30000' }

/** The timeout for starting several instances while other tests run. */
export const SLOW_START_MS = 60_000

export async function startInstances(
  providers: readonly Provider[],
  instances: readonly Instance[],
): Promise<Instances> {
  const modules: readonly ProviderModule[] = providers.map(provider => registry[provider])
  const sandboxes = await startSandboxes(await loadSandboxes(modules), { port: 0, anyPort: true })
  const endpoints = await Promise.all(sandboxes.map(({ origin }) => startFaultyProvider(origin)))
  const database = await takeDatabase()
  const apps: TestApp[] = []
  for (const { env, lacks = [], ...options } of instances) {
    const settings: Record<string, string> = { ...LONG_DEADLINES, DATABASE_URL: database.url }
    sandboxes.forEach(({ provider, origin, settings: given }, place) => {
      if (lacks.includes(provider as Provider)) return
      const baseUrl = given.baseUrl.replace(origin, endpoints[place]?.origin ?? '')
      for (const [name, value] of Object.entries({ ...given, baseUrl }))
        settings[envVarName(provider as Provider, name)] = String(value)
    })
    apps.push(await startApp({ ...settings, ...env }, { jobs: false, ...options }))
  }
  return {
    apps,
    database,
    at: place => apps[place] as TestApp,
    provider: provider => {
      const place = sandboxes.findIndex(sandbox => sandbox.provider === provider)
      return { sandbox: controlSandbox(sandboxes[place]?.origin ?? ''), policy: endpoints[place] as FaultyProvider }
    },
    close: async () => {
      await Promise.all(endpoints.map(policy => policy.close()))
      await Promise.all(apps.map(app => app.close()))
      await Promise.all(sandboxes.map(sandbox => sandbox.close()))
      await database.release()
    },
  }
}
