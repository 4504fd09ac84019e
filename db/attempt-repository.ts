import type { Attempt, AttemptKind, AttemptSnapshot, AttemptStatus } from '../src/domain/attempt.ts'
import type { Details } from '../src/domain/json.ts'
import type { Provider } from '../src/domain/provider.ts'
import type { Vault } from '../src/security/vault.ts'
import { sealJson, toDate, toTime } from './columns.ts'
import type { Database } from './database.ts'
import { locked } from './dialect.ts'
import { keptQuery } from './kept-query.ts'
import { type AsStored, StoredRecord } from './stored-record.ts'
import type { AttemptRow } from './tables.ts'

export interface AttemptOwner {
  readonly tenantId: string
  readonly accountId: string
  readonly provider: Provider
  readonly sessionId: string | null
  readonly applicantId: string | null
}

export interface StoredAttempt extends Attempt, AsStored {}

/** Stores an attempt as an answer told it; an answer whose request began earlier than the stored one's is ignored. */
export async function saveAttempt(
  db: Database,
  owner: AttemptOwner,
  attempt: AttemptSnapshot & { readonly id: string },
  beganAt: Date,
  now: Date,
): Promise<void> {
  const told = {
    kind: attempt.kind,
    status: attempt.status,
    provider_status: attempt.providerStatus,
    failure_code: attempt.failureCode,
    risk_score: attempt.riskScore,
    updated_at: (attempt.updatedAt ?? now).getTime(),
    completed_at: toTime(attempt.completedAt ?? null),
    began_at: beganAt.getTime(),
    details_sealed: sealJson(db.vault, attempt.details),
  }
  await db.sql
    .insertInto('attempts')
    .values({
      ...told,
      id: attempt.id,
      tenant_id: owner.tenantId,
      account_id: owner.accountId,
      provider: owner.provider,
      provider_id: attempt.providerId,
      session_id: owner.sessionId,
      applicant_id: owner.applicantId,
      created_at: (attempt.createdAt ?? now).getTime(),
    })
    .onConflict(conflict =>
      conflict
        .columns(['account_id', 'provider_id'])
        .doUpdateSet(eb => ({
          ...told,
          session_id: eb.fn.coalesce('attempts.session_id', eb.val(owner.sessionId)),
          applicant_id: eb.fn.coalesce('attempts.applicant_id', eb.val(owner.applicantId)),
        }))
        .where('attempts.began_at', '<=', beganAt.getTime()),
    )
    .execute()
}

export async function updateAttemptDetails(db: Database, id: string, details: Details): Promise<void> {
  const told = { details_sealed: sealJson(db.vault, details) }
  await db.sql.updateTable('attempts').set(told).where('id', '=', id).execute()
}

export async function findAttempts(db: Database, tenantId: string, ids: readonly string[]): Promise<Attempt[]> {
  if (ids.length === 0) return []
  const query = db.sql.selectFrom('attempts').selectAll().where('tenant_id', '=', tenantId).where('id', 'in', ids)
  return (await query.execute()).map(row => toAttempt(db, row))
}

/** The attempts of one account by the provider's ids. */
export async function findAttemptsByProviderId(
  db: Database,
  accountId: string,
  providerIds: readonly string[],
): Promise<ReadonlyMap<string, StoredAttempt>> {
  if (providerIds.length === 0) return new Map()
  const rows = await SELECT_BY_PROVIDER_ID(db, accountId, ...providerIds)
  return new Map(rows.map(row => [row.provider_id, toAttempt(db, row)]))
}

const SELECT_BY_PROVIDER_ID = keptQuery((db, accountId: string, ...providerIds: string[]) =>
  db.sql
    .selectFrom('attempts')
    .selectAll()
    .where('account_id', '=', accountId)
    .where('provider_id', 'in', providerIds)
    .orderBy('id')
    .$call(locked(db)),
)

/** The attempts of all these sessions or applicants, oldest first. */
export async function listAttemptsOf(
  db: Database,
  tenantId: string,
  owner: 'session_id' | 'applicant_id',
  ownerIds: readonly string[],
): Promise<Attempt[]> {
  if (ownerIds.length === 0) return []
  return (await SELECT_OF[owner](db, tenantId, ...ownerIds)).map(row => toAttempt(db, row))
}

const SELECT_OF = { session_id: selectOf('session_id'), applicant_id: selectOf('applicant_id') }

function selectOf(owner: 'session_id' | 'applicant_id') {
  return keptQuery((db, tenantId: string, ...ownerIds: string[]) =>
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
  return new AttemptRecord(row, db.vault)
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

  constructor(row: AttemptRow, vault: Vault) {
    super(row, vault)
    this.kind = row.kind as AttemptKind
    this.status = row.status as AttemptStatus
    this.providerStatus = row.provider_status
    this.failureCode = row.failure_code
    this.riskScore = row.risk_score
    this.completedAt = toDate(row.completed_at)
    this.sessionId = row.session_id
    this.applicantId = row.applicant_id
  }

  get details(): Details {
    return this.sealed.open<Details>('details_sealed') ?? {}
  }
}
