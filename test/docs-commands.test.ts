import { parse, buildSchema as parseSchema, validate } from 'graphql'
import { expect, test } from 'vitest'
import { createProgram } from '../src/cli/program.ts'
import { cliOf } from './harness/cli.ts'
import { codeBlocks, docPaths, quotedIn, readDoc, tableRows } from './harness/docs.ts'

/** What a reader is told to type: each command is one that there is, and what can be run here is run. */

class NotRun extends Error {}

function program() {
  const silent = { out: () => {}, err: () => {}, stdin: async () => '', isTty: false, columns: undefined }
  const notRun = () => {
    throw new NotRun()
  }
  const runs = { serve: notRun, sandbox: notRun, demo: notRun }
  return createProgram(silent, { defaultTenant: 'dev', config: notRun, open: notRun, runs, schema: notRun })
}

/** Where commands of each kind are tried; what is not tried says why. */
const KINDS: readonly { readonly command: RegExp; readonly tried: string }[] = [
  { command: /^curl .*localhost:41\d\d/, tried: 'test/docs.test.ts, test/sandbox-faults.test.ts: by a sandbox' },
  { command: /^npm (ci|test|start|run)\b/, tried: 'test/readme.test.ts: the script is there' },
  { command: /^(npm run --silent )?sessiongraph /, tried: 'below' },
  { command: /^pg_dump /, tried: 'nowhere: it is a tool of PostgreSQL; test/database-command.test.ts compares it' },
]

/** The commands of a page, each on one line, without what is piped into it. */
function commandsOf(page: string): string[] {
  const lines = codeBlocks(page, 'sh').flatMap(block => block.replace(/\\\n\s*/g, ' ').split('\n'))
  const starts = lines.filter(line => /^[a-z]/.test(line))
  return starts.flatMap(line => line.split(/ && | \| /)).filter(line => !line.startsWith('echo '))
}

function wordsOf(command: string): string[] {
  const typed = command.replace(/\s+#.*$/, '').split(/ [<>] /)[0] ?? ''
  const words = typed.replace(/^(npm run --silent )?sessiongraph (-- )?/, '').match(/"[^"]*"|\S+/g) ?? []
  return words.map(word => word.replaceAll('"', ''))
}

test.each(docPaths())('every command of %s is of a kind that is tried', path => {
  for (const command of commandsOf(readDoc(path))) {
    expect(
      KINDS.some(kind => kind.command.test(command)),
      command,
    ).toBe(true)
  }
})

test.each(docPaths())('every sessiongraph command of %s is one that there is', async path => {
  const page = readDoc(path)
  const quoted = quotedIn(page).filter(text => /^sessiongraph [a-z]/.test(text) && !/<|…/.test(text))
  const typed = commandsOf(page).filter(command => /^(npm run --silent )?sessiongraph /.test(command))
  for (const command of [...typed, ...quoted]) {
    const error = await program()
      .parseAsync(wordsOf(command), { from: 'user' })
      .then(
        () => undefined,
        (thrown: Error & { code?: string }) => thrown,
      )
    // What is quoted may be the beginning of a command only.
    const isBeginning = ['commander.help', 'commander.missingArgument', 'commander.missingMandatoryOptionValue']
    expect(
      error instanceof NotRun || (!typed.includes(command) && isBeginning.includes(error?.code ?? '')),
      command,
    ).toBe(true)
  }
})

// The recipes of docs/clients.md share fragments from block to block; their own test carries each of them out.
const PAGES = docPaths().filter(path => path !== 'docs/clients.md')

test.each(PAGES)('every operation of %s is valid', path => {
  const schema = parseSchema(readDoc('schema/schema.graphql'))
  for (const operation of codeBlocks(readDoc(path), 'graphql')) {
    const document = parse(operation)
    if (document.definitions.every(({ kind }) => kind === 'OperationDefinition' || kind === 'FragmentDefinition'))
      expect(validate(schema, document), operation).toEqual([])
  }
})

test('docs/command-line.md has every command, and no other', () => {
  const listed = tableRows(readDoc('docs/command-line.md')).flatMap(([names = '']) => quotedIn(names))
  const own = program().commands.map(command => command.name())
  expect(listed.sort()).toEqual(own.filter(name => name !== 'help').sort())
})

test('what docs/command-line.md tells to type first can be typed before there is anything', async () => {
  const env = { DATABASE_URL: 'sqlite:.data/never-made.db', ENCRYPTION_KEY: '0f'.repeat(32), SANDBOX: 'off' }
  expect(await cliOf(env).run(['doctor'])).toMatchObject({ code: 0 })
})
