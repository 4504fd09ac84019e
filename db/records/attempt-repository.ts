import type { Details } from '../../src/domain/json.ts'
import type { Provider } from '../../src/domain/provider.ts'
import type { Attempt, AttemptKind, AttemptSnapshot, AttemptStatus } from '../../src/domain/records/attempt.ts'
import type { FieldEncryption } from '../../src/security/field-encryption.ts'
import { inBatches } from '../core/batches.ts'
import { encryptJson, placeIn, type TenantOwnedRow, toDate, toTime } from '../core/columns.ts'
import type { Database } from '../core/database.ts'
import { forUpdate } from '../core/dialect.ts'
import { prepareQuery } from '../core/prepared-query.ts'
import { isOfTenant } from '../core/record-queries.ts'
import type { AttemptRow } from '../core/tables.ts'
import { StoredRecord } from './stored-record.ts'

export interface AttemptOwner {
  readonly tenantId: string
  readonly accountId: string
  readonly provider: Provider
  readonly sessionId: string | null
  readonly applicantId: string | null
}

/** An attempt with the read that it comes from. */
export interface StoredAttempt extends Attempt {
  readonly readId: string | null
}

/** Inserts or updates an attempt. `known`: the stored attempt, which the open transaction locked. */
export async function saveAttempt(
  db: Database,
  owner: AttemptOwner,
  attempt: AttemptSnapshot & { readonly id: string },
  known: StoredAttempt | undefined,
  read: { readonly id: string; readonly now: Date },
): Promise<void> {
  const change = {
    kind: attempt.kind,
    status: attempt.status,
    provider_status: attempt.providerStatus,
    failure_code: attempt.failureCode,
    risk_score: attempt.riskScore,
    updated_at: (attempt.updatedAt ?? read.now).getTime(),
    completed_at: toTime(attempt.completedAt ?? null),
    read_id: read.id,
    details_encrypted: encryptJson(
      db.encryption,
      attempt.details,
      placeIn('attempts', 'details_encrypted', known ?? { id: attempt.id, tenantId: owner.tenantId }),
    ),
    session_id: known?.sessionId ?? owner.sessionId,
    applicant_id: known?.applicantId ?? owner.applicantId,
  }
  if (known) {
    await db.sql.updateTable('attempts').set(change).where('id', '=', known.id).execute()
    return
  }
  await db.sql
    .insertInto('attempts')
    .values({
      ...change,
      id: attempt.id,
      tenant_id: owner.tenantId,
      account_id: owner.accountId,
      provider: owner.provider,
      provider_id: attempt.providerId,
      created_at: (attempt.createdAt ?? read.now).getTime(),
    })
    .execute()
}

/** Sets the read of attempts that a later snapshot had unchanged. */
export async function markAttempts(db: Database, ids: readonly string[], readId: string): Promise<void> {
  await inBatches(ids, batch =>
    db.sql.updateTable('attempts').set({ read_id: readId }).where('id', 'in', batch).execute(),
  )
}

export async function updateAttemptDetails(db: Database, attempt: TenantOwnedRow, details: Details): Promise<void> {
  const change = {
    details_encrypted: encryptJson(db.encryption, details, placeIn('attempts', 'details_encrypted', attempt)),
  }
  await db.sql
    .updateTable('attempts')
    .set(change)
    .where('tenant_id', '=', attempt.tenantId)
    .where('id', '=', attempt.id)
    .execute()
}

export async function findAttempts(db: Database, tenantId: string, ids: readonly string[]): Promise<Attempt[]> {
  if (ids.length === 0) return []
  const query = db.sql.selectFrom('attempts').selectAll().where('id', 'in', ids).where(isOfTenant(tenantId))
  return (await query.execute()).map(row => toAttempt(db, row))
}

/** The attempts of one account by provider id. */
export async function findAttemptsByProviderId(
  db: Database,
  accountId: string,
  providerIds: readonly string[],
): Promise<ReadonlyMap<string, StoredAttempt>> {
  const rows = await inBatches(providerIds, batch => SELECT_BY_PROVIDER_ID(db, accountId, ...batch))
  return new Map(rows.map(row => [row.provider_id, toAttempt(db, row)]))
}

const SELECT_BY_PROVIDER_ID = prepareQuery((db, accountId: string, ...providerIds: string[]) =>
  db.sql
    .selectFrom('attempts')
    .selectAll()
    .where('account_id', '=', accountId)
    .where('provider_id', 'in', providerIds)
    .orderBy('id')
    .$call(forUpdate(db)),
)

/** The attempts of all these sessions or applicants, oldest first. */
export async function listAttemptsOf(
  db: Database,
  tenantId: string,
  owner: 'session_id' | 'applicant_id',
  ownerIds: readonly string[],
): Promise<StoredAttempt[]> {
  if (ownerIds.length === 0) return []
  return (await SELECT_OF[owner](db, tenantId, ...ownerIds)).map(row => toAttempt(db, row))
}

const SELECT_OF = { session_id: selectOf('session_id'), applicant_id: selectOf('applicant_id') }

function selectOf(owner: 'session_id' | 'applicant_id') {
  return prepareQuery((db, tenantId: string, ...ownerIds: string[]) =>
    db.sql
      .selectFrom('attempts')
      .selectAll()
      .where('tenant_id', '=', tenantId)
      .where(owner, 'in', ownerIds)
      .orderBy('created_at')
      .orderBy('id'),
  )
}

function toAttempt(db: Database, row: AttemptRow): StoredAttempt {
  return new AttemptRecord(row, db.encryption)
}

class AttemptRecord extends StoredRecord<AttemptRow> implements StoredAttempt {
  readonly kind: AttemptKind
  readonly status: AttemptStatus
  readonly providerStatus: string | null
  readonly failureCode: string | null
  readonly riskScore: number | null
  readonly completedAt: Date | null
  readonly sessionId: string | null
  readonly applicantId: string | null
  readonly readId: string | null

  constructor(row: AttemptRow, encryption: FieldEncryption) {
    super('attempts', row, encryption)
    this.kind = row.kind as AttemptKind
    this.status = row.status as AttemptStatus
    this.providerStatus = row.provider_status
    this.failureCode = row.failure_code
    this.riskScore = row.risk_score
    this.completedAt = toDate(row.completed_at)
    this.sessionId = row.session_id
    this.applicantId = row.applicant_id
    this.readId = row.read_id
  }
}
