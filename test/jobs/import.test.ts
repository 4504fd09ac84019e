import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { envVarName } from '../../src/app/config.ts'
import type { Provider } from '../../src/domain/provider.ts'
import type { ImportProgress } from '../../src/services/jobs/imports.ts'
import { type TestDatabase, takeDatabase } from '../harness/app/database.ts'
import { type OwnProviders, startOwnProviders } from '../harness/app/tenants.ts'
import { startApp, type TestApp } from '../harness/app/test-app.ts'
import { cliOf, spawnCli } from '../harness/cli.ts'
import { DEV } from '../harness/providers/deliveries.ts'
import { until } from '../harness/waiting.ts'

/** `sessiongraph import` stores the existing records of a provider. */

const SESSIONS = 230
const CUSTOMERS = 140
const PROVIDERS: readonly Provider[] = ['KAYLE', 'PERSONR', 'RAPIDLY', 'VERILOCK', 'YORLET']
let database: TestDatabase
let own: OwnProviders
let env: Record<string, string>
let app: TestApp
let cli: ReturnType<typeof cliOf>

beforeAll(async () => {
  database = await takeDatabase()
  own = await startOwnProviders()
  env = {
    DATABASE_URL: database.url,
    ENCRYPTION_KEY: '0a'.repeat(32),
    LOG_LEVEL: 'silent',
    ...Object.fromEntries(PROVIDERS.flatMap(toVariables)),
  }
  for (let made = 0; made < SESSIONS; made++) await post('KAYLE', '/v1/sessions', {})
  for (let made = 0; made < CUSTOMERS; made++) {
    await post('RAPIDLY', '/customers/', { name: `Imported ${made}`, email: `imported${made}@example.com` })
  }
  app = await startApp(env, { jobs: false })
  cli = cliOf(env)
}, 60_000)
afterAll(async () => {
  await app.close()
  await own.close()
  await database.release()
})

function toVariables(provider: Provider): [string, string][] {
  return Object.entries(own.settings(provider)).map(([name, value]) => [envVarName(provider, name), value])
}

