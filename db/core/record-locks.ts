import { type RawBuilder, sql } from 'kysely'
import type { Database } from './database.ts'
import { DatabaseUnavailableError } from './database-error.ts'

/**
 * The lock order on PostgreSQL, which prevents deadlocks: the tenant's erasure lock, customers, applicants, sessions, each by
 * id; then attempts, the tenant's event position and the operation. SQLite runs one writing transaction at a time and needs no
 * locks.
 */

/** The records of a transaction. The records that they link to are locked with them. */
export interface NamedRecords {
  readonly accountId?: string
  /** Ids at the provider of that account. */
  readonly sessionProviderId?: string
  readonly applicantProviderIds?: readonly string[]
  readonly customerProviderIds?: readonly string[]
  readonly sessionIds?: readonly string[]
  readonly applicantIds?: readonly string[]
  readonly customerIds?: readonly string[]
}

export interface LockedRecords {
  readonly applicants: ReadonlySet<string>
  readonly customers: ReadonlySet<string>
}

/** Locks the named customers and applicants, and those that the named sessions and applicants link to. */
export async function lockOwners(db: Database, named: NamedRecords): Promise<LockedRecords | undefined> {
  if (db.engine !== 'postgres') return undefined
  const { accountId = '', sessionProviderId, applicantProviderIds, customerProviderIds } = named
  const sessions = idsOf('sessions', named.sessionIds, accountId, sessionProviderId ? [sessionProviderId] : [])
  const applicants = sql`${idsOf('applicants', named.applicantIds, accountId, applicantProviderIds)}
    union all select applicant_id from sessions where id in (${sessions})`
  const customers = sql`${idsOf('customers', named.customerIds, accountId, customerProviderIds)}
    union all select customer_id from sessions where id in (${sessions})
    union all select customer_id from applicants where id in (${applicants})`
  return { customers: await lock(db, 'customers', customers), applicants: await lock(db, 'applicants', applicants) }
}

/** Locks these sessions, in the order of their ids. */
export async function lockSessions(db: Database, ids: readonly string[]): Promise<void> {
  await lockRows(db, 'sessions', ids)
}

/** Locks these rows, in the order of their ids. */
export async function lockRows(db: Database, table: Table, ids: readonly string[]): Promise<void> {
  if (db.engine === 'postgres' && ids.length > 0) await lock(db, table, sql`select unnest(${[...ids]}::text[])`)
}

/** Locks those of these rows that no other transaction has locked, without waiting. Returns their ids. */
export async function lockFreeRows(db: Database, table: Table, ids: readonly string[]): Promise<ReadonlySet<string>> {
  if (db.engine !== 'postgres' || ids.length === 0) return new Set(ids)
  const { rows } = await sql<{ id: string }>`
    select id from ${sql.table(table)} where id = any(${[...ids]}::text[])
    order by id for no key update skip locked`.execute(db.sql)
  return new Set(rows.map(row => row.id))
}

/**
 * Throws CONFLICT where a record links to a record that is not locked: the link was written between the lookup and the lock.
 * The transaction then runs again.
 */
export function assertLocked(
  locks: LockedRecords | undefined,
  { applicantId, customerId }: { readonly applicantId?: string | null; readonly customerId?: string | null },
): void {
  const isLocked = (ids: ReadonlySet<string> | undefined, id: string | null | undefined) => !id || !ids || ids.has(id)
  if (isLocked(locks?.applicants, applicantId) && isLocked(locks?.customers, customerId)) return
  throw new DatabaseUnavailableError('CONFLICT')
}

type Table = 'applicants' | 'attempts' | 'customers' | 'sessions'

function idsOf(
  table: Table,
  ids: readonly string[] = [],
  accountId: string,
  providerIds: readonly string[] = [],
): RawBuilder<unknown> {
  return sql`select id from ${sql.table(table)} where id = any(${[...ids]}::text[])
    union all select id from ${sql.table(table)}
      where account_id = ${accountId} and provider_id = any(${[...providerIds]}::text[])`
}

async function lock(db: Database, table: Table, ids: RawBuilder<unknown>): Promise<ReadonlySet<string>> {
  const query = sql<{ id: string }>`
    select id from ${sql.table(table)} where id in (${ids}) order by id for no key update`
  return new Set((await query.execute(db.sql)).rows.map(row => row.id))
}
