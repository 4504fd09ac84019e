import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Command } from 'commander'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { packageRoot } from '../../src/app/package.ts'
import { startApp, type TestApp } from '../harness/app/test-app.ts'
import { cliOf, describeProgram } from '../harness/cli.ts'

/** Every command has a help text with valid examples, and JSON output. */

const folder = mkdtempSync(join(tmpdir(), 'sessiongraph-help-'))
const env = { DATABASE_URL: `sqlite:${join(folder, 'help.db')}`, ENCRYPTION_KEY: '0c'.repeat(32), SANDBOX: 'off' }
const cli = cliOf(env)
let app: TestApp

beforeAll(async () => {
  app = await startApp(env, { jobs: false })
})
afterAll(async () => {
  await app.close()
  rmSync(folder, { recursive: true, force: true })
})

class NotRun extends Error {}

function program(): Command {
  return describeProgram(() => {
    throw new NotRun()
  })
}

function leavesOf(command: Command, path: readonly string[] = []): { path: string[]; command: Command }[] {
  const own = command.commands.filter(each => each.name() !== 'help')
  if (own.length === 0) return [{ path: [...path], command }]
  return own.flatMap(each => leavesOf(each, [...path, each.name()]))
}

const leaves = leavesOf(program()).map(({ path }) => path.join(' '))

test('every command that the console suggests exists, with its arguments', () => {
  const folder = join(packageRoot(), 'console')
  const texts = readdirSync(folder).map(file => readFileSync(join(folder, file), 'utf8'))
  const reported = texts.flatMap(text => [...text.matchAll(/sessiongraph ((?:[a-z]+ )+(?:<\w+> ?)*<\w+>)/g)])
  const known = leavesOf(program()).map(({ path, command }) =>
    [...path, ...command.registeredArguments.filter(it => it.required).map(it => `<${it.name()}>`)].join(' '),
  )
  expect(reported).toHaveLength(2)
  for (const [, typed] of reported) expect(known).toContain(typed)
})

test('the list of commands is complete', () => {
  expect(leaves.toSorted()).toEqual([
    'db backup',
    'db migrate',
    'db status',
    'demo',
    'doctor',
    'drift list',
    'import',
    'keys create',
    'keys limit',
    'keys list',
    'keys revoke',
    'operations list',
    'operations settle',
    'operations show',
    'person erase',
    'person show',
    'providers list',
    'providers remove',
    'providers set',
    'providers test',
    'sandbox',
    'schema check',
    'schema print',
    'secrets rotate',
    'serve',
    'tenants create',
    'tenants list',
    'webhooks add',
    'webhooks dismiss',
    'webhooks list',
    'webhooks remove',
    'webhooks replay',
    'webhooks rotate',
    'webhooks show',
  ])
})

test('the page of the command line lists every command with its arguments and options', () => {
  const page = readFileSync(join(packageRoot(), 'docs/reference/cli.md'), 'utf8')
  for (const { path, command } of leavesOf(program())) {
    expect(page).toContain(`\n${[...path, usageOf(command)].join(' ').trim()}\n    ${command.description()}\n`)
  }
})

test('the usage of a command shows a required option without brackets', () => {
  for (const { path, command } of leavesOf(program()))
    for (const { flags, mandatory, description } of command.options)
      if (mandatory || /\brequired\b/.test(description)) {
        expect(` ${usageOf(command)} `, path.join(' ')).toContain(` ${flags} `)
        expect(command.helpInformation()).toMatch(new RegExp(`^Usage: .* ${flags} `))
      }
})

/** The arguments and all options, in brackets where they may be left out. */
function usageOf(command: Command): string {
  const parameters = command.registeredArguments.map(it => (it.required ? `<${it.name()}>` : `[${it.name()}]`))
  // The default begins with the options; a command with required options has a usage of its own.
  const own = command.usage().startsWith('[options]') ? parameters.join(' ') : command.usage().replace(' [options]', '')
  const others = command.options.filter(({ long }) => long !== '--help' && !own.includes(String(long)))
  return [own, ...others.map(({ flags }) => `[${flags}]`)].join(' ').trim()
}

