import type { Bounds, Order, Position } from '../../../db/core/keyset.ts'
import { type InputIssue, InvalidInputError } from '../../domain/errors.ts'
import type { Cursors } from './cursor.ts'

export const DEFAULT_PAGE = 20
export const MAX_PAGE = 100
export const MAX_COUNT = 10_000

/** Relay's arguments. */
export interface PageArguments {
  readonly first?: number | null
  readonly after?: string | null
  readonly last?: number | null
  readonly before?: string | null
}

export interface Connection<T> {
  readonly edges: readonly { readonly cursor: string; readonly node: T }[]
  readonly pageInfo: {
    readonly hasNextPage: boolean
    readonly hasPreviousPage: boolean
    readonly startCursor: string | null
    readonly endCursor: string | null
  }
  /** Counts all rows; null beyond 10,000. */
  readonly count: () => Promise<number | null>
}

/** A list whose rows are read elsewhere. */
export interface RowList<T> {
  /** Tenant, list and order: a cursor is valid only in its own scope. */
  readonly scope: string
  readonly positionOf: (row: T) => Position
  /** Counts up to `max`. */
  readonly count: (max: number) => Promise<number>
}

export interface List<T> extends RowList<T> {
  /** Reads rows in the list's order: with `backward` the last ones between the bounds, else the first ones. */
  readonly read: (page: ListPage) => Promise<readonly T[]>
}

export type ListPage = Bounds & Pick<Order, 'backward'>

/** The arguments of a page, with decoded cursors. */
export interface PageRequest {
  readonly size: number
  readonly backward: boolean
  readonly after: Position | undefined
  readonly before: Position | undefined
}

/** One page of a list. Throws INVALID_INPUT and CURSOR_INVALID. */
export async function readConnection<T>(cursors: Cursors, args: PageArguments, list: List<T>): Promise<Connection<T>> {
  return readPage(cursors, toPageRequest(cursors, list.scope, args), list)
}

/** Throws INVALID_INPUT and CURSOR_INVALID. */
export function toPageRequest(cursors: Cursors, scope: string, args: PageArguments): PageRequest {
  const issues = pageIssues(args)
  if (issues.length > 0) throw new InvalidInputError(issues)
  const { first, last, after, before } = args
  return {
    size: first ?? last ?? DEFAULT_PAGE,
    backward: last != null,
    after: after == null ? undefined : cursors.decode(scope, after),
    before: before == null ? undefined : cursors.decode(scope, before),
  }
}

export async function readPage<T>(cursors: Cursors, page: PageRequest, list: List<T>): Promise<Connection<T>> {
  return toConnection(cursors, page, list, page.size === 0 ? [] : await list.read(toListPage(page)))
}

/** The rows to read for a page: one more than its size, to know if there are more. */
export function toListPage({ size, ...bounds }: PageRequest): ListPage {
  return { ...bounds, limit: size + 1 }
}

/** The page of the rows that `toListPage` requires. */
export function toConnection<T>(
  cursors: Cursors,
  { size, backward, after, before }: PageRequest,
  list: RowList<T>,
  rows: readonly T[],
): Connection<T> {
  const more = rows.length > size
  const stored = backward ? rows.slice(-size) : rows.slice(0, size)
  const sign = (node: T) => cursors.encode(list.scope, list.positionOf(node))
  const edges = stored.map(node => new Edge(node, sign))
  const hasNextPage = backward ? before !== undefined : more
  const hasPreviousPage = backward ? more : after !== undefined
  return { edges, pageInfo: new PageInfo(edges, hasNextPage, hasPreviousPage), count: () => countUpTo(list) }
}

/** Signs the cursor only when it is selected. */
class Edge<T> {
  readonly node: T
  readonly #sign: (node: T) => string
  #cursor: string | undefined

  constructor(node: T, sign: (node: T) => string) {
    this.node = node
    this.#sign = sign
  }

  get cursor(): string {
    this.#cursor ??= this.#sign(this.node)
    return this.#cursor
  }
}

class PageInfo {
  readonly hasNextPage: boolean
  readonly hasPreviousPage: boolean
  readonly #edges: Connection<unknown>['edges']

  constructor(edges: Connection<unknown>['edges'], hasNextPage: boolean, hasPreviousPage: boolean) {
    this.#edges = edges
    this.hasNextPage = hasNextPage
    this.hasPreviousPage = hasPreviousPage
  }

  get startCursor(): string | null {
    return this.#edges[0]?.cursor ?? null
  }

  get endCursor(): string | null {
    return this.#edges.at(-1)?.cursor ?? null
  }
}

async function countUpTo<T>(list: RowList<T>): Promise<number | null> {
  const count = await list.count(MAX_COUNT + 1)
  return count > MAX_COUNT ? null : count
}

/** What is wrong with the size of a page. */
export function pageIssues({ first, last }: PageArguments): InputIssue[] {
  const issues: InputIssue[] = []
  for (const [name, value] of Object.entries({ first, last })) {
    if (value != null && (value < 0 || value > MAX_PAGE)) {
      issues.push({ path: [name], message: `Expected 0 to ${MAX_PAGE}.` })
    }
  }
  if (first != null && last != null) issues.push({ path: ['last'], message: 'Expected first or last, not both.' })
  return issues
}
