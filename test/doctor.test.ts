import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { migrations } from '../db/migrations/index.ts'
import { cliOf } from './harness/cli.ts'
import { onPostgres } from './harness/database.ts'
import { deliver, fromKayle, openDoor, signKayle } from './harness/deliveries.ts'
import { type Patient, startPatient } from './harness/doctor.ts'
import { startHouse } from './harness/house.ts'
import { findRedis, NO_REDIS } from './harness/redis.ts'

/** `sessiongraph doctor`: each thing that can be wrong in the house is said with what to do, and is a 1 for scripts. */

const folder = mkdtempSync(join(tmpdir(), 'sessiongraph-doctor-'))
const KEY = '0d'.repeat(32)
let patient: Patient

beforeAll(async () => {
  patient = await startPatient(KEY)
})
afterAll(async () => {
  await patient.close()
  rmSync(folder, { recursive: true, force: true })
})

test('where all is well nothing is a problem, and the exit code is 0', async () => {
  const { code, findings } = await patient.examine()
  expect(findings.filter(({ state }) => state === 'PROBLEM')).toEqual([])
  expect(code).toBe(0)
  const checks = findings.map(({ check }) => check)
  for (const check of ['settings', 'database', 'disk', 'store', 'encryption', 'inbox', 'creates', 'KAYLE of dev'])
    expect(checks).toContain(check)
})

test('every setting that is wrong is named', () =>
  patient.expectProblem('settings', /PORT: .*\n.*LOG_LEVEL: /, { PORT: 'many', LOG_LEVEL: 'loud' }))

test('people read a line for each finding, and how many problems there are', async () => {
  const { code, stdout, stderr } = await cliOf({ ...patient.env, KAYLE_BASE_URL: 'http://localhost:1' }).run(['doctor'])
  expect(stdout).toMatch(/^state +check +says\nOK +settings +They can be used/)
  expect(stdout).toMatch(/^PROBLEM +KAYLE of dev +KAYLE cannot be reached/m)
  expect([code, stderr]).toEqual([1, 'asks the providers of dev\n1 problem.\n'])
})

test('no secret is in what it says', async () => {
  const { stdout, stderr } = await cliOf({ ...patient.env, KAYLE_API_KEY: 'a-secret-that-is-wrong' }).run(['doctor'])
  expect(stdout + stderr).not.toContain('a-secret-that-is-wrong')
  expect(stdout + stderr).not.toContain(KEY)
})

