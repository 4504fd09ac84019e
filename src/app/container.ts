import { randomBytes } from 'node:crypto'
import { dirname } from 'node:path'
import { openClock } from '../../db/core/clock.ts'
import { engineOf, sqliteFile } from '../../db/core/dialect.ts'
import { type OpenDatabase, openDatabase } from '../../db/core/open-database.ts'
import { loadInstanceKey } from '../../db/repositories/tombstone-repository.ts'
import type { FileState } from '../../db/sqlite/file.ts'
import type { ProviderCallObserver } from '../domain/provider-call-observer.ts'
import type { ProviderModule } from '../providers/contract.ts'
import { registry } from '../providers/registry.ts'
import type { Redis } from '../redis/redis.ts'
import { createRedisNotifier } from '../redis/redis-notifier.ts'
import { createRedisPeerCircuits } from '../redis/redis-peer-circuits.ts'
import { createRedisReadLock } from '../redis/redis-read-lock.ts'
import type { StartedSandbox } from '../sandbox/start-all.ts'
import { createFieldEncryption, UnreadableError } from '../security/field-encryption.ts'
import { KEY_BYTES, readOrCreateKey } from '../security/key-file.ts'
import { type AccountSetup, openAccounts, type ProviderInfo } from '../services/accounts/accounts.ts'
import { createFollowedSessions } from '../services/events/followed-sessions.ts'
import { createNotifier } from '../services/events/notifier.ts'
import { createServices, type Services } from '../services/services.ts'
import { createTransactionSlots, UNLIMITED_TRANSACTIONS } from '../services/transaction-slots.ts'
import { createLog, type Logger } from '../telemetry/log.ts'
import { NO_READ_LOCK } from '../upstream/read-lock.ts'
import { type Config, ConfigError, parseEncryptionKeys, upstreamLimits } from './config.ts'

export const DEV_TENANT = 'dev'

/** The wired application without HTTP: database, providers and services, for the server and the CLI. */
export interface AppContainer {
  readonly db: OpenDatabase
  readonly log: Logger
  /** The clock that all instances share, or the one of the options. */
  readonly now: () => Date
  /** Undefined without REDIS_URL. */
  readonly redis: Redis | undefined
  readonly services: Services
  readonly providers: readonly ProviderInfo[]
  readonly sandboxes: readonly StartedSandbox[]
  close(): Promise<void>
}

export interface ContainerOptions {
  /** Replaces the clock that all instances share. */
  readonly now?: () => Date
  /** Default: stderr. */
  readonly log?: Logger
  /** Observes every provider call. */
  readonly observer?: ProviderCallObserver
  /** Starts or connects the sandboxes of the providers without credentials. */
  readonly sandboxes: (modules: readonly ProviderModule[], config: Config) => Promise<StartedSandbox[]>
}

