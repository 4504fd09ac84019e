import type { BootOptions } from '../../src/boot.ts'
import { toVariable } from '../../src/config.ts'
import { PROVIDERS, type Provider } from '../../src/domain/provider.ts'
import type { ProviderModule } from '../../src/providers/contract.ts'
import { registry } from '../../src/providers/registry.ts'
import { startSandboxes } from '../../src/sandbox/start-all.ts'
import { loadSandboxes } from '../../src/sandboxes.ts'
import { type House, startHouse } from './house.ts'
import { startUnruly, type Unruly } from './unruly.ts'

/** A house whose providers' sandboxes stand behind a door each, at which a test says how the provider behaves. */

export interface UnrulyHouse extends House {
  at(provider: Provider): Unruly
}

/** This token of Personr's sandbox outlives every login. */
const PERSONR_TOKEN = 'bus|4242424242424x424242424242424242|4343434343434x434343434343434343'

export async function startUnrulyHouse(env: NodeJS.ProcessEnv = {}, options: BootOptions = {}): Promise<UnrulyHouse> {
  const modules: readonly ProviderModule[] = Object.values(registry)
  const sandboxes = await startSandboxes(await loadSandboxes(modules), { port: 0, anyPort: true })
  const doors = new Map<string, Unruly>()
  const settings: Record<string, string> = { PERSONR_API_KEY: PERSONR_TOKEN, SANDBOX: 'off' }
  for (const { origin, provider, settings: given } of sandboxes) {
    const door = await startUnruly(origin)
    doors.set(provider, door)
    const baseUrl = given.baseUrl.replace(origin, door.origin)
    for (const [name, value] of Object.entries({ ...given, baseUrl }))
      settings[toVariable(provider, name)] = String(value)
  }
  const house = await startHouse({ ...settings, ...env }, { jobs: false, now: createTicker(), ...options })
  const at = (provider: Provider) => {
    const door = doors.get(provider)
    if (!door) throw new Error(`${provider} has no door here.`)
    return door
  }
  return {
    ...house,
    at,
    close: async () => {
      // What hangs is let go first, so that nothing waits for its deadline.
      await Promise.all(PROVIDERS.map(provider => at(provider).close()))
      await house.close()
      await Promise.all(sandboxes.map(sandbox => sandbox.close()))
    },
  }
}

/** A clock that never tells the same time twice: what was read a moment ago is old when it is asked for anew. */
function createTicker(): () => Date {
  let last = 0
  return () => {
    last = Math.max(last + 1, Date.now())
    return new Date(last)
  }
}
