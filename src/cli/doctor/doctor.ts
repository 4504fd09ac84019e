import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import type { Command } from 'commander'
import { engineOf, sqliteFile } from '../../../db/core/dialect.ts'
import { listMigrations } from '../../../db/core/migrate.ts'
import type { Config } from '../../app/config.ts'
import type { AppContainer } from '../../app/container.ts'
import { loopbackUrl } from '../../app/server-url.ts'
import { assertTenant, type CliContext, CliError, examples } from '../cli.ts'
import { toFailure } from '../failure.ts'
import { checkAccounts } from './accounts.ts'
import { type Finding, note, ok, problem } from './finding.ts'
import { checkBacklog, checkDisk, checkEncryption, checkRedis, checkStore } from './server.ts'

/** `sessiongraph doctor`: finds problems and states the remedy. It changes nothing. */
export function addDoctor(program: Command, cli: CliContext): void {
  program
    .command('doctor')
    .description('check settings, database, keys, disk, Redis, providers, clock and webhooks, and print what to do')
    .addHelpText('after', examples('sessiongraph doctor', 'sessiongraph doctor --tenant acme --json'))
    .action(async () => {
      const findings = await examine(cli)
      cli.progress.end()
      cli.show(findings)
      const problems = findings.filter(({ state }) => state === 'PROBLEM').length
      if (problems > 0) throw new CliError('PROBLEMS_FOUND', problems === 1 ? '1 problem.' : `${problems} problems.`)
    })
}

async function examine(cli: CliContext): Promise<Finding[]> {
  let config: Config
  try {
    config = cli.config()
  } catch (error) {
    return [problem('settings', messageOf(error))]
  }
  const settings = ok('settings', `Valid; NODE_ENV is ${config.server.NODE_ENV}.`)
  const url = config.server.DATABASE_URL
  const server = await checkServer(config)
  if (server || isAbandoned(url)) return [settings, server ?? ABANDONED]
  if (isNew(url)) {
    const created = note('database', `${sqliteFile(url)} does not exist yet; the first start of the server creates it.`)
    const inMemory = { DATABASE_URL: 'sqlite::memory:', ENCRYPTION_KEY: randomBytes(32).toString('hex') }
    return [settings, created, ...(await withOpened(cli, inMemory, app => checkDependencies(cli, app, config)))]
  }
  const migrations = await checkMigrations(url)
  if (migrations.state === 'PROBLEM') return [settings, migrations, await checkDisk(cli, url)]
  const opened = await withOpened(cli, {}, async app => [
    await checkStore(app),
    await checkEncryption(app, config),
    ...(await checkBacklog(app, url)),
    ...(await checkDependencies(cli, app, config)),
  ])
  return [settings, migrations, await checkDisk(cli, url), ...opened]
}

/** A database file that does not exist: opening it would create it. */
function isNew(url: string): boolean {
  return engineOf(url) === 'sqlite' && sqliteFile(url) !== ':memory:' && !existsSync(sqliteFile(url))
}

/** The file is missing, but its write-ahead log exists: opening it would start an empty database. */
function isAbandoned(url: string): boolean {
  return isNew(url) && existsSync(`${sqliteFile(url)}-wal`)
}

const ABANDONED = problem(
  'database',
  'The database file is missing, but its write-ahead log exists. Restore both, or a backup, before you start a server.',
)

const SERVER_TIMEOUT_MS = 1_000

/** A server with these settings may be running with a database file that is no longer at its path. */
async function checkServer({ server: app }: Config): Promise<Finding | undefined> {
  const origin = app.PORT === 0 ? undefined : loopbackUrl(app.HOST, app.PORT)
  if (!origin) return undefined
  try {
    const response = await fetch(`${origin}/readyz`, { signal: AbortSignal.timeout(SERVER_TIMEOUT_MS) })
    const { database } = (await response.json()) as { database?: unknown }
    return database === 'REPLACED' ? FILE_REPLACED : undefined
  } catch {
    return undefined
  }
}

const FILE_REPLACED = problem(
  'database',
  'The database file of the running server was moved, replaced or removed; the server no longer writes. Restore the file, or restart the server.',
)

/** Opening the application runs pending migrations, so they are checked first. */
async function checkMigrations(url: string): Promise<Finding> {
  if (sqliteFile(url) === ':memory:')
    return note('database', 'The database is in memory: its data is lost when the server stops.')
  try {
    const pending = (await listMigrations(url)).filter(({ executedAt }) => !executedAt)
    if (pending.length === 0) return ok('database', `${engineOf(url)} is reachable, and all migrations are applied.`)
    const names = pending.map(({ name }) => name).join(', ')
    return problem('database', `Pending migrations: ${names}. Run \`sessiongraph db migrate\`, or start the server.`)
  } catch (error) {
    return problem(
      'database',
      `Cannot open the database: ${messageOf(error)} Check DATABASE_URL and whether the database is running.`,
    )
  }
}

async function withOpened(
  cli: CliContext,
  changes: NodeJS.ProcessEnv,
  run: (app: AppContainer) => Promise<Finding[]>,
): Promise<Finding[]> {
  let app: AppContainer
  try {
    app = await cli.open(changes)
  } catch (error) {
    return [problem('server', messageOf(error))]
  }
  try {
    return await run(app)
  } finally {
    await app.close()
  }
}

async function checkDependencies(cli: CliContext, app: AppContainer, config: Config): Promise<Finding[]> {
  const tenants = await app.services.tenants.list()
  const chosenTenant = cli.namedTenant()
  if (chosenTenant !== undefined) await assertTenant(app, chosenTenant)
  const ids = chosenTenant === undefined ? tenants.map(({ id }) => id) : [chosenTenant]
  const findings = [...(await checkRedis(app))]
  for (const tenantId of ids) {
    cli.progress.report(`checking the providers of ${tenantId}`)
    findings.push(...(await checkAccounts(app, tenantId, config)))
  }
  return findings
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error) || !toFailure(error)) throw error
  return error.message
}
