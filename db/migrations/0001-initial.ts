import type { CreateTableBuilder, Kysely } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('accounts')
    .addColumn('id', 'text', column => column.primaryKey())
    .addColumn('tenant_id', 'text', column => column.notNull())
    .addColumn('provider', 'text', column => column.notNull())
    .addColumn('origin', 'text', column => column.notNull())
    .addColumn('created_at', 'bigint', column => column.notNull())
    .addUniqueConstraint('accounts_key', ['tenant_id', 'provider', 'origin'])
    .execute()

  await db.schema
    .createTable('account_secrets')
    .addColumn('account_id', 'text', column => column.notNull().references('accounts.id'))
    .addColumn('name', 'text', column => column.notNull())
    .addColumn('value_sealed', 'text', column => column.notNull())
    .addColumn('updated_at', 'bigint', column => column.notNull())
    .addPrimaryKeyConstraint('account_secrets_key', ['account_id', 'name'])
    .execute()

  await db.schema
    .createTable('leases')
    .addColumn('name', 'text', column => column.primaryKey())
    .addColumn('owner', 'text', column => column.notNull())
    .addColumn('until', 'bigint', column => column.notNull())
    .execute()

  await record(db.schema.createTable('customers'))
    .addColumn('external_id', 'text')
    .addColumn('external_id_pinned', 'integer', column => column.notNull())
    .addColumn('pii_sealed', 'text')
    .addColumn('email_index', 'text')
    .addColumn('metadata_sealed', 'text')
    .addColumn('fetched_at', 'bigint')
    .addColumn('source', 'text', column => column.notNull())
    .addColumn('details_sealed', 'text', column => column.notNull())
    .addUniqueConstraint('customers_key', ['account_id', 'provider_id'])
    .execute()

  await record(db.schema.createTable('applicants'))
    .addColumn('external_id', 'text')
    .addColumn('external_id_pinned', 'integer', column => column.notNull())
    .addColumn('parent_provider_id', 'text')
    .addColumn('status', 'text', column => column.notNull())
    .addColumn('outcome', 'text', column => column.notNull())
    .addColumn('provider_status', 'text')
    .addColumn('pii_sealed', 'text')
    .addColumn('email_index', 'text')
    .addColumn('customer_id', 'text', column => column.references('customers.id'))
    .addColumn('attempts_fetched_at', 'bigint')
    .addColumn('fetched_at', 'bigint')
    .addColumn('source', 'text', column => column.notNull())
    .addColumn('details_sealed', 'text', column => column.notNull())
    .addUniqueConstraint('applicants_key', ['account_id', 'provider_id'])
    .execute()

  await record(db.schema.createTable('sessions'))
    .addColumn('external_id', 'text')
    .addColumn('external_id_pinned', 'integer', column => column.notNull())
    .addColumn('status', 'text', column => column.notNull())
    .addColumn('outcome', 'text', column => column.notNull())
    .addColumn('provider_status', 'text')
    .addColumn('livemode', 'integer', column => column.notNull())
    .addColumn('redirect_url', 'text')
    .addColumn('metadata_sealed', 'text')
    .addColumn('expires_at', 'bigint')
    .addColumn('completed_at', 'bigint')
    .addColumn('access_sealed', 'text')
    .addColumn('applicant_id', 'text', column => column.references('applicants.id'))
    .addColumn('customer_id', 'text', column => column.references('customers.id'))
    .addColumn('applicant_pinned', 'integer', column => column.notNull())
    .addColumn('customer_pinned', 'integer', column => column.notNull())
    .addColumn('attempts_fetched_at', 'bigint')
    .addColumn('fetched_at', 'bigint', column => column.notNull())
    .addColumn('source', 'text', column => column.notNull())
    .addColumn('details', 'text', column => column.notNull())
    .addUniqueConstraint('sessions_key', ['account_id', 'provider_id'])
    .execute()

  await record(db.schema.createTable('attempts'))
    .addColumn('kind', 'text', column => column.notNull())
    .addColumn('status', 'text', column => column.notNull())
    .addColumn('provider_status', 'text')
    .addColumn('failure_code', 'text')
    .addColumn('risk_score', 'double precision')
    .addColumn('completed_at', 'bigint')
    .addColumn('session_id', 'text', column => column.references('sessions.id'))
    .addColumn('applicant_id', 'text', column => column.references('applicants.id'))
    .addColumn('details_sealed', 'text', column => column.notNull())
    .addUniqueConstraint('attempts_key', ['account_id', 'provider_id'])
    .execute()

  await db.schema
    .createTable('operations')
    .addColumn('id', 'text', column => column.primaryKey())
    .addColumn('tenant_id', 'text', column => column.notNull())
    .addColumn('account_id', 'text', column => column.notNull().references('accounts.id'))
    .addColumn('kind', 'text', column => column.notNull())
    .addColumn('provider', 'text', column => column.notNull())
    .addColumn('idempotency_key', 'text', column => column.notNull())
    .addColumn('fingerprint', 'text', column => column.notNull())
    .addColumn('state', 'text', column => column.notNull())
    .addColumn('reference', 'text', column => column.notNull())
    .addColumn('input_sealed', 'text')
    .addColumn('record_id', 'text')
    .addColumn('recovered', 'integer', column => column.notNull())
    .addColumn('tries', 'integer', column => column.notNull())
    .addColumn('repeats', 'integer', column => column.notNull())
    .addColumn('checks', 'integer', column => column.notNull())
    .addColumn('note', 'text')
    .addColumn('fence', 'integer', column => column.notNull())
    .addColumn('owner', 'text')
    .addColumn('owned_until', 'bigint')
    .addColumn('sent_at', 'bigint')
    .addColumn('next_check_at', 'bigint')
    .addColumn('error', 'text')
    .addColumn('created_at', 'bigint', column => column.notNull())
    .addColumn('updated_at', 'bigint', column => column.notNull())
    .addUniqueConstraint('operations_key', ['tenant_id', 'idempotency_key'])
    .execute()

  for (const [table, columns] of INDEXES) {
    await db.schema
      .createIndex(`${table}_by_${columns.join('_')}`)
      .on(table)
      .columns(columns)
      .execute()
  }
}

