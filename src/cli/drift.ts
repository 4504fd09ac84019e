import { type Command, Option } from 'commander'
import type { Provider } from '../domain/provider.ts'
import { type CliContext, examples, toCount, toProvider, withHouse } from './cli.ts'

/** `sessiongraph drift`: what providers answer beside their documentation. */
export function addDrift(program: Command, cli: CliContext): void {
  program
    .command('drift')
    .description('what providers answer beside their documentation')
    .command('list')
    .description('where it was, what stood there (never the value) and how often; the newest first')
    .addOption(new Option('--provider <name>', 'of one provider').argParser(toProvider))
    .addOption(new Option('--limit <number>', 'how many at most').argParser(toCount).default(50))
    .addHelpText('after', examples('sessiongraph drift list --provider kayle'))
    .action((options: { provider?: Provider; limit: number }) =>
      withHouse(cli, async ({ services }, call) => {
        const rows = await services.observations.drift(call, options.limit, options.provider)
        cli.show(rows.map(({ tenantId, accountId, ...row }) => ({ ...row, account: accountId })))
      }),
    )
}
