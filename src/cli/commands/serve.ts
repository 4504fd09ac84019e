import type { Command } from 'commander'
import { type CliContext, CliError, examples } from '../cli.ts'

/** `serve`, `sandbox` and `demo`. Their output is for people, so `--json` does not change it. */
export function addServeCommands(program: Command, cli: CliContext): void {
  program
    .command('serve')
    .description('run the server until SIGINT or SIGTERM, and print its addresses')
    .addHelpText('after', examples('sessiongraph serve'))
    .action(() => cli.runs.serve())

  program
    .command('sandbox')
    .description('run only the provider sandboxes until SIGINT or SIGTERM, and print the settings to connect to them')
    .addHelpText('after', examples('sessiongraph sandbox'))
    .action(() => cli.runs.sandbox())

  program
    .command('demo')
    .description('create a session at every provider and complete it, with a local server or a temporary one')
    .addHelpText('after', examples('sessiongraph demo'))
    .action(async () => {
      if (!(await cli.runs.demo())) throw new CliError('DEMO_FAILED', 'Demo failed.')
    })
}