/** The columns that every record of a provider has. */
function record<Table extends string>(table: CreateTableBuilder<Table>) {
  return table
    .addColumn('id', 'text', column => column.primaryKey())
    .addColumn('tenant_id', 'text', column => column.notNull())
    .addColumn('account_id', 'text', column => column.notNull().references('accounts.id'))
    .addColumn('provider', 'text', column => column.notNull())
    .addColumn('provider_id', 'text', column => column.notNull())
    .addColumn('created_at', 'bigint', column => column.notNull())
    .addColumn('updated_at', 'bigint', column => column.notNull())
    .addColumn('began_at', 'bigint', column => column.notNull())
}

/** Every list is a keyset page over one of these. */
const INDEXES: readonly (readonly [string, string[]])[] = [
  ['sessions', ['tenant_id', 'created_at', 'id']],
  ['sessions', ['tenant_id', 'updated_at', 'id']],
  ['sessions', ['tenant_id', 'provider', 'created_at', 'id']],
  ['sessions', ['tenant_id', 'status', 'created_at', 'id']],
  ['sessions', ['tenant_id', 'external_id', 'created_at', 'id']],
  ['sessions', ['tenant_id', 'applicant_id', 'created_at', 'id']],
  ['sessions', ['tenant_id', 'customer_id', 'created_at', 'id']],
  ['sessions', ['status', 'expires_at']],
  ['applicants', ['tenant_id', 'created_at', 'id']],
  ['applicants', ['tenant_id', 'external_id', 'created_at', 'id']],
  ['applicants', ['tenant_id', 'email_index']],
  ['customers', ['tenant_id', 'created_at', 'id']],
  ['customers', ['tenant_id', 'external_id', 'created_at', 'id']],
  ['customers', ['tenant_id', 'email_index']],
  ['attempts', ['session_id', 'created_at', 'id']],
  ['attempts', ['applicant_id', 'created_at', 'id']],
  ['operations', ['state', 'next_check_at']],
  ['operations', ['account_id', 'reference']],
  ['operations', ['tenant_id', 'created_at', 'id']],
]
