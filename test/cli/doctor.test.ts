import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { migrations } from '../../db/migrations/index.ts'
import { loseApplicant } from '../harness/app/console-app.ts'
import { onPostgres } from '../harness/app/database.ts'
import { findRedis, NO_REDIS } from '../harness/app/redis.ts'
import { startApp } from '../harness/app/test-app.ts'
import { cliOf } from '../harness/cli.ts'
import { withKey } from '../harness/clients/callers.ts'
import { type ExaminedApp, startExaminedApp } from '../harness/doctor.ts'
import { DEV, deliver, fromKayle, openEndpoint, signKayle } from '../harness/providers/deliveries.ts'

/** `sessiongraph doctor`: each problem of the server is reported with what to do, and causes exit code 1. */

const folder = mkdtempSync(join(tmpdir(), 'sessiongraph-doctor-'))
const KEY = '0d'.repeat(32)
let examined: ExaminedApp

beforeAll(async () => {
  examined = await startExaminedApp(KEY)
})
afterAll(async () => {
  await examined.close()
  rmSync(folder, { recursive: true, force: true })
})

test('if all checks pass, there are no problems and the exit code is 0', async () => {
  const { code, findings } = await examined.examine()
  expect(findings.filter(({ state }) => state === 'PROBLEM')).toEqual([])
  expect(code).toBe(0)
  const checks = findings.map(({ check }) => check)
  for (const check of [
    'node',
    'settings',
    'server',
    'proxy',
    'database',
    'disk',
    'store',
    'encryption',
    'inbox',
    'creates of dev',
    'clock',
    'KAYLE of dev',
  ])
    expect(checks).toContain(check)
})

test('every invalid setting is listed', () =>
  examined.expectProblem('settings', /PORT: .*\n.*LOG_LEVEL: /, { PORT: 'many', LOG_LEVEL: 'loud' }))

test('text output has a line for each finding, and the number of problems', async () => {
  const { code, stdout, stderr } = await cliOf({ ...examined.env, KAYLE_BASE_URL: 'http://localhost:1' }).run([
    'doctor',
  ])
  expect(stdout).toMatch(/^state +check +message\nOK +node +Node/)
  expect(stdout).toMatch(/^PROBLEM +KAYLE of dev +KAYLE cannot be reached/m)
  expect([code, stderr]).toEqual([1, 'checking the providers of dev\n1 problem.\n'])
})

test('the output contains no secret', async () => {
  const { stdout, stderr } = await cliOf({ ...examined.env, KAYLE_API_KEY: 'a-secret-that-is-wrong' }).run(['doctor'])
  expect(stdout + stderr).not.toContain('a-secret-that-is-wrong')
  expect(stdout + stderr).not.toContain(KEY)
})

