import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Database } from '../../db/core/database.ts'
import { type OpenDatabase, openDatabase } from '../../db/core/open-database.ts'
import { ENCRYPTED_COLUMNS, type EncryptedTable } from '../../db/encryption/encrypted-columns.ts'
import { findApplicants, listApplicants } from '../../db/records/applicant-repository.ts'
import { findAttempts } from '../../db/records/attempt-repository.ts'
import { findCustomers, listCustomers } from '../../db/records/customer-repository.ts'
import { findSessions } from '../../db/records/session-repository.ts'
import { connectAccount, findAccountsOf } from '../../db/repositories/account-repository.ts'
import { decryptOperationInput, insertOperation } from '../../db/repositories/operation-repository.ts'
import { findSecret, saveSecret } from '../../db/repositories/secret-repository.ts'
import { loadInstanceKey } from '../../db/repositories/tombstone-repository.ts'
import {
  dismissDelivery,
  listDismissals,
  listEndpoints,
  readDelivery,
  saveEndpoint,
} from '../../db/repositories/webhook-repository.ts'
import { createFieldEncryption, UnreadableError } from '../../src/security/field-encryption.ts'
import { type TestDatabase, takeDatabase } from '../harness/app/database.ts'
import { connectTenant, type OwnProviders, startOwnProviders } from '../harness/app/tenants.ts'
import { startApp, type TestApp } from '../harness/app/test-app.ts'
import { createCanaries, createPerson } from '../harness/canaries.ts'
import { deliver, fromVerilock } from '../harness/providers/deliveries.ts'

/** An encrypted value is decrypted only in the column and row that it was written to, and hashes of two tenants differ. */

const [OLD, NEW] = ['a7'.repeat(32), 'b8'.repeat(32)]
const OTHER_TENANT = 'other'

type Row = Readonly<Record<string, string>>

interface Cell {
  readonly table: EncryptedTable
  readonly column: string
}

const CELLS: readonly Cell[] = ENCRYPTED_COLUMNS.flatMap(table => table.encrypted.map(column => ({ table, column })))

/** Reads the column of a row as the application does. */
const READERS: Record<string, (db: Database, row: Row) => Promise<unknown>> = {
  'account_secrets.value_encrypted': (db, { account_id = '', name = '' }) => findSecret(db, account_id, name),
  'accounts.settings_encrypted': async (db, row) =>
    (await findAccountsOf(db, tenantOf(row))).map(each => each.settings),
  'applicants.details_encrypted': async (db, row) => (await findApplicants(db, tenantOf(row), idsOf(row)))[0]?.details,
  'applicants.pii_encrypted': async (db, row) => (await findApplicants(db, tenantOf(row), idsOf(row)))[0]?.pii,
  'attempts.details_encrypted': async (db, row) => (await findAttempts(db, tenantOf(row), idsOf(row)))[0]?.details,
  'customers.details_encrypted': async (db, row) => (await findCustomers(db, tenantOf(row), idsOf(row)))[0]?.details,
  'customers.metadata_encrypted': async (db, row) => (await findCustomers(db, tenantOf(row), idsOf(row)))[0]?.metadata,
  'customers.pii_encrypted': async (db, row) => (await findCustomers(db, tenantOf(row), idsOf(row)))[0]?.pii,
  'deliveries.dismissal_encrypted': (db, row) => listDismissals(db, tenantOf(row), idsOf(row)),
  'deliveries.raw_encrypted': (db, row) => readDelivery(db, { id: row.id ?? '', tenantId: tenantOf(row) }),
  'instance_keys.key_encrypted': db => loadInstanceKey({ ...db, cache: {} }, new Date()),
  'operations.input_encrypted': (db, row) => decryptOperationInput(db, { id: row.id ?? '', tenantId: tenantOf(row) }),
  'sessions.access_encrypted': async (db, row) => (await findSessions(db, tenantOf(row), idsOf(row)))[0]?.access,
  'sessions.details_encrypted': async (db, row) => (await findSessions(db, tenantOf(row), idsOf(row)))[0]?.details,
  'sessions.metadata_encrypted': async (db, row) => (await findSessions(db, tenantOf(row), idsOf(row)))[0]?.metadata,
  'sessions.redirect_url_encrypted': async (db, row) =>
    (await findSessions(db, tenantOf(row), idsOf(row)))[0]?.redirectUrl,
  'webhook_endpoints.keys_encrypted': (db, row) => listEndpoints(db, tenantOf(row)),
}

