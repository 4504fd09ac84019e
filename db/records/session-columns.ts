import type { Details, Json, JsonObject } from '../../src/domain/json.ts'
import type { Provider } from '../../src/domain/provider.ts'
import type { Outcome } from '../../src/domain/records/decision.ts'
import type { Session, SessionAccess, SessionStatus } from '../../src/domain/records/session.ts'
import type { ChangeSource, Sync } from '../../src/domain/records/sync.ts'
import type { FieldEncryption } from '../../src/security/field-encryption.ts'
import {
  type EncryptedColumn,
  encryptJson,
  omitUndefined,
  placeIn,
  type TenantOwnedRow,
  toDate,
  toFlag,
  toSync,
  toTime,
} from '../core/columns.ts'
import type { Database } from '../core/database.ts'
import type { SessionRow } from '../core/tables.ts'
import { type Revised, StoredRecord } from './stored-record.ts'

/** The columns that never change. */
export interface SessionKey {
  readonly id: string
  readonly tenantId: string
  readonly accountId: string
  readonly provider: Provider
  readonly providerId: string
  readonly testMode: boolean
}

/** The columns of an update. An undefined column does not change. */
export interface SessionChange {
  readonly status?: SessionStatus
  readonly outcome?: Outcome
  readonly providerStatus?: string | null
  readonly externalId?: string | null
  readonly externalIdPinned?: boolean
  readonly redirectUrl?: string | null
  readonly metadata?: JsonObject | null
  readonly createdAt?: Date
  readonly updatedAt?: Date
  readonly expiresAt?: Date | null
  readonly completedAt?: Date | null
  readonly access?: SessionAccess | null
  readonly applicantId?: string | null
  readonly customerId?: string | null
  readonly applicantPinned?: boolean
  readonly customerPinned?: boolean
  readonly attemptsFetchedAt?: Date
  readonly attemptsStartedMs?: number
  readonly fetchedAt?: Date
  readonly startedMs?: number
  readonly readId?: string
  readonly source?: ChangeSource
  readonly details?: Details
  readonly nextPollAt?: Date | null
  readonly polls?: number
  readonly providerEventAt?: Date
  /** True where the provider sent an unknown status or outcome. */
  readonly unrecognized?: boolean
}

export type NewSession = SessionKey &
  SessionChange &
  Required<
    Pick<
      SessionChange,
      'status' | 'outcome' | 'createdAt' | 'updatedAt' | 'fetchedAt' | 'startedMs' | 'readId' | 'source' | 'details'
    >
  >

/** A session with the columns that only the services read. */
export interface StoredSession extends Session, Revised {
  readonly polls: number
  /** Null: never. */
  readonly nextPollAt: Date | null
  readonly providerEventAt: Date | null
  readonly externalIdPinned: boolean
  readonly applicantPinned: boolean
  readonly customerPinned: boolean
}

/** The columns of a new row that the caller does not set. */
export const ROW_DEFAULTS = {
  external_id: null,
  external_id_pinned: 0,
  provider_status: null,
  redirect_url_encrypted: null,
  metadata_encrypted: null,
  expires_at: null,
  completed_at: null,
  stage: 0,
  access_encrypted: null,
  applicant_id: null,
  customer_id: null,
  applicant_pinned: 0,
  customer_pinned: 0,
  attempts_fetched_at: null,
  attempts_read_started_at: null,
  next_poll_at: null,
  polls: 0,
  provider_event_at: null,
  unrecognized: 0,
  read_id: null,
  revision: 1,
}

export function toColumns(db: Database, session: TenantOwnedRow, change: SessionChange): Partial<SessionRow> {
  const encrypt = (column: EncryptedColumn<'sessions'>, value: Json | undefined) =>
    encryptJson(db.encryption, value, placeIn('sessions', column, session))
  return omitUndefined({
    status: change.status,
    outcome: change.outcome,
    provider_status: change.providerStatus,
    external_id: change.externalId,
    external_id_pinned: toFlag(change.externalIdPinned),
    redirect_url_encrypted: encrypt('redirect_url_encrypted', change.redirectUrl),
    metadata_encrypted: encrypt('metadata_encrypted', change.metadata),
    created_at: change.createdAt?.getTime(),
    updated_at: change.updatedAt?.getTime(),
    expires_at: toTime(change.expiresAt),
    completed_at: toTime(change.completedAt),
    access_encrypted: encrypt('access_encrypted', toAccessJson(change.access)),
    applicant_id: change.applicantId,
    customer_id: change.customerId,
    applicant_pinned: toFlag(change.applicantPinned),
    customer_pinned: toFlag(change.customerPinned),
    attempts_fetched_at: change.attemptsFetchedAt?.getTime(),
    attempts_read_started_at: change.attemptsStartedMs,
    fetched_at: change.fetchedAt?.getTime(),
    read_started_at: change.startedMs,
    read_id: change.readId,
    source: change.source,
    details_encrypted: encrypt('details_encrypted', change.details),
    next_poll_at: toTime(change.nextPollAt),
    polls: change.polls,
    provider_event_at: change.providerEventAt?.getTime(),
    unrecognized: toFlag(change.unrecognized),
  }) as Partial<SessionRow>
}

