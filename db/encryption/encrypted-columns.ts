import type { Place } from '../../src/security/field-encryption.ts'
import type { Tables } from '../core/tables.ts'
import type { CustomerPii } from '../records/customer-repository.ts'

/** The encrypted columns, and the indexes derived from them: a key rotation rewrites them. A test compares it with the schema. */
export interface EncryptedTable {
  readonly table: keyof Tables
  /** The primary key. */
  readonly key: readonly string[]
  /** The column of the tenant; null for a row that names no tenant. */
  readonly tenant: 'tenant_id' | null
  readonly encrypted: readonly string[]
  readonly index?: {
    readonly column: string
    /** The encrypted column that it indexes. */
    readonly of: string
    /** The indexed part of the decrypted value. */
    readonly valueOf: (decrypted: unknown) => string | null
  }
}

const emailIndex = {
  column: 'email_index',
  of: 'pii_encrypted',
  // Only the repositories write these columns, and their PII has an e-mail address or null.
  valueOf: (decrypted: unknown) => (decrypted as Pick<CustomerPii, 'email'>).email,
}

export const ENCRYPTED_COLUMNS: readonly EncryptedTable[] = [
  { table: 'account_secrets', key: ['account_id', 'name'], tenant: null, encrypted: ['value_encrypted'] },
  { table: 'accounts', key: ['id'], tenant: 'tenant_id', encrypted: ['settings_encrypted'] },
  {
    table: 'applicants',
    key: ['id'],
    tenant: 'tenant_id',
    encrypted: ['details_encrypted', 'pii_encrypted'],
    index: emailIndex,
  },
  { table: 'attempts', key: ['id'], tenant: 'tenant_id', encrypted: ['details_encrypted'] },
  {
    table: 'customers',
    key: ['id'],
    tenant: 'tenant_id',
    encrypted: ['details_encrypted', 'metadata_encrypted', 'pii_encrypted'],
    index: emailIndex,
  },
  { table: 'deliveries', key: ['id'], tenant: 'tenant_id', encrypted: ['dismissal_encrypted', 'raw_encrypted'] },
  { table: 'instance_keys', key: ['name'], tenant: null, encrypted: ['key_encrypted'] },
  { table: 'operations', key: ['id'], tenant: 'tenant_id', encrypted: ['input_encrypted'] },
  {
    table: 'sessions',
    key: ['id'],
    tenant: 'tenant_id',
    encrypted: ['access_encrypted', 'details_encrypted', 'metadata_encrypted', 'redirect_url_encrypted'],
  },
  { table: 'webhook_endpoints', key: ['id'], tenant: 'tenant_id', encrypted: ['keys_encrypted'] },
]

/** The place of a value in a row that has the columns of the primary key and of the tenant. */
export function placeOf(
  { table, key, tenant }: EncryptedTable,
  column: string,
  row: Readonly<Record<string, unknown>>,
): Place {
  return { table, column, tenantId: tenant && String(row[tenant]), key: key.map(each => String(row[each])) }
}
