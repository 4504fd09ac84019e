import { dirname } from 'node:path'
import { type OpenDatabase, openDatabase } from '../db/database.ts'
import { engineOf, sqliteFile } from '../db/dialect.ts'
import { openHouseKey } from '../db/tombstone-repository.ts'
import { type Config, ConfigError, decodeKeys, upstreamLimits } from './config.ts'
import type { CallWatch } from './domain/provider-call.ts'
import { createHub } from './live/hub.ts'
import { createWatched } from './live/watched.ts'
import type { ProviderModule } from './providers/contract.ts'
import { registry } from './providers/registry.ts'
import { shareBreakerHints } from './redis/breaker-hints.ts'
import type { Redis } from './redis/redis.ts'
import { shareTurns } from './redis/turns.ts'
import { shareWakes } from './redis/wakes.ts'
import type { StartedSandbox } from './sandbox/start-all.ts'
import { readOrCreateKey } from './security/key-file.ts'
import { createVault, UnreadableError } from './security/vault.ts'
import { type AccountSetup, openAccounts, type ProviderInfo } from './services/accounts.ts'
import { createServices, type Services } from './services/services.ts'
import { createLog, type Logger } from './telemetry/log.ts'
import { NO_TURNS } from './upstream/turns.ts'

export const DEV_TENANT = 'dev'

/** The house without its doors: database, providers and services, for the server and the command line alike. */
export interface House {
  readonly db: OpenDatabase
  readonly log: Logger
  /** What several instances share; undefined for one that is alone. */
  readonly redis: Redis | undefined
  readonly services: Services
  readonly providers: readonly ProviderInfo[]
  readonly sandboxes: readonly StartedSandbox[]
  close(): Promise<void>
}

export interface HouseOptions {
  readonly now: () => Date
  /** Stderr if left out. */
  readonly log?: Logger
  /** Is told of every request towards a provider. */
  readonly watch?: CallWatch
  /** Gives the sandboxes of the providers that have no credentials. */
  readonly sandboxes: (modules: readonly ProviderModule[], config: Config) => Promise<StartedSandbox[]>
}

export async function openHouse(config: Config, options: HouseOptions): Promise<House> {
  const { house, providers } = config
  const { now } = options
  const log = options.log ?? createLog(house.LOG_LEVEL)
  const keys = house.ENCRYPTION_KEY ? decodeKeys(house.ENCRYPTION_KEY) : readOrCreateKey(keyFile(house.DATABASE_URL))
  const vault = createVault(keys, error => log.error({ err: error }, 'a stored value cannot be opened'))
  const db = await openDatabase(house.DATABASE_URL, vault, {
    connections: house.DATABASE_CONNECTIONS,
    connectMs: house.DATABASE_CONNECT_MS,
    statementMs: house.DATABASE_STATEMENT_MS,
    migrate: house.AUTO_MIGRATE === 'on',
  })
  await checkKey(db, now())
  const redis = await connectRedis(house.REDIS_URL, log)
  const modules: readonly ProviderModule[] = Object.values(registry)
  const lacking = modules.filter(module => !module.isConfigured(providers[module.provider] ?? { baseUrl: '' }))
  const sandboxes = house.SANDBOX === 'on' ? await options.sandboxes(lacking, config) : []
  const setups = toSetups(modules, providers, sandboxes)
  const accounts = await openAccounts(setups, {
    db,
    tenantId: DEV_TENANT,
    now,
    report: error => log.error({ err: error }, 'unexpected error'),
    hints: redis && shareBreakerHints(redis),
    watch: options.watch,
    ...upstreamLimits(house),
  })
  const services = createServices({
    db,
    accounts,
    setups,
    firstTenant: DEV_TENANT,
    hub: redis ? shareWakes(createHub(), redis) : createHub(),
    turns: redis ? shareTurns(redis, house.READ_DEADLINE_MS) : NO_TURNS,
    watched: createWatched(),
    pollsPerMinute: house.POLLS_PER_MINUTE,
    now,
    report: error => log.error({ err: error }, 'unexpected error'),
    defaultMaxAgeSeconds: house.MAX_AGE_SECONDS,
    createDeadlineMs: house.CREATE_DEADLINE_MS,
    settleDelaySeconds: house.SETTLE_DELAY_SECONDS,
    firstCheckSeconds: house.FIRST_CHECK_SECONDS,
    lastCheckSeconds: house.LAST_CHECK_SECONDS,
  })
  await services.tenants.ensure(DEV_TENANT)
  return {
    db,
    log,
    redis,
    services,
    providers: await accounts.list(DEV_TENANT),
    sandboxes,
    close: async () => {
      await services.sightings.flush()
      await services.observations.flush(true).catch(error => log.error({ err: error }, 'what was seen is lost'))
      await accounts.close()
      await redis?.close()
      await Promise.all(sandboxes.map(sandbox => sandbox.close()))
      await db.close()
    },
  }
}

/** Who has no Redis does not load what speaks to it. */
async function connectRedis(url: string | undefined, log: Logger): Promise<Redis | undefined> {
  if (url === undefined) return undefined
  const { openRedis } = await import('./redis/redis.ts')
  return openRedis({ url, report: toReport(log) })
}

function toReport(log: Logger): (isUp: boolean) => void {
  return isUp => {
    if (isUp) log.info('Redis answers')
    else log.warn('Redis is away: this instance works on without it, and shares nothing with others')
  }
}

/** A key that opens nothing would be found out one value at a time, and seal more meanwhile. Throws ConfigError. */
async function checkKey(db: OpenDatabase, now: Date): Promise<void> {
  try {
    await openHouseKey(db, now)
  } catch (error) {
    await db.close()
    if (!(error instanceof UnreadableError)) throw error
    throw new ConfigError([`ENCRYPTION_KEY: It does not open this database, whose key is ${error.keyId ?? 'unknown'}.`])
  }
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

/** The folder of a database that is a file here; undefined for one in memory or on a server. */
export function databaseFolder(url: string): string | undefined {
  const file = engineOf(url) === 'sqlite' ? sqliteFile(url) : ':memory:'
  return file === ':memory:' ? undefined : dirname(file)
}

/** Without ENCRYPTION_KEY the key stands beside the database. */
function keyFile(url: string): string {
  return `${databaseFolder(url) ?? '.data'}/encryption.key`
}
