import type { Details, JsonObject } from '../src/domain/json.ts'
import type { Outcome } from '../src/domain/outcome.ts'
import type { Provider } from '../src/domain/provider.ts'
import type { Session, SessionAccess, SessionStatus } from '../src/domain/session.ts'
import type { StatusSource, Sync } from '../src/domain/sync.ts'
import type { Vault } from '../src/security/vault.ts'
import { defined, parseJson, sealJson, toDate, toFlag, toSync, toTime } from './columns.ts'
import type { Database } from './database.ts'
import { type AsStored, StoredRecord } from './stored-record.ts'
import type { SessionRow } from './tables.ts'

/** What a session is filed under; it never changes. */
export interface SessionKey {
  readonly id: string
  readonly tenantId: string
  readonly accountId: string
  readonly provider: Provider
  readonly providerId: string
  readonly livemode: boolean
}

/** What may change about a session. What is undefined stays. */
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
  readonly fetchedAt?: Date
  readonly beganAt?: Date
  readonly source?: StatusSource
  readonly details?: Details
  readonly nextPollAt?: Date | null
  readonly toldAt?: Date
}

export type NewSession = SessionKey &
  SessionChange &
  Required<
    Pick<
      SessionChange,
      'status' | 'outcome' | 'createdAt' | 'updatedAt' | 'fetchedAt' | 'beganAt' | 'source' | 'details'
    >
  >

/** A stored session, with what only the store needs to know of it. */
export interface StoredSession extends Session, AsStored {
  readonly polls: number
  /** True where it is looked at by itself. */
  readonly polled: boolean
  readonly toldAt: Date | null
  readonly externalIdPinned: boolean
  readonly applicantPinned: boolean
  readonly customerPinned: boolean
}

/** What a new row holds where nothing is said of it. */
export const EMPTY = {
  external_id: null,
  external_id_pinned: 0,
  provider_status: null,
  redirect_url: null,
  redirect_url_sealed: null,
  details_sealed: null,
  metadata_sealed: null,
  expires_at: null,
  completed_at: null,
  access_sealed: null,
  applicant_id: null,
  customer_id: null,
  applicant_pinned: 0,
  customer_pinned: 0,
  attempts_fetched_at: null,
  next_poll_at: null,
  polls: 0,
  told_at: null,
}

export function toColumns(db: Database, change: SessionChange): Partial<SessionRow> {
  return defined({
    status: change.status,
    outcome: change.outcome,
    provider_status: change.providerStatus,
    external_id: change.externalId,
    external_id_pinned: toFlag(change.externalIdPinned),
    redirect_url: change.redirectUrl === undefined ? undefined : null,
    redirect_url_sealed: sealJson(db.vault, change.redirectUrl),
    metadata_sealed: sealJson(db.vault, change.metadata),
    created_at: change.createdAt?.getTime(),
    updated_at: change.updatedAt?.getTime(),
    expires_at: toTime(change.expiresAt),
    completed_at: toTime(change.completedAt),
    access_sealed: sealJson(db.vault, toAccessJson(change.access)),
    applicant_id: change.applicantId,
    customer_id: change.customerId,
    applicant_pinned: toFlag(change.applicantPinned),
    customer_pinned: toFlag(change.customerPinned),
    attempts_fetched_at: change.attemptsFetchedAt?.getTime(),
    fetched_at: change.fetchedAt?.getTime(),
    began_at: change.beganAt?.getTime(),
    source: change.source,
    details: change.details && '{}',
    details_sealed: sealJson(db.vault, change.details),
    next_poll_at: toTime(change.nextPollAt),
    told_at: change.toldAt?.getTime(),
  }) as Partial<SessionRow>
}

function toAccessJson(access: SessionAccess | null | undefined): JsonObject | null | undefined {
  return access && { ...access, expiresAt: access.expiresAt?.toISOString() ?? null }
}

/** What a list reads where nothing sealed is asked for: each column costs as much as the next, and most are left out. */
export const PLAIN_COLUMNS = [
  'id',
  'tenant_id',
  'account_id',
  'provider',
  'provider_id',
  'status',
  'outcome',
  'provider_status',
  'external_id',
  'livemode',
  'created_at',
  'updated_at',
  'expires_at',
  'completed_at',
  'applicant_id',
  'customer_id',
  'attempts_fetched_at',
  'fetched_at',
  'began_at',
  'source',
] as const satisfies readonly (keyof SessionRow)[]

export function toSession(db: Database, row: SessionRow): StoredSession {
  return new StoredSessionRecord(row, db.vault)
}

/** A session of the plain columns. Asking it for what is sealed throws. */
export function toPlainSession(db: Database, row: Pick<SessionRow, (typeof PLAIN_COLUMNS)[number]>): Session {
  return new SessionRecord(row as SessionRow, db.vault)
}

class SessionRecord extends StoredRecord<SessionRow> implements Session {
  readonly status: SessionStatus
  readonly outcome: Outcome
  readonly providerStatus: string | null
  readonly externalId: string | null
  readonly livemode: boolean
  readonly expiresAt: Date | null
  readonly completedAt: Date | null
  readonly applicantId: string | null
  readonly customerId: string | null
  readonly attemptsFetchedAt: Date | null
  readonly sync: Sync

  constructor(row: SessionRow, vault: Vault) {
    super(row, vault)
    this.status = row.status as SessionStatus
    this.outcome = row.outcome as Outcome
    this.providerStatus = row.provider_status
    this.externalId = row.external_id
    this.livemode = row.livemode === 1
    this.expiresAt = toDate(row.expires_at)
    this.completedAt = toDate(row.completed_at)
    this.applicantId = row.applicant_id
    this.customerId = row.customer_id
    this.attemptsFetchedAt = toDate(row.attempts_fetched_at)
    this.sync = toSync(toDate(row.fetched_at), row.source)
  }

  get redirectUrl(): string | null {
    return this.sealed.row.redirect_url ?? this.sealed.open<string>('redirect_url_sealed')
  }

  get metadata(): JsonObject | null {
    return this.sealed.open<JsonObject>('metadata_sealed')
  }

  get access(): SessionAccess | null {
    const access = this.sealed.open<Omit<SessionAccess, 'expiresAt'> & { expiresAt: string | null }>('access_sealed')
    return access && { ...access, expiresAt: access.expiresAt ? new Date(access.expiresAt) : null }
  }

  get details(): Details {
    const { row } = this.sealed
    if (row.details_sealed === null) return parseJson<Details>(row.details)
    return this.sealed.open<Details>('details_sealed') ?? {}
  }
}

class StoredSessionRecord extends SessionRecord implements StoredSession {
  readonly polls: number
  readonly polled: boolean
  readonly toldAt: Date | null
  readonly externalIdPinned: boolean
  readonly applicantPinned: boolean
  readonly customerPinned: boolean

  constructor(row: SessionRow, vault: Vault) {
    super(row, vault)
    this.polls = row.polls
    this.polled = row.next_poll_at !== null
    this.toldAt = toDate(row.told_at)
    this.externalIdPinned = row.external_id_pinned === 1
    this.applicantPinned = row.applicant_pinned === 1
    this.customerPinned = row.customer_pinned === 1
  }
}
