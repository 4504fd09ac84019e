import { type SelectQueryBuilder, sql } from 'kysely'
import type { Database } from './database.ts'
import {
  type Bounds,
  type KeysetPage,
  memoizePerOrder,
  type Order,
  orderByKeyset,
  orderName,
  pageFilter,
  toBounds,
} from './keyset.ts'
import { prepareQuery } from './prepared-query.ts'
import type { Tables } from './tables.ts'

/** One page of the rows that meet the conditions, which are in column values. */
export interface PageOf<Conditions> {
  readonly conditions: Conditions
  readonly page: KeysetPage
}

/** The columns by which pages are ordered. */
interface PageRow {
  readonly id: string
  readonly created_at: number
  readonly updated_at: number
}

/** Selects the tenant's rows that meet the conditions, in no order. */
type SelectRows<Row, Conditions> = (
  db: Database,
  tenantId: string,
  conditions: Conditions,
) => SelectQueryBuilder<Tables, keyof Tables, Row>

const MAX_PAGES = 100

/** The prepared queries for pages of one table. */
export function pageQueries<Row extends PageRow, Conditions extends object>(select: SelectRows<Row, Conditions>) {
  const pageOf = memoizePerOrder(order =>
    prepareQuery((db, tenantId: string, conditions: Conditions, bounds: Bounds) =>
      select(db, tenantId, conditions).$call(pageFilter(order, bounds)),
    ),
  )
  const unionOf = memoizePerOrder(order =>
    prepareQuery((db, tenantId: string, ...pages: BoundedPage<Conditions>[]) =>
      union(
        db,
        tenantId,
        pages.map(page => ({ ...page, order })),
      ),
    ),
  )

  function union(db: Database, tenantId: string, pages: readonly OrderedPage<Conditions>[]) {
    return pages
      .map(({ conditions, bounds, order }, index) =>
        db.sql
          .selectFrom(select(db, tenantId, conditions).$call(pageFilter(order, bounds)).as('page'))
          .selectAll()
          .select(sql.lit(index).as('page_index'))
          .$castTo<Row & { readonly page_index: number }>(),
      )
      .reduce((all, query) => all.unionAll(query))
  }

  async function selectPage(db: Database, tenantId: string, { conditions, page }: PageOf<Conditions>): Promise<Row[]> {
    return orderByKeyset(await pageOf(page)(db, tenantId, conditions, toBounds(page)), page)
  }

  /** The rows of each page. One statement reads at most 100 pages, and of each no more rows than the page has. */
  async function selectPages(db: Database, tenantId: string, pages: readonly PageOf<Conditions>[]): Promise<Row[][]> {
    const batches: Row[][][] = []
    for (let start = 0; start < pages.length; start += MAX_PAGES) {
      batches.push(await selectUnion(db, tenantId, pages.slice(start, start + MAX_PAGES)))
    }
    return batches.flat()
  }

  async function selectUnion(db: Database, tenantId: string, pages: readonly PageOf<Conditions>[]): Promise<Row[][]> {
    const [first, ...others] = pages
    if (!first) return []
    if (others.length === 0) return [await selectPage(db, tenantId, first)]
    const bounded = pages.map(({ conditions, page }) => ({ conditions, bounds: toBounds(page), order: page }))
    const isOneOrder = others.every(({ page }) => orderName(page) === orderName(first.page))
    const rows = isOneOrder
      ? await unionOf(first.page)(db, tenantId, ...bounded.map(({ conditions, bounds }) => ({ conditions, bounds })))
      : await union(db, tenantId, bounded).execute()
    // A union has no order.
    return pages.map(({ page }, index) => rows.filter(row => row.page_index === index).sort(byPosition(page)))
  }

  return { selectPage, selectPages }
}

interface BoundedPage<Conditions> {
  readonly conditions: Conditions
  readonly bounds: Bounds
}

interface OrderedPage<Conditions> extends BoundedPage<Conditions> {
  readonly order: Order
}

function byPosition({ column, direction }: KeysetPage) {
  const sign = direction === 'asc' ? 1 : -1
  return (one: PageRow, other: PageRow) => sign * (one[column] - other[column] || (one.id < other.id ? -1 : 1))
}
