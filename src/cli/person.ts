import type { Command } from 'commander'
import { type CliContext, examples, withTenant } from './cli.ts'
import { listPersonRows } from './person-rows.ts'

const EXTERNAL_ID = 'your own id of the user, as it was given in `externalId`'

/** `sessiongraph person`: what one of a tenant's own users asks for. */
export function addPerson(program: Command, cli: CliContext): void {
  const command = program.command('person').description("one of the tenant's own users")

  command
    .command('show')
    .description('all that is stored of a user, and that `person erase` would delete; without links and tokens')
    .argument('<externalId>', EXTERNAL_ID)
    .addHelpText('after', examples('sessiongraph person show usr_1337 --tenant acme'))
    .action((externalId: string) =>
      withTenant(cli, async ({ db }, { tenantId }) => cli.show(await listPersonRows(db, tenantId, externalId))),
    )

  command
    .command('erase')
    .description('erases all that is stored of a user, for good; it does not come back from the providers')
    .argument('<externalId>', EXTERNAL_ID)
    .addHelpText('after', examples('sessiongraph person erase usr_1337 --tenant acme'))
    .action((externalId: string) =>
      withTenant(cli, async ({ services }, call) => {
        cli.show([{ ...(await services.erasure.erase(call, externalId)) }])
      }),
    )
}
