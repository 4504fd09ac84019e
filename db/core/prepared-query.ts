import type { Compilable, CompiledQuery } from 'kysely'
import { LRUCache } from 'lru-cache'
import type { Database } from './database.ts'

/** A page and its tenant. Longer lists are rare, so their queries are not cached. */
const MAX_VALUES = 101
/** The compiled forms of one query. */
const MAX_SHAPES = 500

/**
 * A query that is compiled once and executed with other values, because compiling one costs more than executing it.
 * `build` receives placeholders: one for a value, a list of them for a list, an object of them for a row. A list of another
 * length and a row with other columns have another shape, and so another compiled query.
 */
export function prepareQuery<Row>(
  build: (db: Database, ...values: never[]) => Compilable<Row>,
): (db: Database, ...values: readonly unknown[]) => Promise<Row[]> {
  const queries = new LRUCache<string, CompiledQuery<Row>>({ max: MAX_SHAPES })
  return async (db, ...args) => {
    const values: unknown[] = []
    // A transaction may lock the rows that it reads.
    let shape = `${db.engine} ${db.sql.isTransaction} `
    for (const arg of args) shape += collectValues(arg, values)
    let compiled = queries.get(shape)
    if (!compiled) {
      compiled = build(db, ...(placeholdersFor(args) as never[])).compile()
      if (values.length <= MAX_VALUES) queries.set(shape, compiled)
    }
    const parameters = compiled.parameters.map(given => (given instanceof Placeholder ? values[given.index] : given))
    const query: CompiledQuery<Row> = { ...compiled, parameters }
    const rows = db.readNow?.(query) as Row[] | undefined
    return rows ?? (await db.sql.executeQuery<Row>(query)).rows
  }
}

class Placeholder {
  readonly index: number

  constructor(index: number) {
    this.index = index
  }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

/** Appends the values of an argument to `values`. Returns its shape. */
function collectValues(arg: unknown, values: unknown[]): string {
  if (!isObject(arg)) {
    values.push(arg)
    return '?'
  }
  let shape = '('
  for (const [name, inner] of Object.entries(arg)) shape += name + collectValues(inner, values)
  return `${shape})`
}

function placeholdersFor(args: readonly unknown[]): unknown[] {
  let index = 0
  const placeholderFor = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(placeholderFor)
    if (!isObject(value)) return new Placeholder(index++)
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, placeholderFor(inner)]))
  }
  return args.map(placeholderFor)
}
