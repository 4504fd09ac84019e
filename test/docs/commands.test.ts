import type { Command } from 'commander'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { describeProgram } from '../harness/cli.ts'
import { type Reader, startReader, type Typed } from '../harness/clients/reader.ts'
import { docPaths, quotedIn, readDoc, tableRows } from '../harness/docs/docs.ts'
import { FILES, haveAcme, PLACEHOLDERS } from '../harness/docs/placeholders.ts'
import { commandsIn, dockerCommandsIn, type ShownCommand } from '../harness/docs/shown-commands.ts'

/**
 * Every command in the documentation and in `--help` is executed: page by page, in the order of the page, in a shell
 * beside a running server. Each command must succeed.
 */

const PAGES = [
  ...docPaths(),
  'bench/README.md',
  'deploy/Dockerfile',
  'deploy/docker-compose.yml',
  'examples/codegen/README.md',
  'examples/sixth-provider/README.md',
  'examples/web/README.md',
]

/** The commands that are not run here, with the reason. */
const NOT_TYPED: Readonly<Record<string, string>> = {
  'docker build -f deploy/Dockerfile -t sessiongraph .': 'needs images from elsewhere; deploy.test.ts reads the file',
  'docker run --rm --network host -e NODE_ENV=development -e HOST=localhost -e DATABASE_URL=sqlite::memory: sessiongraph':
    'needs the image',
  'docker compose -f deploy/docker-compose.yml up --build':
    'needs images from elsewhere; deploy.test.ts reads the file',
  'TEST_HTTP=fetch npm test': 'is what runs this',
  'hive-gateway supergraph': 'is not installed; federation.md describes a manual run',
  'LOAD_SEARCH=1 npx vitest run test/load/event-loop.test.ts':
    'searches for minutes; the file itself is a part of `npm test`',
  'node server.mjs': 'getting-started.test.ts does, with its page in a browser',
  'npm run check': 'reads every file; it is a step of its own',
  'npm run screenshots': 'writes docs/images',
  'npm run types': 'compiles everything; it is a step of its own',
  'npx biome check --write .': 'writes the sources',
  'npx vitest run --project sqlite test/docs/links.test.ts': 'is a part of what runs this',
  'node --max-semi-space-size=32 dist/src/main.js': 'is what kill.test.ts starts, compiled into another folder',
  'npm --prefix bench ci': 'fetches packages',
  'npm --prefix bench run bench': 'takes ten minutes',
  'npm --prefix bench run bench -- --help': 'needs the packages of the bench, which are installed by hand',
  'npm --prefix bench run bench -- --quick --cells one,list': 'needs them too',
  'npm --prefix bench run types': 'needs them too',
  'npm ci': 'fetches packages',
  'npm install @apollo/client rxjs graphql graphql-sse': 'fetches packages',
  'npm install @urql/core @urql/exchange-graphcache graphql graphql-sse': 'fetches packages',
  'npm link': 'changes the packages of the machine',
  'npm ci --prefix examples/codegen': 'fetches packages',
  'npm ci --prefix examples/web': 'fetches packages',
  'npm run build': 'writes dist/; kill.test.ts compiles the same sources into another folder',
  'npm run dev --prefix examples/web': 'needs its own packages; example-web.test.ts serves the page without them',
  'npm run release': 'writes the schema that clients rely on; schema-safety.test.ts holds what it checks',
  'npm run schema': 'writes the schema; sixth-provider.test.ts runs it in a copy of the package',
  'npm run check --prefix examples/codegen': 'needs its own packages; .ci/run runs it',
  'npm run generate --prefix examples/codegen': 'needs its own packages; .ci/run runs its check',
  'npm start --prefix examples/codegen': 'needs its own packages; codegen.test.ts runs it without them',
  'npm run types --prefix examples/codegen': 'needs its own packages; `npm run types` runs it',
  'npm run types --prefix examples/web': 'needs its own packages; `npm run types` runs it',
  'npm run test:e2e': 'is a part of what runs this',
  'npm run test:fast': 'is a part of what runs this',
  'npm test': 'is what runs this',
  "pg_dump --format=custom --file='sessiongraph.dump' 'postgres://user@host/database'": 'postgres-docs.test.ts does',
  'pg_restore --dbname=… sessiongraph.dump': 'postgres-docs.test.ts does',
  'rover supergraph compose --config supergraph.yaml > supergraph.graphql': 'is not installed, as federation.md says',
  'router --config router.yaml --supergraph supergraph.graphql': 'is not installed, as federation.md says',
  'VACUUM (FULL) sessions, applicants, customers, attempts, events, deliveries, operations':
    'postgres-docs.test.ts does',
  'wgc router compose -i graph.yaml -o execution.json': 'is not installed, as federation.md says',
}

