import { sql } from 'kysely'
import { decryptText } from '../core/columns.ts'
import type { Database } from '../core/database.ts'
import { ENCRYPTED_COLUMNS, type EncryptedTable, placeOf } from './encrypted-columns.ts'

/**
 * Key rotation: encrypts values of older keys with the current key. It may be interrupted and repeated at any time, beside
 * running servers: rewritten values are not selected again, and a row that changes meanwhile is skipped.
 */

export interface Batch {
  readonly table: string
  /** Selected rows. */
  readonly rows: number
  readonly rewritten: number
  /** Rows with a value that no live key decrypts. */
  readonly unreadable: number
}

type Row = Readonly<Record<string, string | null>>

const BATCH = 200

/** Yields after each batch, until every value that a live key decrypts is rewritten. */
export async function* reencryptBatch(db: Database): AsyncGenerator<Batch> {
  for (const table of ENCRYPTED_COLUMNS) {
    let after: Row | undefined
    do {
      const rows = await readBatch(db, table, after)
      const results: ('REWRITTEN' | 'UNREADABLE' | 'CHANGED')[] = []
      for (const row of rows) results.push(await reencryptRow(db, table, row))
      const count = (result: string) => results.filter(each => each === result).length
      yield { table: table.table, rows: rows.length, rewritten: count('REWRITTEN'), unreadable: count('UNREADABLE') }
      after = rows.length < BATCH ? undefined : rows.at(-1)
    } while (after)
  }
}

/** The number of values that each other key encrypted, by key id. */
export async function countOldValues(db: Database): Promise<Map<string, number>> {
  const counts = new Map<string, number>()
  for (const { table, encrypted } of ENCRYPTED_COLUMNS) {
    for (const column of encrypted) {
      const keyId = sql<string>`substr(${sql.ref(column)}, 4, 8)`
      const query = sql<{ id: string; count: number | string }>`
        select ${keyId} as id, count(*) as count from ${sql.table(table)} where ${isOld(db, column)} group by ${keyId}`
      for (const { id, count } of (await query.execute(db.sql)).rows) {
        counts.set(id, (counts.get(id) ?? 0) + Number(count))
      }
    }
  }
  return counts
}

/** When the newest create with a fingerprint of an older key was made; undefined where there is none. */
export async function newestOldFingerprint(db: Database, after: Date): Promise<Date | undefined> {
  const current = `${currentKeyId(db)}.%`
  const row = await db.sql
    .selectFrom('operations')
    .select(eb => eb.fn.max('created_at').as('at'))
    .where('fingerprint', 'not like', current)
    .where('created_at', '>', after.getTime())
    .executeTakeFirst()
  return row?.at == null ? undefined : new Date(Number(row.at))
}

function currentKeyId({ encryption }: Database): string {
  return encryption.currentPrefix.split('.')[1] ?? ''
}

async function readBatch(
  db: Database,
  { table, key, tenant, encrypted, index }: EncryptedTable,
  after?: Row,
): Promise<Row[]> {
  const columns = [...key, ...(tenant ? [tenant] : []), ...encrypted, ...(index ? [index.column] : [])].map(column =>
    sql.ref(column),
  )
  const position = sql`(${sql.join(key.map(column => sql.ref(column)))})`
  const isAfter = after ? sql`${position} > (${sql.join(key.map(column => after[column]))})` : sql`1 = 1`
  const old = sql.join(
    encrypted.map(column => isOld(db, column)),
    sql` or `,
  )
  const query = sql<Row>`
    select ${sql.join(columns)} from ${sql.table(table)}
    where ${isAfter} and (${old}) order by ${sql.join(key.map(column => sql.ref(column)))} limit ${sql.lit(BATCH)}`
  return [...(await query.execute(db.sql)).rows]
}

/** A value that another key encrypted. */
function isOld({ encryption }: Database, column: string) {
  return sql`(${sql.ref(column)} is not null and ${sql.ref(column)} not like ${`${encryption.currentPrefix}%`})`
}

async function reencryptRow(
  db: Database,
  table: EncryptedTable,
  row: Row,
): Promise<'REWRITTEN' | 'UNREADABLE' | 'CHANGED'> {
  const { encryption } = db
  const changes: Record<string, string | null> = {}
  let unreadable = false
  for (const column of table.encrypted) {
    const encrypted = row[column] ?? null
    if (encrypted === null || encrypted.startsWith(encryption.currentPrefix)) continue
    const place = placeOf(table, column, row)
    const text = decryptText(encryption, encrypted, place)
    if (text === null) {
      unreadable = true
      continue
    }
    changes[column] = encryption.encrypt(text, place)
    if (table.index?.of === column) {
      const value = table.index.valueOf(JSON.parse(text))
      const scope = { table: table.table, tenantId: place.tenantId ?? '' }
      changes[table.index.column] = value === null ? null : encryption.blindIndex(value, scope)
    }
  }
  const changed = Object.keys(changes).length > 0 && (await writeRow(db, table, row, changes))
  if (unreadable) return 'UNREADABLE'
  return changed ? 'REWRITTEN' : 'CHANGED'
}

/** False where the row changed since it was read. */
async function writeRow(db: Database, table: EncryptedTable, row: Row, changes: Row): Promise<boolean> {
  const sets = Object.entries(changes).map(([column, value]) => sql`${sql.ref(column)} = ${value}`)
  const same = [...table.key, ...table.encrypted.filter(column => column in changes)].map(
    column => sql`${sql.ref(column)} = ${row[column]}`,
  )
  const query = sql`update ${sql.table(table.table)} set ${sql.join(sets)} where ${sql.join(same, sql` and `)}`
  return ((await query.execute(db.sql)).numAffectedRows ?? 0n) > 0n
}
