import { type SelectQueryBuilder, sql } from 'kysely'
import type { Database } from './database.ts'
import { type KeysetPage, pageFilter } from './keyset.ts'
import type { Tables } from './tables.ts'

/** One page of a query. */
export interface PageQuery<Row> {
  readonly query: SelectQueryBuilder<Tables, keyof Tables, Row>
  readonly page: KeysetPage
}

/** The columns by which pages are ordered. */
interface PageRow {
  readonly id: string
  readonly created_at: number
  readonly updated_at: number
}

const MAX_PAGES = 100

/** The rows of each page. One statement reads at most 100 pages, and of each no more rows than the page has. */
export async function selectPages<Row extends PageRow>(
  db: Database,
  pages: readonly PageQuery<Row>[],
): Promise<Row[][]> {
  const batches: Row[][][] = []
  for (let start = 0; start < pages.length; start += MAX_PAGES) {
    batches.push(await selectUnion(db, pages.slice(start, start + MAX_PAGES)))
  }
  return batches.flat()
}

async function selectUnion<Row extends PageRow>(db: Database, pages: readonly PageQuery<Row>[]): Promise<Row[][]> {
  const [first, ...others] = pages.map(({ query, page }, index) =>
    db.sql
      .selectFrom(query.$call(pageFilter(page, page)).as('page'))
      .selectAll()
      .select(sql.lit(index).as('page_index'))
      .$castTo<Row & { readonly page_index: number }>(),
  )
  if (!first) return []
  const rows = await others.reduce((union, query) => union.unionAll(query), first).execute()
  // A union has no order.
  return pages.map(({ page }, index) => rows.filter(row => row.page_index === index).sort(byPosition(page)))
}

function byPosition({ column, direction }: KeysetPage) {
  const sign = direction === 'asc' ? 1 : -1
  return (one: PageRow, other: PageRow) => sign * (one[column] - other[column] || (one.id < other.id ? -1 : 1))
}