/** The commands that run until a signal, with the output that shows that they are ready. */
const RUNS_ON: readonly [command: RegExp, says: RegExp][] = [
  [/^curl -N /, /^:/m],
  [/^(CORS_ORIGINS=\S+ )?npm start$/, /GraphiQL/],
  [/ serve$/, /GraphiQL/],
  [/ sandbox( > sandbox.env)?$/, /YORLET_API_KEY=/],
]

const program = describeProgram(() => {
  throw new Error('Nothing is carried out.')
})
const groups = program.commands.filter(({ commands }) => commands.length > 0).map(command => command.name())

function shownBy(page: string): ShownCommand[] {
  return page.endsWith('.md') ? commandsIn(readDoc(page), groups) : dockerCommandsIn(readDoc(page))
}

const used = new Set<string>()
/** Each process is started once. */
const started = new Map<string, Promise<Typed>>()

let reader: Reader
beforeEach(async () => {
  reader = await startReader()
  for (const [file, text] of Object.entries(FILES)) reader.write(file, text(reader.app))
})
afterEach(() => reader.close())

const pages = PAGES.filter(page => shownBy(page).length > 0)

test.each(pages)('every command of %s runs', page => typeAll(shownBy(page)), 300_000)

/** Tenants come first, as for a new user. */
const examples = [...new Set(allOf(program).flatMap(examplesOf))].sort(
  (one, other) => Number(isFirst(other)) - Number(isFirst(one)),
)

test('every example of --help runs, with JSON output if it ends by itself', async () => {
  for (const text of examples) {
    const inJson = !/ (serve|sandbox|demo)$| > /.test(text)
    const { code, output } = await typeOne({
      text: inJson ? text.replace(/( --json)?$/, ' --json') : text,
      inBlock: true,
    })
    expect(code, `${text}\n${output}`).toBe(0)
    if (inJson) expect(Array.isArray(JSON.parse(output)), text).toBe(true)
  }
}, 300_000)

test('docs/reference/cli.md has every command, and no other', () => {
  const listed = tableRows(readDoc('docs/reference/cli.md')).flatMap(([names = '']) => quotedIn(names))
  const own = program.commands.map(command => command.name())
  expect(listed.sort()).toEqual(own.filter(name => name !== 'help').sort())
})

test('every command that is not run here is on one of the pages', () => {
  const shown = new Set(pages.flatMap(page => shownBy(page).map(({ text }) => text)))
  for (const command of Object.keys(NOT_TYPED)) expect(shown, command).toContain(command)
  for (const [placeholder] of PLACEHOLDERS) expect(used, placeholder).toContain(placeholder)
})

async function typeAll(commands: readonly ShownCommand[]): Promise<void> {
  for (const shown of commands) {
    if (Object.hasOwn(NOT_TYPED, shown.text)) continue
    const { code, output } = await typeOne(shown)
    expect(code, `${shown.text}\n${output}`).toBe(0)
  }
}

async function typeOne({ text, inBlock }: ShownCommand): Promise<Typed> {
  const ours = text.replace(/^(npm run (--silent )?sessiongraph --|npx sessiongraph)/, 'sessiongraph')
  // A name in the middle of a sentence refers to the command, and its help is enough for both.
  const whole = !inBlock && isNameOnly(ours) ? `${ours} --help` : ours
  if (/\bacme\b/.test(whole) && !whole.includes('tenants create')) await haveAcme(reader.app)
  const typed = await fillIn(whole)
  expect(typed, 'a placeholder without a value').not.toMatch(/<\w[^>]*>|…/)
  const [, message] = RUNS_ON.find(([command]) => command.test(whole)) ?? []
  if (!message && !/\bdemo$/.test(whole)) return reader.type(typed)
  const command = typed.replace(/^sessiongraph (\w+)$/, 'npm run --silent sessiongraph -- $1')
  const running = started.get(command) ?? reader.type(command, message)
  started.set(command, running)
  return running
}

async function fillIn(command: string): Promise<string> {
  let filled = command
  for (const [shown, typed] of PLACEHOLDERS) {
    if (!filled.includes(shown)) continue
    used.add(shown)
    filled = filled.replace(shown, await typed(reader.app))
  }
  return filled
}

/** True for `sessiongraph`, a group of its commands, and a command with fewer arguments than it takes. */
function isNameOnly(typed: string): boolean {
  let command = program
  for (const name of typed.split(' ').slice(1)) {
    const next = command.commands.find(each => each.name() === name)
    if (!next) return false
    command = next
  }
  return command.commands.length > 0 || command.registeredArguments.some(({ required }) => required)
}

function allOf(command: Command): Command[] {
  return [command, ...command.commands.flatMap(allOf)]
}

/** The lines below `Examples:` in what `--help` prints. */
function examplesOf(command: Command): string[] {
  let help = ''
  const writeOut = (text: string) => {
    help += text
  }
  command.configureOutput({ writeOut }).outputHelp()
  return [...help.matchAll(/^ {2}(sessiongraph .*)$/gm)].map(([, line = '']) => line)
}

function isFirst(command: string): boolean {
  return command.includes('tenants create')
}
