import type { Command } from 'commander'
import { type CliContext, examples, withApp } from '../cli.ts'

/** `sessiongraph tenants`: the owners of records, accounts and keys. */
export function addTenants(program: Command, cli: CliContext): void {
  const command = program.command('tenants').description('the owners of records, accounts and keys')

  command
    .command('create')
    .description('create a tenant')
    .argument('<tenant>', 'its id: 1 to 40 lower-case letters, digits and hyphens')
    .option('--name <name>', 'its display name; default: the id')
    .addHelpText('after', examples('sessiongraph tenants create acme --name "Acme Ltd"'))
    .action((id: string, { name }: { name?: string }) =>
      withApp(cli, async ({ services }) => cli.show([await services.tenants.create({ id, name })])),
    )

  command
    .command('list')
    .description('list all tenants')
    .addHelpText('after', examples('sessiongraph tenants list'))
    .action(() => withApp(cli, async ({ services }) => cli.show(await services.tenants.list())))
}
