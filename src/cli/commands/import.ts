import { type Command, Option } from 'commander'
import { ProviderError } from '../../domain/errors.ts'
import type { Provider } from '../../domain/provider.ts'
import { recordAudit } from '../../services/access/tenants.ts'
import type { Imported, ImportProgress } from '../../services/jobs/imports.ts'
import { providerArgument, toCount } from '../arguments.ts'
import { type CliContext, CliError, examples, formatCommand, withTenant } from '../cli.ts'
import { SANDBOX_HINT } from '../hints.ts'

interface ImportCommandOptions {
  readonly perMinute?: number
  readonly restart?: boolean
  readonly maxAttempts?: number
}

/** `sessiongraph import`: imports the existing records of a provider. */
export function addImport(program: Command, cli: CliContext): void {
  program
    .command('import')
    .description(
      'import the sessions and customers that a provider lists; an interrupted import resumes where it stopped',
    )
    .addArgument(providerArgument())
    .addOption(
      new Option('--per-minute <calls>', 'maximum number of calls per minute; default: POLLS_PER_MINUTE').argParser(
        toCount,
      ),
    )
    .option('--restart', 'start over instead of resuming an interrupted import')
    .addOption(
      new Option('--max-attempts <number>', 'attempts per call before giving up; default: 6').argParser(toCount),
    )
    .addHelpText(
      'after',
      examples('sessiongraph import kayle', 'sessiongraph import rapidly --tenant acme --per-minute 10'),
    )
    .action((provider: Provider, { perMinute, restart, maxAttempts }: ImportCommandOptions) =>
      withTenant(cli, async ({ db, services }, call) => {
        await services.accounts.get(call.tenantId, provider)
        await recordAudit(db, { ...call, action: 'records.import', at: new Date(), subject: provider })
        const callsPerMinute = perMinute ?? cli.config().server.POLLS_PER_MINUTE
        let last: ImportProgress | undefined
        const report = (progress: ImportProgress) => {
          last = progress
          cli.progress.report(toText(progress), progress.share)
        }
        try {
          cli.show(
            (await services.imports.run(call, provider, { callsPerMinute, restart, maxAttempts, report })).map(toRow),
          )
        } catch (error) {
          if (!last || !(error instanceof ProviderError)) throw error
          const { sandbox } = await services.accounts.get(call.tenantId, provider)
          throw toInterruptedError(error, last, {
            sandbox,
            resumeCommand: formatCommand(cli, `import ${provider.toLowerCase()}`),
          })
        }
      }),
    )
}

/** The reason for the interruption, the progress so far, and how to resume. */
function toInterruptedError(
  { code, summary }: ProviderError,
  { listed, recordType }: ImportProgress,
  { sandbox, resumeCommand }: { readonly sandbox: boolean; readonly resumeCommand: string },
): CliError {
  const hint = sandbox ? ` ${SANDBOX_HINT}` : ''
  const stored =
    listed === 0
      ? `Nothing was imported yet. Retry with ${resumeCommand}.`
      : `${listed} ${recordType}s were imported. Resume with ${resumeCommand}.`
  return new CliError(code, `${summary}${hint} ${stored}`)
}

function toText({ provider, recordType, listed, stored, erased, waits }: ImportProgress): string {
  const counts = `${provider} ${recordType}s: ${listed} listed, ${stored} new or changed`
  const remaining = erased > 0 ? `, ${erased} skipped because erased` : ''
  return waits ? `${counts}${remaining}; waiting ${waits.seconds} s: ${waits.because}` : counts + remaining
}

function toRow({ provider, recordType, pages, listed, stored, erased, resumed }: Imported) {
  return {
    provider,
    records: `${recordType}s`,
    pages,
    listed,
    stored,
    unchanged: listed - stored - erased,
    erased,
    resumed,
  }
}