test('--version prints the version', async () => {
  const { version } = JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8'))
  expect(await cli.run(['--version'])).toMatchObject({ code: 0, stdout: `${version}\n` })
})

describe.each(leaves)('%s', path => {
  test('--help prints what it does, with an example that parses and is of this command', async () => {
    const { code, stdout, stderr } = await cli.run([...path.split(' '), '--help'])
    expect([code, stderr]).toEqual([0, ''])
    const lines = stdout.split('\n').filter(line => line.startsWith('  sessiongraph '))
    expect(lines.length, stdout).toBeGreaterThan(0)
    for (const line of lines) {
      const [typed = ''] = line.split(/ [<>|] /)
      expect(typed).toContain(`sessiongraph ${path}`)
      // The arguments parse, so the command's action runs.
      await expect(program().parseAsync(wordsOf(typed).slice(1), { from: 'user' }), line).rejects.toBeInstanceOf(
        path === 'schema check' ? Error : NotRun,
      )
    }
  })

  test('--help explains each argument and option, and lists the global options', async () => {
    const { command } = leavesOf(program()).find(leaf => leaf.path.join(' ') === path) ?? { command: program() }
    for (const argument of command.registeredArguments) expect(argument.description, argument.name()).toMatch(/\w{2}/)
    for (const option of command.options) expect(option.description, option.flags).toMatch(/\w{2}/)
    const { stdout } = await cli.run([...path.split(' '), '--help'])
    expect(stdout).toMatch(/^Global Options:\n +--tenant <id> .*\n +--json /m)
  })

  test('takes no secret as an argument', () => {
    const { command } = leavesOf(program()).find(leaf => leaf.path.join(' ') === path) ?? { command: program() }
    const words = [...command.options.filter(option => !option.isBoolean()), ...command.registeredArguments]
    for (const word of words) expect('attributeName' in word ? word.attributeName() : word.name()).not.toMatch(SECRET)
  })

  test('refuses an extra argument with exit code 2, as JSON with --json', async () => {
    const words = [...path.split(' '), '--no-such-option', '--json']
    const { code, stdout, stderr } = await cli.run(words)
    expect([code, stdout]).toEqual([2, ''])
    expect(JSON.parse(stderr)).toEqual({
      error: { code: 'USAGE', message: expect.any(String) },
    })
  })
})

const SECRET = /secret|password|^key$|token/i

function wordsOf(line: string): string[] {
  return [...line.trim().matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '')
}

const NO_CALLER = '01a1fc51-4540-7679-a16e-870c9ec09ee5'
/** Valid commands that cannot be carried out. */
const REFUSED = [
  'tenants create Not_A_Tenant',
  'keys create nobody --name web --scopes all',
  `keys limit dev ${NO_CALLER} 6000`,
  'keys list nobody',
  `keys revoke dev ${NO_CALLER}`,
  'providers list nobody',
  'providers set nobody kayle',
  'providers test dev kayle',
  'providers remove dev kayle',
  'operations list --tenant nobody',
  'operations show nobody',
  'operations settle nobody --absent',
  'person show usr_1 --tenant nobody',
  'person erase usr_1 --tenant nobody',
  'webhooks add kayle',
  'webhooks list --tenant nobody',
  'webhooks rotate nobody',
  'webhooks remove nobody',
  `webhooks show ${NO_CALLER}`,
  `webhooks replay ${NO_CALLER}`,
  `webhooks dismiss ${NO_CALLER} --note test`,
  'drift list --tenant nobody',
  'import kayle',
  'doctor --tenant nobody',
  `db backup ${folder}`,
  'schema check no-such-file',
]
/** Commands that need only the database. */
const NEEDS_DATABASE = ['db migrate', 'db status', 'secrets rotate', 'tenants list']
/** Commands that keep running; they print the same error if they fail to start. */
const RUNS = ['demo', 'sandbox', 'serve']

