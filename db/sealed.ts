import type { Vault } from '../src/security/vault.ts'
import { openJson } from './columns.ts'

type SealedColumn<Row> = { [Name in keyof Row]: Row[Name] extends string | null ? Name : never }[keyof Row]

/** The sealed columns of a row, each opened when it is first asked for. */
export class Sealed<Row> {
  readonly row: Row
  readonly #vault: Vault
  #opened: Map<keyof Row, unknown> | undefined

  constructor(row: Row, vault: Vault) {
    this.row = row
    this.#vault = vault
  }

  /**
   * What was sealed of a value of type T; null where there is none, or where it cannot be opened. Throws where it is no
   * JSON. So each field of the schema that shows it has a resolver: where a compiled operation reads a property by itself
   * and that throws, nobody is answered.
   */
  open<T>(column: SealedColumn<Row>): T | null {
    this.#opened ??= new Map()
    const known = this.#opened.get(column)
    if (known !== undefined) return known as T | null
    const sealed = this.row[column] as string | null | undefined
    if (sealed === undefined) throw new Error(`The column ${String(column)} was not read.`)
    const value = openJson<T>(this.#vault, sealed)
    this.#opened.set(column, value)
    return value
  }
}
