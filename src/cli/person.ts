import type { Command } from 'commander'
import { type CliContext, examples, withHouse } from './cli.ts'

/** `sessiongraph person`: what one of a tenant's own users asks for. */
export function addPerson(program: Command, cli: CliContext): void {
  const command = program.command('person').description("one of the tenant's own users")

  command
    .command('erase <externalId>')
    .description('erases all that is stored of the user with this id; it does not come back from the providers')
    .addHelpText('after', examples('sessiongraph person erase usr_1337 --tenant acme'))
    .action((externalId: string) =>
      withHouse(cli, async ({ services }, call) => {
        cli.show([{ ...(await services.erasure.erase(call, externalId)) }])
      }),
    )
}
