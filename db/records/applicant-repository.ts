import type { Applicant, ApplicantStatus } from '../../src/domain/records/applicant.ts'
import type { Outcome } from '../../src/domain/records/decision.ts'
import type { FieldEncryption } from '../../src/security/field-encryption.ts'
import { omitUndefined, type TenantOwnedRow, toDate, toFlag, toTime } from '../core/columns.ts'
import type { Database } from '../core/database.ts'
import type { ApplicantRow } from '../core/tables.ts'
import {
  createRecordRepository,
  FetchedRecord,
  RECORD_DEFAULTS,
  type RecordChange,
  toRecordColumns,
} from './record-repository.ts'
import type { Revised } from './stored-record.ts'

export interface ApplicantPii {
  readonly email: string | null
  readonly phone: string | null
  readonly firstName: string | null
  readonly lastName: string | null
}

export interface ApplicantChange extends RecordChange {
  readonly parentProviderId?: string | null
  readonly status?: ApplicantStatus
  readonly outcome?: Outcome
  readonly providerStatus?: string | null
  readonly pii?: ApplicantPii
  readonly customerId?: string | null
  readonly attemptsFetchedAt?: Date
  readonly attemptsStartedMs?: number
  readonly providerEventAt?: Date
  /** True where the provider sent an unknown status or outcome. */
  readonly unrecognized?: boolean
  readonly nextPollAt?: Date | null
  readonly polls?: number
}

/** An applicant with the columns that only the services read. */
export interface StoredApplicant extends Applicant, Revised {
  readonly pii: ApplicantPii
  readonly externalIdPinned: boolean
  readonly providerEventAt: Date | null
  readonly polls: number
  readonly nextPollAt: Date | null
}

const ROW_DEFAULTS = {
  ...RECORD_DEFAULTS,
  parent_provider_id: null,
  status: 'UNKNOWN',
  outcome: 'UNKNOWN',
  provider_status: null,
  customer_id: null,
  attempts_fetched_at: null,
  attempts_read_started_at: null,
  provider_event_at: null,
  unrecognized: 0,
  next_poll_at: null,
  polls: 0,
}

function toColumns(db: Database, row: TenantOwnedRow, change: ApplicantChange): Partial<ApplicantRow> {
  return omitUndefined({
    ...toRecordColumns(db, 'applicants', row, change),
    parent_provider_id: change.parentProviderId,
    status: change.status,
    outcome: change.outcome,
    provider_status: change.providerStatus,
    customer_id: change.customerId,
    attempts_fetched_at: change.attemptsFetchedAt?.getTime(),
    attempts_read_started_at: change.attemptsStartedMs,
    provider_event_at: change.providerEventAt?.getTime(),
    unrecognized: toFlag(change.unrecognized),
    next_poll_at: toTime(change.nextPollAt),
    polls: change.polls,
  }) as Partial<ApplicantRow>
}

const NO_PII: ApplicantPii = { email: null, phone: null, firstName: null, lastName: null }

export function toStoredApplicant(db: Database, row: ApplicantRow): StoredApplicant {
  return new ApplicantRecord(row, db.encryption)
}

class ApplicantRecord extends FetchedRecord<ApplicantRow> implements StoredApplicant {
  readonly parentProviderId: string | null
  readonly providerEventAt: Date | null
  readonly polls: number
  readonly nextPollAt: Date | null
  readonly status: ApplicantStatus
  readonly outcome: Outcome
  readonly providerStatus: string | null
  readonly customerId: string | null
  readonly attemptsFetchedAt: Date | null
  readonly attemptsStartedMs: number | null

  constructor(row: ApplicantRow, encryption: FieldEncryption) {
    super('applicants', row, encryption)
    this.parentProviderId = row.parent_provider_id
    this.providerEventAt = toDate(row.provider_event_at)
    this.polls = row.polls
    this.nextPollAt = toDate(row.next_poll_at)
    this.status = row.status as ApplicantStatus
    this.outcome = row.outcome as Outcome
    this.providerStatus = row.provider_status
    this.customerId = row.customer_id
    this.attemptsFetchedAt = toDate(row.attempts_fetched_at)
    this.attemptsStartedMs = row.attempts_read_started_at
  }

  get pii(): ApplicantPii {
    return this.encrypted.decrypt<ApplicantPii>('pii_encrypted') ?? NO_PII
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
}

export const {
  count: countApplicants,
  find: findApplicants,
  findByProviderId: findApplicantByProviderId,
  insert: insertApplicant,
  list: listApplicants,
  listMany: listManyApplicants,
  update: updateApplicant,
} = createRecordRepository<ApplicantRow, StoredApplicant, ApplicantChange>('applicants', {
  defaults: ROW_DEFAULTS,
  toColumns,
  toRecord: toStoredApplicant,
})
