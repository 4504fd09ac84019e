import { type CreateTableBuilder, type Kysely, sql } from 'kysely'

/** The schema. The types of its rows are in db/core/tables.ts. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await createAccess(db)
  await createAccounts(db)
  await createRecords(db)
  await createOperations(db)
  await createEvents(db)
  await createWebhooks(db)
  await createInstanceTables(db)
  await createMonitoring(db)
  await createIndexes(db)
}

async function createAccess(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('tenants')
    .addColumn('id', 'text', column => column.primaryKey())
    .addColumn('name', 'text', column => column.notNull())
    .addColumn('created_at', 'bigint', column => column.notNull())
    .execute()

  await db.schema
    .createTable('api_keys')
    .addColumn('id', 'text', column => column.primaryKey())
    .addColumn('tenant_id', 'text', column => column.notNull().references('tenants.id'))
    .addColumn('name', 'text', column => column.notNull())
    .addColumn('prefix', 'text', column => column.notNull())
    .addColumn('hash', 'text', column => column.notNull().unique())
    .addColumn('scopes', 'text', column => column.notNull())
    .addColumn('cost_per_minute', 'integer')
    .addColumn('expires_at', 'bigint')
    .addColumn('revoked_at', 'bigint')
    .addColumn('last_used_at', 'bigint')
    .addColumn('created_at', 'bigint', column => column.notNull())
    .execute()

  await db.schema
    .createTable('audit_log')
    .addColumn('id', 'text', column => column.primaryKey())
    .addColumn('tenant_id', 'text', column => column.notNull())
    .addColumn('at', 'bigint', column => column.notNull())
    .addColumn('actor', 'text', column => column.notNull())
    .addColumn('action', 'text', column => column.notNull())
    .addColumn('subject_hash', 'text')
    .addColumn('object', 'text')
    .execute()
}

async function createAccounts(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('accounts')
    .addColumn('id', 'text', column => column.primaryKey())
    .addColumn('tenant_id', 'text', column => column.notNull())
    .addColumn('provider', 'text', column => column.notNull())
    .addColumn('base_url', 'text', column => column.notNull())
    .addColumn('settings_encrypted', 'text')
    .addColumn('connected', 'integer', column => column.notNull().defaultTo(0))
    .addColumn('revision', 'integer', column => column.notNull().defaultTo(0))
    .addColumn('created_at', 'bigint', column => column.notNull())
    .addUniqueConstraint('accounts_key', ['tenant_id', 'provider', 'base_url'])
    .execute()

  await db.schema
    .createTable('account_secrets')
    .addColumn('account_id', 'text', column => column.notNull().references('accounts.id'))
    .addColumn('name', 'text', column => column.notNull())
    .addColumn('value_encrypted', 'text', column => column.notNull())
    .addColumn('updated_at', 'bigint', column => column.notNull())
    .addPrimaryKeyConstraint('account_secrets_key', ['account_id', 'name'])
    .execute()
}

async function createRecords(db: Kysely<unknown>): Promise<void> {
  await addRecordColumns(db.schema.createTable('customers'))
    .addColumn('pii_encrypted', 'text')
    .addColumn('email_index', 'text')
    .addColumn('metadata_encrypted', 'text')
    .addColumn('fetched_at', 'bigint')
    .addUniqueConstraint('customers_key', ['account_id', 'provider_id'])
    .execute()

  await addStatusColumns(addRecordColumns(db.schema.createTable('applicants')))
    .addColumn('parent_provider_id', 'text')
    .addColumn('pii_encrypted', 'text')
    .addColumn('email_index', 'text')
    .addColumn('customer_id', 'text', column => column.references('customers.id'))
    .addColumn('fetched_at', 'bigint')
    .addUniqueConstraint('applicants_key', ['account_id', 'provider_id'])
    .execute()

  await addStatusColumns(addRecordColumns(db.schema.createTable('sessions')))
    .addColumn('test_mode', 'integer', column => column.notNull())
    .addColumn('redirect_url_encrypted', 'text')
    .addColumn('metadata_encrypted', 'text')
    .addColumn('access_encrypted', 'text')
    .addColumn('expires_at', 'bigint')
    .addColumn('completed_at', 'bigint')
    .addColumn('stage', 'integer', column => column.notNull().defaultTo(0))
    .addColumn('applicant_id', 'text', column => column.references('applicants.id'))
    .addColumn('applicant_pinned', 'integer', column => column.notNull())
    .addColumn('customer_id', 'text', column => column.references('customers.id'))
    .addColumn('customer_pinned', 'integer', column => column.notNull())
    .addColumn('fetched_at', 'bigint', column => column.notNull())
    .addUniqueConstraint('sessions_key', ['account_id', 'provider_id'])
    .execute()

  await addProviderColumns(db.schema.createTable('attempts'))
    .addColumn('kind', 'text', column => column.notNull())
    .addColumn('status', 'text', column => column.notNull())
    .addColumn('provider_status', 'text')
    .addColumn('failure_code', 'text')
    .addColumn('risk_score', 'double precision')
    .addColumn('completed_at', 'bigint')
    .addColumn('session_id', 'text', column => column.references('sessions.id'))
    .addColumn('applicant_id', 'text', column => column.references('applicants.id'))
    .addUniqueConstraint('attempts_key', ['account_id', 'provider_id'])
    .execute()
}

/** The columns of every record, and of attempts. */
function addProviderColumns<Table extends string>(table: CreateTableBuilder<Table>) {
  return table
    .addColumn('id', 'text', column => column.primaryKey())
    .addColumn('tenant_id', 'text', column => column.notNull())
    .addColumn('account_id', 'text', column => column.notNull().references('accounts.id'))
    .addColumn('provider', 'text', column => column.notNull())
    .addColumn('provider_id', 'text', column => column.notNull())
    .addColumn('created_at', 'bigint', column => column.notNull())
    .addColumn('updated_at', 'bigint', column => column.notNull())
    .addColumn('read_id', 'text')
    .addColumn('details_encrypted', 'text', column => column.notNull())
}

