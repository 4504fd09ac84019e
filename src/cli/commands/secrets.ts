import type { Command } from 'commander'
import type { RotationResult } from '../../services/privacy/key-rotation.ts'
import { type CliContext, examples, withApp } from '../cli.ts'

/** `sessiongraph secrets`: the keys of the encryption at rest. */
export function addSecrets(program: Command, cli: CliContext): void {
  const command = program.command('secrets').description('the keys of the encryption at rest')

  command
    .command('rotate')
    .description('re-encrypt values of older keys with the first key of ENCRYPTION_KEY; safe while servers run')
    .addHelpText('after', examples('sessiongraph secrets rotate'))
    .action(() =>
      withApp(cli, async ({ services }) => {
        const report = ({ table, rewritten }: { table: string; rewritten: number }) =>
          cli.progress.report(`${table}: ${rewritten} rewritten so far`)
        cli.show([toRow(await services.keyRotation.rotate(report))])
      }),
    )
}

function toRow({ rewritten, unreadable, remaining, dropAfter }: RotationResult) {
  return { rewritten, unreadable, left: Object.fromEntries(remaining), message: toSentence({ remaining, dropAfter }) }
}

function toSentence({ remaining, dropAfter }: Pick<RotationResult, 'remaining' | 'dropAfter'>): string {
  if (remaining.size > 0)
    return 'Some values still use an older key. Run it again, or find the server that still encrypts with it.'
  if (dropAfter === null) return 'You can remove the older keys from ENCRYPTION_KEY now.'
  return `You can remove the older keys from ENCRYPTION_KEY after ${dropAfter.toISOString()}, not before.`
}
