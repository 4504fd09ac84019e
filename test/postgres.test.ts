import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import { v7 as uuid } from 'uuid'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { inTransaction, type OpenDatabase, openDatabase } from '../db/database.ts'
import { appendEvents, listEvents } from '../db/event-repository.ts'
import { DatabaseUnavailableError, StatementError } from '../db/failure.ts'
import { listMigrations } from '../db/migrate.ts'
import { findSessions, updateSession } from '../db/session-repository.ts'
import { findTombstone, setTombstones } from '../db/tombstone-repository.ts'
import { packageRoot } from '../src/package.ts'
import { createVault } from '../src/security/vault.ts'
import { takeDatabase } from './harness/database.ts'
import { type House, startHouse } from './harness/house.ts'
import { addressOf, dropDatabases, onServer } from './harness/postgres.ts'

/** What PostgreSQL does otherwise than SQLite, and has to come to the same. */

const VAULT = createVault(Buffer.alloc(32))

describe('migrations', () => {
  const prefix = `sg_test_${Date.now().toString(36)}_m${process.pid}_`
  let databases = 0
  const children: ChildProcess[] = []

  afterAll(async () => {
    for (const child of children) child.kill('SIGKILL')
    await dropDatabases(prefix)
  })

  /** In a language of people, whose order of texts is not that of bytes. */
  async function createEmpty(): Promise<string> {
    const name = `${prefix}${databases++}`
    await onServer(client => client.query(`create database "${name}" template template0 locale 'C.UTF-8'`))
    return name
  }

  function migrating(name: string): ChildProcess {
    const { PATH, HOME } = process.env
    const env = { PATH, HOME, DATABASE_URL: addressOf(name), ENCRYPTION_KEY: '00'.repeat(32) }
    const command = ['--import', 'tsx', 'src/cli/main.ts', '--json', 'db', 'migrate']
    const child = spawn(process.execPath, command, { cwd: packageRoot(), env })
    children.push(child)
    return child
  }

  async function outcomeOf(child: ChildProcess): Promise<{ code: number; applied: string[] }> {
    let said = ''
    child.stdout?.on('data', chunk => {
      said += chunk
    })
    const [code] = await once(child, 'close')
    return { code, applied: code === 0 ? JSON.parse(said)[0].applied : [] }
  }

  async function applied(name: string): Promise<number[]> {
    const migrations = await listMigrations(addressOf(name))
    const { rows } = await onServer(client => client.query('select name from kysely_migration'), name)
    return [migrations.filter(({ executedAt }) => executedAt).length, migrations.length, rows.length]
  }

  test('are carried out once where two processes start on an empty database', async () => {
    const name = await createEmpty()
    const outcomes = await Promise.all([outcomeOf(migrating(name)), outcomeOf(migrating(name))])
    expect(outcomes.map(({ code }) => code)).toEqual([0, 0])
    const [done, all, rows] = await applied(name)
    expect([done, rows]).toEqual([all, all])
  })

  test('are undone where the process is killed in the middle, and the next one carries them all out', async () => {
    const name = await createEmpty()
    await onServer(async holder => {
      // Whoever makes the same table waits for us.
      await holder.query('begin')
      await holder.query('create table events (id text)')
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
  })

  test('make columns of text whose order is that of their bytes', async () => {
    const { url, release } = await takeDatabase()
    const db = await openDatabase(url, VAULT)
    const query = sql<{ column: string }>`
      select table_name || '.' || column_name as column from information_schema.columns
      where table_schema = 'public' and table_name not like 'kysely%' and data_type = 'text'
      and collation_name is distinct from 'C'`
    expect((await query.execute(db.sql)).rows).toEqual([])
    await db.close()
    await release()
  })

  test('that are pending keep a server from starting where it may not carry them out', async () => {
    const name = await createEmpty()
    await expect(openDatabase(addressOf(name), VAULT, { migrate: false })).rejects.toThrow(
      /lacks migrations: 0001-initial, .*Run `sessiongraph db migrate`/,
    )
    await expect(startHouse({ DATABASE_URL: addressOf(name), AUTO_MIGRATE: 'off' })).rejects.toThrow('lacks migrations')
    await (await openDatabase(addressOf(name), VAULT)).close()
    await (await openDatabase(addressOf(name), VAULT, { migrate: false })).close()
  })
})

describe('a database with a session', () => {
  let house: House
  let sessionId: string
  const open: OpenDatabase[] = []

  beforeAll(async () => {
    house = await startHouse({}, { jobs: false })
    await house.ask(
      'mutation ($input: CreateSessionInput!) { createSession(input: $input) { ... on Error { code } } }',
      { input: { idempotencyKey: 'postgres-1', session: { kayle: {} } } },
    )
    sessionId = (await house.db.sql.selectFrom('sessions').select('id').executeTakeFirstOrThrow()).id
  })
  afterAll(async () => {
    for (const db of open) await db.close()
    await house.close()
  })

  /** The same database, as another process has it. */
  async function openAgain(settings: { statementMs?: number } = {}): Promise<OpenDatabase> {
    const { rows } = await sql<{ name: string }>`select current_database() as name`.execute(house.db.sql)
    const db = await openDatabase(addressOf(rows[0]?.name ?? ''), VAULT, settings)
    open.push(db)
    return db
  }

  test('has its positions appear in the order of the commits, however many write, pause and give up', async () => {
    const writers = await Promise.all([openAgain(), openAgain(), openAgain()])
    const reader = await openAgain()
    const tenantId = 'crowded'
    const toEvent = () => ({
      id: uuid(),
      tenantId,
      sessionId,
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
        // Small pages, so that it reads behind those who write and in the middle of them.
        for (const event of await listEvents(reader, { tenantId, after, limit: 5 })) {
          expect(event.position).toBe((seen.at(-1)?.position ?? 0) + 1)
          seen.push(event)
          last = false
        }
      }
    }
    const reading = read()
    await Promise.all(Array.from({ length: 300 }, (_, number) => write(writers[number % 3] as OpenDatabase, number)))
    writing = false
    await reading
    expect(new Set(seen.map(({ id }) => id))).toEqual(new Set(written))
    expect(seen).toHaveLength(written.length)
  })

  test('lets two who change the same come one after the other, and neither loses what the other wrote', async () => {
    const others = await Promise.all([openAgain(), openAgain()])
    await Promise.all(
      Array.from({ length: 20 }, (_, number) =>
        inTransaction(others[number % 2] as OpenDatabase, async trx => {
          const [session] = await findSessions(trx, 'dev', [sessionId])
          const count = Number(session?.metadata?.count ?? 0)
          await sleep(2)
          await updateSession(trx, sessionId, { metadata: { count: count + 1 } })
        }),
      ),
    )
    const [session] = await findSessions(house.db, 'dev', [sessionId])
    expect(session?.metadata).toEqual({ count: 20 })
  })

  test('lets one give way and try again where two wait for each other', async () => {
    const [one, other] = await Promise.all([openAgain(), openAgain()])
    let tries = 0
    const add = (db: OpenDatabase, tenants: readonly string[]) =>
      inTransaction(db, async trx => {
        tries += 1
        for (const tenantId of tenants) {
          const event = { id: uuid(), tenantId, sessionId, at: new Date(), source: 'FETCH' as const }
          await appendEvents(trx, [{ ...event, data: { type: 'SessionCreated' as const } }])
          await sleep(50)
        }
      })
    await Promise.all([add(one, ['a', 'b']), add(other, ['b', 'a'])])
    expect(tries).toBeGreaterThan(2)
    const positions = await house.db.sql
      .selectFrom('positions')
      .selectAll()
      .where('tenant_id', 'in', ['a', 'b'])
      .execute()
    expect(positions.map(({ position }) => position)).toEqual([2, 2])
  })

  test('has whoever erases meet all that was stored by those who did not know of it', async () => {
    const [storing, erasing] = await Promise.all([openAgain(), openAgain()])
    const trace = { tenantId: 'dev', kind: 'externalId', value: 'usr_erased' } as const
    const order: string[] = []
    const stored = inTransaction(storing, async trx => {
      expect(await findTombstone(trx, trace)).toBeUndefined()
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
    const late = inTransaction(storing, trx => findTombstone(trx, trace))
    await erased
    expect(order).toEqual(['stored', 'erased'])
    expect(await late).toBeInstanceOf(Date)
  })

  test('gives its numbers as numbers', async () => {
    const counted = house.db.sql.selectFrom('sessions').select(eb => eb.fn.countAll().as('count'))
    expect(await counted.executeTakeFirst()).toEqual({ count: 1 })
    const tooGreat = sql`select 9007199254740993::int8 as number`.execute(house.db.sql)
    await expect(tooGreat).rejects.toThrow(RangeError)
  })

  test('takes a text with a NUL in it, as SQLite does', async () => {
    const query = house.db.sql.selectFrom('sessions').select('id').where('external_id', '=', 'a\0b')
    expect(await query.execute()).toEqual([])
  })

  test('says of a statement that it refuses where it was, and nothing of what was in it', async () => {
    const again = { tenant_id: 'dev', position: 1 }
    const refused = await house.db.sql
      .insertInto('positions')
      .values(again)
      .execute()
      .catch((error: unknown) => error)
    expect(refused).toBeInstanceOf(StatementError)
    expect(refused).toMatchObject({ code: '23505' })
    expect(JSON.stringify({ ...(refused as object), text: String(refused) })).not.toContain('dev')
  })

  test('does not wait for a statement for ever', async () => {
    const hasty = await openAgain({ statementMs: 100 })
    const slow = await sql`select pg_sleep(5)`.execute(hasty.sql).catch((error: unknown) => error)
    expect(slow).toBeInstanceOf(DatabaseUnavailableError)
    expect(slow).toMatchObject({ code: 'OVERLOADED', failure: 'BUSY' })
  })

  test('lets nobody who stands still in a transaction keep the others waiting', async () => {
    const [hasty, other] = await Promise.all([openAgain({ statementMs: 200 }), openAgain()])
    const event = () => ({ id: uuid(), tenantId: 'still', sessionId, at: new Date(), source: 'FETCH' as const })
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
    expect(await late).toMatchObject({ code: 'OVERLOADED', failure: 'BROKEN' })
    expect(await listEvents(house.db, { tenantId: 'still', after: 0, limit: 9 })).toHaveLength(1)
  })

  test('is named in the list of its connections, and commits to disk', async () => {
    const { rows } = await sql<{ name: string; commits: string }>`
      select current_setting('application_name') as name, current_setting('synchronous_commit') as commits`.execute(
      house.db.sql,
    )
    expect(rows).toEqual([{ name: 'sessiongraph', commits: 'on' }])
  })
})
