import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Finding } from '../src/cli/finding.ts'
import { toVariable } from '../src/config.ts'
import { cliOf } from './harness/cli.ts'
import { DEV } from './harness/deliveries.ts'
import { type House, startHouse } from './harness/house.ts'
import { type OwnProviders, startOwnProviders } from './harness/tenants.ts'

/** `sessiongraph doctor`: each thing that can be wrong is said with what to do, and is a 1 for scripts. */

const folder = mkdtempSync(join(tmpdir(), 'sessiongraph-doctor-'))
const KEY = '0d'.repeat(32)
let own: OwnProviders
let env: Record<string, string>
let house: House

beforeAll(async () => {
  own = await startOwnProviders()
  const kayle = Object.entries(own.settings('KAYLE')).map(([name, value]) => [toVariable('KAYLE', name), value])
  env = {
    DATABASE_URL: `sqlite:${join(folder, 'doctor.db')}`,
    ENCRYPTION_KEY: KEY,
    SANDBOX: 'off',
    ...Object.fromEntries(kayle),
  }
  house = await startHouse(env, { jobs: false })
})
afterAll(async () => {
  await house.close()
  await own.close()
  rmSync(folder, { recursive: true, force: true })
})

async function examine(changes: Record<string, string> = {}): Promise<{ code: number; findings: Finding[] }> {
  const { code, stdout } = await cliOf({ ...env, ...changes }).run(['doctor', '--json'])
  return { code, findings: JSON.parse(stdout) }
}

/** Expects exit code 1 and a problem of that check that says so. */
async function expectProblem(check: string, says: RegExp, changes: Record<string, string> = {}): Promise<void> {
  const { code, findings } = await examine(changes)
  const problems = findings.filter(({ state }) => state === 'PROBLEM')
  expect(problems).toContainEqual({ state: 'PROBLEM', check, says: expect.stringMatching(says) })
  expect(code).toBe(1)
}

test('where all is well nothing is a problem, and the exit code is 0', async () => {
  const { code, findings } = await examine()
  expect(findings.filter(({ state }) => state === 'PROBLEM')).toEqual([])
  expect(code).toBe(0)
  const checks = findings.map(({ check }) => check)
  for (const check of ['settings', 'database', 'disk', 'store', 'encryption', 'inbox', 'creates', 'KAYLE of dev'])
    expect(checks).toContain(check)
})

test('every setting that is wrong is named', () =>
  expectProblem('settings', /PORT: .*\n.*LOG_LEVEL: /, { PORT: 'many', LOG_LEVEL: 'loud' }))

test('a database that is not there yet is looked at without making it', async () => {
  const file = join(folder, 'none.db')
  const { code, findings } = await examine({ DATABASE_URL: `sqlite:${file}` })
  expect(findings).toContainEqual(expect.objectContaining({ state: 'NOTE', check: 'database' }))
  expect(findings).toContainEqual(expect.objectContaining({ state: 'OK', check: 'KAYLE of dev' }))
  expect([code, existsSync(file)]).toEqual([0, false])
})

test('a database that cannot be reached is one', () =>
  expectProblem('database', /DATABASE_URL/, { DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none' }))

test('a key that does not open the database is one', () =>
  expectProblem('house', /ENCRYPTION_KEY/, { ENCRYPTION_KEY: '0e'.repeat(32) }))

test('values of a key that is not there any more are one', async () => {
  const { id } = await house.services.accounts.get('dev', 'KAYLE')
  const row = { account_id: id, name: 'old', value_sealed: 'v1.deadbeef.x', updated_at: 0 }
  await house.db.sql.insertInto('account_secrets').values(row).execute()
  await expectProblem('encryption', /1 of key deadbeef/)
  await house.db.sql.deleteFrom('account_secrets').where('name', '=', 'old').execute()
})

test('values of an older key are said, with what rewrites them', async () => {
  const { code, findings } = await examine({ ENCRYPTION_KEY: `${'0e'.repeat(32)},${KEY}` })
  const [found] = findings.filter(({ check }) => check === 'encryption')
  expect(found).toMatchObject({ state: 'NOTE', says: expect.stringContaining('secrets rotate') })
  expect(code).toBe(0)
})

test('credentials that are refused are one, with where they are set', () =>
  expectProblem('KAYLE of dev', /refuses the credentials.*KAYLE_/, { KAYLE_API_KEY: 'wrong-key-entirely' }))

test('a provider that cannot be reached is one', () =>
  expectProblem('KAYLE of dev', /cannot be reached/, { KAYLE_BASE_URL: 'http://localhost:1' }))

test('a Redis that does not answer is one', () =>
  expectProblem('redis', /REDIS_URL/, { REDIS_URL: 'redis://127.0.0.1:1' }))

test('a clock that is wrong is one', async () => {
  const { server, url } = await answerAt(new Date(Date.now() + 90_000))
  await expectProblem('clock', /\d\d s behind KAYLE's.*NTP/, { KAYLE_BASE_URL: url })
  server.close()
})

test('an address that nothing came to is said, one without a live secret is a problem', async () => {
  const { endpoint } = await house.services.endpoints.add(DEV, { provider: 'KAYLE' })
  const { findings } = await examine()
  const [found] = findings.filter(({ check }) => check === 'webhooks of KAYLE of dev')
  expect(found).toMatchObject({ state: 'NOTE', says: expect.stringContaining('nothing ever came') })
  const bare = await house.services.endpoints.add(DEV, { provider: 'KAYLE', secrets: [] })
  await expectProblem('webhooks of KAYLE of dev', new RegExp(`webhooks rotate ${bare.endpoint.id}`))
  for (const { id } of [endpoint, bare.endpoint]) await house.services.endpoints.remove(DEV, id)
})

test('with --tenant it looks at that one alone, and says where there is none', async () => {
  await house.services.tenants.create({ id: 'acme' })
  const { rows, run } = cliOf(env)
  const findings: Finding[] = await rows('doctor', '--tenant', 'acme')
  expect(findings).toContainEqual(expect.objectContaining({ state: 'NOTE', check: 'acme' }))
  expect(findings.some(({ check }) => check.endsWith('of dev'))).toBe(false)
  expect(await run(['doctor', '--tenant', 'nobody'])).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/tenant/),
  })
})

test('no secret is in what it says', async () => {
  const { stdout, stderr } = await cliOf({ ...env, KAYLE_API_KEY: 'a-secret-that-is-wrong' }).run(['doctor'])
  expect(stdout + stderr).not.toContain('a-secret-that-is-wrong')
  expect(stdout + stderr).not.toContain(KEY)
})

/** A Kayle that answers an empty list, at the time of another clock. */
async function answerAt(time: Date): Promise<{ server: Server; url: string }> {
  const server = createServer((_, response) => {
    response.setHeader('date', time.toUTCString())
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ data: [], pagination: { has_more: false, next_cursor: null } }))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}
