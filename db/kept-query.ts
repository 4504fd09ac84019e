import type { Compilable, CompiledQuery } from 'kysely'
import type { Database } from './database.ts'

/** As many as a page has, and its tenant. Longer lists are rare. */
const MOST_VALUES = 101

/**
 * A query that is built once and then run with other values: building one costs more than running it. `build` gets
 * stand-ins for the values; a list of another length is another query.
 */
export function keptQuery<Row>(
  build: (db: Database, ...values: never[]) => Compilable<Row>,
): (db: Database, ...values: readonly unknown[]) => Promise<Row[]> {
  const kept = new Map<string, CompiledQuery<Row>>()
  return async (db, ...values) => {
    // A transaction may lock what it reads.
    const key = `${db.engine} ${db.sql.isTransaction} ${values.length}`
    const compiled = kept.get(key) ?? build(db, ...(values.map(standIn) as never[])).compile()
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

function standIn(_value: unknown, place: number): StandIn {
  return new StandIn(place)
}
