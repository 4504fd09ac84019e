import { type AliasedRawBuilder, type RawBuilder, type SelectQueryBuilder, sql } from 'kysely'
import { omitUndefined } from './columns.ts'
import type { Tables } from './tables.ts'

/** A position in a list: the value of the order column, and the id that makes it unique. */
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
  /** True for the last rows of the list. They come in the list's order, too. */
  readonly backward?: boolean
}

/** One page of the records that match the filter. */
export interface FilteredPage<Filter> {
  readonly filter: Filter
  readonly page: KeysetPage
}

export type Order = Pick<KeysetPage, 'backward' | 'column' | 'direction'>
export type Bounds = Pick<KeysetPage, 'after' | 'before' | 'limit'>

/** At most `limit` rows between the bounds; a backward page takes them from the end, in the opposite order. */
export function pageFilter({ column, direction, backward }: Order, { after, before, limit }: Bounds) {
  return <From extends keyof Tables, O>(query: SelectQueryBuilder<Tables, From, O>) => {
    const order = backward ? opposite(direction) : direction
    let bounded = query
    if (after) bounded = bounded.where(isPast(column, direction, after))
    if (before) bounded = bounded.where(isPast(column, opposite(direction), before))
    return bounded.orderBy(sql.ref(column), order).orderBy(sql.ref('id'), order).limit(limit)
  }
}

/** One value for each order. */
export function memoizePerOrder<T>(create: (order: Order) => T): (order: Order) => T {
  const created = new Map<string, T>()
  return ({ column, direction, backward }) => {
    const name = orderName({ column, direction, backward })
    const value = created.get(name) ?? create({ column, direction, backward })
    created.set(name, value)
    return value
  }
}

export function orderName({ column, direction, backward = false }: Order): string {
  return `${column} ${direction} ${backward}`
}

export function toBounds({ after, before, limit }: KeysetPage): Bounds {
  return omitUndefined({ after, before, limit })
}

/** Turns the rows of a backward page to the list's order. */
export function orderByKeyset<Row>(rows: Row[], { backward }: Order): Row[] {
  return backward ? rows.reverse() : rows
}

function isPast(column: string, direction: 'asc' | 'desc', position: Position) {
  const key = sql`(${sql.ref(column)}, ${sql.ref('id')})`
  const bound = sql`(${position.at}, ${position.id})`
  return direction === 'asc' ? sql<boolean>`${key} > ${bound}` : sql<boolean>`${key} < ${bound}`
}

function opposite(direction: 'asc' | 'desc'): 'asc' | 'desc' {
  return direction === 'asc' ? 'desc' : 'asc'
}

/** The rank of a row among the rows that are equal in `columns`; the newest row has rank 1. */
export function rowNumberPerPartition(
  ...columns: readonly (string | RawBuilder<unknown>)[]
): AliasedRawBuilder<number, 'rank'> {
  const partition = sql.join(columns.map(column => (typeof column === 'string' ? sql.ref(column) : column)))
  return sql<number>`row_number() over (partition by ${partition} order by created_at desc, id desc)`.as('rank')
}
