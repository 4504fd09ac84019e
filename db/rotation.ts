import { sql } from 'kysely'
import { openText } from './columns.ts'
import type { Database } from './database.ts'
import { SEALED_TABLES, type SealedTable } from './sealed-columns.ts'

/**
 * Rewrites what older keys sealed. What is done is not met again, so that it can be broken off and run again at any time,
 * beside running servers: a row that changes meanwhile is left to who changed it.
 */

export interface Batch {
  readonly table: string
  /** How many rows were looked at. */
  readonly rows: number
  readonly rewritten: number
  /** How many hold a value that no live key opens. */
  readonly unreadable: number
}

type Row = Readonly<Record<string, string | null>>

const BATCH = 200

/** One batch after the other, until nothing is left that a live key could open. */
export async function* reseal(db: Database): AsyncGenerator<Batch> {
  for (const table of SEALED_TABLES) {
    let after: Row | undefined
    do {
      const rows = await readBatch(db, table, after)
      const results: ('REWRITTEN' | 'UNREADABLE' | 'CHANGED')[] = []
      for (const row of rows) results.push(await resealRow(db, table, row))
      const count = (result: string) => results.filter(each => each === result).length
      yield { table: table.table, rows: rows.length, rewritten: count('REWRITTEN'), unreadable: count('UNREADABLE') }
      after = rows.length < BATCH ? undefined : rows.at(-1)
    } while (after)
  }
}

/** How many values of each key are left that is not the current one, by the key's name. */
export async function countOldValues(db: Database): Promise<Map<string, number>> {
  const counts = new Map<string, number>()
  for (const { table, sealed } of SEALED_TABLES) {
    for (const column of sealed) {
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

/** When the newest create was made whose key is compared by an older encryption key; undefined where there is none. */
export async function findNewestOldPrint(db: Database, after: Date): Promise<Date | undefined> {
  const current = `${currentKeyId(db)}.%`
  const row = await db.sql
    .selectFrom('operations')
    .select(eb => eb.fn.max('created_at').as('at'))
    .where('fingerprint', 'not like', current)
    .where('created_at', '>', after.getTime())
    .executeTakeFirst()
  return row?.at == null ? undefined : new Date(Number(row.at))
}

function currentKeyId({ vault }: Database): string {
  return vault.currentPrefix.split('.')[1] ?? ''
}

async function readBatch(db: Database, { table, key, sealed, index }: SealedTable, after?: Row): Promise<Row[]> {
  const columns = [...key, ...sealed, ...(index ? [index.column] : [])].map(column => sql.ref(column))
  const place = sql`(${sql.join(key.map(column => sql.ref(column)))})`
  const beyond = after ? sql`${place} > (${sql.join(key.map(column => after[column]))})` : sql`1 = 1`
  const old = sql.join(
    sealed.map(column => isOld(db, column)),
    sql` or `,
  )
  const query = sql<Row>`
    select ${sql.join(columns)} from ${sql.table(table)}
    where ${beyond} and (${old}) order by ${sql.join(key.map(column => sql.ref(column)))} limit ${sql.lit(BATCH)}`
  return [...(await query.execute(db.sql)).rows]
}

/** A sealed text that the current key did not seal. */
function isOld({ vault }: Database, column: string) {
  return sql`(${sql.ref(column)} is not null and ${sql.ref(column)} not like ${`${vault.currentPrefix}%`})`
}

async function resealRow(db: Database, table: SealedTable, row: Row): Promise<'REWRITTEN' | 'UNREADABLE' | 'CHANGED'> {
  const { vault } = db
  const told: Record<string, string | null> = {}
  let unreadable = false
  for (const column of table.sealed) {
    const sealed = row[column] ?? null
    if (sealed === null || sealed.startsWith(vault.currentPrefix)) continue
    const text = openText(vault, sealed)
    if (text === null) {
      unreadable = true
      continue
    }
    told[column] = vault.seal(text)
    if (table.index?.of === column) {
      const value = table.index.valueOf(JSON.parse(text))
      told[table.index.column] = value === null ? null : vault.blindIndex(value)
    }
  }
  const changed = Object.keys(told).length > 0 && (await writeRow(db, table, row, told))
  if (unreadable) return 'UNREADABLE'
  return changed ? 'REWRITTEN' : 'CHANGED'
}

/** False where the row is not any more as it was read. */
async function writeRow(db: Database, table: SealedTable, row: Row, told: Row): Promise<boolean> {
  const sets = Object.entries(told).map(([column, value]) => sql`${sql.ref(column)} = ${value}`)
  const same = [...table.key, ...table.sealed.filter(column => column in told)].map(
    column => sql`${sql.ref(column)} = ${row[column]}`,
  )
  const query = sql`update ${sql.table(table.table)} set ${sql.join(sets)} where ${sql.join(same, sql` and `)}`
  return ((await query.execute(db.sql)).numAffectedRows ?? 0n) > 0n
}