async function post(provider: Provider, path: string, body: object): Promise<{ readonly id: string }> {
  const { baseUrl, apiKey } = own.settings(provider)
  const headers = { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' }
  const answer = await fetch(baseUrl + path, { method: 'POST', headers, body: JSON.stringify(body) })
  expect(answer.ok, await answer.clone().text()).toBe(true)
  return (await answer.json()) as { id: string }
}

async function stored(recordType: 'sessions' | 'customers', provider: Provider): Promise<string[]> {
  const rows = await app.db.sql.selectFrom(recordType).select('provider_id').where('provider', '=', provider).execute()
  return rows.map(row => row.provider_id).sort()
}

async function listed(provider: Provider): Promise<string[]> {
  const requests = await own.sandbox(provider).requests()
  return requests.filter(({ method }) => method === 'GET').map(({ query }) => query)
}

/** True when the checkpoint is stored. */
async function hasBegun(): Promise<boolean> {
  const rows = await app.db.sql.selectFrom('account_secrets').select('name').execute()
  return rows.some(({ name }) => name === 'import session')
}

describe('an import that is killed', () => {
  test('resumes, and stores each session once', async () => {
    const child = spawnCli(['import', 'kayle', '--per-minute', '12'], env)
    // The second page is due five seconds after the first.
    await until(hasBegun, 60_000)
    child.kill('SIGKILL')
    await once(child, 'exit')
    const before = await stored('sessions', 'KAYLE')
    expect(before.length).toBeLessThan(SESSIONS)
    await own.sandbox('KAYLE').forget()

    const [row] = await cli.rows('import', 'kayle', '--per-minute', '600')
    expect(row).toMatchObject({ records: 'sessions', resumed: true, pages: 3, listed: SESSIONS, erased: 0 })
    const [first] = await listed('KAYLE')
    expect(first).toContain('starting_after=')
    const all = await stored('sessions', 'KAYLE')
    expect(all).toHaveLength(SESSIONS)
    expect(new Set(all).size).toBe(SESSIONS)
  }, 120_000)

  test('starts again after it was completed, and changes nothing', async () => {
    const events = await app.db.sql.selectFrom('events').select('id').execute()
    const [row] = await cli.rows('import', 'kayle', '--per-minute', '600')
    expect(row).toMatchObject({ listed: SESSIONS, stored: 0, unchanged: SESSIONS, resumed: false })
    expect(await app.db.sql.selectFrom('events').select('id').execute()).toHaveLength(events.length)
  }, 60_000)
})

test('a server serves the imported sessions', async () => {
  await cli.rows('import', 'rapidly', '--per-minute', '600')
  const { data } = await app.execute('{ customers(filter: { email: "imported7@example.com" }) { nodes { name } } }')
  expect(data.customers.nodes).toEqual([{ name: 'Imported 7' }])
  expect((await stored('customers', 'RAPIDLY')).length).toBeGreaterThanOrEqual(CUSTOMERS)
}, 60_000)

test.each(['verilock', 'rapidly'] as const)(
  'a second import of %s finds nothing new or changed',
  async name => {
    const verilock = { profile_id: '01234567-89ab-cdef-0123-456789abcdef', applicant_email: 'jean@example.com' }
    for (let made = 0; made < 3; made++)
      await post('VERILOCK', '/sessions', { ...verilock, external_id: `usr_v${made}` })
    await cli.rows('import', name, '--per-minute', '600')
    const [row] = await cli.rows('import', name, '--per-minute', '600')
    expect(row?.listed).toBeGreaterThanOrEqual(name === 'verilock' ? 3 : 100)
    expect(row).toMatchObject({ stored: 0, unchanged: row?.listed })
  },
  60_000,
)

test('an erased person is not imported again', async () => {
  const { id } = await post('RAPIDLY', '/customers/', {
    name: 'Erased',
    email: 'erased@example.com',
    external_id: 'usr_erased',
  })
  await cli.rows('import', 'rapidly', '--per-minute', '600')
  expect(await stored('customers', 'RAPIDLY')).toContain(id)
  await app.services.erasure.erase(DEV, 'usr_erased')
  const [row] = await cli.rows('import', 'rapidly', '--per-minute', '600')
  expect(row).toMatchObject({ erased: 1 })
  expect(await stored('customers', 'RAPIDLY')).not.toContain(id)
}, 60_000)

test('the import keeps the interval of its budget', async () => {
  await own.sandbox('KAYLE').forget()
  const began = performance.now()
  await cli.rows('import', 'kayle', '--per-minute', '120')
  // Three pages, half a second apart.
  expect(performance.now() - began).toBeGreaterThan(950)
  expect(await listed('KAYLE')).toHaveLength(3)
}, 60_000)

test('a rate limit of the provider is waited for', async () => {
  await own.sandbox('RAPIDLY').faults([{ fault: { kind: 'status', status: 429, retryAfter: 1 }, times: 2 }])
  const reported: ImportProgress[] = []
  const onProgress = (progress: ImportProgress) => void reported.push(progress)
  const [done] = await app.services.imports.run(DEV, 'RAPIDLY', { callsPerMinute: 6_000, report: onProgress })
  expect(done?.done).toBe(true)
  // The test waits for the first, the import for the second.
  expect(reported.flatMap(({ waits }) => waits?.seconds ?? [])).toContain(1)
  expect(reported.at(-1)?.share).toBe(1)
  expect(reported.some(({ share }) => share !== undefined && share < 1)).toBe(true)
}, 60_000)

test('a session that another process changed since is read again, within the budget and with retries', async () => {
  await cli.rows('import', 'kayle', '--per-minute', '6000')
  const changed = (await stored('sessions', 'KAYLE')).slice(0, 4)
  for (const id of changed) await own.sandbox('KAYLE').advance({ id, to: 'cancelled' })
  await own.sandbox('KAYLE').forget()
  const busy = { kind: 'status', status: 429, retryAfter: 1 } as const
  await own.sandbox('KAYLE').faults([{ path: '/v1/sessions/*', fault: busy, times: 2 }])
  const waits: number[] = []
  const onProgress = (progress: ImportProgress) => void waits.push(...(progress.waits ? [progress.waits.seconds] : []))
  const began = performance.now()
  const [done] = await app.services.imports.run(DEV, 'KAYLE', { callsPerMinute: 120, report: onProgress })
  const ms = performance.now() - began
  await own.sandbox('KAYLE').clearFaults()

  expect(done).toMatchObject({ done: true, stored: changed.length })
  expect(waits).toEqual([1])
  const { length: calls } = await listed('KAYLE')
  expect(calls).toBeGreaterThan(3 + changed.length)
  // One of the calls is a retry.
  expect(ms).toBeGreaterThan((calls - 2) * 500)
  const rows = await app.db.sql.selectFrom('sessions').select('status').where('provider_id', 'in', changed).execute()
  expect(rows).toEqual(changed.map(() => ({ status: 'CANCELED' })))
}, 60_000)

describe('an unavailable provider', () => {
  const away = [{ fault: { kind: 'status', status: 503 } }] as const

  test('fails the import after its retries, with how to resume', async () => {
    await own.sandbox('KAYLE').faults(away)
    const { code, stdout, stderr } = await cli.run(['import', 'kayle', '--max-attempts', '2'])
    await own.sandbox('KAYLE').clearFaults()
    expect([code, stdout]).toEqual([1, ''])
    const [begun, ended] = stderr.split('\n')
    expect(begun).toBe('KAYLE sessions: 0 listed, 0 new or changed')
    expect(ended).toMatch(/^KAYLE .*\. Nothing was imported yet\. Retry with `sessiongraph import kayle`\.$/)
  }, 60_000)

  test('in the middle of its list keeps the listed sessions, and the next run resumes there', async () => {
    const { forget, requests, faults, clearFaults } = own.sandbox('KAYLE')
    await forget()
    const broken = cli.run([
      'import',
      'kayle',
      '--max-attempts',
      '1',
      '--per-minute',
      '30',
      '--tenant',
      'dev',
      '--json',
    ])
    // The second page is due two seconds after the first.
    await until(async () => (await requests()).length > 0)
    await faults(away)
    const { code, stdout, stderr } = await broken
    await clearFaults()
    expect([code, stdout]).toEqual([1, ''])
    const message = expect.stringMatching(
      /100 sessions were imported\. Resume with `sessiongraph import kayle --tenant dev`\./,
    )
    expect(JSON.parse(stderr).error).toEqual({ code: 'PROVIDER_UNAVAILABLE', message })
    const [row] = await cli.rows('import', 'kayle', '--per-minute', '600')
    expect(row).toMatchObject({ resumed: true, pages: 3, listed: SESSIONS })
  }, 60_000)

  test('that is a sandbox requires a running server, which the message says', async () => {
    const env = { DATABASE_URL: 'sqlite::memory:', ENCRYPTION_KEY: '0a'.repeat(32), SANDBOX_PORT: '1' }
    const { code, stderr } = await cliOf(env).run(['import', 'kayle', '--max-attempts', '1'])
    expect(code).toBe(1)
    expect(stderr).toMatch(/^KAYLE cannot be reached\. It is a sandbox.*`sessiongraph serve`/m)
  })
})

test('a second import of an account waits for the first, and then reports it', async () => {
  const first = app.services.imports.run(DEV, 'KAYLE', { callsPerMinute: 60, report: () => {} })
  const waits: string[] = []
  const onProgress = (progress: ImportProgress) => void waits.push(progress.waits?.because ?? '')
  const second = app.services.imports.run(DEV, 'KAYLE', { callsPerMinute: 6_000, report: onProgress })
  await Promise.all([first, second])
  expect(waits[0]).toContain('another import')
}, 60_000)

test('a provider without lists is refused with exit code 1', async () => {
  const message = 'PERSONR lists neither sessions nor customers. Read `providers { capabilities }` for what it can do.'
  const { code, stderr } = await cli.run(['import', 'personr'])
  expect([code, stderr]).toEqual([1, `${message}\n`])
  const { stderr: asJson } = await cli.run(['import', 'personr', '--json'])
  expect(JSON.parse(asJson)).toEqual({
    error: { code: 'UNSUPPORTED_BY_PROVIDER', message },
  })
})
