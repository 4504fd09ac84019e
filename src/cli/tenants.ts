import type { Command } from 'commander'
import { type CliContext, examples, withHouse } from './cli.ts'

/** `sessiongraph tenants`: who the records, accounts and keys belong to. */
export function addTenants(program: Command, cli: CliContext): void {
  const command = program.command('tenants').description('who the records, accounts and keys belong to')

  command
    .command('create')
    .description('makes a tenant')
    .argument('<tenant>', 'its id: 1 to 40 small letters, digits and hyphens')
    .option('--name <name>', 'its name for people; the id if left out')
    .addHelpText('after', examples('sessiongraph tenants create acme --name "Acme Ltd"'))
    .action((id: string, { name }: { name?: string }) =>
      withHouse(cli, async ({ services }) => cli.show([await services.tenants.create({ id, name })])),
    )

  command
    .command('list')
    .description('all tenants')
    .addHelpText('after', examples('sessiongraph tenants list'))
    .action(() => withHouse(cli, async ({ services }) => cli.show(await services.tenants.list())))
}
