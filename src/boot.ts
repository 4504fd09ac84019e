import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { dirname } from 'node:path'
import { openDatabase } from '../db/database.ts'
import { buildSchema } from '../schema/index.ts'
import { type Config, decodeKey } from './config.ts'
import { PROVIDERS } from './domain/provider.ts'
import { readExamples } from './examples.ts'
import type { ProviderModule } from './providers/contract.ts'
import { registry } from './providers/registry.ts'
import type { SandboxDefinition } from './sandbox/sandbox.ts'
import { type StartedSandbox, startSandboxes } from './sandbox/start-all.ts'
import { createKeyAuthentication } from './security/api-keys.ts'
import { readOrCreateKey } from './security/key-file.ts'
import { createVault } from './security/vault.ts'
import { type App, createApp, GRAPHQL_PATH } from './server/app.ts'
import { graphiqlOptions } from './server/graphiql.ts'
import { type AccountSetup, openAccounts, type ProviderInfo } from './services/accounts.ts'
import { createServices, type Services } from './services/services.ts'
import { createLog, toServerLog } from './telemetry/log.ts'

export const DEV_TENANT = 'dev'

export interface Running {
  /** Where clients send their operations. */
  readonly url: string
  readonly app: App
  readonly services: Services
  readonly providers: readonly ProviderInfo[]
  readonly sandboxes: readonly StartedSandbox[]
  close(): Promise<void>
}

/** What tests replace. */
export interface BootOptions {
  readonly now?: () => Date
}

/** Config → database → providers → schema → listen. Close undoes all of it. */
export async function boot({ house, providers }: Config, options: BootOptions = {}): Promise<Running> {
  const now = options.now ?? (() => new Date())
  const key = house.ENCRYPTION_KEY ? decodeKey(house.ENCRYPTION_KEY) : readOrCreateKey(keyFile(house.DATABASE_URL))
  const db = await openDatabase(house.DATABASE_URL, createVault(key))
  const modules: readonly ProviderModule[] = Object.values(registry)
  const lacking = modules.filter(module => !module.isConfigured(providers[module.provider] ?? { baseUrl: '' }))
  const sandboxes = house.SANDBOX === 'on' ? await openSandboxes(lacking, house) : []
  const accounts = await openAccounts(toSetups(modules, providers, sandboxes), {
    db,
    tenantId: DEV_TENANT,
    now,
    readDeadlineMs: house.READ_DEADLINE_MS,
    createDeadlineMs: house.CREATE_DEADLINE_MS,
    connections: house.UPSTREAM_CONNECTIONS,
    maxAnswerBytes: house.UPSTREAM_MAX_BYTES,
  })
  const services = createServices({
    db,
    accounts,
    now,
    defaultMaxAgeSeconds: house.MAX_AGE_SECONDS,
    createDeadlineMs: house.CREATE_DEADLINE_MS,
  })
  const app = createApp({
    schema: await buildSchema(registry),
    services,
    authenticate: createKeyAuthentication(house.DEV_API_KEY, DEV_TENANT),
    deadlines: { queryDeadlineMs: house.QUERY_DEADLINE_MS, mutationDeadlineMs: house.MUTATION_DEADLINE_MS },
    graphiql: graphiqlOptions(readExamples(), house.DEV_API_KEY),
    logger: toServerLog(createLog(house.LOG_LEVEL)),
    now,
  })
  const server = createServer(app)
  await listen(server, house.PORT, house.HOST)
  return {
    url: `http://${house.HOST}:${(server.address() as AddressInfo).port}${GRAPHQL_PATH}`,
    app,
    services,
    providers: accounts.list(DEV_TENANT),
    sandboxes,
    close: async () => {
      await close(server)
      await accounts.close()
      await Promise.all(sandboxes.map(sandbox => sandbox.close()))
      await db.close()
    },
  }
}

/** The sandboxes of these providers, each on the port that its place among all providers gives it. */
async function openSandboxes(modules: readonly ProviderModule[], house: Config['house']): Promise<StartedSandbox[]> {
  const named = await loadSandboxes(modules)
  const folder = isInMemory(house.DATABASE_URL) ? undefined : `${dirname(databaseFile(house.DATABASE_URL))}/sandbox`
  return startSandboxes(named, { port: house.SANDBOX_PORT, folder, anyPort: true })
}

export function loadSandboxes(modules: readonly ProviderModule[]) {
  return Promise.all(
    modules.map(async module => {
      const { sandbox } = await module.sandbox()
      // The contract knows the part of a sandbox that a client needs; every sandbox.ts exports the whole definition.
      return {
        provider: module.provider,
        definition: sandbox as SandboxDefinition,
        place: PROVIDERS.indexOf(module.provider),
      }
    }),
  )
}

/** A provider with credentials is used as it is set; one without by its sandbox, or not at all. Never mixed silently. */
function toSetups(
  modules: readonly ProviderModule[],
  providers: Config['providers'],
  sandboxes: readonly StartedSandbox[],
): AccountSetup[] {
  return modules.map(module => {
    const set = providers[module.provider]
    if (set && module.isConfigured(set)) return { module, settings: set, sandbox: false }
    const sandbox = sandboxes.find(({ provider }) => provider === module.provider)
    return { module, settings: sandbox && module.settings.parse({ ...set, ...sandbox.settings }), sandbox: true }
  })
}

function databaseFile(url: string): string {
  return url.replace(/^sqlite:/, '')
}

function isInMemory(url: string): boolean {
  return databaseFile(url) === ':memory:'
}

function keyFile(url: string): string {
  return isInMemory(url) ? '.data/encryption.key' : `${dirname(databaseFile(url))}/encryption.key`
}

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, resolve)
  })
}

function close(server: Server): Promise<void> {
  return new Promise(resolve => {
    server.close(() => resolve())
    server.closeIdleConnections()
  })
}
