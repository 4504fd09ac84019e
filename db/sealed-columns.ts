import type { CustomerPii } from './customer-repository.ts'
import type { Tables } from './tables.ts'

/**
 * Every column that the vault sealed, and every index derived from one, in one place: what a rotation rewrites. A test
 * compares it with the tables.
 */
export interface SealedTable {
  readonly table: keyof Tables
  /** The primary key. */
  readonly key: readonly string[]
  readonly sealed: readonly string[]
  readonly index?: {
    readonly column: string
    /** The sealed column it is an index of. */
    readonly of: string
    /** What is indexed of what is opened. */
    readonly valueOf: (opened: unknown) => string | null
  }
}

const emailIndex = {
  column: 'email_index',
  of: 'pii_sealed',
  // Only the repositories write these columns, and their PII has an e-mail address or null.
  valueOf: (opened: unknown) => (opened as Pick<CustomerPii, 'email'>).email,
}

export const SEALED_TABLES: readonly SealedTable[] = [
  { table: 'account_secrets', key: ['account_id', 'name'], sealed: ['value_sealed'] },
  { table: 'accounts', key: ['id'], sealed: ['settings_sealed'] },
  { table: 'applicants', key: ['id'], sealed: ['details_sealed', 'pii_sealed'], index: emailIndex },
  { table: 'attempts', key: ['id'], sealed: ['details_sealed'] },
  { table: 'customers', key: ['id'], sealed: ['details_sealed', 'metadata_sealed', 'pii_sealed'], index: emailIndex },
  { table: 'deliveries', key: ['id'], sealed: ['raw_sealed'] },
  { table: 'house_keys', key: ['name'], sealed: ['key_sealed'] },
  { table: 'operations', key: ['id'], sealed: ['input_sealed'] },
  {
    table: 'sessions',
    key: ['id'],
    sealed: ['access_sealed', 'details_sealed', 'metadata_sealed', 'redirect_url_sealed'],
  },
  { table: 'webhook_endpoints', key: ['id'], sealed: ['keys_sealed'] },
]
