import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import { v7 as uuid } from 'uuid'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { inTransaction } from '../../db/core/database.ts'
import { DatabaseUnavailableError, StatementError } from '../../db/core/database-error.ts'
import { lockErasure } from '../../db/core/dialect.ts'
import { listMigrations } from '../../db/core/migrate.ts'
import { type OpenDatabase, openDatabase } from '../../db/core/open-database.ts'
import { findSessions, updateSession } from '../../db/records/session-repository.ts'
import { appendEvents, listEvents } from '../../db/repositories/event-repository.ts'
import { findTombstone, setTombstones } from '../../db/repositories/tombstone-repository.ts'
import { packageRoot } from '../../src/app/package.ts'
import { createFieldEncryption } from '../../src/security/field-encryption.ts'
import { takeDatabase } from '../harness/app/database.ts'
import { addressOf, dropDatabases, onServer } from '../harness/app/postgres.ts'
import { builtFile } from '../harness/app/server-process.ts'
import { startApp, type TestApp } from '../harness/app/test-app.ts'

/** Where PostgreSQL differs from SQLite, the behaviour is the same. */

const ENCRYPTION = createFieldEncryption(Buffer.alloc(32))

describe('migrations', () => {
  // Each test starts several processes.
  const PROCESS_TIMEOUT_MS = 60_000
  const prefix = `sg_test_${Date.now().toString(36)}_m${process.pid}_`
  let databases = 0
  const children: ChildProcess[] = []

  afterAll(async () => {
    for (const child of children) child.kill('SIGKILL')
    await dropDatabases(prefix)
  })

  /** Its locale does not compare text by bytes. */
  async function createEmpty(): Promise<string> {
    const name = `${prefix}${databases++}`
    await onServer(client => client.query(`create database "${name}" template template0 locale 'C.UTF-8'`))
    return name
  }

  function migrating(name: string): ChildProcess {
    const { PATH, HOME } = process.env
    const env = { PATH, HOME, DATABASE_URL: addressOf(name), ENCRYPTION_KEY: '00'.repeat(32) }
    const command = [builtFile('cli/main.js'), '--json', 'db', 'migrate']
    const child = spawn(process.execPath, command, { cwd: packageRoot(), env })
    children.push(child)
    return child
  }

  async function outcomeOf(child: ChildProcess): Promise<{ code: number; applied: string[] }> {
    let output = ''
    child.stdout?.on('data', chunk => {
      output += chunk
    })
    const [code] = await once(child, 'close')
    return { code, applied: code === 0 ? JSON.parse(output)[0].applied : [] }
  }

  async function applied(name: string): Promise<number[]> {
    const migrations = await listMigrations(addressOf(name))
    const { rows } = await onServer(client => client.query('select name from kysely_migration'), name)
    return [migrations.filter(({ executedAt }) => executedAt).length, migrations.length, rows.length]
  }

  test(
    'run once if two processes start on an empty database',
    async () => {
      const name = await createEmpty()
      const outcomes = await Promise.all([outcomeOf(migrating(name)), outcomeOf(migrating(name))])
      expect(outcomes.map(({ code }) => code)).toEqual([0, 0])
      const [done, all, rows] = await applied(name)
      expect([done, rows]).toEqual([all, all])
    },
    PROCESS_TIMEOUT_MS,
  )

  test(
    'are rolled back if the process is killed, and the next process runs them all',
    async () => {
      const name = await createEmpty()
      await onServer(async holder => {
        // Another `create table` of the same name waits for this transaction.
        await holder.query('begin')
        await holder.query('create table operations (id text)')
        const killed = migrating(name)
        const waiting = `select 1 from pg_stat_activity where datname = $1 and wait_event_type = 'Lock' and query ilike 'create table%'`
        await expect
          .poll(() => onServer(async client => (await client.query(waiting, [name])).rowCount), { timeout: 20_000 })
          .toBe(1)
        killed.kill('SIGKILL')
        await once(killed, 'close')
        await holder.query('rollback')
      }, name)
      const outcomes = await Promise.all([outcomeOf(migrating(name)), outcomeOf(migrating(name))])
      expect(outcomes.map(({ code }) => code)).toEqual([0, 0])
      const [done, all, rows] = await applied(name)
      expect([done, rows]).toEqual([all, all])
    },
    PROCESS_TIMEOUT_MS,
  )

  test('create text columns that compare by bytes', async () => {
    const { url, release } = await takeDatabase()
    const db = await openDatabase(url, ENCRYPTION)
    const query = sql<{ column: string }>`
      select table_name || '.' || column_name as column from information_schema.columns
      where table_schema = 'public' and table_name not like 'kysely%' and data_type = 'text'
      and collation_name is distinct from 'C'`
    expect((await query.execute(db.sql)).rows).toEqual([])
    await db.close()
    await release()
  })

  test('that are pending stop the start of a server with AUTO_MIGRATE=off', async () => {
    const name = await createEmpty()
    await expect(openDatabase(addressOf(name), ENCRYPTION, { migrate: false })).rejects.toThrow(
      /Pending database migrations: 0001-initial\. Run `sessiongraph db migrate`/,
    )
    await expect(startApp({ DATABASE_URL: addressOf(name), AUTO_MIGRATE: 'off' })).rejects.toThrow(
      'Pending database migrations',
    )
    await (await openDatabase(addressOf(name), ENCRYPTION)).close()
    await (await openDatabase(addressOf(name), ENCRYPTION, { migrate: false })).close()
  })
})