export async function createContainer(config: Config, options: ContainerOptions): Promise<AppContainer> {
  const { server, providers } = config
  const log = options.log ?? createLog(server.LOG_LEVEL)
  const keys = server.ENCRYPTION_KEY ? parseEncryptionKeys(server.ENCRYPTION_KEY) : readOwnKey(server.DATABASE_URL)
  const encryption = createFieldEncryption(keys, error => log.error({ err: error }, 'could not decrypt a stored value'))
  const db = await openDatabase(server.DATABASE_URL, encryption, {
    connections: server.DATABASE_CONNECTIONS,
    connectMs: server.DATABASE_CONNECT_MS,
    statementMs: server.DATABASE_STATEMENT_MS,
    migrate: server.AUTO_MIGRATE === 'on',
    onFileChange: state => reportFile(log, state),
  })
  await assertKeyOpensDatabase(db)
  const clock = await openClock(db)
  const now = options.now ?? clock.now
  const redis = await connectRedis(server.REDIS_URL, log)
  const modules: readonly ProviderModule[] = Object.values(registry)
  const unconfigured = modules.filter(module => !module.isConfigured(providers[module.provider] ?? { baseUrl: '' }))
  const sandboxes = server.SANDBOX === 'on' ? await options.sandboxes(unconfigured, config) : []
  const setups = resolveProviderSetups(modules, providers, sandboxes)
  const accounts = await openAccounts(setups, {
    db,
    tenantId: DEV_TENANT,
    now,
    report: error => log.error({ err: error }, 'provider account failed'),
    peerCircuits: redis && createRedisPeerCircuits(redis),
    observer: options.observer,
    ...upstreamLimits(server),
  })
  const services = createServices({
    db,
    accounts,
    setups,
    firstTenant: DEV_TENANT,
    notifier: redis ? createRedisNotifier(createNotifier(), redis) : createNotifier(),
    readLock: redis ? createRedisReadLock(redis, server.READ_DEADLINE_MS) : NO_READ_LOCK,
    followedSessions: createFollowedSessions(),
    transactionSlots:
      db.engine === 'postgres'
        ? createTransactionSlots({ connections: server.DATABASE_CONNECTIONS, waitMs: server.DATABASE_CONNECT_MS })
        : UNLIMITED_TRANSACTIONS,
    clock,
    pollsPerMinute: server.POLLS_PER_MINUTE,
    now,
    report: error => log.error({ err: error }, 'background work failed'),
    defaultMaxAgeSeconds: server.MAX_AGE_SECONDS,
    createDeadlineMs: server.CREATE_DEADLINE_MS,
    absenceProofSeconds: server.CREATE_ABSENCE_PROOF_SECONDS,
    recoveryBackoffMinSeconds: server.RECOVERY_BACKOFF_MIN_SECONDS,
    recoveryBackoffMaxSeconds: server.RECOVERY_BACKOFF_MAX_SECONDS,
  })
  await services.tenants.ensure(DEV_TENANT)
  return {
    db,
    log,
    now,
    redis,
    services,
    providers: await accounts.list(DEV_TENANT),
    sandboxes,
    close: async () => {
      await services.fetchedAtWriter
        .flush()
        .catch(error => log.error({ err: error }, 'could not write the times of the last provider reads on shutdown'))
      await services.providerStats
        .flush(true)
        .catch(error => log.error({ err: error }, 'could not flush provider statistics on shutdown'))
      await accounts.close()
      await redis?.close()
      clock.close()
      await Promise.all(sandboxes.map(sandbox => sandbox.close()))
      await db.close()
    },
  }
}

const FILE_PROBLEMS = {
  REPLACED:
    'the database file was moved, replaced or removed while it was open: writes fail until it is restored or the server is ' +
    'restarted',
  FAILING:
    'the database file cannot be written, because the disk is full or failed or the file is read-only: requests that write ' +
    'fail until it can be written again',
}

function reportFile(log: Logger, state: FileState): void {
  if (state === 'IN_PLACE') log.info('the database file can be written again')
  else log.error(FILE_PROBLEMS[state])
}

/** Loads ioredis only if REDIS_URL is set. */
async function connectRedis(url: string | undefined, log: Logger): Promise<Redis | undefined> {
  if (url === undefined) return undefined
  const { openRedis } = await import('../redis/redis.ts')
  return openRedis({ url, report: createReporter(log) })
}

function createReporter(log: Logger): (isUp: boolean) => void {
  return isUp => {
    if (isUp) log.info('Redis available')
    else log.warn('Redis unavailable; running without shared state')
  }
}

/** Fails at startup: with a wrong key, new values would be encrypted that the right key cannot decrypt. Throws ConfigError. */
async function assertKeyOpensDatabase(db: OpenDatabase): Promise<void> {
  try {
    await loadInstanceKey(db, new Date())
  } catch (error) {
    await db.close()
    if (!(error instanceof UnreadableError)) throw error
    throw new ConfigError([
      `ENCRYPTION_KEY: Expected the key of this database, whose key id is ${error.keyId ?? 'unknown'}.`,
    ])
  }
}

/** A provider with credentials uses its API; one without uses its sandbox, if there is one. */
function resolveProviderSetups(
  modules: readonly ProviderModule[],
  providers: Config['providers'],
  sandboxes: readonly StartedSandbox[],
): AccountSetup[] {
  return modules.map(module => {
    const settings = providers[module.provider]
    if (settings && module.isConfigured(settings)) return { module, settings, sandbox: false }
    const sandbox = sandboxes.find(({ provider }) => provider === module.provider)
    return { module, settings: sandbox && module.settings.parse({ ...settings, ...sandbox.settings }), sandbox: true }
  })
}

/** The folder of a database file; undefined for a database in memory or on a server. */
export function databaseFolder(url: string): string | undefined {
  const file = engineOf(url) === 'sqlite' ? sqliteFile(url) : ':memory:'
  return file === ':memory:' ? undefined : dirname(file)
}

/** Without ENCRYPTION_KEY, the key is a file beside the database. A database in memory needs none after this process. */
function readOwnKey(url: string): Buffer {
  const folder = databaseFolder(url)
  return folder === undefined ? randomBytes(KEY_BYTES) : readOrCreateKey(`${folder}/encryption.key`)
}
