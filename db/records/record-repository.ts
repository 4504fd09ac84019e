import type { Details } from '../../src/domain/json.ts'
import type { Provider } from '../../src/domain/provider.ts'
import type { ChangeSource, Sync } from '../../src/domain/records/sync.ts'
import type { FieldEncryption } from '../../src/security/field-encryption.ts'
import { encryptJson, placeIn, type TenantOwnedRow, toDate, toFlag, toSync } from '../core/columns.ts'
import type { Database } from '../core/database.ts'
import type { FilteredPage, KeysetPage } from '../core/keyset.ts'
import { pageQueries } from '../core/page-queries.ts'
import {
  countRows,
  filterRecords,
  type RecordConditions,
  type RecordFilter,
  recordQueries,
  toRecordConditions,
} from '../core/record-queries.ts'
import { withRevision } from '../core/revision.ts'
import type { ApplicantRow, CustomerRow } from '../core/tables.ts'
import { StoredRecord } from './stored-record.ts'

/** Applicants and customers: the columns and the queries that both have. */

/** The columns of an update. An undefined column does not change. */
export interface RecordChange {
  readonly externalId?: string | null
  readonly externalIdPinned?: boolean
  readonly createdAt?: Date
  readonly updatedAt?: Date
  readonly fetchedAt?: Date
  readonly startedMs?: number
  readonly readId?: string
  readonly source?: ChangeSource
  readonly details?: Details
}

/** The fields that every record of a provider has from its creation. */
export interface RecordIdentity {
  readonly id: string
  readonly tenantId: string
  readonly accountId: string
  readonly provider: Provider
  readonly providerId: string
  readonly createdAt: Date
  readonly updatedAt: Date
}

export type NewRecord<Change extends RecordChange> = Change & RecordIdentity

export const RECORD_DEFAULTS = {
  external_id: null,
  external_id_pinned: 0,
  pii_encrypted: null,
  email_index: null,
  fetched_at: null,
  read_started_at: 0,
  read_id: null,
  revision: 1,
  source: 'FETCH',
}

type RecordTable = 'applicants' | 'customers'

/** The columns of both tables. PII is replaced whole. */
export function toRecordColumns(
  { encryption }: Database,
  table: RecordTable,
  row: TenantOwnedRow,
  change: RecordChange & { readonly pii?: { readonly email: string | null } },
) {
  return {
    external_id: change.externalId,
    external_id_pinned: toFlag(change.externalIdPinned),
    pii_encrypted: encryptJson(encryption, change.pii && { ...change.pii }, placeIn(table, 'pii_encrypted', row)),
    email_index:
      change.pii &&
      (change.pii.email === null ? null : encryption.blindIndex(change.pii.email, { table, tenantId: row.tenantId })),
    created_at: change.createdAt?.getTime(),
    updated_at: change.updatedAt?.getTime(),
    fetched_at: change.fetchedAt?.getTime(),
    read_started_at: change.startedMs,
    read_id: change.readId,
    source: change.source,
    details_encrypted: encryptJson(encryption, change.details, placeIn(table, 'details_encrypted', row)),
  }
}

/** An applicant or a customer. `sync` is null where only a link names it. */
export abstract class FetchedRecord<Row extends AnyRow> extends StoredRecord<Row> {
  readonly externalId: string | null
  readonly externalIdPinned: boolean
  readonly revision: number
  readonly sync: Sync | null

  constructor(table: RecordTable, row: Row, encryption: FieldEncryption) {
    super(table, row, encryption)
    this.externalId = row.external_id
    this.externalIdPinned = row.external_id_pinned === 1
    this.revision = row.revision
    this.sync = row.fetched_at === null ? null : toSync(toDate(row.fetched_at), row)
  }
}

type AnyRow = ApplicantRow | CustomerRow

/** How a table's rows become records, and changes become columns. */
interface RecordMapping<Row, Stored, Change> {
  /** The columns of a new row that the change does not have. */
  readonly defaults: object
  toColumns(db: Database, row: TenantOwnedRow, change: Change): Partial<Row>
  toRecord(db: Database, row: Row): Stored
}

export function createRecordRepository<Row extends AnyRow, Stored, Change extends RecordChange>(
  table: RecordTable,
  { defaults, toColumns, toRecord }: RecordMapping<Row, Stored, Change>,
) {
  const queries = recordQueries(table)
  // Kysely types the rows by both tables; they are of this one.
  const toRecords = (db: Database, rows: readonly AnyRow[]) => rows.map(row => toRecord(db, row as Row))
  const pages = pageQueries((db, tenantId, conditions: RecordConditions) =>
    db.sql.selectFrom(table).selectAll().$call(filterRecords(tenantId, conditions)),
  )

  return {
    async insert(db: Database, record: NewRecord<Change>): Promise<void> {
      const key = {
        id: record.id,
        tenant_id: record.tenantId,
        account_id: record.accountId,
        provider: record.provider,
        provider_id: record.providerId,
      }
      const columns: Partial<AnyRow> = toColumns(db, record, { details: {}, ...record })
      const row = { ...defaults, ...columns, ...key }
      await db.sql
        .insertInto(table)
        .values(row as AnyRow)
        .execute()
    },

    async update(db: Database, record: TenantOwnedRow, change: Change): Promise<void> {
      const columns = toColumns(db, record, change)
      if (Object.keys(columns).length === 0) return
      await db.sql
        .updateTable(table)
        .set(withRevision(columns))
        .where('tenant_id', '=', record.tenantId)
        .where('id', '=', record.id)
        .execute()
    },

    async find(db: Database, tenantId: string, ids: readonly string[]): Promise<Stored[]> {
      if (ids.length === 0) return []
      return toRecords(db, await queries.byIds(db, tenantId, ...ids))
    },

    async findByProviderId(db: Database, accountId: string, providerId: string): Promise<Stored | undefined> {
      return toRecords(db, await queries.byProviderId(db, accountId, providerId))[0]
    },

    async list(db: Database, tenantId: string, filter: RecordFilter, page: KeysetPage): Promise<Stored[]> {
      const conditions = toRecordConditions(db, { table, tenantId }, filter)
      return toRecords(db, await pages.selectPage(db, tenantId, { conditions, page }))
    },

    /** Several lists in one statement. */
    async listMany(db: Database, tenantId: string, lists: readonly FilteredPage<RecordFilter>[]): Promise<Stored[][]> {
      const requested = lists.map(({ filter, page }) => ({
        conditions: toRecordConditions(db, { table, tenantId }, filter),
        page,
      }))
      return (await pages.selectPages(db, tenantId, requested)).map(rows => toRecords(db, rows))
    },

    /** How many records match, counted up to `limit`. */
    count(db: Database, tenantId: string, filter: RecordFilter, limit: number): Promise<number> {
      const conditions = toRecordConditions(db, { table, tenantId }, filter)
      return countRows(db, db.sql.selectFrom(table).$call(filterRecords(tenantId, conditions)).select('id'), limit)
    },
  }
}