describe('a database', () => {
  test('that is not there yet is looked at without making it', async () => {
    const file = join(folder, 'none.db')
    const { code, findings } = await patient.examine({ DATABASE_URL: `sqlite:${file}` })
    expect(findings).toContainEqual(expect.objectContaining({ state: 'NOTE', check: 'database' }))
    expect(findings).toContainEqual(expect.objectContaining({ state: 'OK', check: 'KAYLE of dev' }))
    expect([code, existsSync(file)]).toEqual([0, false])
  })

  test('in memory is said to end with its server', () =>
    patient.expectNote('database', /in memory/, { DATABASE_URL: 'sqlite::memory:' }))

  test('that cannot be reached is a problem', () =>
    patient.expectProblem('database', /DATABASE_URL/, { DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none' }))

  test('that lacks a migration is a problem, and lacks it afterwards too', async () => {
    const { db } = patient.house
    const last = Object.keys(migrations).at(-1) ?? ''
    const { rows } = await sql<{ timestamp: string }>`select * from kysely_migration where name = ${last}`.execute(
      db.sql,
    )
    await sql`delete from kysely_migration where name = ${last}`.execute(db.sql)
    const says = new RegExp(`It lacks ${last}\\. Run \`sessiongraph db migrate\``)
    try {
      // Twice: looking has not carried it out.
      for (const _ of [1, 2]) await patient.expectProblem('database', says)
    } finally {
      await sql`insert into kysely_migration (name, timestamp) values (${last}, ${rows[0]?.timestamp})`.execute(db.sql)
    }
    expect(await patient.examine()).toMatchObject({ code: 0 })
  })

  test('that cannot be written is a problem', async () => {
    const { schema } = patient.house.db.sql
    await schema.alterTable('leases').renameTo('leases_away').execute()
    try {
      await patient.expectProblem('store', /^It cannot be written: .+ Look at what its user may do/)
    } finally {
      await schema.alterTable('leases_away').renameTo('leases').execute()
    }
  })

  test('keeps what it acknowledged, by settings that are named', async () => {
    const { findings } = await patient.examine()
    const [store] = findings.filter(({ check }) => check === 'store')
    const setting = onPostgres() ? 'fsync=on, synchronous_commit=on' : 'synchronous=2'
    expect(store).toMatchObject({ state: 'OK', says: expect.stringContaining(setting) })
  })
})

const freeBytes = (bytes: number) => ({ freeBytes: async () => bytes })

if (onPostgres()) {
  test('the disk is that of PostgreSQL, which is looked at elsewhere', () =>
    patient.expectNote('disk', /PostgreSQL/, {}, freeBytes(0)))
} else {
  describe('the disk beside the database', () => {
    test('is a problem where little is left on it', async () => {
      await patient.expectProblem('disk', /^0\.4 GB are free.*Make room/, {}, freeBytes(400 * 1024 ** 2))
      expect(await patient.examine({}, freeBytes(600 * 1024 ** 2))).toMatchObject({ code: 0 })
    })

    test('is looked at where migrations are missing, too', async () => {
      const env = { DATABASE_URL: `sqlite:${join(folder, 'empty.db')}` }
      await cliOf({ ...env, ENCRYPTION_KEY: KEY }).run(['db', 'status'])
      await patient.expectProblem('disk', /Make room/, env, freeBytes(0))
    })
  })
}

describe('the encryption', () => {
  test('by a key that does not open the database is a problem', () =>
    patient.expectProblem('house', /ENCRYPTION_KEY/, { ENCRYPTION_KEY: '0e'.repeat(32) }))

  test('of values by a key that is not there any more is one', async () => {
    const { db, services } = patient.house
    const { id } = await services.accounts.get('dev', 'KAYLE')
    const row = { account_id: id, name: 'old', value_sealed: 'v1.deadbeef.x', updated_at: 0 }
    await db.sql.insertInto('account_secrets').values(row).execute()
    await patient.expectProblem('encryption', /1 of key deadbeef/)
    await db.sql.deleteFrom('account_secrets').where('name', '=', 'old').execute()
  })

  test('of values by an older key is said, with what rewrites them', () =>
    patient.expectNote('encryption', /secrets rotate/, { ENCRYPTION_KEY: `${'0e'.repeat(32)},${KEY}` }))

  test('by a key in a file is said, so that a copy is kept elsewhere', async () => {
    const env = { DATABASE_URL: `sqlite:${join(folder, 'own', 'key.db')}`, ENCRYPTION_KEY: '' }
    await (await startHouse({ ...env, SANDBOX: 'off' }, { jobs: false })).close()
    await patient.expectNote('encryption', /file beside the database.*copy/, env)
  })
})

describe('deliveries', () => {
  test('that could not be applied are a problem', async () => {
    const door = await openDoor(patient.house, 'KAYLE')
    expect(await deliver(patient.house, door, signKayle('not a JWE', door.secret, new Date()))).toBe(204)
    await patient.expectProblem('inbox', /^1 delivery could not be applied.*webhooks list.*replay/)
    await patient.house.db.sql.deleteFrom('deliveries').execute()
  })

  test('that wait for longer than five minutes are one', async () => {
    const door = await openDoor(patient.house, 'KAYLE')
    const kayle = patient.own.sandbox('KAYLE')
    await kayle.faults([{ fault: { kind: 'status', status: 503 } }])
    const event = { type: 'verification.session.created', sessionId: `vs_${'0'.repeat(64)}` }
    expect(await deliver(patient.house, door, await fromKayle(door, event))).toBe(204)
    await patient.house.services.inbox.applyDue()
    await kayle.clearFaults()
    const later = (ms: number) => ({ now: () => new Date(Date.now() + ms) })
    await patient.expectProblem('inbox', /^1 delivery not applied yet, the oldest for 3\d\d s/, {}, later(310_000))
    const { findings } = await patient.examine({}, later(200_000))
    expect(findings).toContainEqual(expect.objectContaining({ state: 'OK', check: 'inbox' }))
    await patient.house.db.sql.deleteFrom('deliveries').execute()
  })
})

describe('creates whose outcome is not known', () => {
  test('are said, and are a problem after an hour', async () => {
    const kayle = patient.own.sandbox('KAYLE')
    await kayle.faults([{ method: 'POST', fault: { kind: 'reset', when: 'after' } }])
    await patient.house.ask(
      'mutation { createSession(input: { idempotencyKey: "lost", session: { kayle: {} } }) { __typename } }',
    )
    await kayle.clearFaults()
    await patient.expectNote('creates', /^The outcome of 1 create is not known.*by itself/)
    const sentAt = { sent_at: Date.now() - 3_700_000 }
    await patient.house.db.sql.updateTable('operations').set(sentAt).execute()
    await patient.expectProblem('creates', /operations list.*settle/)
  })
})

describe('a Redis', () => {
  test('that does not answer is a problem', () =>
    patient.expectProblem('redis', /REDIS_URL/, { REDIS_URL: 'redis://127.0.0.1:1' }))

  test('that answers is well', async context => {
    const REDIS_URL = await findRedis()
    context.skip(!REDIS_URL, NO_REDIS)
    const { findings } = await patient.examine({ REDIS_URL: REDIS_URL ?? '' })
    expect(findings).toContainEqual({ state: 'OK', check: 'redis', says: 'It answers.' })
  })
})
