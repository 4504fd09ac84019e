import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import type { Command } from 'commander'
import { engineOf, sqliteFile } from '../../db/dialect.ts'
import { listMigrations } from '../../db/migrate.ts'
import type { Config } from '../config.ts'
import type { House } from '../house.ts'
import { type CliContext, CliError, examples, expectTenant } from './cli.ts'
import { checkAccounts } from './doctor-accounts.ts'
import { checkBacklog, checkDisk, checkEncryption, checkRedis, checkStore } from './doctor-house.ts'
import { toFailure } from './failure.ts'
import { type Finding, note, ok, problem } from './finding.ts'

/** `sessiongraph doctor`: what is wrong, and what to do about it. It changes nothing. */
export function addDoctor(program: Command, cli: CliContext): void {
  program
    .command('doctor')
    .description('looks at settings, database, keys, disk, Redis, providers, clock and webhooks, and says what to do')
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
  const settings = ok('settings', `They can be used; NODE_ENV is ${config.house.NODE_ENV}.`)
  const url = config.house.DATABASE_URL
  if (isNew(url)) {
    const made = note('database', `There is none at ${sqliteFile(url)} yet; the first start of the server makes it.`)
    const inMemory = { DATABASE_URL: 'sqlite::memory:', ENCRYPTION_KEY: randomBytes(32).toString('hex') }
    return [settings, made, ...(await withOpened(cli, inMemory, house => checkOutside(cli, house, config)))]
  }
  const migrations = await checkMigrations(url)
  if (migrations.state === 'PROBLEM') return [settings, migrations, await checkDisk(cli, url)]
  const opened = await withOpened(cli, {}, async house => [
    await checkStore(house),
    await checkEncryption(house, config),
    ...(await checkBacklog(house, url)),
    ...(await checkOutside(cli, house, config)),
  ])
  return [settings, migrations, await checkDisk(cli, url), ...opened]
}

/** A database that is a file and not there: looking at it would make it. */
function isNew(url: string): boolean {
  return engineOf(url) === 'sqlite' && sqliteFile(url) !== ':memory:' && !existsSync(sqliteFile(url))
}

/** Opening the house would carry out what is pending, so it is looked at first. */
async function checkMigrations(url: string): Promise<Finding> {
  if (sqliteFile(url) === ':memory:') return note('database', 'It is in memory: the end of the server is its end.')
  try {
    const pending = (await listMigrations(url)).filter(({ executedAt }) => !executedAt)
    if (pending.length === 0) return ok('database', `${engineOf(url)} can be reached, and every migration is done.`)
    const names = pending.map(({ name }) => name).join(', ')
    return problem('database', `It lacks ${names}. Run \`sessiongraph db migrate\`, or start the server.`)
  } catch (error) {
    return problem('database', `It cannot be opened: ${messageOf(error)} Look at DATABASE_URL, and whether it runs.`)
  }
}

async function withOpened(
  cli: CliContext,
  changes: NodeJS.ProcessEnv,
  run: (house: House) => Promise<Finding[]>,
): Promise<Finding[]> {
  let house: House
  try {
    house = await cli.open(changes)
  } catch (error) {
    return [problem('house', messageOf(error))]
  }
  try {
    return await run(house)
  } finally {
    await house.close()
  }
}

async function checkOutside(cli: CliContext, house: House, config: Config): Promise<Finding[]> {
  const tenants = await house.services.tenants.list()
  const named = cli.namedTenant()
  if (named !== undefined) await expectTenant(house, named)
  const ids = named === undefined ? tenants.map(({ id }) => id) : [named]
  const findings = [...(await checkRedis(house))]
  for (const tenantId of ids) {
    cli.progress.tell(`asks the providers of ${tenantId}`)
    findings.push(...(await checkAccounts(house, tenantId, config)))
  }
  return findings
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error) || !toFailure(error)) throw error
  return error.message
}
