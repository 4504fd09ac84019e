import { type SelectQueryBuilder, sql } from 'kysely'
import type { Tables } from './tables.ts'

/** A place in a list: the value of the column it is ordered by, and the id that makes it unique. */
export interface Position {
  readonly at: number
  readonly id: string
}

export interface KeysetPage {
  readonly column: 'created_at' | 'updated_at'
  readonly direction: 'asc' | 'desc'
  readonly limit: number
  readonly after?: Position
  readonly before?: Position
  /** True for a page counted from the end. Its rows come in the list's order all the same. */
  readonly backward?: boolean
}

/** One page of a query over a table whose rows have an id. Both bounds may be given. */
export async function selectPage<O>(
  query: SelectQueryBuilder<Tables, keyof Tables, O>,
  page: KeysetPage,
): Promise<O[]> {
  const direction = page.backward ? opposite(page.direction) : page.direction
  let bounded = query
  if (page.after) bounded = bounded.where(beyond(page.column, page.direction, page.after))
  if (page.before) bounded = bounded.where(beyond(page.column, opposite(page.direction), page.before))
  const rows = await bounded
    .orderBy(sql.ref(page.column), direction)
    .orderBy(sql.ref('id'), direction)
    .limit(page.limit)
    .execute()
  return page.backward ? rows.reverse() : rows
}

function beyond(column: string, direction: 'asc' | 'desc', position: Position) {
  const place = sql`(${sql.ref(column)}, ${sql.ref('id')})`
  const bound = sql`(${position.at}, ${position.id})`
  return direction === 'asc' ? sql<boolean>`${place} > ${bound}` : sql<boolean>`${place} < ${bound}`
}

function opposite(direction: 'asc' | 'desc'): 'asc' | 'desc' {
  return direction === 'asc' ? 'desc' : 'asc'
}
