import type { Applicant, ApplicantStatus } from '../src/domain/applicant.ts'
import type { Details } from '../src/domain/json.ts'
import type { Outcome } from '../src/domain/outcome.ts'
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
import type { ApplicantRow } from './tables.ts'

export interface ApplicantPii {
  readonly email: string | null
  readonly phone: string | null
  readonly firstName: string | null
  readonly lastName: string | null
}

/** What may change about an applicant. What is undefined stays; `pii` is replaced as a whole. */
export interface ApplicantChange {
  readonly parentProviderId?: string | null
  readonly status?: ApplicantStatus
  readonly outcome?: Outcome
  readonly providerStatus?: string | null
  readonly externalId?: string | null
  readonly externalIdPinned?: boolean
  readonly pii?: ApplicantPii
  readonly createdAt?: Date
  readonly updatedAt?: Date
  readonly customerId?: string | null
  readonly attemptsFetchedAt?: Date
  readonly fetchedAt?: Date
  readonly beganAt?: Date
  readonly source?: StatusSource
  readonly details?: Details
}

export interface NewApplicant extends ApplicantChange {
  readonly id: string
  readonly tenantId: string
  readonly accountId: string
  readonly provider: Provider
  readonly providerId: string
  readonly createdAt: Date
  readonly updatedAt: Date
}

/** A stored applicant, with what only the store needs to know of it. */
export interface StoredApplicant extends Applicant, AsStored {
  readonly externalIdPinned: boolean
}

export async function insertApplicant(db: Database, applicant: NewApplicant): Promise<void> {
  await db.sql
    .insertInto('applicants')
    .values({
      ...EMPTY,
      ...toColumns(db, { details: {}, ...applicant }),
      id: applicant.id,
      tenant_id: applicant.tenantId,
      account_id: applicant.accountId,
      provider: applicant.provider,
      provider_id: applicant.providerId,
    } as ApplicantRow)
    .execute()
}

/** False where a newer answer is already there: then nothing changed. */
export async function updateApplicant(db: Database, id: string, change: ApplicantChange): Promise<boolean> {
  let query = db.sql.updateTable('applicants').set(toColumns(db, change)).where('id', '=', id)
  if (change.beganAt) query = query.where('began_at', '<=', change.beganAt.getTime())
  return (await query.executeTakeFirst()).numUpdatedRows > 0n
}

const QUERIES = recordQueries('applicants')

export async function findApplicants(
  db: Database,
  tenantId: string,
  ids: readonly string[],
): Promise<StoredApplicant[]> {
  if (ids.length === 0) return []
  return (await QUERIES.byIds(db, tenantId, ...ids)).map(row => toApplicant(db, row))
}

export async function findApplicantByProviderId(
  db: Database,
  accountId: string,
  providerId: string,
): Promise<StoredApplicant | undefined> {
  const [row] = await QUERIES.byProviderId(db, accountId, providerId)
  return row && toApplicant(db, row)
}

export async function listApplicants(
  db: Database,
  tenantId: string,
  filter: RecordFilter,
  page: KeysetPage,
): Promise<StoredApplicant[]> {
  const query = db.sql
    .selectFrom('applicants')
    .selectAll()
    .$call(filteredRecords<ApplicantRow>(db, tenantId, filter))
  return (await selectPage(query, page)).map(row => toApplicant(db, row))
}

/** The newest applicants of each of the caller's own users, at most so many of each. */
export async function listApplicantsOfPeople(
  db: Database,
  tenantId: string,
  externalIds: readonly string[],
  most: number,
): Promise<StoredApplicant[]> {
  if (externalIds.length === 0) return []
  const placed = db.sql
    .selectFrom('applicants')
    .selectAll()
    .$call(filteredRecords<ApplicantRow>(db, tenantId, {}))
    .where('external_id', 'in', externalIds)
    .select(placeAmong('external_id'))
  const rows = db.sql.selectFrom(placed.as('placed')).selectAll().where('place', '<=', most).orderBy('place')
  return (await rows.execute()).map(row => toApplicant(db, row))
}

/** How many applicants there are, counted up to `most`. */
export function countApplicants(db: Database, tenantId: string, filter: RecordFilter, most: number): Promise<number> {
  const rows = db.sql
    .selectFrom('applicants')
    .select('id')
    .$call(filteredRecords<{ id: string }>(db, tenantId, filter))
  return countRows(db, rows, most)
}

const EMPTY = {
  external_id: null,
  external_id_pinned: 0,
  parent_provider_id: null,
  status: 'UNKNOWN',
  outcome: 'UNKNOWN',
  provider_status: null,
  pii_sealed: null,
  email_index: null,
  customer_id: null,
  attempts_fetched_at: null,
  fetched_at: null,
  began_at: 0,
  source: 'FETCH',
}

function toColumns(db: Database, change: ApplicantChange): Partial<ApplicantRow> {
  return defined({
    parent_provider_id: change.parentProviderId,
    status: change.status,
    outcome: change.outcome,
    provider_status: change.providerStatus,
    external_id: change.externalId,
    external_id_pinned: toFlag(change.externalIdPinned),
    pii_sealed: sealJson(db.vault, change.pii && { ...change.pii }),
    email_index: change.pii && (change.pii.email === null ? null : db.vault.blindIndex(change.pii.email)),
    created_at: change.createdAt?.getTime(),
    updated_at: change.updatedAt?.getTime(),
    customer_id: change.customerId,
    attempts_fetched_at: change.attemptsFetchedAt?.getTime(),
    fetched_at: change.fetchedAt?.getTime(),
    began_at: change.beganAt?.getTime(),
    source: change.source,
    details_sealed: sealJson(db.vault, change.details),
  }) as Partial<ApplicantRow>
}

const NO_PII: ApplicantPii = { email: null, phone: null, firstName: null, lastName: null }

function toApplicant(db: Database, row: ApplicantRow): StoredApplicant {
  return new ApplicantRecord(row, db.vault)
}

class ApplicantRecord extends StoredRecord<ApplicantRow> implements StoredApplicant {
  readonly parentProviderId: string | null
  readonly externalId: string | null
  readonly externalIdPinned: boolean
  readonly status: ApplicantStatus
  readonly outcome: Outcome
  readonly providerStatus: string | null
  readonly customerId: string | null
  readonly attemptsFetchedAt: Date | null
  readonly sync: Sync | null

  constructor(row: ApplicantRow, vault: Vault) {
    super(row, vault)
    this.parentProviderId = row.parent_provider_id
    this.externalId = row.external_id
    this.externalIdPinned = row.external_id_pinned === 1
    this.status = row.status as ApplicantStatus
    this.outcome = row.outcome as Outcome
    this.providerStatus = row.provider_status
    this.customerId = row.customer_id
    this.attemptsFetchedAt = toDate(row.attempts_fetched_at)
    this.sync = row.fetched_at === null ? null : toSync(toDate(row.fetched_at), row.source)
  }

  private get pii(): ApplicantPii {
    return this.sealed.open<ApplicantPii>('pii_sealed') ?? NO_PII
  }

  get email(): string | null {
    return this.pii.email
  }

  get phone(): string | null {
    return this.pii.phone
  }

  get firstName(): string | null {
    return this.pii.firstName
  }

  get lastName(): string | null {
    return this.pii.lastName
  }

  get details(): Details {
    return this.sealed.open<Details>('details_sealed') ?? {}
  }
}
