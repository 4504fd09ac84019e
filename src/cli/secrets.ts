import type { Command } from 'commander'
import type { RotationResult } from '../services/rotation.ts'
import { type CliContext, examples, withHouse } from './cli.ts'

/** `sessiongraph secrets`: the keys of what is encrypted at rest. */
export function addSecrets(program: Command, cli: CliContext): void {
  const command = program.command('secrets').description('the keys of what is encrypted at rest')

  command
    .command('rotate')
    .description('rewrites what older keys of ENCRYPTION_KEY sealed with the first one; servers may run meanwhile')
    .addHelpText('after', examples('sessiongraph secrets rotate'))
    .action(() =>
      withHouse(cli, async ({ services }) => {
        const tell = ({ table, rewritten }: { table: string; rewritten: number }) =>
          cli.progress.tell(`${table}: ${rewritten} rewritten so far`)
        cli.show([toRow(await services.rotation.rotate(tell))])
      }),
    )
}

function toRow({ rewritten, unreadable, left, dropAfter }: RotationResult) {
  return { rewritten, unreadable, left: Object.fromEntries(left), says: toSentence({ left, dropAfter }) }
}

function toSentence({ left, dropAfter }: Pick<RotationResult, 'left' | 'dropAfter'>): string {
  if (left.size > 0)
    return 'Something is left under an older key: run it again, or see which server still seals with it.'
  if (dropAfter === null) return 'The older keys may be dropped from ENCRYPTION_KEY now.'
  return `The older keys may be dropped from ENCRYPTION_KEY after ${dropAfter.toISOString()}, and not before.`
}