/** The columns of sessions, applicants and customers. */
function addRecordColumns<Table extends string>(table: CreateTableBuilder<Table>) {
  return addProviderColumns(table)
    .addColumn('external_id', 'text')
    .addColumn('external_id_pinned', 'integer', column => column.notNull())
    .addColumn('source', 'text', column => column.notNull())
    .addColumn('read_started_at', 'bigint', column => column.notNull())
    .addColumn('revision', 'integer', column => column.notNull().defaultTo(1))
}

/** The columns of sessions and applicants, which have a status, attempts and polls. */
function addStatusColumns<Table extends string, Columns extends string>(table: CreateTableBuilder<Table, Columns>) {
  return table
    .addColumn('status', 'text', column => column.notNull())
    .addColumn('outcome', 'text', column => column.notNull())
    .addColumn('provider_status', 'text')
    .addColumn('unrecognized', 'integer', column => column.notNull().defaultTo(0))
    .addColumn('provider_event_at', 'bigint')
    .addColumn('attempts_fetched_at', 'bigint')
    .addColumn('attempts_read_started_at', 'bigint')
    .addColumn('next_poll_at', 'bigint')
    .addColumn('polls', 'integer', column => column.notNull().defaultTo(0))
}

async function createOperations(db: Kysely<unknown>): Promise<void> {
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
    .addColumn('request_id', 'text')
    .addColumn('input_encrypted', 'text')
    .addColumn('subject_hashes', 'text', column => column.notNull())
    .addColumn('record_id', 'text')
    .addColumn('recovered', 'integer', column => column.notNull())
    .addColumn('send_count', 'integer', column => column.notNull())
    .addColumn('repeats', 'integer', column => column.notNull())
    .addColumn('unsent', 'integer', column => column.notNull())
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
}

