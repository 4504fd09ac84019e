import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import type { Command } from 'commander'
import { engineOf, sqliteFile } from '../../../db/core/dialect.ts'
import { listMigrations } from '../../../db/core/migrate.ts'
import type { Config } from '../../app/config.ts'
import type { AppContainer } from '../../app/container.ts'
import { assertTenant, type CliContext, CliError, examples } from '../cli.ts'
import { toFailure } from '../failure.ts'
import { type CheckContext, checkAccounts } from './accounts.ts'
import { type Finding, note, ok, problem } from './finding.ts'
import { checkNode, checkProxies, findLocalServer } from './machine.ts'
import { checkBacklog, checkCreates, checkDisk, checkEncryption, checkRedis, checkStore } from './server.ts'

/** `sessiongraph doctor`: finds problems and states the remedy. It changes nothing. */
export function addDoctor(program: Command, cli: CliContext): void {
  program
    .command('doctor')
    .description(
      'check Node, settings, the running server, database, keys, disk, Redis, proxies, providers, clock and webhooks, and print what to do',
    )
    .option('--public-url <url>', 'the public address of the server: also check that webhooks reach it')
    .addHelpText('after', examples('sessiongraph doctor', 'sessiongraph doctor --tenant acme --json'))
    .action(async ({ publicUrl }: { publicUrl?: string }) => {
      const findings = await examine(cli, publicUrl)
      cli.progress.end()
      cli.show(findings)
      const problems = findings.filter(({ state }) => state === 'PROBLEM').length
      if (problems > 0) throw new CliError('PROBLEMS_FOUND', problems === 1 ? '1 problem.' : `${problems} problems.`)
    })
}

async function examine(cli: CliContext, publicUrl: string | undefined): Promise<Finding[]> {
  const node = checkNode(cli.nodeVersion)
  let config: Config
  try {
    config = cli.config()
  } catch (error) {
    return [node, problem('settings', messageOf(error))]
  }
  const url = config.server.DATABASE_URL
  const local = await findLocalServer(config)
  const settings = [
    node,
    ok('settings', `Valid; NODE_ENV is ${config.server.NODE_ENV}.`),
    ...config.warnings.map(warning => note('settings', warning)),
    local.isReplaced ? FILE_REPLACED : local.finding,
    ...(await checkProxies(config)),
  ]
  if (local.isReplaced || isAbandoned(url)) return local.isReplaced ? settings : [...settings, ABANDONED]
  const context = {
    config,
    reachableAt: publicUrl ?? local.url,
    isServerRunning: local.url !== undefined,
    isPublic: publicUrl !== undefined,
  }
  if (isNew(url)) {
    const created = note('database', `${sqliteFile(url)} does not exist yet; the first start of the server creates it.`)
    const inMemory = { DATABASE_URL: 'sqlite::memory:', ENCRYPTION_KEY: randomBytes(32).toString('hex') }
    return [...settings, created, ...(await withOpened(cli, inMemory, app => checkDependencies(cli, app, context)))]
  }
  const migrations = await checkMigrations(url)
  if (migrations.state === 'PROBLEM') return [...settings, migrations, await checkDisk(cli, url)]
  const opened = await withOpened(cli, {}, async app => [
    await checkStore(app, url),
    await checkEncryption(app, config),
    ...(await checkBacklog(app)),
    ...(await checkDependencies(cli, app, context)),
  ])
  return [...settings, migrations, await checkDisk(cli, url), ...opened]
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

async function checkDependencies(cli: CliContext, app: AppContainer, context: CheckContext): Promise<Finding[]> {
  const tenants = await app.services.tenants.list()
  const chosenTenant = cli.namedTenant()
  if (chosenTenant !== undefined) await assertTenant(app, chosenTenant)
  const ids = chosenTenant === undefined ? tenants.map(({ id }) => id) : [chosenTenant]
  const findings = [...(await checkRedis(app))]
  for (const tenantId of ids) {
    cli.progress.report(`checking the providers of ${tenantId}`)
    findings.push(...(await checkCreates(app, tenantId)), ...(await checkAccounts(app, tenantId, context)))
  }
  return findings
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error) || !toFailure(error)) throw error
  return error.message
}