describe('--json', () => {
  test('prints an unfinished action as an error to stderr, and nothing to stdout', async () => {
    for (const words of REFUSED) {
      const { code, stdout, stderr } = await cli.run([...words.split(' '), '--json'])
      expect([code, stdout], words).toEqual([1, ''])
      expect(JSON.parse(stderr), words).toEqual({
        error: expect.objectContaining({ code: expect.stringMatching(/^[A-Z_]+$/), message: expect.any(String) }),
      })
    }
  })

  test.each(NEEDS_DATABASE)('%s prints an error if the database cannot be reached', async words => {
    const away = cliOf({ ...env, DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none' })
    const { code, stdout, stderr } = await away.run([...words.split(' '), '--json'])
    expect([code, stdout]).toEqual([1, ''])
    expect(JSON.parse(stderr).error).toEqual({ code: 'OVERLOADED', message: expect.stringContaining('DATABASE_URL') })
  })

  test.each(RUNS)('%s prints an error if it cannot start', async words => {
    const taken = async () => {
      throw Object.assign(new Error('Port 4000 is taken.'), { code: 'EADDRINUSE' })
    }
    const runs = { serve: taken, sandbox: taken, demo: taken }
    const { code, stdout, stderr } = await cliOf(env, { runs }).run([words, '--json'])
    expect([code, stdout]).toEqual([1, ''])
    expect(JSON.parse(stderr)).toEqual({ error: { code: 'EADDRINUSE', message: 'Port 4000 is taken.' } })
  })

  test('prints an error if the demo fails', async () => {
    const runs = { serve: async () => {}, sandbox: async () => {}, demo: async () => false }
    const { code, stderr } = await cliOf(env, { runs }).run(['demo', '--json'])
    expect([code, JSON.parse(stderr).error.code]).toEqual([1, 'DEMO_FAILED'])
  })

  test('prints an internal error with its stack', async () => {
    const broken = async () => {
      throw new TypeError('nothing is not iterable')
    }
    const runs = { serve: broken, sandbox: broken, demo: broken }
    const { code, stderr } = await cliOf(env, { runs }).run(['serve', '--json'])
    const message = expect.stringMatching(/^TypeError: nothing is not iterable\n +at /)
    expect([code, JSON.parse(stderr)]).toEqual([1, { error: { code: 'INTERNAL_ERROR', message } }])
    await expect(cliOf(env, { runs }).run(['serve'])).rejects.toThrow('nothing is not iterable')
  })

  test('covers every command; successful output is tested by test/docs/commands.test.ts', () => {
    // Commands without I/O cannot fail.
    const reported = [...REFUSED, ...NEEDS_DATABASE, ...RUNS, 'schema print']
    for (const leaf of leaves)
      expect(
        reported.some(words => `${words} `.startsWith(`${leaf} `)),
        leaf,
      ).toBe(true)
  })

  test('prints an error for invalid settings', async () => {
    const { code, stderr } = await cliOf({ ...env, PORT: 'many' }).run(['tenants', 'list', '--json'])
    expect(code).toBe(1)
    expect(JSON.parse(stderr).error).toMatchObject({ code: 'CONFIG_INVALID', message: expect.stringContaining('PORT') })
  })
})

describe('a tenant', () => {
  const named = REFUSED.filter(words => words.includes('nobody') && /tenant|^(keys|providers) /.test(words))

  test.each(named)('that does not exist is not shown as an empty one: %s', async words => {
    const { code, stdout, stderr } = await cli.run(words.split(' '))
    expect([code, stdout]).toEqual([1, ''])
    const there = '`sessiongraph tenants list` shows all tenants'
    expect(stderr).toContain(
      `Tenant not found. Check the id. ${there}, \`sessiongraph tenants create nobody\` creates one.`,
    )
  })

  test('is given once: --tenant is refused beside a command that takes it as an argument', async () => {
    const { code, stderr } = await cli.run(['keys', 'list', 'dev', '--tenant', 'acme'])
    expect([code, stderr]).toEqual([2, expect.stringContaining('unexpected --tenant')])
    expect(await cli.run(['keys', 'list', 'dev', '--tenant', 'dev'])).toMatchObject({ code: 0 })
  })
})

describe('a record that does not exist', () => {
  test.each([
    [`keys revoke dev ${NO_CALLER}`, '`sessiongraph keys list dev` shows'],
    ['operations show nobody', '`sessiongraph operations list --state PENDING SENT SUCCEEDED FAILED UNKNOWN` shows'],
    [`webhooks show ${NO_CALLER}`, '`sessiongraph webhooks list` shows'],
    ['webhooks rotate nobody --tenant dev', '`sessiongraph webhooks list --tenant dev` shows'],
    ['providers test dev kayle', "Set the tenant's account with `sessiongraph providers set dev kayle`"],
    ['webhooks add kayle', "Set the tenant's account with `sessiongraph providers set dev kayle`"],
    ['import kayle', "Set the tenant's account with `sessiongraph providers set dev kayle`"],
  ])('is reported with where to look, or how to create it: %s', async (words, advice) => {
    const { code, stderr } = await cli.run(words.split(' '))
    expect([code, stderr]).toEqual([1, expect.stringContaining(advice)])
  })
})

describe('keys create', () => {
  test.each([
    ['keys create', "missing required argument 'tenant'"],
    ['keys create dev', 'expected --name <name> and --scopes <scopes>'],
    ['keys create dev --name web', 'expected --name <name> and --scopes <scopes>'],
  ])('reports the first missing argument, the tenant first: %s', async (words, output) => {
    const { code, stderr } = await cli.run(words.split(' '))
    expect([code, stderr]).toEqual([2, expect.stringContaining(output)])
  })
})

describe('schema check', () => {
  test('a removed field is a breaking change with exit code 1; an added field is not', async () => {
    const { stdout } = await cli.run(['schema', 'print'])
    const file = join(folder, 'other.graphql')
    writeFileSync(file, stdout.replace('type Query {', 'type Query {\n  gone: String'))
    const same = join(folder, 'same.graphql')
    writeFileSync(same, stdout)
    expect(await cli.run(['schema', 'check', same])).toEqual({ code: 0, stdout: 'No breaking changes.\n', stderr: '' })
    const broken = await cli.run(['schema', 'check', file, '--json'])
    expect(broken.code).toBe(1)
    expect(JSON.parse(broken.stdout)).toEqual([expect.objectContaining({ grade: 'BREAKING', change: 'FIELD_REMOVED' })])
    expect(JSON.parse(broken.stderr).error.code).toBe('SCHEMA_BREAKS')
  })
})

test('several rows print as a table, in which a long value is wrapped', async () => {
  await cli.run(['tenants', 'create', 'acme'])
  const { stdout } = await cli.run(['tenants', 'list'])
  expect(stdout).toMatch(/^id +name +createdAt\nacme +acme +20/)
  await cli.run(['tenants', 'create', 'long', '--name', 'Long '.repeat(40).trim()])
  const wrapped = await cli.run(['tenants', 'list'])
  expect(wrapped.stdout).toMatch(
    /^id +name +createdAt\nacme +acme +20.*\n(.*\n)*long +Long Long .*Long +20.*\n +Long Long/,
  )
  for (const line of wrapped.stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(120)
})

test('the ids and times of a table are not cut if it fits without that', async () => {
  const scopes = ['--scopes', 'all']
  for (const name of ['one', 'two', 'three']) await cli.run(['keys', 'create', 'dev', '--name', name, ...scopes])
  const { stdout } = await cli.run(['keys', 'list', 'dev'])
  expect(stdout).toMatch(/^id +tenant +name/)
  expect(stdout.match(/^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12} .* \d{4}-\d\d-\d\dT[\d:.]+Z$/gm)).toHaveLength(3)
})
