import type { Command } from 'commander'
import type { Provider } from '../domain/provider.ts'
import { limitOption, providerOption } from './arguments.ts'
import { type CliContext, examples, withTenant } from './cli.ts'

/** `sessiongraph drift`: what providers answer beside their documentation. */
export function addDrift(program: Command, cli: CliContext): void {
  program
    .command('drift')
    .description('what providers answer beside their documentation')
    .command('list')
    .description('where it was, what stood there (never the value) and how often; the newest first')
    .addOption(providerOption())
    .addOption(limitOption(50, 'places'))
    .addHelpText('after', examples('sessiongraph drift list --provider kayle'))
    .action((options: { provider?: Provider; limit: number }) =>
      withTenant(cli, async ({ services }, call) => {
        const rows = await services.observations.drift(call, options.limit, options.provider)
        cli.show(rows.map(({ tenantId, accountId, ...row }) => ({ ...row, account: accountId })))
      }),
    )
}
