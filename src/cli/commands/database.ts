import type { Command } from 'commander'
import { engineOf, sqliteFile } from '../../../db/core/dialect.ts'
import { listMigrations, migrate } from '../../../db/core/migrate.ts'
import { readStatus } from '../../../db/core/status.ts'
import { backUpSqlite } from '../../../db/sqlite/backup.ts'
import { DomainError } from '../../domain/errors.ts'
import { type CliContext, examples } from '../cli.ts'

/** `sessiongraph db`: works on the database without opening the application. */
export function addDatabase(program: Command, cli: CliContext): void {
  const command = program.command('db').description('the database: migrations, size, backup')

  command
    .command('migrate')
    .description('run pending migrations; safe while servers or other migrations run')
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
    .description('show the database, its migrations and size, and the oldest create with an unknown outcome')
    .addHelpText('after', examples('sessiongraph db status'))
    .action(async () => cli.show([await statusOf(cli.databaseUrl())]))

  command
    .command('backup')
    .description('copy a SQLite database while it is in use; print the command for PostgreSQL')
    .argument('<file>', 'the path of the copy; the file must not exist')
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
    throw new DomainError('BAD_REQUEST', `Backup failed. ${error.message}`, { cause: error })
  })
}

async function statusOf(url: string): Promise<object> {
  const migrations = await listMigrations(url)
  const row = {
    applied: migrations.filter(({ executedAt }) => executedAt).map(({ name }) => name),
    pending: migrations.filter(({ executedAt }) => !executedAt).map(({ name }) => name),
  }
  if (row.pending.length > 0) return { engine: engineOf(url), ...row }
  const { oldestUnknown, ...status } = await readStatus(url)
  return { ...status, ...row, oldestUnknown: oldestUnknown?.toISOString() ?? null }
}

/** The connection string without its password, because all users of the machine can read a command line. */
function toDumpAdvice(url: string, file: string): string {
  const address = new URL(url)
  const password = address.password ? ' with the password in PGPASSWORD or ~/.pgpass' : ''
  address.password = ''
  return `Back up PostgreSQL with its own tool${password}:\n  pg_dump --format=custom --file='${file}' '${address}'`
}
