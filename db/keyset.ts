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
  return inOrder(await query.$call(onPage(page, page)).execute(), page)
}

export type Order = Pick<KeysetPage, 'backward' | 'column' | 'direction'>
export type Bounds = Pick<KeysetPage, 'after' | 'before' | 'limit'>

/** The rows between the bounds, as many as asked for, counted from the end where the order says so. */
export function onPage({ column, direction, backward }: Order, { after, before, limit }: Bounds) {
  return <From extends keyof Tables, O>(query: SelectQueryBuilder<Tables, From, O>) => {
    const taken = backward ? opposite(direction) : direction
    let bounded = query
    if (after) bounded = bounded.where(beyond(column, direction, after))
    if (before) bounded = bounded.where(beyond(column, opposite(direction), before))
    return bounded.orderBy(sql.ref(column), taken).orderBy(sql.ref('id'), taken).limit(limit)
  }
}

/** What is made once for each order. */
export function perOrder<T>(make: (order: Order) => T): (order: Order) => T {
  const made = new Map<string, T>()
  return ({ column, direction, backward }) => {
    const name = `${column} ${direction} ${backward}`
    const known = made.get(name) ?? make({ column, direction, backward })
    made.set(name, known)
    return known
  }
}

/** What was taken from the end, turned to the list's order. */
export function inOrder<Row>(rows: Row[], { backward }: Order): Row[] {
  return backward ? rows.reverse() : rows
}

function beyond(column: string, direction: 'asc' | 'desc', position: Position) {
  const place = sql`(${sql.ref(column)}, ${sql.ref('id')})`
  const bound = sql`(${position.at}, ${position.id})`
  return direction === 'asc' ? sql<boolean>`${place} > ${bound}` : sql<boolean>`${place} < ${bound}`
}

function opposite(direction: 'asc' | 'desc'): 'asc' | 'desc' {
  return direction === 'asc' ? 'desc' : 'asc'
}
