import type { Command } from 'commander'
import type { Provider } from '../../domain/provider.ts'
import { limitOption, providerOption } from '../arguments.ts'
import { type CliContext, examples, withTenant } from '../cli.ts'

/** `sessiongraph drift`: deviations of provider responses from their documentation. */
export function addDrift(program: Command, cli: CliContext): void {
  program
    .command('drift')
    .description('deviations of provider responses from their documentation')
    .command('list')
    .description('list deviations by path, type (never the value) and count, newest first')
    .addOption(providerOption())
    .addOption(limitOption(50, 'places'))
    .addHelpText('after', examples('sessiongraph drift list --provider kayle'))
    .action((options: { provider?: Provider; limit: number }) =>
      withTenant(cli, async ({ services }, call) => {
        const rows = await services.providerStats.drift(call, options.limit, options.provider)
        cli.show(
          rows.map(({ tenantId, accountId, ...row }) => ({ ...row, account: accountId })),
          {
            empty: 'No drift: all responses match the documentation.',
            only: ['provider', 'operation', 'grade', 'path', 'shape', 'count', 'lastAt'],
          },
        )
      }),
    )
}
