import { afterEach, expect } from 'vitest'
import { decodeGlobalId } from '../../../src/domain/global-id.ts'
import type { Provider } from '../../../src/domain/provider.ts'
import type { Fault } from '../../../src/sandbox/faults/fault-rule.ts'
import type { SettleFoundOptions } from '../../../src/services/creates/operations.ts'
import { startApp, type TestApp } from '../app/test-app.ts'

/**
 * The fate of the next creates at the provider. DEFERRED: rejected by a rate limit. UNAUTHORIZED: the credentials are refused. DOWN:
 * every request fails, reads too.
 */
export type CreateFate = 'ANSWERED' | 'RESPONSE_LOST' | 'REQUEST_LOST' | 'DEFERRED' | 'UNAUTHORIZED' | 'DOWN'

const FAULTS: Readonly<Record<Exclude<CreateFate, 'ANSWERED'>, Fault>> = {
  RESPONSE_LOST: { kind: 'status', status: 503, processed: true },
  REQUEST_LOST: { kind: 'status', status: 503, processed: false },
  DEFERRED: { kind: 'status', status: 429, processed: false },
  UNAUTHORIZED: { kind: 'status', status: 401, processed: false },
  DOWN: { kind: 'status', status: 503, processed: false },
}

/** Every request of Personr is a POST. */
const CREATE_PATHS: Partial<Record<Provider, string>> = { PERSONR: '*-create' }

const DEV = { tenantId: 'dev' }

/** An application for each test whose creates at one provider get lost, under a clock that the test moves. */
export function setUpLostCreates(provider: Provider) {
  let app: TestApp | undefined
  let time = Date.now()
  let keys = 0

  const opened = () => app ?? expect.fail('The application is not open.')
  const sandbox = () => opened().sandbox(provider)

  afterEach(async () => {
    await app?.close()
    app = undefined
  })

  return {
    sandbox,
    now: () => new Date(time),

    async open(env: NodeJS.ProcessEnv = {}): Promise<TestApp> {
      app = await startApp(env, { now: () => new Date(time), jobs: false })
      return app
    },

    async setFate(fate: CreateFate): Promise<void> {
      if (fate === 'ANSWERED') await sandbox().clearFaults()
      else if (fate === 'DOWN') await sandbox().faults([{ fault: FAULTS[fate] }])
      else await sandbox().faults([{ method: 'POST', path: CREATE_PATHS[provider], fault: FAULTS[fate] }])
    },

    advance(seconds: number): void {
      time += seconds * 1000
    },

    async reconcile(afterSeconds: number): Promise<void> {
      time += afterSeconds * 1000
      await opened().services.createReconciler.run()
    },

    /** The ids of the objects that are created at the provider from now on. */
    async follow(collection: string): Promise<() => Promise<string[]>> {
      const all = async () => Object.keys((await sandbox().objects())[collection] ?? {})
      const before = new Set(await all())
      return async () => (await all()).filter(id => !before.has(id))
    },

    settleFound: ({ id }: { readonly id: string }, providerId: string, options?: SettleFoundOptions) =>
      opened().services.operations.settleFound(DEV, decodeGlobalId(id)?.id ?? '', providerId, options),

    findOperation: (idempotencyKey: string) => opened().services.operations.get(DEV, { idempotencyKey }),

    newKey(): string {
      keys += 1
      return `${provider.toLowerCase()}-${keys}`
    },
  }
}
