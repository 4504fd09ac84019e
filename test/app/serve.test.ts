import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import { packageRoot } from '../../src/app/package.ts'
import { builtFile } from '../harness/app/server-process.ts'

/** The output of the server at startup, and of a startup that fails. */

const ENV = {
  DATABASE_URL: 'sqlite::memory:',
  ENCRYPTION_KEY: '0c'.repeat(32),
  LOG_LEVEL: 'silent',
  PORT: '0',
  SANDBOX_PORT: '0',
}
const PRODUCTION = { ...ENV, NODE_ENV: 'production', SANDBOX: 'off' }
const { HOME, PATH } = process.env

/** Starts the server. Resolves with its output at startup. */
async function announced(env: Record<string, string>): Promise<string> {
  const options = { cwd: packageRoot(), env: { HOME, PATH, ...env } }
  const child = spawn(process.execPath, [builtFile('main.js')], options)
  onTestFinished(() => void child.kill('SIGKILL'))
  let output = ''
  child.stdout.on('data', chunk => {
    output += chunk
  })
  await expect.poll(() => output, { timeout: 15_000 }).toMatch(/^YORLET .*\n/m)
  child.kill('SIGINT')
  await once(child, 'exit')
  return output
}

/** Starts a server that fails to start. Resolves with its output. */
async function refused(command: readonly string[], env: Record<string, string>): Promise<string> {
  const options = { cwd: packageRoot(), env: { HOME, PATH, ...env }, timeout: 15_000 }
  const run = promisify(execFile)(process.execPath, [...command], options)
  const { code, stderr } = await run.then(
    () => ({ code: 0, stderr: '' }),
    error => error as { code: number; stderr: string },
  )
  expect(code).toBe(1)
  return stderr
}

test('the server prints the URLs of its endpoint, console and GraphiQL, and the development key', async () => {
  const output = await announced({ ...ENV, DEV_API_KEY: 'sg_dev_key_of_the_start' })
  expect(output).toMatch(/^sessiongraph {2}http:\/\/localhost:(\d+)\/graphql {2}\(GraphiQL in a browser\)$/m)
  const [, port] = /localhost:(\d+)/.exec(output) ?? []
  expect(output).toMatch(
    new RegExp(`^console {7}http://localhost:${port}/console  \\(log in with the API key below\\)$`, 'm'),
  )
  expect(output).toMatch(/^API key {7}sg_dev_key_of_the_start /m)
})

test('a disabled page is not printed', async () => {
  const output = await announced({ ...ENV, CONSOLE: 'off', GRAPHIQL: 'off' })
  expect(output).not.toMatch(/console|GraphiQL/)
})

test('in production no key is printed, but how to create one for the console', async () => {
  const output = await announced(PRODUCTION)
  expect(output).not.toMatch(/GraphiQL|API key {7}/)
  expect(output).toContain('log in with an API key that has the scope admin')
})

test.each([
  ['the server', [builtFile('main.js')]],
  ['serve of the command line', [builtFile('cli/main.js'), 'serve']],
])('%s prints which port is taken', async (_name, command) => {
  const taken = createServer().listen(0, 'localhost')
  onTestFinished(() => void taken.close())
  await once(taken, 'listening')
  const { port } = taken.address() as AddressInfo
  const output = await refused(command, { ...ENV, PORT: String(port) })
  expect(output).toBe(`Port ${port} is in use. Set PORT to use another.\n`)
})

test('an unreachable database, or one with pending migrations, is reported in one sentence', async () => {
  const away = await refused([builtFile('cli/main.js'), 'tenants', 'list'], {
    ...ENV,
    DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none',
  })
  expect(away).toBe(
    'The database cannot be reached (ECONNREFUSED). Check DATABASE_URL and whether the database is running.\n',
  )
  const bare = await refused([builtFile('main.js')], { ...ENV, AUTO_MIGRATE: 'off' })
  expect(bare).toMatch(/^Pending database migrations: .*sessiongraph db migrate.*\n$/)
})

test.each([
  [
    { DATABASE_URL: `sqlite:${packageRoot()}/package.json` },
    'The file of DATABASE_URL is no SQLite database, or is damaged.',
  ],
  [
    { DATABASE_URL: `sqlite:${packageRoot()}/package.json/a.db`, ENCRYPTION_KEY: '' },
    `Cannot create or read ${packageRoot()}/package.json/encryption.key for the encryption key (ENOTDIR). Set ENCRYPTION_KEY, or DATABASE_URL to a file in a folder that can be written.`,
  ],
  [
    { TRUSTED_DOCUMENTS: 'enforce', TRUSTED_DOCUMENTS_DIR: '/nothing' },
    'Invalid settings:\n  TRUSTED_DOCUMENTS_DIR: Expected a readable folder with files *.graphql.',
  ],
  [
    { TRUSTED_DOCUMENTS: 'enforce', TRUSTED_DOCUMENTS_DIR: 'console' },
    'Invalid settings:\n  TRUSTED_DOCUMENTS_DIR: Expected a readable folder with files *.graphql.',
  ],
])('a file or folder that cannot be used is reported with its setting: %o', async (env, message) => {
  expect(await refused([builtFile('main.js')], { ...ENV, ...env })).toBe(`${message}\n`)
})

test.each([
  ['the server', [builtFile('main.js')]],
  ['serve of the command line', [builtFile('cli/main.js'), 'serve']],
])('%s continues when its output is closed', async (_name, command) => {
  const options = { cwd: packageRoot(), env: { HOME, PATH, ...ENV, LOG_LEVEL: 'info', PORT: String(await freePort()) } }
  const child = spawn(process.execPath, command, options)
  onTestFinished(() => void child.kill('SIGKILL'))
  child.stdout.destroy()
  child.stderr.destroy()
  const ready = async () => (await fetch(`http://localhost:${options.env.PORT}/readyz`)).status
  await expect.poll(() => ready().catch(() => 0), { timeout: 15_000 }).toBe(200)
  child.kill('SIGINT')
  expect(await once(child, 'exit')).toEqual([0, null])
})

async function freePort(): Promise<number> {
  const server = createServer().listen(0, 'localhost')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await new Promise(resolve => server.close(resolve))
  return port
}

test('a closed output pipe ends the command line without an error', async () => {
  const script = `"$NODE" "$CLI" schema print | head -n 1`
  const env = { HOME, PATH, ...ENV, NODE: process.execPath, CLI: builtFile('cli/main.js') }
  const { stdout, stderr } = await promisify(execFile)('sh', ['-c', script], { cwd: packageRoot(), env })
  expect([stdout.split('\n').length, stderr]).toEqual([2, ''])
})