function toAccessJson(access: SessionAccess | null | undefined): JsonObject | null | undefined {
  return access && { ...access, expiresAt: access.expiresAt?.toISOString() ?? null }
}

/** The columns of a list that selects no encrypted field. Every column costs about the same, and most are omitted. */
export const UNENCRYPTED_COLUMNS = [
  'id',
  'tenant_id',
  'account_id',
  'provider',
  'provider_id',
  'status',
  'outcome',
  'provider_status',
  'external_id',
  'test_mode',
  'created_at',
  'updated_at',
  'expires_at',
  'completed_at',
  'applicant_id',
  'customer_id',
  'attempts_fetched_at',
  'attempts_read_started_at',
  'fetched_at',
  'read_started_at',
  'read_id',
  'revision',
  'source',
  'unrecognized',
] as const satisfies readonly (keyof SessionRow)[]

export function toStoredSession(db: Database, row: SessionRow): StoredSession {
  return new StoredSessionRecord(row, db.encryption)
}

/** A session of UNENCRYPTED_COLUMNS. Its encrypted properties throw. */
export function toUnencryptedSession(
  db: Database,
  row: Pick<SessionRow, (typeof UNENCRYPTED_COLUMNS)[number]>,
): Session {
  return new SessionRecord(row as SessionRow, db.encryption)
}

class SessionRecord extends StoredRecord<SessionRow> implements Session {
  readonly status: SessionStatus
  readonly outcome: Outcome
  readonly providerStatus: string | null
  readonly externalId: string | null
  readonly testMode: boolean
  readonly expiresAt: Date | null
  readonly completedAt: Date | null
  readonly applicantId: string | null
  readonly customerId: string | null
  readonly attemptsFetchedAt: Date | null
  readonly attemptsStartedMs: number | null
  readonly revision: number
  readonly sync: Sync

  constructor(row: SessionRow, encryption: FieldEncryption) {
    super('sessions', row, encryption)
    this.status = row.status as SessionStatus
    this.outcome = row.outcome as Outcome
    this.providerStatus = row.provider_status
    this.externalId = row.external_id
    this.testMode = row.test_mode === 1
    this.expiresAt = toDate(row.expires_at)
    this.completedAt = toDate(row.completed_at)
    this.applicantId = row.applicant_id
    this.customerId = row.customer_id
    this.attemptsFetchedAt = toDate(row.attempts_fetched_at)
    this.attemptsStartedMs = row.attempts_read_started_at
    this.revision = row.revision
    this.sync = toSync(toDate(row.fetched_at), row)
  }

  get redirectUrl(): string | null {
    return this.encrypted.decrypt<string>('redirect_url_encrypted')
  }

  get metadata(): JsonObject | null {
    return this.encrypted.decrypt<JsonObject>('metadata_encrypted')
  }

  get access(): SessionAccess | null {
    const access = this.encrypted.decrypt<Omit<SessionAccess, 'expiresAt'> & { expiresAt: string | null }>(
      'access_encrypted',
    )
    return access && { ...access, expiresAt: access.expiresAt ? new Date(access.expiresAt) : null }
  }
}

class StoredSessionRecord extends SessionRecord implements StoredSession {
  readonly polls: number
  readonly nextPollAt: Date | null
  readonly providerEventAt: Date | null
  readonly externalIdPinned: boolean
  readonly applicantPinned: boolean
  readonly customerPinned: boolean

  constructor(row: SessionRow, encryption: FieldEncryption) {
    super(row, encryption)
    this.polls = row.polls
    this.nextPollAt = toDate(row.next_poll_at)
    this.providerEventAt = toDate(row.provider_event_at)
    this.externalIdPinned = row.external_id_pinned === 1
    this.applicantPinned = row.applicant_pinned === 1
    this.customerPinned = row.customer_pinned === 1
  }
}
