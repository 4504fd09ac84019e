import type { Command } from 'commander'
import { type CliContext, examples, withTenant } from '../cli.ts'
import { listPersonRows } from './person-rows.ts'

const EXTERNAL_ID = 'your own id of the user, as sent in `externalId`'

/** `sessiongraph person`: shows and erases the data of one of a tenant's own users. */
export function addPerson(program: Command, cli: CliContext): void {
  const command = program.command('person').description("one of the tenant's own users")

  command
    .command('show')
    .description('show all stored data of a user, which `person erase` would delete; without links and tokens')
    .argument('<externalId>', EXTERNAL_ID)
    .addHelpText('after', examples('sessiongraph person show usr_1337 --tenant acme'))
    .action((externalId: string) =>
      withTenant(cli, async ({ db }, { tenantId }) => cli.show(await listPersonRows(db, tenantId, externalId))),
    )

  command
    .command('erase')
    .description('permanently erase all stored data of a user; it is not imported from the providers again')
    .argument('<externalId>', EXTERNAL_ID)
    .addHelpText('after', examples('sessiongraph person erase usr_1337 --tenant acme'))
    .action((externalId: string) =>
      withTenant(cli, async ({ services }, call) => {
        cli.show([{ ...(await services.erasure.erase(call, externalId)) }])
      }),
    )
}
