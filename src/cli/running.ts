import type { Command } from 'commander'
import { type CliContext, CliError, examples } from './cli.ts'

/** `serve`, `sandbox` and `demo`: what runs. They speak to people, so `--json` changes nothing about them. */
export function addRunning(program: Command, cli: CliContext): void {
  program
    .command('serve')
    .description('runs the server, and says at which addresses, until SIGINT or SIGTERM')
    .addHelpText('after', examples('sessiongraph serve'))
    .action(() => cli.runs.serve())

  program
    .command('sandbox')
    .description(
      'runs the sandboxes of the providers alone until SIGINT or SIGTERM, and prints the settings that lead to them',
    )
    .addHelpText('after', examples('sessiongraph sandbox'))
    .action(() => cli.runs.sandbox())

  program
    .command('demo')
    .description(
      'makes a session at every provider and walks it to its end, at the server that runs here or one of its own',
    )
    .addHelpText('after', examples('sessiongraph demo'))
    .action(async () => {
      if (!(await cli.runs.demo())) throw new CliError('DEMO_FAILED', 'A part of the story did not come true.')
    })
}
