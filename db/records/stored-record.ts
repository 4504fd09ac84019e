import type { Details } from '../../src/domain/json.ts'
import type { Provider } from '../../src/domain/provider.ts'
import type { FieldEncryption } from '../../src/security/field-encryption.ts'
import { decryptJson, toDate } from '../core/columns.ts'
import type { ProviderRow, Tables } from '../core/tables.ts'

/** A stored record and its revision: see db/core/revision.ts. */
export interface Revised {
  readonly id: string
  readonly revision: number
}

/** A session, applicant, customer or attempt. Encrypted columns are decrypted on first use: a list reads few of them. */
export abstract class StoredRecord<Row extends ProviderRow> {
  readonly id: string
  readonly tenantId: string
  readonly accountId: string
  readonly provider: Provider
  readonly providerId: string
  readonly createdAt: Date
  readonly updatedAt: Date
  protected readonly encrypted: LazyDecrypted<Row>

  constructor(table: keyof Tables, row: Row, encryption: FieldEncryption) {
    this.id = row.id
    this.tenantId = row.tenant_id
    this.accountId = row.account_id
    this.provider = row.provider as Provider
    this.providerId = row.provider_id
    this.createdAt = toDate(row.created_at)
    this.updatedAt = toDate(row.updated_at)
    this.encrypted = new LazyDecrypted(table, row, encryption)
  }

  get details(): Details {
    return this.encrypted.decrypt<Details>('details_encrypted') ?? {}
  }
}

class LazyDecrypted<Row extends ProviderRow> {
  readonly #table: keyof Tables
  readonly #row: Row
  readonly #encryption: FieldEncryption
  #values: Map<keyof Row, unknown> | undefined

  constructor(table: keyof Tables, row: Row, encryption: FieldEncryption) {
    this.#table = table
    this.#row = row
    this.#encryption = encryption
  }

  /**
   * The column's value of type T; null for NULL, and for a value that cannot be decrypted. Throws SyntaxError for a value
   * that is no JSON, which then is the error of its GraphQL field.
   */
  decrypt<T>(column: EncryptedColumn<Row>): T | null {
    this.#values ??= new Map()
    const cached = this.#values.get(column)
    if (cached !== undefined) return cached as T | null
    const encrypted = this.#row[column] as string | null | undefined
    if (encrypted === undefined) throw new Error(`The query did not select the column ${String(column)}.`)
    const { id, tenant_id: tenantId } = this.#row
    const place = { table: this.#table, column, tenantId, key: [id] }
    const value = decryptJson<T>(this.#encryption, encrypted, place)
    this.#values.set(column, value)
    return value
  }
}

type EncryptedColumn<Row> = 'details_encrypted' | Extract<keyof Row, `${string}_encrypted`>