describe('a database with a session', () => {
  let app: TestApp
  let sessionId: string
  const open: OpenDatabase[] = []

  beforeAll(async () => {
    app = await startApp({}, { jobs: false })
    await app.execute(
      'mutation ($input: CreateSessionInput!) { createSession(input: $input) { ... on MutationError { code } } }',
      { input: { idempotencyKey: 'postgres-1', session: { kayle: {} } } },
    )
    sessionId = (await app.db.sql.selectFrom('sessions').select('id').executeTakeFirstOrThrow()).id
  })
  afterAll(async () => {
    for (const db of open) await db.close()
    await app.close()
  })

  /** The same database, opened as by another process. */
  async function reopen(settings: { statementMs?: number } = {}): Promise<OpenDatabase> {
    const { rows } = await sql<{ name: string }>`select current_database() as name`.execute(app.db.sql)
    const db = await openDatabase(addressOf(rows[0]?.name ?? ''), ENCRYPTION, settings)
    open.push(db)
    return db
  }

  test('makes event positions visible in order with concurrent writers, pauses and rollbacks', async () => {
    const writers = await Promise.all([reopen(), reopen(), reopen()])
    const reader = await reopen()
    const tenantId = 'crowded'
    const toEvent = () => ({
      id: uuid(),
      tenantId,
      sessionId,
      provider: 'KAYLE' as const,
      at: new Date(),
      source: 'FETCH' as const,
      data: { type: 'WebhookReceived' as const, providerEvent: 'test', applied: true },
    })
    const written: string[] = []
    async function write(db: OpenDatabase, number: number): Promise<void> {
      const events = Array.from({ length: 1 + (number % 3) }, toEvent)
      const writing = inTransaction(db, async trx => {
        await sleep(Math.random() * 4)
        await appendEvents(trx, events)
        await sleep(Math.random() * 4)
        if (number % 7 === 0) throw new Error('given up')
      })
      const done = await writing.then(
        () => true,
        () => false,
      )
      if (done) written.push(...events.map(({ id }) => id))
    }
    let writing = true
    const seen: { id: string; position: number }[] = []
    async function read(): Promise<void> {
      for (let last = false; !last; ) {
        last = !writing
        const after = seen.at(-1)?.position ?? 0
        // Small pages, so that it reads behind the writers and between them.
        for (const event of await listEvents(reader, { tenantId, after, limit: 5 })) {
          expect(event.position).toBe((seen.at(-1)?.position ?? 0) + 1)
          seen.push(event)
          last = false
        }
      }
    }
    const providerRead = read()
    await Promise.all(Array.from({ length: 300 }, (_, number) => write(writers[number % 3] as OpenDatabase, number)))
    writing = false
    await providerRead
    expect(new Set(seen.map(({ id }) => id))).toEqual(new Set(written))
    expect(seen).toHaveLength(written.length)
  })

  test('runs two transactions on the same row one after the other, without a lost update', async () => {
    const others = await Promise.all([reopen(), reopen()])
    await Promise.all(
      Array.from({ length: 20 }, (_, number) =>
        inTransaction(others[number % 2] as OpenDatabase, async trx => {
          const [session] = await findSessions(trx, 'dev', [sessionId])
          const count = Number(session?.metadata?.count ?? 0)
          await sleep(2)
          await updateSession(trx, { id: sessionId, tenantId: 'dev' }, { metadata: { count: count + 1 } })
        }),
      ),
    )
    const [session] = await findSessions(app.db, 'dev', [sessionId])
    expect(session?.metadata).toEqual({ count: 20 })
  })

  test('retries one of two transactions in a deadlock', async () => {
    const [one, other] = await Promise.all([reopen(), reopen()])
    let attempts = 0
    const add = (db: OpenDatabase, tenants: readonly string[]) =>
      inTransaction(db, async trx => {
        attempts += 1
        for (const tenantId of tenants) {
          const event = {
            id: uuid(),
            tenantId,
            sessionId,
            provider: 'KAYLE' as const,
            at: new Date(),
            source: 'FETCH' as const,
          }
          await appendEvents(trx, [{ ...event, data: { type: 'SessionCreated' as const } }])
          await sleep(300)
        }
      })
    await Promise.all([add(one, ['a', 'b']), add(other, ['b', 'a'])])
    expect(attempts).toBeGreaterThan(2)
    const positions = await app.db.sql
      .selectFrom('event_positions')
      .selectAll()
      .where('tenant_id', 'in', ['a', 'b'])
      .execute()
    expect(positions.map(({ position }) => position)).toEqual([2, 2])
  })

  test('lets an erasure wait for stores that began before it, and stores see its tombstones', async () => {
    const [storing, erasing] = await Promise.all([reopen(), reopen()])
    const trace = { tenantId: 'dev', kind: 'externalId', value: 'usr_erased' } as const
    const order: string[] = []
    const stored = inTransaction(storing, async trx => {
      expect(await findTombstone(trx, 'dev', trace)).toBeUndefined()
      await sleep(200)
      order.push('stored')
    })
    await sleep(50)
    const erased = inTransaction(erasing, async trx => {
      await setTombstones(trx, 'dev', [trace], new Date())
      order.push('erased')
      await sleep(200)
    })
    await stored
    const late = inTransaction(storing, trx => findTombstone(trx, 'dev', trace))
    await erased
    expect(order).toEqual(['stored', 'erased'])
    expect(await late).toBeInstanceOf(Date)
  })

  test('lets stores of other tenants continue during an erasure', async () => {
    const [storing, erasing] = await Promise.all([reopen(), reopen()])
    const store = (tenantId: string) =>
      inTransaction(storing, trx =>
        findTombstone(trx, tenantId, { tenantId, kind: 'externalId', value: 'usr_waiting' }).then(() => tenantId),
      )
    await inTransaction(erasing, async trx => {
      await lockErasure(trx, 'dev', 'ERASE')
      expect(await Promise.race([store('dev'), store('other')])).toBe('other')
    })
  })

  test('returns numbers as numbers', async () => {
    const counted = app.db.sql.selectFrom('sessions').select(eb => eb.fn.countAll().as('count'))
    expect(await counted.executeTakeFirst()).toEqual({ count: 1 })
    const tooGreat = sql`select 9007199254740993::int8 as number`.execute(app.db.sql)
    await expect(tooGreat).rejects.toThrow(RangeError)
  })

  test('accepts text with a NUL, as SQLite does', async () => {
    const query = app.db.sql.selectFrom('sessions').select('id').where('external_id', '=', 'a\0b')
    expect(await query.execute()).toEqual([])
  })

  test('names the table of a rejected statement, and none of its values', async () => {
    const again = { tenant_id: 'dev', position: 1 }
    const refused = await app.db.sql
      .insertInto('event_positions')
      .values(again)
      .execute()
      .catch((error: unknown) => error)
    expect(refused).toBeInstanceOf(StatementError)
    expect(refused).toMatchObject({ code: '23505' })
    expect(JSON.stringify({ ...(refused as object), text: String(refused) })).not.toContain('dev')
  })

  test('ends a statement after its timeout', async () => {
    const hasty = await reopen({ statementMs: 100 })
    const slow = await sql`select pg_sleep(5)`.execute(hasty.sql).catch((error: unknown) => error)
    expect(slow).toBeInstanceOf(DatabaseUnavailableError)
    expect(slow).toMatchObject({ code: 'OVERLOADED', failure: 'BUSY' })
  })

  test('ends an idle transaction, so that others can continue', async () => {
    const [hasty, other] = await Promise.all([reopen({ statementMs: 200 }), reopen()])
    const event = () => ({
      id: uuid(),
      tenantId: 'still',
      sessionId,
      provider: 'KAYLE' as const,
      at: new Date(),
      source: 'FETCH' as const,
    })
    const append = (db: Parameters<typeof appendEvents>[0]) =>
      appendEvents(db, [{ ...event(), data: { type: 'SessionCreated' as const } }])
    const still = inTransaction(hasty, async trx => {
      await append(trx)
      await sleep(1_500)
      await append(trx)
    })
    const late = still.catch((error: unknown) => error)
    await sleep(100)
    await inTransaction(other, append)
    expect(await late).toMatchObject({ code: 'OVERLOADED', failure: 'CONNECTION_LOST' })
    expect(await listEvents(app.db, { tenantId: 'still', after: 0, limit: 9 })).toHaveLength(1)
  })

  test('names its connections, and commits to disk', async () => {
    const { rows } = await sql<{ name: string; commits: string }>`
      select current_setting('application_name') as name, current_setting('synchronous_commit') as commits`.execute(
      app.db.sql,
    )
    expect(rows).toEqual([{ name: 'sessiongraph', commits: 'on' }])
  })
})
