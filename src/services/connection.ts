import type { KeysetPage, Position } from '../../db/keyset.ts'
import { type InputIssue, InvalidInputError } from '../domain/errors.ts'
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
  /** How many rows there are in all, null beyond 10,000; counted when it is called. */
  readonly count: () => Promise<number | null>
}

export interface List<T> {
  /** Tenant, list and order: a cursor serves only where it was made. */
  readonly scope: string
  readonly column: KeysetPage['column']
  readonly direction: KeysetPage['direction']
  readonly positionOf: (row: T) => Position
  readonly read: (page: KeysetPage) => Promise<readonly T[]>
  /** Counts up to the number given. */
  readonly count: (most: number) => Promise<number>
}

/** One page of a list that the store keeps in order. */
export async function readConnection<T>(cursors: Cursors, args: PageArguments, list: List<T>): Promise<Connection<T>> {
  const { size, backward } = checkPage(args)
  const after = args.after == null ? undefined : cursors.decode(list.scope, args.after)
  const before = args.before == null ? undefined : cursors.decode(list.scope, args.before)
  const page = { column: list.column, direction: list.direction, limit: size + 1, after, before, backward }
  const rows = size === 0 ? [] : await list.read(page)
  const more = rows.length > size
  const kept = backward ? rows.slice(-size) : rows.slice(0, size)
  const sign = (node: T) => cursors.encode(list.scope, list.positionOf(node))
  const edges = kept.map(node => new Edge(node, sign))
  const hasNextPage = backward ? before !== undefined : more
  const hasPreviousPage = backward ? more : after !== undefined
  return { edges, pageInfo: new PageInfo(edges, hasNextPage, hasPreviousPage), count: () => countUpTo(list) }
}

/** Its cursor is signed where it is asked for only. */
class Edge<T> {
  readonly node: T
  readonly #sign: (node: T) => string

  constructor(node: T, sign: (node: T) => string) {
    this.node = node
    this.#sign = sign
  }

  get cursor(): string {
    return this.#sign(this.node)
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

async function countUpTo<T>(list: List<T>): Promise<number | null> {
  const count = await list.count(MAX_COUNT + 1)
  return count > MAX_COUNT ? null : count
}

/** How many rows are asked for, and from which end. Throws InvalidInputError with all that is wrong. */
export function checkPage({ first, last }: PageArguments): { size: number; backward: boolean } {
  const issues: InputIssue[] = []
  for (const [name, value] of Object.entries({ first, last })) {
    if (value != null && (value < 0 || value > MAX_PAGE)) {
      issues.push({ path: [name], message: `Expected 0 to ${MAX_PAGE}.` })
    }
  }
  if (first != null && last != null) issues.push({ path: ['last'], message: 'Expected first or last, not both.' })
  if (issues.length > 0) throw new InvalidInputError(issues)
  return { size: first ?? last ?? DEFAULT_PAGE, backward: last != null }
}
