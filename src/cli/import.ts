import { type Command, Option } from 'commander'
import { ProviderError } from '../domain/errors.ts'
import type { Provider } from '../domain/provider.ts'
import type { Imported, ImportProgress } from '../services/imports.ts'
import { SANDBOX_ADVICE } from './advice.ts'
import { providerArgument, toCount } from './arguments.ts'
import { type CliContext, CliError, examples, typed, withTenant } from './cli.ts'

interface ImportCommandOptions {
  readonly perMinute?: number
  readonly restart?: boolean
  readonly tries?: number
}

/** `sessiongraph import`: what a provider has already. */
export function addImport(program: Command, cli: CliContext): void {
  program
    .command('import')
    .description(
      'takes what a provider lists (sessions, customers) into the store; broken off, it goes on where it was',
    )
    .addArgument(providerArgument())
    .addOption(
      new Option('--per-minute <pages>', 'how many pages it asks for; POLLS_PER_MINUTE if left out').argParser(toCount),
    )
    .option('--restart', 'begin anew where an earlier import was broken off')
    .addOption(
      new Option('--tries <number>', 'how often a page is asked for before it gives up; 6 if left out').argParser(
        toCount,
      ),
    )
    .addHelpText(
      'after',
      examples('sessiongraph import kayle', 'sessiongraph import rapidly --tenant acme --per-minute 10'),
    )
    .action((provider: Provider, { perMinute, restart, tries }: ImportCommandOptions) =>
      withTenant(cli, async ({ services }, call) => {
        const callsPerMinute = perMinute ?? cli.config().house.POLLS_PER_MINUTE
        let last: ImportProgress | undefined
        const tell = (progress: ImportProgress) => {
          last = progress
          cli.progress.tell(toText(progress), progress.share)
        }
        try {
          cli.show((await services.imports.run(call, provider, { callsPerMinute, restart, tries, tell })).map(toRow))
        } catch (error) {
          if (!last || !(error instanceof ProviderError)) throw error
          const { sandbox } = await services.accounts.get(call.tenantId, provider)
          throw toBrokenOff(error, last, { sandbox, again: typed(cli, `import ${provider.toLowerCase()}`) })
        }
      }),
    )
}

/** Why it ended, what is there already, and how it goes on. */
function toBrokenOff(
  { code, message }: ProviderError,
  { listed, noun }: ImportProgress,
  { sandbox, again }: { readonly sandbox: boolean; readonly again: string },
): CliError {
  const hint = sandbox ? ` ${SANDBOX_ADVICE}` : ''
  const kept =
    listed === 0
      ? `Nothing was listed yet; try again with ${again}.`
      : `${listed} ${noun}s were listed, and are kept: ${again} goes on there.`
  return new CliError(code, `${message}${hint} ${kept}`)
}

function toText({ provider, noun, listed, stored, erased, waits }: ImportProgress): string {
  const counts = `${provider} ${noun}s: ${listed} listed, ${stored} new or changed`
  const left = erased > 0 ? `, ${erased} erased before` : ''
  return waits ? `${counts}${left}; waits ${waits.seconds} s: ${waits.because}` : counts + left
}

function toRow({ provider, noun, pages, listed, stored, erased, resumed }: Imported) {
  return { provider, records: `${noun}s`, pages, listed, stored, unchanged: listed - stored - erased, erased, resumed }
}