function tenantOf(row: Row): string {
  return row.tenant_id ?? ''
}

function idsOf(row: Row): string[] {
  return [row.id ?? '']
}

function nameOf({ table, column }: Cell): string {
  return `${table.table}.${column}`
}

let database: TestDatabase

beforeAll(async () => {
  database = await takeDatabase()
  const app = await startApp({ DATABASE_URL: database.url, ENCRYPTION_KEY: OLD }, { jobs: false })
  for (const externalId of ['usr_one', 'usr_two']) await createPerson(app, createCanaries(), externalId)
  for (const number of ['1', '2']) await insertAccountRows(app.db, number)
  await dismissDeliveries(app.db)
  await app.close()
})

afterAll(() => database.release())

/** The rows that a person does not have: a connected account with a secret, an endpoint and an unsettled create. */
async function insertAccountRows(db: Database, number: string): Promise<void> {
  const now = new Date()
  const tenantId = 'dev'
  const key = { tenantId, provider: number === '1' ? 'KAYLE' : 'YORLET', baseUrl: `https://${number}.example` } as const
  const accountId = await connectAccount(db, key, { apiKey: number }, randomUUID(), now)
  await saveSecret(db, accountId, 'token', number, now)
  const endpoint = { id: randomUUID(), tenantId, accountId, provider: key.provider, createdAt: now }
  await saveEndpoint(db, { ...endpoint, secrets: [number], privateKeys: [] })
  await insertOperation(db, {
    id: randomUUID(),
    tenantId,
    accountId,
    kind: 'CREATE_SESSION',
    provider: key.provider,
    idempotencyKey: randomUUID(),
    fingerprint: '',
    requestId: null,
    reference: number,
    input: { number },
    subjects: [],
    owner: 'test',
    ownedUntil: now,
    now,
  })
}

async function dismissDeliveries(db: Database): Promise<void> {
  await db.sql.updateTable('deliveries').set({ state: 'QUARANTINED' }).execute()
  const deliveries = await db.sql.selectFrom('deliveries').select(['id', 'tenant_id']).execute()
  const dismissal = { note: 'A duplicate.', actor: 'operator', at: new Date().toISOString() }
  for (const { id, tenant_id: tenantId } of deliveries)
    expect(await dismissDelivery(db, { id, tenantId }, dismissal)).toBe(true)
}

/** Runs with the database open and a list of the errors that it reports. */
async function withDatabase<T>(
  keys: readonly string[],
  run: (db: OpenDatabase, reported: UnreadableError[]) => Promise<T>,
): Promise<T> {
  const reported: UnreadableError[] = []
  const live = keys.map(key => Buffer.from(key, 'hex'))
  const db = await openDatabase(
    database.url,
    createFieldEncryption(live, error => reported.push(error)),
  )
  try {
    return await run(db, reported)
  } finally {
    await db.close()
  }
}

/** The rows that have a value in this column. */
async function rowsOf(db: Database, { table, column }: Cell): Promise<readonly Row[]> {
  const order = sql.join(table.key.map(name => sql.ref(name)))
  const query = sql<Row>`
    select * from ${sql.table(table.table)} where ${sql.ref(column)} is not null order by ${order}`
  return (await query.execute(db.sql)).rows
}

async function setColumns(db: Database, { table, key }: EncryptedTable, row: Row, changes: Row): Promise<void> {
  const sets = Object.entries(changes).map(([column, value]) => sql`${sql.ref(column)} = ${value}`)
  const same = key.map(column => sql`${sql.ref(column)} = ${row[column]}`)
  await sql`update ${sql.table(table)} set ${sql.join(sets)} where ${sql.join(same, sql` and `)}`.execute(db.sql)
}

