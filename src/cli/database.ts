import type { Command } from 'commander'
import { backUpSqlite } from '../../db/backup.ts'
import { engineOf, sqliteFile } from '../../db/dialect.ts'
import { listMigrations, migrate } from '../../db/migrate.ts'
import { readStatus } from '../../db/status.ts'
import { DomainError } from '../domain/errors.ts'
import { type CliContext, examples } from './cli.ts'

/** `sessiongraph db`: the database itself, without the house around it. */
export function addDatabase(program: Command, cli: CliContext): void {
  const command = program.command('db').description('the database: migrations, size, backup')

  command
    .command('migrate')
    .description('carries out the migrations that are pending; safe beside running servers and other migrations')
    .addHelpText('after', examples('sessiongraph db migrate'))
    .action(async () => {
      const url = cli.databaseUrl()
      const before = await listMigrations(url)
      await migrate(url)
      const pending = before.filter(({ executedAt }) => !executedAt)
      cli.show([{ applied: pending.map(({ name }) => name), total: before.length }])
    })

  command
    .command('status')
    .description('which database, its migrations and its size, and the oldest create whose outcome is not known')
    .addHelpText('after', examples('sessiongraph db status'))
    .action(async () => cli.show([await statusOf(cli.databaseUrl())]))

  command
    .command('backup')
    .description('copies a SQLite database while it is in use; says how it is done for PostgreSQL')
    .argument('<file>', 'where the copy goes; nothing may be there yet')
    .addHelpText('after', examples('sessiongraph db backup /var/backups/sessiongraph.db'))
    .action(async (file: string) => {
      const url = cli.databaseUrl()
      if (engineOf(url) === 'postgres') throw new DomainError('BAD_REQUEST', toDumpAdvice(url, file))
      cli.show([{ file, bytes: await backUp(sqliteFile(url), file) }])
    })
}

async function backUp(source: string, target: string): Promise<number> {
  if (source === ':memory:') throw new DomainError('BAD_REQUEST', 'A database in memory cannot be backed up.')
  return backUpSqlite(source, target).catch((error: Error) => {
    throw new DomainError('BAD_REQUEST', `No backup was made. ${error.message}`, { cause: error })
  })
}

async function statusOf(url: string): Promise<object> {
  const migrations = await listMigrations(url)
  const told = {
    applied: migrations.filter(({ executedAt }) => executedAt).map(({ name }) => name),
    pending: migrations.filter(({ executedAt }) => !executedAt).map(({ name }) => name),
  }
  if (told.pending.length > 0) return { engine: engineOf(url), ...told }
  const { oldestUnknown, ...status } = await readStatus(url)
  return { ...status, ...told, oldestUnknown: oldestUnknown?.toISOString() ?? null }
}

/** The address without its password, which a command line would show to everybody on the machine. */
function toDumpAdvice(url: string, file: string): string {
  const address = new URL(url)
  const password = address.password ? ' with the password in PGPASSWORD or ~/.pgpass' : ''
  address.password = ''
  return `PostgreSQL is backed up by its own tool${password}:\n  pg_dump --format=custom --file='${file}' '${address}'`
}
