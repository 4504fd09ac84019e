/**
 * The tables, with the types of both databases. Times are epoch milliseconds, flags are 0 or 1, JSON is text, and a column
 * named `…_encrypted` is text that FieldEncryption wrote.
 */
export interface Tables {
  readonly account_secrets: AccountSecretRow
  readonly accounts: AccountRow
  readonly api_keys: ApiKeyRow
  readonly applicants: ApplicantRow
  readonly attempts: AttemptRow
  readonly audit_log: AuditRow
  readonly customers: CustomerRow
  readonly deliveries: DeliveryRow
  readonly drift: DriftRow
  readonly events: EventRow
  readonly instance_keys: InstanceKeyRow
  readonly leases: LeaseRow
  readonly operations: OperationRow
  readonly event_positions: EventPositionRow
  readonly provider_stats: ProviderMinuteRow
  readonly sessions: SessionRow
  readonly tenants: TenantRow
  readonly tombstones: TombstoneRow
  readonly webhook_endpoints: WebhookEndpointRow
}

/** The owner of records. */
export interface TenantRow {
  readonly id: string
  readonly name: string
  readonly created_at: number
}

/** A key of a tenant. The key itself is not stored: `hash` finds its row, and people distinguish keys by `prefix`. */
export interface ApiKeyRow {
  readonly id: string
  readonly tenant_id: string
  readonly name: string
  readonly prefix: string
  readonly hash: string
  /** Separated by spaces. */
  readonly scopes: string
  /** Null: the default of the server. */
  readonly cost_per_minute: number | null
  readonly expires_at: number | null
  readonly revoked_at: number | null
  /** Exact to some minutes. */
  readonly last_used_at: number | null
  readonly created_at: number
}

/**
 * Actions on tenants, accounts, keys, records and persons. It has no personal data: a person has a keyed hash only, and `object`
 * is an id of ours or the name of a provider. The ids of an erased person's records are removed.
 */
export interface AuditRow {
  readonly id: string
  readonly tenant_id: string
  readonly at: number
  readonly actor: string
  readonly action: string
  readonly subject_hash: string | null
  readonly object: string | null
}

/** One tenant's account at one provider. `base_url` is `sandbox` or the address of the provider's API. */
export interface AccountRow {
  readonly id: string
  readonly tenant_id: string
  readonly provider: string
  readonly base_url: string
  /** The tenant's own settings; null where they come from the environment or a sandbox. */
  readonly settings_encrypted: string | null
  /** 1 for the account that the tenant set for the provider. */
  readonly connected: number
  /** Grows with every change, so that running servers reload the account. */
  readonly revision: number
  readonly created_at: number
}

/** A value that a provider's client stores for an account, such as a login token. */
export interface AccountSecretRow {
  readonly account_id: string
  readonly name: string
  readonly value_encrypted: string
  readonly updated_at: number
}

/** An endpoint for the webhooks of one provider account. */
export interface WebhookEndpointRow {
  readonly id: string
  readonly tenant_id: string
  readonly account_id: string
  readonly provider: string
  readonly keys_encrypted: string
  readonly removed_at: number | null
  readonly last_received_at: number | null
  readonly created_at: number
}

/** The inbox: verified deliveries. */
export interface DeliveryRow {
  readonly id: string
  readonly tenant_id: string
  readonly account_id: string
  readonly endpoint_id: string
  readonly provider: string
  readonly key: string
  readonly event: string | null
  /** The provider's id of the session, applicant or customer that it is about; null if it does not name one. */
  readonly subject_id: string | null
  readonly state: string
  /** JSON: why it could not be applied the last time. */
  readonly error: string | null
  readonly raw_encrypted: string
  /** Who dismissed it when, and why. */
  readonly dismissal_encrypted: string | null
  readonly attempts: number
  readonly next_attempt_at: number | null
  readonly received_at: number
  readonly applied_at: number | null
}

/** Deviations of an account's responses from their schema; `shape` has types and field names, never a value. */
export interface DriftRow {
  readonly tenant_id: string
  readonly account_id: string
  readonly provider: string
  readonly operation: string
  readonly grade: string
  readonly path: string
  readonly shape: string | null
  readonly times: number
  readonly first_at: number
  readonly last_at: number
}

/** The calls of an account in the minute that begins `at`, as one process measured them. */
export interface ProviderMinuteRow {
  readonly id: string
  readonly tenant_id: string
  readonly account_id: string
  readonly provider: string
  readonly at: number
  readonly instance: string
  readonly calls: number
  /** JSON: the number by kind of failure. */
  readonly failures: string
  /** A serialized LatencyHistogram. */
  readonly latencies: string
  readonly circuit: string
}

export interface EventRow {
  readonly tenant_id: string
  readonly position: number
  readonly id: string
  readonly session_id: string
  /** The provider of the session. */
  readonly provider: string
  readonly at: number
  readonly source: string
  readonly data: string
  /** The keyed hash of the externalId that the session lost by this event. */
  readonly former_person_hash: string | null
}

/** A tenant's counter of events. */
export interface EventPositionRow {
  readonly tenant_id: string
  readonly position: number
}