/** Reads a column twice; the errors that it reports or throws. */
async function readTwice(db: Database, cell: Cell, row: Row, reported: UnreadableError[]): Promise<UnreadableError[]> {
  const read = READERS[nameOf(cell)]
  if (!read) throw new Error(`${nameOf(cell)} has no reader.`)
  const thrown: UnreadableError[] = []
  for (let time = 0; time < 2; time++) {
    try {
      await read(db, row)
    } catch (error) {
      if (!(error instanceof UnreadableError)) throw error
      thrown[0] = error
    }
  }
  return [...thrown, ...reported]
}

/** The changes of a row that put a value where it was not written, by what they do. */
async function movesOf(db: Database, cell: Cell, row: Row): Promise<readonly (readonly [string, Row])[]> {
  const { table, column } = cell
  const moves: [string, Row][] = []
  const other = (await rowsOf(db, cell)).find(each => table.key.some(name => each[name] !== row[name]))
  if (other) moves.push(['the value of another row', { [column]: other[column] ?? '' }])
  if (other && table.tenant) {
    moves.push(["another tenant's row", { [column]: other[column] ?? '', tenant_id: OTHER_TENANT }])
  }
  if (table.tenant) moves.push(['the same row of another tenant', { tenant_id: OTHER_TENANT }])
  for (const name of table.encrypted) {
    const value = name === column ? undefined : await findFilled(db, { table, column: name }, row)
    if (value !== undefined) moves.push([`the value of ${name} of the row`, { [column]: value }])
  }
  for (const elsewhere of CELLS.filter(each => each.table !== table)) {
    const [source] = await rowsOf(db, elsewhere)
    moves.push([`a value of ${nameOf(elsewhere)}`, { [column]: source?.[elsewhere.column] ?? '' }])
  }
  return moves
}

/** The value of the row's column, if it has one. */
async function findFilled(db: Database, cell: Cell, row: Row): Promise<string | undefined> {
  const same = (await rowsOf(db, cell)).find(each => cell.table.key.every(name => each[name] === row[name]))
  return same?.[cell.column]
}

describe('an encrypted value', () => {
  test.each(CELLS.map(cell => [nameOf(cell), cell] as const))(
    'of %s is read in its own place only',
    async (_, cell) => {
      const [moves, row] = await withDatabase([OLD], async (db, reported) => {
        const rows = await rowsOf(db, cell)
        const [first] = rows
        if (!first) throw new Error(`No row has a value in ${nameOf(cell)}.`)
        if (cell.table.table !== 'instance_keys') expect(rows.length).toBeGreaterThan(1)
        expect(await readTwice(db, cell, first, reported)).toEqual([])
        return [await movesOf(db, cell, first), first] as const
      })
      expect(moves.length).toBeGreaterThanOrEqual(CELLS.length - cell.table.encrypted.length)
      const read = await withDatabase([OLD], async ({ ...db }) => {
        const results: [string, readonly (string | null)[]][] = []
        for (const [move, changes] of moves) {
          const reported: UnreadableError[] = []
          const encryption = createFieldEncryption(Buffer.from(OLD, 'hex'), error => reported.push(error))
          await setColumns(db, cell.table, row, changes)
          const errors = await readTwice({ ...db, encryption }, cell, { ...row, ...changes }, reported)
          results.push([move, errors.map(({ message }) => message.replace(/[0-9a-f]{8}/, 'KEY'))])
          const before = Object.keys(changes).map(column => [column, row[column] ?? ''])
          await setColumns(db, cell.table, row, Object.fromEntries(before))
        }
        return results
      })
      const error = 'A stored value that the key KEY encrypted was changed or moved.'
      expect(read).toEqual(moves.map(([move]) => [move, [error]]))
    },
  )

  test('is rewritten by a rotation in its own place, and read there with the new key alone', async () => {
    const app = await startApp({ DATABASE_URL: database.url, ENCRYPTION_KEY: `${NEW},${OLD}` }, { jobs: false })
    expect(await app.services.keyRotation.rotate(() => {})).toMatchObject({ unreadable: 0, remaining: new Map() })
    await app.close()
    await withDatabase([NEW], async (db, reported) => {
      for (const cell of CELLS) {
        for (const row of await rowsOf(db, cell)) {
          expect([nameOf(cell), await readTwice(db, cell, row, reported)]).toEqual([nameOf(cell), []])
        }
      }
    })
  })
})

