import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { packageRoot } from '../../src/app/package.ts'
import { SCOPES } from '../../src/domain/access/caller.ts'
import { builtFile } from '../harness/app/server-process.ts'
import { startApp, type TestApp } from '../harness/app/test-app.ts'
import { withToken } from '../harness/clients/callers.ts'

/** Tenants and keys from the command line, beside a running server on the same database. */

const folder = mkdtempSync(join(tmpdir(), 'sessiongraph-keys-'))
const env = { DATABASE_URL: `sqlite:${join(folder, 'keys.db')}`, ENCRYPTION_KEY: '08'.repeat(32), SANDBOX: 'off' }
let app: TestApp

beforeAll(async () => {
  app = await startApp(env, { now: () => new Date(), jobs: false })
})
afterAll(async () => {
  await app.close()
  rmSync(folder, { recursive: true, force: true })
})

function run(...args: readonly string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const { PATH, HOME } = process.env
  const command = [builtFile('cli/main.js'), ...args]
  return new Promise(resolve => {
    execFile(process.execPath, command, { cwd: packageRoot(), env: { PATH, HOME, ...env } }, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
    )
  })
}

async function json(...args: readonly string[]) {
  const { code, stdout, stderr } = await run('--json', ...args)
  expect([code, stderr]).toEqual([0, ''])
  // biome-ignore lint/suspicious/noExplicitAny: each test knows the shape of what it reads
  return JSON.parse(stdout) as any[]
}

test('a tenant is created once and listed', async () => {
  expect(await json('tenants', 'create', 'acme', '--name', 'Acme Ltd')).toMatchObject([
    { id: 'acme', name: 'Acme Ltd' },
  ])
  expect((await json('tenants', 'list')).map(({ id }) => id)).toEqual(['acme', 'dev'])
  expect(await run('tenants', 'create', 'acme')).toMatchObject({ code: 1, stdout: '' })
  expect((await run('tenants', 'create', 'No Such Name')).code).toBe(1)
})

test('a key is shown once, works with its scopes, is listed without its secret, and is revoked', async () => {
  await json('tenants', 'create', 'beta')
  const [made] = await json(
    'keys',
    'create',
    'beta',
    '--name',
    'web',
    '--scopes',
    'sessions:read, pii:read',
    '--expires',
    '90d',
  )
  expect(made).toMatchObject({ tenant: 'beta', name: 'web', scopes: 'sessions:read pii:read', revokedAt: null })
  expect(made.prefix).toBe(`${made.key.slice(0, 10)}…`)
  const days = (new Date(made.expiresAt).getTime() - Date.now()) / 86_400_000
  expect([days > 89.9, days <= 90]).toEqual([true, true])

  const client = withToken(app, made.key)
  expect(await client.execute('{ sessions { totalCount } }')).toMatchObject({
    status: 200,
    data: { sessions: { totalCount: 0 } },
  })
  expect((await client.execute('{ customers { totalCount } }')).errors).toMatchObject([
    { extensions: { code: 'FORBIDDEN' } },
  ])

  const listed = await run('keys', 'list', 'beta')
  expect(listed.stdout).toContain(made.id)
  expect(listed.stdout).not.toContain(made.key)

  expect(await json('keys', 'revoke', 'beta', made.id)).toEqual([{ revoked: made.id }])
  // The server caches keys for two seconds.
  const status = async () => (await client.execute('{ __typename }')).status
  await expect.poll(status, { timeout: 30_000 }).toBe(401)
  expect((await json('keys', 'list', 'beta'))[0].revokedAt).not.toBeNull()
})

test('a key has the cost per minute that it is given, and that of the server again', async () => {
  await json('tenants', 'create', 'delta')
  const wanted = ['--name', 'app', '--scopes', 'sessions:read', '--cost-per-minute', '500']
  const [made] = await json('keys', 'create', 'delta', ...wanted)
  expect(made.costPerMinute).toBe(500)
  expect((await json('keys', 'list', 'delta'))[0].costPerMinute).toBe(500)
  expect(await json('keys', 'limit', 'delta', made.id, '800')).toEqual([{ limited: made.id, costPerMinute: 800 }])
  expect((await json('keys', 'list', 'delta'))[0].costPerMinute).toBe(800)
  const policy = async () => {
    const headers = { authorization: `Bearer ${made.key}`, 'content-type': 'application/json' }
    const response = await fetch(app.url, { method: 'POST', headers, body: '{"query":"{ __typename }"}' })
    return response.headers.get('ratelimit-policy')
  }
  expect(await policy()).toBe('"cost";q=800;w=60')
  await json('keys', 'limit', 'delta', made.id, 'default')
  // The server caches keys for two seconds.
  await expect.poll(policy, { timeout: 30_000 }).not.toContain('q=800;')
  expect((await json('keys', 'list', 'delta'))[0].costPerMinute).toBeNull()
})

test('a key of all scopes does not expire by default', async () => {
  await json('tenants', 'create', 'gamma')
  const [made] = await json('keys', 'create', 'gamma', '--name', 'all', '--scopes', 'all')
  expect(made).toMatchObject({ scopes: SCOPES.join(' '), expiresAt: null })
})

test.each([
  ['an unknown tenant', ['keys', 'create', 'nobody', '--name', 'x', '--scopes', 'all'], 1],
  ['a list of the keys of an unknown tenant', ['keys', 'list', 'nobody'], 1],
  ['an unknown key', ['keys', 'revoke', 'dev', 'nothing'], 1],
  ['a time that was', ['keys', 'create', 'dev', '--name', 'x', '--scopes', 'all', '--expires', '2001-01-01'], 1],
  ['an invalid time', ['keys', 'create', 'dev', '--name', 'x', '--scopes', 'all', '--expires', 'soon'], 2],
  ['an unknown scope', ['keys', 'create', 'dev', '--name', 'x', '--scopes', 'sessions:everything'], 2],
  ['a cost of too little', ['keys', 'limit', 'dev', 'nothing', '9'], 2],
  ['a cost of too much', ['keys', 'limit', 'dev', 'nothing', '1000000001'], 2],
  [
    'a cost that is no number',
    ['keys', 'create', 'dev', '--name', 'x', '--scopes', 'all', '--cost-per-minute', '1e3'],
    2,
  ],
  ['a limit of an unknown key', ['keys', 'limit', 'dev', 'nothing', '500'], 1],
  ['no scopes', ['keys', 'create', 'dev', '--name', 'x'], 2],
])('%s is refused', async (_what, args, code) => {
  const ran = await run(...args)
  expect([ran.code, ran.stdout]).toEqual([code, ''])
  expect(ran.stderr).not.toBe('')
})
