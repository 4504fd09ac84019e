import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { migrations } from '../../db/migrations/index.ts'
import { SqliteDatabase } from '../../db/sqlite/better-sqlite3.ts'
import { packageRoot } from '../../src/app/package.ts'
import { builtFile } from '../harness/app/server-process.ts'
import { startApp, type TestApp } from '../harness/app/test-app.ts'

/** `sessiongraph db`, beside a server that writes. */

const CREATE = /* GraphQL */ `
  mutation ($input: CreateSessionInput!) {
    createSession(input: $input) { ... on CreateSessionPayload { session { id providerId } } ... on MutationError { code } }
  }
`
const KEY = '00'.repeat(32)
const NAMES = Object.keys(migrations)

const folder = mkdtempSync(join(tmpdir(), 'sessiongraph-db-'))
const url = `sqlite:${join(folder, 'live.db')}`
let app: TestApp
let made = 0

beforeAll(async () => {
  app = await startApp({ DATABASE_URL: url }, { jobs: false })
})
afterAll(async () => {
  await app.close()
  rmSync(folder, { recursive: true, force: true })
})

function db(args: readonly string[], env: Record<string, string> = {}) {
  const { PATH, HOME } = process.env
  const options = { cwd: packageRoot(), env: { PATH, HOME, DATABASE_URL: url, ENCRYPTION_KEY: KEY, ...env } }
  const command = [builtFile('cli/main.js'), '--json', 'db', ...args]
  return new Promise<{ code: number; output: unknown; stderr: string }>(resolve => {
    execFile(process.execPath, command, options, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, output: stdout && JSON.parse(stdout)[0], stderr }),
    )
  })
}

async function create(): Promise<string> {
  made += 1
  const { data } = await app.execute(CREATE, { input: { idempotencyKey: `key-${made}`, session: { kayle: {} } } })
  return data.createSession.session.providerId
}

describe('backup', () => {
  test('copies every committed transaction while the server writes', async () => {
    const acknowledged = await Promise.all(Array.from({ length: 30 }, create))
    let running = true
    const writing = Promise.all(
      [1, 2, 3].map(async () => {
        while (running) await create()
      }),
    )
    const target = join(folder, 'copy.db')
    const { code, output } = await db(['backup', target])
    running = false
    await writing

    expect([code, output]).toEqual([0, { file: target, bytes: statSync(target).size }])
    expect(statSync(target).mode & 0o777).toBe(0o600)
    expect(existsSync(`${target}.unfinished`)).toBe(false)
    // A second app opens only the copy.
    const copy = new SqliteDatabase(target, { readonly: true })
    expect(copy.pragma('integrity_check', { simple: true })).toBe('ok')
    expect(copy.pragma('foreign_key_check')).toEqual([])
    copy.close()
    const restored = await startApp({ DATABASE_URL: `sqlite:${target}` }, { jobs: false })
    for (let key = 1; key <= acknowledged.length; key++) {
      const { data } = await restored.execute(
        'query ($key: String!) { operation(by: { idempotencyKey: $key }) { state } }',
        {
          key: `key-${key}`,
        },
      )
      expect(data.operation.state).toBe('SUCCEEDED')
    }
    const stored = await restored.db.sql.selectFrom('sessions').select('provider_id').execute()
    expect(stored.map(row => row.provider_id)).toEqual(expect.arrayContaining(acknowledged))
    await restored.close()
  })

  test('does not overwrite a file', async () => {
    const target = join(folder, 'twice.db')
    expect(await db(['backup', target])).toMatchObject({ code: 0 })
    const { code, stderr } = await db(['backup', target])
    expect([code, JSON.parse(stderr).error]).toEqual([
      1,
      { code: 'BAD_REQUEST', message: 'Backup failed. The file already exists.' },
    ])
  })

  test('does not create the folder of the file', async () => {
    const { code, stderr } = await db(['backup', join(folder, 'nowhere', 'copy.db')])
    expect([code, JSON.parse(stderr).error.message]).toEqual([1, 'Backup failed. The folder does not exist.'])
  })

  test('prints the pg_dump command for PostgreSQL without the password', async () => {
    const { code, stderr } = await db(['backup', 'copy.dump'], {
      DATABASE_URL: 'postgres://ada:s3cret@db.example.com:5433/onboarding',
    })
    expect([code, JSON.parse(stderr).error.message]).toEqual([
      1,
      'Back up PostgreSQL with its own tool with the password in PGPASSWORD or ~/.pgpass:\n' +
        "  pg_dump --format=custom --file='copy.dump' 'postgres://ada@db.example.com:5433/onboarding'",
    ])
  })
})

test('each migration has a number, and they are listed in the order in which they run', () => {
  expect(NAMES).toEqual([...NAMES].sort())
  const numbers = NAMES.map(name => /^\d{4}(?=-[a-z]+)/.exec(name)?.[0])
  expect(numbers).toEqual([...new Set(numbers)].filter(Boolean))
})

describe('status', () => {
  test('shows the database, its migrations, its size and creates of unknown outcome', async () => {
    await app.db.sql
      .updateTable('operations')
      .set({ state: 'UNKNOWN', sent_at: 1_760_000_000_000 })
      .where('idempotency_key', '=', 'key-1')
      .execute()
    const { output } = await db(['status'])
    expect(output).toMatchObject({
      engine: 'sqlite',
      version: expect.stringMatching(/^3\./),
      bytes: expect.any(Number),
      rows: { sessions: made, operations: made },
      unknown: 1,
      oldestUnknown: '2025-10-09T08:53:20.000Z',
      applied: NAMES,
      pending: [],
    })
  })

  test('lists the pending migrations of a new database, which migrate runs', async () => {
    const env = { DATABASE_URL: `sqlite:${join(folder, 'fresh.db')}` }
    expect((await db(['status'], env)).output).toEqual({ engine: 'sqlite', applied: [], pending: NAMES })
    expect((await db(['migrate'], env)).output).toEqual({ applied: NAMES, total: NAMES.length })
    expect((await db(['migrate'], env)).output).toEqual({ applied: [], total: NAMES.length })
    expect((await db(['status'], env)).output).toMatchObject({ applied: NAMES, pending: [] })
  })
})
