import { Argument, type Command, Option } from 'commander'
import type { Provider } from '../domain/provider.ts'
import type { Imported, ImportProgress } from '../services/imports.ts'
import { type CliContext, examples, toCount, toProvider, withHouse } from './cli.ts'

interface ImportCommandOptions {
  readonly perMinute?: number
  readonly restart?: boolean
}

/** `sessiongraph import`: what a provider has already. */
export function addImport(program: Command, cli: CliContext): void {
  program
    .command('import')
    .description(
      'takes what a provider lists (sessions, customers) into the store; broken off, it goes on where it was',
    )
    .addArgument(new Argument('<provider>', 'the provider').argParser(toProvider))
    .addOption(
      new Option('--per-minute <pages>', 'how many pages it asks for; POLLS_PER_MINUTE if left out').argParser(toCount),
    )
    .option('--restart', 'begin anew where an earlier import was broken off')
    .addHelpText(
      'after',
      examples('sessiongraph import kayle', 'sessiongraph import rapidly --tenant acme --per-minute 10'),
    )
    .action((provider: Provider, { perMinute, restart }: ImportCommandOptions) =>
      withHouse(cli, async ({ services }, call) => {
        await services.tenants.get(call.tenantId)
        const callsPerMinute = perMinute ?? cli.config().house.POLLS_PER_MINUTE
        const tell = (progress: ImportProgress) => cli.progress.tell(toText(progress), progress.share)
        cli.show((await services.imports.run(call, provider, { callsPerMinute, restart, tell })).map(toRow))
      }),
    )
}

function toText({ provider, noun, listed, stored, erased, waits }: ImportProgress): string {
  const counts = `${provider} ${noun}s: ${listed} listed, ${stored} new or changed`
  const left = erased > 0 ? `, ${erased} erased before` : ''
  return waits ? `${counts}${left}; waits ${waits.seconds} s: ${waits.because}` : counts + left
}

function toRow({ provider, noun, pages, listed, stored, erased, resumed }: Imported) {
  return { provider, records: `${noun}s`, pages, listed, stored, unchanged: listed - stored - erased, erased, resumed }
}
