import { readFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { buildSchema, findBreakingChanges, findDangerousChanges, type GraphQLSchema, printSchema } from 'graphql'
import { type CliContext, CliError, examples } from '../cli.ts'

/** `sessiongraph schema`: prints and compares the schema of this build. */
export function addSchema(program: Command, cli: CliContext): void {
  const command = program.command('schema').description('the GraphQL schema of this build')

  command
    .command('print')
    .description('print the schema in the schema definition language; with --json as the field `sdl` of one row')
    .addHelpText('after', examples('sessiongraph schema print > schema.graphql', 'sessiongraph schema print --json'))
    .action(async () => {
      const sdl = printSchema(await cli.schema())
      if (cli.isJson()) cli.show([{ sdl }])
      else cli.print(`${sdl}\n`)
    })

  command
    .command('check')
    .description('compare the schema with an earlier one: exit code 1 if a change can break clients')
    .argument('<file>', 'the earlier schema, as printed by `schema print`')
    .addHelpText('after', examples('sessiongraph schema check schema.graphql'))
    .action(async (file: string) => {
      const before = readSchema(await readFile(file, 'utf8'))
      const now = await cli.schema()
      const breaking = findBreakingChanges(before, now)
      const rows = [...breaking, ...findDangerousChanges(before, now)].map(({ type, description }, index) => ({
        grade: index < breaking.length ? 'BREAKING' : 'DANGEROUS',
        change: type,
        description,
      }))
      cli.show(rows, { empty: 'No breaking changes.' })
      if (breaking.length === 0 && rows.length > 0 && !cli.isJson()) cli.print('\nNo breaking changes.\n')
      if (breaking.length > 0) throw new CliError('SCHEMA_BREAKS', `${breaking.length} changes can break a client.`)
    })
}

function readSchema(text: string): GraphQLSchema {
  try {
    return buildSchema(text)
  } catch (error) {
    throw new CliError(
      'SCHEMA_UNREADABLE',
      `The file contains no valid schema: ${error instanceof Error ? error.message : error}`,
    )
  }
}
