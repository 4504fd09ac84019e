import type { Compilable, CompiledQuery } from 'kysely'
import type { Database } from './database.ts'

/** As many as a page has, and its tenant. Longer lists are rare. */
const MOST_VALUES = 101
/** The forms that a query is kept in. Who thinks up more of them makes the others be built again. */
const MOST_FORMS = 500

/**
 * A query that is built once and then run with other values: building one costs more than running it. `build` gets
 * stand-ins for the values, lists of them for lists and rows of them for rows; a list of another length is another query,
 * and so is a row with other columns.
 */
export function keptQuery<Row>(
  build: (db: Database, ...values: never[]) => Compilable<Row>,
): (db: Database, ...values: readonly unknown[]) => Promise<Row[]> {
  const kept = new Map<string, CompiledQuery<Row>>()
  return async (db, ...told) => {
    const values: unknown[] = []
    // A transaction may lock what it reads.
    let key = `${db.engine} ${db.sql.isTransaction} `
    for (const value of told) key += takeValues(value, values)
    const compiled = kept.get(key) ?? build(db, ...(standInsFor(told) as never[])).compile()
    if (kept.size >= MOST_FORMS) kept.clear()
    if (values.length <= MOST_VALUES) kept.set(key, compiled)
    const parameters = compiled.parameters.map(given => (given instanceof StandIn ? values[given.place] : given))
    return (await db.sql.executeQuery<Row>({ ...compiled, parameters } as CompiledQuery<Row>)).rows
  }
}

class StandIn {
  readonly place: number

  constructor(place: number) {
    this.place = place
  }
}

function isRow(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

/** Adds what is in a value to `values`, and gives its form. */
function takeValues(value: unknown, values: unknown[]): string {
  if (!isRow(value)) {
    values.push(value)
    return '?'
  }
  let form = '('
  for (const [name, inner] of Object.entries(value)) form += name + takeValues(inner, values)
  return `${form})`
}

function standInsFor(told: readonly unknown[]): unknown[] {
  let place = 0
  const standInFor = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(standInFor)
    if (!isRow(value)) return new StandIn(place++)
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, standInFor(inner)]))
  }
  return told.map(standInFor)
}