async function createEvents(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('event_positions')
    .addColumn('tenant_id', 'text', column => column.primaryKey())
    .addColumn('position', 'bigint', column => column.notNull())
    .execute()

  await db.schema
    .createTable('events')
    .addColumn('tenant_id', 'text', column => column.notNull())
    .addColumn('position', 'bigint', column => column.notNull())
    .addColumn('id', 'text', column => column.notNull().unique())
    .addColumn('session_id', 'text', column => column.notNull().references('sessions.id'))
    .addColumn('provider', 'text', column => column.notNull())
    .addColumn('at', 'bigint', column => column.notNull())
    .addColumn('source', 'text', column => column.notNull())
    .addColumn('data', 'text', column => column.notNull())
    .addColumn('former_person_hash', 'text')
    .addPrimaryKeyConstraint('events_key', ['tenant_id', 'position'])
    .execute()

  await db.schema
    .createIndex('events_by_former_person')
    .on('events')
    .columns(['former_person_hash', 'position'])
    .where('former_person_hash', 'is not', null)
    .execute()
}

async function createWebhooks(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('webhook_endpoints')
    .addColumn('id', 'text', column => column.primaryKey())
    .addColumn('tenant_id', 'text', column => column.notNull())
    .addColumn('account_id', 'text', column => column.notNull().references('accounts.id'))
    .addColumn('provider', 'text', column => column.notNull())
    .addColumn('keys_encrypted', 'text', column => column.notNull())
    .addColumn('removed_at', 'bigint')
    .addColumn('last_received_at', 'bigint')
    .addColumn('created_at', 'bigint', column => column.notNull())
    .execute()

  await db.schema
    .createTable('deliveries')
    .addColumn('id', 'text', column => column.primaryKey())
    .addColumn('tenant_id', 'text', column => column.notNull())
    .addColumn('account_id', 'text', column => column.notNull().references('accounts.id'))
    .addColumn('endpoint_id', 'text', column => column.notNull().references('webhook_endpoints.id'))
    .addColumn('provider', 'text', column => column.notNull())
    .addColumn('key', 'text', column => column.notNull())
    .addColumn('event', 'text')
    .addColumn('subject_id', 'text')
    .addColumn('state', 'text', column => column.notNull())
    .addColumn('error', 'text')
    .addColumn('raw_encrypted', 'text', column => column.notNull())
    .addColumn('dismissal_encrypted', 'text')
    .addColumn('attempts', 'integer', column => column.notNull())
    .addColumn('next_attempt_at', 'bigint')
    .addColumn('received_at', 'bigint', column => column.notNull())
    .addColumn('applied_at', 'bigint')
    .addUniqueConstraint('deliveries_key', ['account_id', 'key'])
    .execute()
}

async function createInstanceTables(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('instance_keys')
    .addColumn('name', 'text', column => column.primaryKey())
    .addColumn('key_encrypted', 'text', column => column.notNull())
    .addColumn('created_at', 'bigint', column => column.notNull())
    .execute()

  await db.schema
    .createTable('leases')
    .addColumn('name', 'text', column => column.primaryKey())
    .addColumn('owner', 'text', column => column.notNull())
    .addColumn('until', 'bigint', column => column.notNull())
    .addColumn('fence', 'integer', column => column.notNull().defaultTo(1))
    .execute()

  await db.schema
    .createTable('tombstones')
    .addColumn('hash', 'text', column => column.primaryKey())
    .addColumn('tenant_id', 'text', column => column.notNull())
    .addColumn('erased_at', 'bigint', column => column.notNull())
    .execute()
}

async function createMonitoring(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('drift')
    .addColumn('tenant_id', 'text', column => column.notNull())
    .addColumn('account_id', 'text', column => column.notNull())
    .addColumn('provider', 'text', column => column.notNull())
    .addColumn('operation', 'text', column => column.notNull())
    .addColumn('grade', 'text', column => column.notNull())
    .addColumn('path', 'text', column => column.notNull())
    .addColumn('shape', 'text')
    .addColumn('times', 'bigint', column => column.notNull())
    .addColumn('first_at', 'bigint', column => column.notNull())
    .addColumn('last_at', 'bigint', column => column.notNull())
    .addPrimaryKeyConstraint('drift_key', ['account_id', 'operation', 'grade', 'path'])
    .execute()

  await db.schema
    .createTable('provider_stats')
    .addColumn('id', 'text', column => column.primaryKey())
    .addColumn('tenant_id', 'text', column => column.notNull())
    .addColumn('account_id', 'text', column => column.notNull())
    .addColumn('provider', 'text', column => column.notNull())
    .addColumn('at', 'bigint', column => column.notNull())
    .addColumn('instance', 'text', column => column.notNull())
    .addColumn('calls', 'integer', column => column.notNull())
    .addColumn('failures', 'text', column => column.notNull())
    .addColumn('latencies', 'text', column => column.notNull())
    .addColumn('circuit', 'text', column => column.notNull())
    .execute()
}

