import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Command } from 'commander'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createProgram } from '../src/cli/program.ts'
import { cliOf } from './harness/cli.ts'
import { type House, startHouse } from './harness/house.ts'

/** Every command is explained, with examples that are right, and speaks JSON. */

const folder = mkdtempSync(join(tmpdir(), 'sessiongraph-help-'))
const env = { DATABASE_URL: `sqlite:${join(folder, 'help.db')}`, ENCRYPTION_KEY: '0c'.repeat(32), SANDBOX: 'off' }
const cli = cliOf(env)
let house: House

beforeAll(async () => {
  house = await startHouse(env, { jobs: false })
})
afterAll(async () => {
  await house.close()
  rmSync(folder, { recursive: true, force: true })
})

class NotRun extends Error {}

/** The commands with nothing behind them. */
function program(): Command {
  const silent = { out: () => {}, err: () => {}, stdin: async () => '', isTty: false, columns: undefined }
  const notRun = () => {
    throw new NotRun()
  }
  return createProgram(silent, {
    defaultTenant: 'dev',
    config: notRun,
    open: notRun,
    runs: { serve: notRun, sandbox: notRun, demo: notRun },
    schema: notRun,
  })
}

function leavesOf(command: Command, path: readonly string[] = []): { path: string[]; command: Command }[] {
  const own = command.commands.filter(each => each.name() !== 'help')
  if (own.length === 0) return [{ path: [...path], command }]
  return own.flatMap(each => leavesOf(each, [...path, each.name()]))
}

const leaves = leavesOf(program()).map(({ path }) => path.join(' '))

test('the commands are these', () => {
  expect(leaves.toSorted()).toEqual([
    'db backup',
    'db migrate',
    'db status',
    'demo',
    'doctor',
    'drift list',
    'import',
    'keys create',
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
    'webhooks list',
    'webhooks remove',
    'webhooks replay',
    'webhooks rotate',
    'webhooks show',
  ])
})

describe.each(leaves)('%s', path => {
  test('--help says what it does, with an example that parses and is of this command', async () => {
    const { code, stdout, stderr } = await cli.run([...path.split(' '), '--help'])
    expect([code, stderr]).toEqual([0, ''])
    const lines = stdout.split('\n').filter(line => line.startsWith('  sessiongraph '))
    expect(lines.length, stdout).toBeGreaterThan(0)
    for (const line of lines) {
      const [typed = ''] = line.split(/ [<>|] /)
      expect(typed).toContain(`sessiongraph ${path}`)
      // It gets as far as to what does it.
      await expect(program().parseAsync(wordsOf(typed).slice(1), { from: 'user' }), line).rejects.toBeInstanceOf(
        path === 'schema check' ? Error : NotRun,
      )
    }
  })

  test('takes no secret as a word of the command', () => {
    const { command } = leavesOf(program()).find(leaf => leaf.path.join(' ') === path) ?? { command: program() }
    const words = [...command.options.filter(option => !option.isBoolean()), ...command.registeredArguments]
    for (const word of words) expect('attributeName' in word ? word.attributeName() : word.name()).not.toMatch(SECRET)
  })

  test('a word too much is a wrong command: exit code 2, and as JSON where that is asked for', async () => {
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

describe('--json', () => {
  const nobody = '01a1fc51-4540-7679-a16e-870c9ec09ee5'

  test('what is done is an array on stdout, and nothing on stderr', async () => {
    const file = join(folder, 'schema.graphql')
    const { stdout } = await cli.run(['schema', 'print'])
    writeFileSync(file, stdout)
    const done = [
      'tenants create acme',
      'tenants list',
      'keys create acme --name web --scopes all',
      'keys list acme',
      'providers list acme',
      'operations list',
      'person show nobody',
      'person erase nobody',
      'webhooks list',
      'drift list',
      'secrets rotate',
      'db status',
      'db migrate',
      `db backup ${join(folder, 'copy.db')}`,
      'schema print',
      `schema check ${file}`,
      'doctor --tenant acme',
    ]
    for (const words of done) {
      const { code, stdout, stderr } = await cli.run([...words.split(' '), '--json'])
      expect([code, stderr], words).toEqual([0, ''])
      expect(Array.isArray(JSON.parse(stdout)), words).toBe(true)
    }
  })

  test('what is not done is an error on stderr, and nothing on stdout', async () => {
    const refused = [
      'tenants create Not_A_Tenant',
      'keys list nobody',
      `keys revoke dev ${nobody}`,
      'providers list nobody',
      'providers set nobody kayle',
      'providers test dev kayle',
      'providers remove dev kayle',
      'operations show nobody',
      'operations settle nobody --absent',
      'webhooks add kayle',
      'webhooks rotate nobody',
      'webhooks remove nobody',
      `webhooks show ${nobody}`,
      `webhooks replay ${nobody}`,
      'import kayle',
      `db backup ${join(folder, 'copy.db')}`,
      'schema check no-such-file',
    ]
    for (const words of refused) {
      const { code, stdout, stderr } = await cli.run([...words.split(' '), '--json'])
      expect([code, stdout], words).toEqual([1, ''])
      expect(JSON.parse(stderr), words).toEqual({
        error: expect.objectContaining({ code: expect.stringMatching(/^[A-Z_]+$/), message: expect.any(String) }),
      })
    }
  })

  test('settings that cannot be used are an error as well', async () => {
    const { code, stderr } = await cliOf({ ...env, PORT: 'many' }).run(['tenants', 'list', '--json'])
    expect(code).toBe(1)
    expect(JSON.parse(stderr).error).toMatchObject({ code: 'CONFIG_INVALID', message: expect.stringContaining('PORT') })
  })
})

describe('schema check', () => {
  test('a field that is gone breaks clients, which is exit code 1; one that came does not', async () => {
    const { stdout } = await cli.run(['schema', 'print'])
    const file = join(folder, 'other.graphql')
    writeFileSync(file, stdout.replace('type Query {', 'type Query {\n  gone: String'))
    const broken = await cli.run(['schema', 'check', file, '--json'])
    expect(broken.code).toBe(1)
    expect(JSON.parse(broken.stdout)).toEqual([expect.objectContaining({ grade: 'BREAKING', change: 'FIELD_REMOVED' })])
    expect(JSON.parse(broken.stderr).error.code).toBe('SCHEMA_BREAKS')
  })
})

test('several rows are a table for people, and a name and a value a line where it would be too wide', async () => {
  const { stdout } = await cli.run(['tenants', 'list'])
  expect(stdout).toMatch(/^id +name +createdAt\nacme +acme +20/)
})

test('person show tells what is stored of somebody, and after person erase nothing', async () => {
  const own = await house.services.tenants.create({ id: 'shown' })
  expect(await cli.rows('person', 'show', 'usr_1', '--tenant', own.id)).toEqual([])
})
