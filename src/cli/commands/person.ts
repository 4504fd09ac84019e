import type { Command } from 'commander'
import type { ErasureReport } from '../../services/privacy/erasure.ts'
import { type CliContext, CliError, examples, withTenant } from '../cli.ts'
import { listPersonRows, type PersonRow } from './person-rows.ts'

const NOTHING_STORED = 'Nothing is stored about a user with this external id.'
const NOTHING_ERASED = `${NOTHING_STORED} Check its spelling. What a provider sends about it later is not stored.`
const EXTERNAL_ID = 'your own id of the user, as sent in `externalId`'

/** `sessiongraph person`: shows and erases the data of one of a tenant's own users. */
export function addPerson(program: Command, cli: CliContext): void {
  const command = program.command('person').description("one of the tenant's own users")

  command
    .command('show')
    .description(
      'summarize the stored data of a user, which `person erase` would delete; with --json all of it, without links and tokens',
    )
    .argument('<externalId>', EXTERNAL_ID)
    .addHelpText('after', examples('sessiongraph person show usr_1337 --tenant acme'))
    .action((externalId: string) =>
      withTenant(cli, async ({ db }, { tenantId }) => showPerson(cli, await listPersonRows(db, tenantId, externalId))),
    )

  command
    .command('erase')
    .description('permanently erase all stored data of a user; it is not imported from the providers again')
    .argument('<externalId>', EXTERNAL_ID)
    .option('--yes', 'do not ask for confirmation')
    .option('--dry-run', 'show what would be erased, and erase nothing')
    .addHelpText(
      'after',
      examples(
        'sessiongraph person erase usr_1337 --tenant acme --dry-run',
        'sessiongraph person erase usr_1337 --tenant acme --yes',
      ),
    )
    .action((externalId: string, { yes, dryRun }: { yes?: boolean; dryRun?: boolean }, self: Command) =>
      withTenant(cli, async ({ services }, call) => {
        const preview = yes && !dryRun ? undefined : await services.erasure.preview(call, externalId)
        if (dryRun) return showReport(cli, preview, NOTHING_STORED)
        if (preview) {
          const confirmed = await cli.confirm(toQuestion(preview))
          if (confirmed === undefined) self.error('error: expected --yes or --dry-run, because stdin is no terminal')
          if (!confirmed) throw new CliError('NOT_CONFIRMED', 'Nothing was erased.')
        }
        showReport(cli, await services.erasure.erase(call, externalId), NOTHING_ERASED)
      }),
    )
}

/** The columns of each type of record in the summary. */
const SUMMARY: Readonly<Record<PersonRow['record'], readonly string[]>> = {
  session: ['provider', 'providerId', 'status', 'outcome', 'createdAt'],
  applicant: ['provider', 'providerId', 'status', 'outcome', 'firstName', 'lastName', 'email', 'phone'],
  customer: ['provider', 'providerId', 'name', 'email', 'phone', 'createdAt'],
  attempt: ['provider', 'providerId', 'kind', 'status', 'failureCode', 'createdAt'],
  create: ['provider', 'kind', 'idempotencyKey', 'state', 'createdAt'],
  event: ['type', 'source', 'at'],
}
const MAX_EVENTS = 10

/** As JSON every row; as text a table per type of record, with the latest events only. */
function showPerson(cli: CliContext, rows: readonly PersonRow[]): void {
  if (cli.isJson() || rows.length === 0) {
    cli.show(rows, { empty: NOTHING_STORED })
    return
  }
  for (const [record, only] of Object.entries(SUMMARY)) {
    const found = rows.filter(row => row.record === record)
    if (found.length === 0) continue
    const isCut = record === 'event' && found.length > MAX_EVENTS
    cli.print(`${found.length} ${record}${found.length === 1 ? '' : 's'}${isCut ? `, the latest ${MAX_EVENTS}` : ''}\n`)
    cli.show(isCut ? found.slice(-MAX_EVENTS) : found, { only })
    cli.print('\n')
  }
  cli.print('With --json: all stored data.\n')
}

/** As text, a report without any record is a sentence, because it may be a misspelt id. */
function showReport(cli: CliContext, report: ErasureReport | undefined, nothing: string): void {
  if (report && isNothing(report) && !cli.isJson()) cli.show([], { empty: nothing })
  else cli.show([{ ...report }])
}

function toQuestion(preview: ErasureReport): string {
  if (isNothing(preview)) return `${NOTHING_STORED} Erase what may arrive later?`
  const counts = Object.entries(preview).map(([name, count]) => `${count} ${name}`)
  return `Erase ${counts.join(', ')} of this user for good?`
}

function isNothing(report: ErasureReport): boolean {
  return Object.values(report).every(count => count === 0)
}