describe('the hashes of two tenants', () => {
  const EMAIL = 'same@hashes.example'
  const TENANTS = ['dev', 'second'] as const
  let own: OwnProviders
  let app: TestApp

  beforeAll(async () => {
    own = await startOwnProviders()
    app = await startApp({ ENCRYPTION_KEY: OLD }, { jobs: false })
    await connectTenant(app, TENANTS[1], own)
    for (const tenantId of TENANTS) await writeSame(tenantId)
  })

  afterAll(async () => {
    await app.close()
    await own.close()
  })

  /** The same creates with the same keys, the same delivery and the same erasure. */
  async function writeSame(tenantId: string): Promise<void> {
    const call = { tenantId, signal: new AbortController().signal }
    const customer = { email: EMAIL, name: 'Ada' }
    const applicant = { email: EMAIL, phone: '+46 1', flowName: 'KYC basic' }
    await app.services.creates.create(call, {
      kind: 'CREATE_CUSTOMER',
      idempotencyKey: 'same-customer',
      equivalentInputs: [customer],
      request: { provider: 'RAPIDLY', input: customer },
    })
    await app.services.creates.create(call, {
      kind: 'CREATE_APPLICANT',
      idempotencyKey: 'same-applicant',
      equivalentInputs: [applicant],
      request: { provider: 'PERSONR', input: applicant },
    })
    const { endpoint } = await app.services.webhookEndpoints.add(call, { provider: 'VERILOCK', secrets: [tenantId] })
    const delivery = fromVerilock({ secret: tenantId }, { event: 'aml.alert', data: {} })
    expect(await deliver(app, { path: `/webhooks/verilock/${endpoint.id}` }, delivery)).toBe(204)
    await app.services.erasure.erase(call, 'same-person')
  }

  /** The hashes in all columns of the tenant's rows, with the columns. */
  async function hashesOf(tenantId: string): Promise<readonly { readonly hash: string; readonly column: string }[]> {
    const hashes: { hash: string; column: string }[] = []
    for (const table of await app.db.sql.introspection.getTables()) {
      if (!table.columns.some(({ name }) => name === 'tenant_id')) continue
      const query = sql<Row>`select * from ${sql.table(table.name)} where tenant_id = ${tenantId}`
      for (const [column, value] of (await query.execute(app.db.sql)).rows.flatMap(row => Object.entries(row))) {
        for (const [hash] of String(value).matchAll(/[\w-]{43,}/g))
          hashes.push({ hash, column: `${table.name}.${column}` })
      }
    }
    return hashes
  }

  test('that write the same have none in common', async () => {
    const [first, second] = [await hashesOf(TENANTS[0]), await hashesOf(TENANTS[1])]
    const columns = [
      'applicants.email_index',
      'audit_log.subject_hash',
      'customers.email_index',
      'deliveries.key',
      'operations.fingerprint',
      'tombstones.hash',
    ]
    for (const hashes of [first, second]) {
      expect(hashes.map(({ column }) => column)).toEqual(expect.arrayContaining(columns))
    }
    const others = new Set(second.map(({ hash }) => hash))
    expect(first.filter(({ hash }) => others.has(hash))).toEqual([])
  })

  test('differ for applicants and customers, and each tenant finds its own by them', async () => {
    const hashes = await Promise.all(
      (['applicants', 'customers'] as const).map(table =>
        app.db.sql.selectFrom(table).select('email_index').where('email_index', 'is not', null).execute(),
      ),
    )
    expect(new Set(hashes.flat().map(row => row.email_index)).size).toBe(4)
    const page = { column: 'created_at', direction: 'desc', limit: 5 } as const
    for (const tenantId of TENANTS) {
      const filter = { email: ` ${EMAIL.toUpperCase()}` }
      const found = [
        ...(await listCustomers(app.db, tenantId, filter, page)),
        ...(await listApplicants(app.db, tenantId, filter, page)),
      ]
      expect(found.map(record => [record.tenantId, record.email])).toEqual(Array(2).fill([tenantId, EMAIL]))
    }
  })
})