/** A random key of this installation, encrypted by the current encryption key and so independent of it. */
export interface InstanceKeyRow {
  readonly name: string
  readonly key_encrypted: string
  readonly created_at: number
}

/** A keyed hash of an erased record, which recognizes the record when its provider sends it again. */
export interface TombstoneRow {
  readonly hash: string
  readonly tenant_id: string
  readonly erased_at: number
}

/** The process that may run a job of which only one may run at a time. */
export interface LeaseRow {
  readonly name: string
  readonly owner: string
  readonly until: number
  /** Grows with each change of the owner. */
  readonly fence: number
}

/** The columns of every record, and of attempts. */
export interface ProviderRow {
  readonly id: string
  readonly tenant_id: string
  readonly account_id: string
  readonly provider: string
  readonly provider_id: string
  readonly created_at: number
  readonly updated_at: number
  /** The read that the row comes from. It orders snapshots. Null: unknown. */
  readonly read_id: string | null
  readonly details_encrypted: string
}

export interface RecordRow extends ProviderRow {
  readonly external_id: string | null
  /** 1 where the caller set or removed it: the provider's value never replaces it then. */
  readonly external_id_pinned: number
  /** When that read began, by the shared clock. */
  readonly read_started_at: number
  /** Grows with every change of content, including that of attempts. */
  readonly revision: number
}

/** The columns of polled records. */
export interface PolledRow {
  /** Null: never. */
  readonly next_poll_at: number | null
  /** Polls since the last change. */
  readonly polls: number
}

export interface SessionRow extends RecordRow, PolledRow {
  readonly status: string
  readonly outcome: string
  readonly provider_status: string | null
  readonly test_mode: number
  readonly redirect_url_encrypted: string | null
  readonly metadata_encrypted: string | null
  readonly expires_at: number | null
  readonly completed_at: number | null
  /** The furthest stage that its events reached: 0 created, 1 started, 2 completed, 3 approved. */
  readonly stage: number
  readonly access_encrypted: string | null
  readonly applicant_id: string | null
  readonly customer_id: string | null
  /** 1 where the caller set the link: the provider's link never replaces it then. */
  readonly applicant_pinned: number
  readonly customer_pinned: number
  readonly attempts_fetched_at: number | null
  /** By the shared clock. */
  readonly attempts_read_started_at: number | null
  readonly fetched_at: number
  readonly source: string
  readonly details_encrypted: string
  /** The time of the last webhook's event, by the provider's clock. */
  readonly provider_event_at: number | null
  /** 1 where the last snapshot had an unknown status or outcome. */
  readonly unrecognized: number
}

export interface ApplicantRow extends RecordRow, PolledRow {
  readonly parent_provider_id: string | null
  readonly status: string
  readonly outcome: string
  readonly provider_status: string | null
  readonly pii_encrypted: string | null
  readonly email_index: string | null
  readonly customer_id: string | null
  readonly attempts_fetched_at: number | null
  readonly attempts_read_started_at: number | null
  readonly provider_event_at: number | null
  /** Null: only a link names the applicant. */
  readonly fetched_at: number | null
  readonly source: string
  readonly details_encrypted: string
  /** 1 where the last snapshot had an unknown status or outcome. */
  readonly unrecognized: number
}

export interface CustomerRow extends RecordRow {
  readonly pii_encrypted: string | null
  readonly email_index: string | null
  readonly metadata_encrypted: string | null
  readonly fetched_at: number | null
  readonly source: string
  readonly details_encrypted: string
}

export interface AttemptRow extends ProviderRow {
  readonly kind: string
  readonly status: string
  readonly provider_status: string | null
  readonly failure_code: string | null
  readonly risk_score: number | null
  readonly completed_at: number | null
  readonly session_id: string | null
  readonly applicant_id: string | null
  readonly details_encrypted: string
}

export interface OperationRow {
  readonly id: string
  readonly tenant_id: string
  readonly account_id: string
  readonly kind: string
  readonly provider: string
  readonly idempotency_key: string
  readonly fingerprint: string
  readonly state: string
  readonly reference: string
  /** The input of the create until it is settled, because sending it again needs it. */
  readonly input_encrypted: string | null
  /** Keyed hashes of the external id and of the provider ids in the input, separated by spaces: an erasure needs them. */
  readonly subject_hashes: string
  /** The request that made it. */
  readonly request_id: string | null
  readonly record_id: string | null
  readonly recovered: number
  readonly send_count: number
  /** How often the reconciler sent the create again. */
  readonly repeats: number
  /** How many of the attempts failed before they were sent. */
  readonly unsent: number
  /** How often the reconciler searched for the record. */
  readonly checks: number
  /** A note of the provider's client about the attempt. */
  readonly note: string | null
  /** Grows with every transition, so that a late write is detected. */
  readonly fence: number
  /** The process that sends the create, and the end of its lease. */
  readonly owner: string | null
  readonly owned_until: number | null
  readonly sent_at: number | null
  readonly next_check_at: number | null
  /** An OperationError as JSON. */
  readonly error: string | null
  readonly created_at: number
  readonly updated_at: number
}