async function createIndexes(db: Kysely<unknown>): Promise<void> {
  for (const [table, ...columns] of INDEXES) {
    await db.schema
      .createIndex(`${table}_by_${columns.join('_')}`)
      .on(table)
      .columns(columns)
      .execute()
  }
  // A tenant has one connected account at each provider, even where two requests connect one at the same time.
  await sql`create unique index accounts_connected on accounts (tenant_id, provider) where connected = 1`.execute(db)
  // Pruning finds the sessions with a link or a token, which are few.
  await sql`create index sessions_with_access on sessions (status) where access_encrypted is not null`.execute(db)
  // The console lists unfinished work, which is little beside finished work.
  await sql`create index operations_unknown on operations (tenant_id, created_at) where state = 'UNKNOWN'`.execute(db)
  await sql`create index deliveries_open on deliveries (tenant_id, received_at)
    where state <> 'APPLIED' and state <> 'DISMISSED'`.execute(db)
  // The console finds the create of a session, and the create of a request.
  await sql`create index operations_of_record on operations (record_id) where record_id is not null`.execute(db)
  await sql`create index operations_of_request on operations (tenant_id, request_id, created_at)
    where request_id is not null`.execute(db)
  await sql`create index deliveries_of_subject on deliveries (account_id, subject_id)
    where subject_id is not null`.execute(db)
}

/** Each table and the columns of one of its indexes. Every list is a keyset page over one of these. */
const INDEXES: readonly (readonly [string, ...string[]])[] = [
  ['sessions', 'tenant_id', 'created_at', 'id'],
  ['sessions', 'tenant_id', 'updated_at', 'id'],
  ['sessions', 'tenant_id', 'provider', 'created_at', 'id'],
  ['sessions', 'tenant_id', 'status', 'created_at', 'id'],
  ['sessions', 'tenant_id', 'external_id', 'created_at', 'id'],
  // The link is first, because the foreign key finds the sessions of a record that is deleted by the link alone.
  ['sessions', 'applicant_id', 'tenant_id', 'created_at', 'id'],
  ['sessions', 'customer_id', 'tenant_id', 'created_at', 'id'],
  ['sessions', 'status', 'expires_at'],
  ['sessions', 'next_poll_at'],
  // Covers the counts of the console, which then read no session.
  ['sessions', 'tenant_id', 'created_at', 'id', 'provider', 'status', 'outcome', 'stage'],
  ['applicants', 'tenant_id', 'created_at', 'id'],
  ['applicants', 'tenant_id', 'external_id', 'created_at', 'id'],
  ['applicants', 'tenant_id', 'email_index'],
  ['applicants', 'customer_id'],
  ['applicants', 'next_poll_at'],
  ['customers', 'tenant_id', 'created_at', 'id'],
  ['customers', 'tenant_id', 'external_id', 'created_at', 'id'],
  ['customers', 'tenant_id', 'email_index'],
  ['attempts', 'session_id', 'created_at', 'id'],
  ['attempts', 'applicant_id', 'created_at', 'id'],
  ['operations', 'state', 'next_check_at'],
  ['operations', 'state', 'updated_at'],
  ['operations', 'account_id', 'reference'],
  ['operations', 'tenant_id', 'created_at', 'id'],
  ['events', 'session_id', 'position'],
  ['events', 'tenant_id', 'provider', 'position'],
  ['deliveries', 'state', 'next_attempt_at'],
  ['deliveries', 'tenant_id', 'received_at', 'id'],
  ['deliveries', 'received_at'],
  ['api_keys', 'tenant_id', 'created_at', 'id'],
  ['audit_log', 'tenant_id', 'at', 'id'],
  ['audit_log', 'at'],
  ['drift', 'tenant_id', 'last_at'],
  ['drift', 'last_at'],
  ['provider_stats', 'tenant_id', 'at', 'id'],
  ['provider_stats', 'at'],
]