describe('a database', () => {
  test('that does not exist yet is reported, and not created', async () => {
    const file = join(folder, 'none.db')
    const { code, findings } = await examined.examine({ DATABASE_URL: `sqlite:${file}` })
    expect(findings).toContainEqual(expect.objectContaining({ state: 'NOTE', check: 'database' }))
    expect(findings).toContainEqual(expect.objectContaining({ state: 'OK', check: 'KAYLE of dev' }))
    expect([code, existsSync(file)]).toEqual([0, false])
  })

  test('in memory is reported to end with its server', () =>
    examined.expectNote('database', /in memory/i, { DATABASE_URL: 'sqlite::memory:' }))

  test('that cannot be reached is a problem', () =>
    examined.expectProblem('database', /DATABASE_URL/, { DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none' }))

  test('with pending migrations is a problem, and is not migrated', async () => {
    const { db } = examined.app
    const last = Object.keys(migrations).at(-1) ?? ''
    const { rows } = await sql<{ timestamp: string }>`select * from kysely_migration where name = ${last}`.execute(
      db.sql,
    )
    await sql`delete from kysely_migration where name = ${last}`.execute(db.sql)
    const message = new RegExp(`Pending migrations: ${last}\\. Run \`sessiongraph db migrate\``)
    try {
      // Twice, because the check must not run the migration.
      for (const _ of [1, 2]) await examined.expectProblem('database', message)
    } finally {
      await sql`insert into kysely_migration (name, timestamp) values (${last}, ${rows[0]?.timestamp})`.execute(db.sql)
    }
    expect(await examined.examine()).toMatchObject({ code: 0 })
  })

  test('that is read-only is a problem', async () => {
    const { schema } = examined.app.db.sql
    await schema.alterTable('leases').renameTo('leases_away').execute()
    try {
      await examined.expectProblem('store', /^Cannot write: .+ Check the permissions/)
    } finally {
      await schema.alterTable('leases_away').renameTo('leases').execute()
    }
  })

  test('is durable, with the settings that make it so', async () => {
    const { findings } = await examined.examine()
    const [store] = findings.filter(({ check }) => check === 'store')
    const setting = onPostgres() ? 'fsync=on, synchronous_commit=on' : 'synchronous=2'
    expect(store).toMatchObject({ state: 'OK', message: expect.stringContaining(setting) })
  })
})

const freeBytes = (bytes: number) => ({ freeBytes: async () => bytes })

if (onPostgres()) {
  test('the disk of PostgreSQL is not checked here', () => examined.expectNote('disk', /PostgreSQL/, {}, freeBytes(0)))
} else {
  describe('the disk of the database', () => {
    test('is a problem if little space is left', async () => {
      await examined.expectProblem('disk', /^0\.4 GB are free.*Free up space/, {}, freeBytes(400 * 1024 ** 2))
      expect(await examined.examine({}, freeBytes(600 * 1024 ** 2))).toMatchObject({ code: 0 })
    })

    test('is checked with pending migrations, too', async () => {
      const env = { DATABASE_URL: `sqlite:${join(folder, 'empty.db')}` }
      await cliOf({ ...env, ENCRYPTION_KEY: KEY }).run(['db', 'status'])
      await examined.expectProblem('disk', /Free up space/, env, freeBytes(0))
    })
  })
}

describe('encryption', () => {
  test('with a key that does not open the database is a problem', () =>
    examined.expectProblem('server', /ENCRYPTION_KEY/, { ENCRYPTION_KEY: '0e'.repeat(32) }))

  test('of values with a key that is missing is a problem', async () => {
    const { db, services } = examined.app
    const { id } = await services.accounts.get('dev', 'KAYLE')
    const row = { account_id: id, name: 'old', value_encrypted: 'v1.deadbeef.x', updated_at: 0 }
    await db.sql.insertInto('account_secrets').values(row).execute()
    await examined.expectProblem('encryption', /1 of key deadbeef/)
    await db.sql.deleteFrom('account_secrets').where('name', '=', 'old').execute()
  })

  test('of values with an older key is reported, with the command that re-encrypts them', () =>
    examined.expectNote('encryption', /secrets rotate/, { ENCRYPTION_KEY: `${'0e'.repeat(32)},${KEY}` }))

  test('with a key file is reported, as a reminder of its backup', async () => {
    const env = { DATABASE_URL: `sqlite:${join(folder, 'own', 'key.db')}`, ENCRYPTION_KEY: '' }
    await (await startApp({ ...env, SANDBOX: 'off' }, { jobs: false })).close()
    await examined.expectNote('encryption', /file beside the database.*copy/, env)
  })
})

describe('deliveries', () => {
  test('that failed are a problem', async () => {
    const policy = await openEndpoint(examined.app, 'KAYLE')
    expect(await deliver(examined.app, policy, signKayle('not a JWE', policy.secret, new Date()))).toBe(204)
    await examined.expectProblem('inbox', /^1 delivery could not be applied.*webhooks list.*replay/)
    await examined.app.db.sql.deleteFrom('deliveries').execute()
  })

  test('that wait for longer than five minutes are a problem', async () => {
    const policy = await openEndpoint(examined.app, 'KAYLE')
    const kayle = examined.own.sandbox('KAYLE')
    await kayle.faults([{ fault: { kind: 'status', status: 503 } }])
    const event = { type: 'verification.session.created', sessionId: `vs_${'0'.repeat(64)}` }
    expect(await deliver(examined.app, policy, await fromKayle(policy, event))).toBe(204)
    await examined.app.services.webhookInbox.applyDue()
    await kayle.clearFaults()
    const later = (ms: number) => ({ now: () => new Date(Date.now() + ms) })
    await examined.expectProblem('inbox', /^1 delivery not applied yet, the oldest for 3\d\d s/, {}, later(310_000))
    const { findings } = await examined.examine({}, later(200_000))
    expect(findings).toContainEqual(expect.objectContaining({ state: 'OK', check: 'inbox' }))
    await examined.app.db.sql.deleteFrom('deliveries').execute()
  })
})

describe('creates of unknown outcome', () => {
  test('are reported, and are a problem after an hour', async () => {
    const kayle = examined.own.sandbox('KAYLE')
    await kayle.faults([{ method: 'POST', fault: { kind: 'reset', when: 'after' } }])
    await examined.app.execute(
      'mutation { createSession(input: { idempotencyKey: "lost", session: { kayle: {} } }) { __typename } }',
    )
    await kayle.clearFaults()
    await examined.expectNote('creates of dev', /^The outcome of 1 create is unknown.*next search is due at/)
    const sentAt = { sent_at: Date.now() - 3_700_000 }
    await examined.app.db.sql.updateTable('operations').set(sentAt).execute()
    await examined.expectProblem('creates of dev', /no result yet.*operations list.*settle/)
    await examined.app.db.sql
      .updateTable('operations')
      .set({ next_check_at: Date.now() - 400_000 })
      .execute()
    await examined.expectProblem('creates of dev', /the search for it is late/)
    await examined.app.db.sql.deleteFrom('operations').execute()
  })
})

describe('a create that nothing settles', () => {
  test('is a problem at once, without a promise that the server finds out', async () => {
    await examined.app.services.tenants.create({ id: 'stuck' })
    await examined.app.services.providerSettings.set(
      { tenantId: 'stuck' },
      { provider: 'PERSONR', given: examined.own.settings('PERSONR') },
    )
    const client = await withKey(examined.app, { tenantId: 'stuck' })
    await loseApplicant(client, examined.own.sandbox('PERSONR'))
    await examined.expectProblem('creates of stuck', /no search can settle it.*look at the provider, then settle/)
    await examined.app.db.sql.deleteFrom('operations').execute()
  })
})

describe('this machine', () => {
  test('with a version of Node that is too old is a problem, and one that is not tested is reported', async () => {
    await examined.expectProblem('node', /20\.18\.1 is too old/, {}, { nodeVersion: '20.18.1' })
    await examined.expectNote('node', /25\.1\.0 is not tested/, {}, { nodeVersion: '25.1.0' })
  })

  test('with a proxy that accepts no connections is a problem', async () => {
    await examined.expectProblem('proxy', /^127\.0\.0\.1:1 accepts no connections/, {
      HTTPS_PROXY: 'http://127.0.0.1:1',
      NO_PROXY: 'localhost,127.0.0.1',
    })
  })

  test('is asked for its running server, which webhooks reach', async () => {
    const { port } = new URL(examined.app.url)
    const endpoint = await openEndpoint(examined.app, 'KAYLE')
    const { findings } = await examined.examine({ PORT: port })
    const message = expect.stringMatching(/^It runs at http:\/\/localhost:\d+ and is ready\.$/)
    expect(findings).toContainEqual({ state: 'OK', check: 'server', message })
    const reached = expect.stringContaining(`${endpoint.path} reaches the server.`)
    expect(findings).toContainEqual({ state: 'OK', check: 'webhooks of KAYLE of dev', message: reached })
    const { run } = cliOf(examined.env)
    const outside = JSON.parse((await run(['doctor', '--json', '--public-url', 'http://127.0.0.1:1'])).stdout)
    expect(outside).toContainEqual({
      state: 'PROBLEM',
      check: 'webhooks of KAYLE of dev',
      message: expect.stringContaining('cannot be reached'),
    })
    await examined.app.services.webhookEndpoints.remove(DEV, endpoint.id)
  })

  test('without a running server is reported', () =>
    examined.expectNote('server', /^None answers at http:\/\/localhost:1\./, { PORT: '1' }))
})

describe('a Redis', () => {
  test('that does not answer is a problem', () =>
    examined.expectProblem('redis', /REDIS_URL/, { REDIS_URL: 'redis://127.0.0.1:1' }))

  test('that answers is ok', async context => {
    const REDIS_URL = await findRedis()
    context.skip(!REDIS_URL, NO_REDIS)
    const { findings } = await examined.examine({ REDIS_URL: REDIS_URL ?? '' })
    expect(findings).toContainEqual({ state: 'OK', check: 'redis', message: 'It responds.' })
  })
})
