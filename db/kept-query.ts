import type { Compilable, CompiledQuery } from 'kysely'
import type { Database } from './database.ts'

/** As many as a page has, and its tenant. Longer lists are rare. */
const MOST_VALUES = 101

/**
 * A query that is built once and then run with other values: building one costs more than running it. `build` gets
 * stand-ins for the values, and rows of stand-ins for rows; a list of another length is another query, and so is a row
 * with other columns.
 */
export function keptQuery<Row>(
  build: (db: Database, ...values: never[]) => Compilable<Row>,
): (db: Database, ...values: readonly unknown[]) => Promise<Row[]> {
  const kept = new Map<string, CompiledQuery<Row>>()
  return async (db, ...told) => {
    const values: unknown[] = []
    // A transaction may lock what it reads.
    let key = `${db.engine} ${db.sql.isTransaction} `
    for (const value of told) {
      key += isRow(value) ? `(${Object.keys(value)})` : '?'
      values.push(...(isRow(value) ? Object.values(value) : [value]))
    }
    const compiled = kept.get(key) ?? build(db, ...(standInsFor(told) as never[])).compile()
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

function standInsFor(told: readonly unknown[]): unknown[] {
  let place = 0
  const standIn = () => new StandIn(place++)
  return told.map(value =>
    isRow(value) ? Object.fromEntries(Object.keys(value).map(name => [name, standIn()])) : standIn(),
  )
}
