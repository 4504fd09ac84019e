import type { Customer } from '../src/domain/customer.ts'
import type { Details, JsonObject } from '../src/domain/json.ts'
import type { Provider } from '../src/domain/provider.ts'
import type { StatusSource, Sync } from '../src/domain/sync.ts'
import type { Vault } from '../src/security/vault.ts'
import { defined, sealJson, toDate, toFlag, toSync } from './columns.ts'
import type { Database } from './database.ts'
import { type KeysetPage, selectPage } from './keyset.ts'
import { placeAmong } from './newest.ts'
import { countRows, filteredRecords, type RecordFilter } from './record-filter.ts'
import { recordQueries } from './record-queries.ts'
import { type AsStored, StoredRecord } from './stored-record.ts'
import type { CustomerRow } from './tables.ts'

export interface CustomerPii {
  readonly email: string | null
  readonly name: string | null
  readonly phone: string | null
}

/** What may change about a customer. What is undefined stays; `pii` is replaced as a whole. */
export interface CustomerChange {
  readonly externalId?: string | null
  readonly externalIdPinned?: boolean
  readonly pii?: CustomerPii
  readonly metadata?: JsonObject | null
  readonly createdAt?: Date
  readonly updatedAt?: Date
  readonly fetchedAt?: Date
  readonly beganAt?: Date
  readonly source?: StatusSource
  readonly details?: Details
}

export interface NewCustomer extends CustomerChange {
  readonly id: string
  readonly tenantId: string
  readonly accountId: string
  readonly provider: Provider
  readonly providerId: string
  readonly createdAt: Date
  readonly updatedAt: Date
}

/** A stored customer, with what only the store needs to know of it. */
export interface StoredCustomer extends Customer, AsStored {
  readonly externalIdPinned: boolean
}

export async function insertCustomer(db: Database, customer: NewCustomer): Promise<void> {
  await db.sql
    .insertInto('customers')
    .values({
      ...EMPTY,
      ...toColumns(db, { details: {}, ...customer }),
      id: customer.id,
      tenant_id: customer.tenantId,
      account_id: customer.accountId,
      provider: customer.provider,
      provider_id: customer.providerId,
    } as CustomerRow)
    .execute()
}

/** False where a newer answer is already there: then nothing changed. */
export async function updateCustomer(db: Database, id: string, change: CustomerChange): Promise<boolean> {
  let query = db.sql.updateTable('customers').set(toColumns(db, change)).where('id', '=', id)
  if (change.beganAt) query = query.where('began_at', '<=', change.beganAt.getTime())
  return (await query.executeTakeFirst()).numUpdatedRows > 0n
}

const QUERIES = recordQueries('customers')

export async function findCustomers(db: Database, tenantId: string, ids: readonly string[]): Promise<StoredCustomer[]> {
  if (ids.length === 0) return []
  return (await QUERIES.byIds(db, tenantId, ...ids)).map(row => toCustomer(db, row))
}

export async function findCustomerByProviderId(
  db: Database,
  accountId: string,
  providerId: string,
): Promise<StoredCustomer | undefined> {
  const [row] = await QUERIES.byProviderId(db, accountId, providerId)
  return row && toCustomer(db, row)
}

export async function listCustomers(
  db: Database,
  tenantId: string,
  filter: RecordFilter,
  page: KeysetPage,
): Promise<StoredCustomer[]> {
  const query = db.sql
    .selectFrom('customers')
    .selectAll()
    .$call(filteredRecords<CustomerRow>(db, tenantId, filter))
  return (await selectPage(query, page)).map(row => toCustomer(db, row))
}

/** The newest customers of each of the caller's own users, at most so many of each. */
export async function listCustomersOfPeople(
  db: Database,
  tenantId: string,
  externalIds: readonly string[],
  most: number,
): Promise<StoredCustomer[]> {
  if (externalIds.length === 0) return []
  const placed = db.sql
    .selectFrom('customers')
    .selectAll()
    .$call(filteredRecords<CustomerRow>(db, tenantId, {}))
    .where('external_id', 'in', externalIds)
    .select(placeAmong('external_id'))
  const rows = db.sql.selectFrom(placed.as('placed')).selectAll().where('place', '<=', most).orderBy('place')
  return (await rows.execute()).map(row => toCustomer(db, row))
}

/** How many customers there are, counted up to `most`. */
export function countCustomers(db: Database, tenantId: string, filter: RecordFilter, most: number): Promise<number> {
  const rows = db.sql
    .selectFrom('customers')
    .select('id')
    .$call(filteredRecords<{ id: string }>(db, tenantId, filter))
  return countRows(db, rows, most)
}

const EMPTY = {
  external_id: null,
  external_id_pinned: 0,
  pii_sealed: null,
  email_index: null,
  metadata_sealed: null,
  fetched_at: null,
  began_at: 0,
  source: 'FETCH',
}

function toColumns(db: Database, change: CustomerChange): Partial<CustomerRow> {
  return defined({
    external_id: change.externalId,
    external_id_pinned: toFlag(change.externalIdPinned),
    pii_sealed: sealJson(db.vault, change.pii && { ...change.pii }),
    email_index: change.pii && (change.pii.email === null ? null : db.vault.blindIndex(change.pii.email)),
    metadata_sealed: sealJson(db.vault, change.metadata),
    created_at: change.createdAt?.getTime(),
    updated_at: change.updatedAt?.getTime(),
    fetched_at: change.fetchedAt?.getTime(),
    began_at: change.beganAt?.getTime(),
    source: change.source,
    details_sealed: sealJson(db.vault, change.details),
  }) as Partial<CustomerRow>
}

const NO_PII: CustomerPii = { email: null, name: null, phone: null }

function toCustomer(db: Database, row: CustomerRow): StoredCustomer {
  return new CustomerRecord(row, db.vault)
}

class CustomerRecord extends StoredRecord<CustomerRow> implements StoredCustomer {
  readonly externalId: string | null
  readonly externalIdPinned: boolean
  readonly sync: Sync | null

  constructor(row: CustomerRow, vault: Vault) {
    super(row, vault)
    this.externalId = row.external_id
    this.externalIdPinned = row.external_id_pinned === 1
    this.sync = row.fetched_at === null ? null : toSync(toDate(row.fetched_at), row.source)
  }

  private get pii(): CustomerPii {
    return this.sealed.open<CustomerPii>('pii_sealed') ?? NO_PII
  }

  get email(): string | null {
    return this.pii.email
  }

  get name(): string | null {
    return this.pii.name
  }

  get phone(): string | null {
    return this.pii.phone
  }

  get metadata(): JsonObject | null {
    return this.sealed.open<JsonObject>('metadata_sealed')
  }

  get details(): Details {
    return this.sealed.open<Details>('details_sealed') ?? {}
  }
}
