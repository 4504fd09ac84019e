/**
 * The tables, with the types that both databases store. Times are epoch milliseconds, flags 0 or 1, JSON is text, and a
 * column named `…_sealed` is text that the vault sealed.
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
  readonly house_keys: HouseKeyRow
  readonly leases: LeaseRow
  readonly operations: OperationRow
  readonly positions: PositionRow
  readonly provider_minutes: ProviderMinuteRow
  readonly sessions: SessionRow
  readonly tenants: TenantRow
  readonly tombstones: TombstoneRow
  readonly webhook_endpoints: WebhookEndpointRow
}

/** Who the records belong to. */
export interface TenantRow {
  readonly id: string
  readonly name: string
  readonly created_at: number
}

/** A key of a tenant. The key itself is nowhere: `hash` finds it, `prefix` lets people tell keys apart. */
export interface ApiKeyRow {
  readonly id: string
  readonly tenant_id: string
  readonly name: string
  readonly prefix: string
  readonly hash: string
  /** Separated by spaces. */
  readonly scopes: string
  readonly expires_at: number | null
  readonly revoked_at: number | null
  /** Right to some minutes. */
  readonly last_used_at: number | null
  readonly created_at: number
}

/** What was done to tenants, keys and people. It names nobody: `subject_hash` is keyed. */
export interface AuditRow {
  readonly id: string
  readonly tenant_id: string
  readonly at: number
  readonly actor: string
  readonly action: string
  readonly subject_hash: string | null
}

/** One tenant's account at one provider. `origin` is `sandbox` or the provider's address: records of the two never mix. */
export interface AccountRow {
  readonly id: string
  readonly tenant_id: string
  readonly provider: string
  readonly origin: string
  /** What the tenant set for it; null for what the environment or a sandbox gives. */
  readonly settings_sealed: string | null
  /** 1 while it is the tenant's account at the provider by the store's word. */
  readonly connected: number
  /** Grows with every change, so that running servers notice. */
  readonly revision: number
  readonly created_at: number
}

/** What a provider's client keeps for an account, such as the token of a login. */
export interface AccountSecretRow {
  readonly account_id: string
  readonly name: string
  readonly value_sealed: string
  readonly updated_at: number
}

/** Where one provider account delivers its webhooks to. */
export interface WebhookEndpointRow {
  readonly id: string
  readonly tenant_id: string
  readonly account_id: string
  readonly provider: string
  readonly keys_sealed: string
  readonly removed_at: number | null
  readonly last_received_at: number | null
  readonly created_at: number
}

/** The inbox: every delivery that was verified, until it is pruned. */
export interface DeliveryRow {
  readonly id: string
  readonly tenant_id: string
  readonly account_id: string
  readonly endpoint_id: string
  readonly provider: string
  readonly key: string
  readonly event: string | null
  readonly state: string
  readonly raw_sealed: string
  readonly tries: number
  readonly next_try_at: number | null
  readonly received_at: number
  readonly applied_at: number | null
}

/** What answers of an account said beside their schema; `shape` has types and names of fields, never a value. */
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

/** How the calls of an account went within the minute that begins `at`, as one process saw it. */
export interface ProviderMinuteRow {
  readonly tenant_id: string
  readonly account_id: string
  readonly provider: string
  readonly at: number
  readonly instance: string
  readonly calls: number
  readonly failures: number
  readonly p50_ms: number | null
  readonly p95_ms: number | null
  readonly circuit: string
}

export interface EventRow {
  readonly tenant_id: string
  readonly position: number
  readonly id: string
  readonly session_id: string
  readonly at: number
  readonly source: string
  readonly data: string
}

/** A tenant's counter of events. */
export interface PositionRow {
  readonly tenant_id: string
  readonly position: number
}

/** A key of our own that outlives every encryption key: random, and sealed by the current one. */
export interface HouseKeyRow {
  readonly name: string
  readonly key_sealed: string
  readonly created_at: number
}

/** A keyed hash of something that was erased, so that it is known when it comes back. */
export interface TombstoneRow {
  readonly hash: string
  readonly tenant_id: string
  readonly erased_at: number
}

/** Who may do something that only one process at a time may do, and until when. */
export interface LeaseRow {
  readonly name: string
  readonly owner: string
  readonly until: number
  /** Grows each time another owner has it. */
  readonly fence: number
}

/** What every record that a provider keeps has. `began_at`: when the request began whose answer it holds. */
export interface RecordRow {
  readonly id: string
  readonly tenant_id: string
  readonly account_id: string
  readonly provider: string
  readonly provider_id: string
  readonly external_id: string | null
  /** 1 where the caller set or removed it, which the provider's own then never replaces. */
  readonly external_id_pinned: number
  readonly created_at: number
  readonly updated_at: number
  readonly began_at: number
}

export interface SessionRow extends RecordRow {
  readonly status: string
  readonly outcome: string
  readonly provider_status: string | null
  readonly livemode: number
  /** In clear only in rows from before it was sealed. */
  readonly redirect_url: string | null
  readonly redirect_url_sealed: string | null
  readonly metadata_sealed: string | null
  readonly expires_at: number | null
  readonly completed_at: number | null
  readonly access_sealed: string | null
  readonly applicant_id: string | null
  readonly customer_id: string | null
  /** 1 where the caller set the link, which the provider's own then never replaces. */
  readonly applicant_pinned: number
  readonly customer_pinned: number
  readonly attempts_fetched_at: number | null
  readonly fetched_at: number
  readonly source: string
  /** `{}` but in rows from before they were sealed. */
  readonly details: string
  readonly details_sealed: string | null
  /** When it is looked at by itself; null: never again. */
  readonly next_poll_at: number | null
  readonly polls: number
  /** When, by the provider's clock, the event happened that a webhook told last. */
  readonly told_at: number | null
}

export interface ApplicantRow extends RecordRow {
  readonly parent_provider_id: string | null
  readonly status: string
  readonly outcome: string
  readonly provider_status: string | null
  readonly pii_sealed: string | null
  readonly email_index: string | null
  readonly customer_id: string | null
  readonly attempts_fetched_at: number | null
  /** Null: known by a link only. */
  readonly fetched_at: number | null
  readonly source: string
  readonly details_sealed: string
}

export interface CustomerRow extends RecordRow {
  readonly pii_sealed: string | null
  readonly email_index: string | null
  readonly metadata_sealed: string | null
  readonly fetched_at: number | null
  readonly source: string
  readonly details_sealed: string
}

export interface AttemptRow extends Omit<RecordRow, 'external_id' | 'external_id_pinned'> {
  readonly kind: string
  readonly status: string
  readonly provider_status: string | null
  readonly failure_code: string | null
  readonly risk_score: number | null
  readonly completed_at: number | null
  readonly session_id: string | null
  readonly applicant_id: string | null
  readonly details_sealed: string
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
  /** The create's input, until it is settled: a repeat may need it. */
  readonly input_sealed: string | null
  readonly record_id: string | null
  readonly recovered: number
  readonly tries: number
  /** How often the reconciler sent the lost try again. */
  readonly repeats: number
  /** How often the reconciler looked for it. */
  readonly checks: number
  /** What the provider's client has to remember about the try. */
  readonly note: string | null
  /** Grows with every transition, so that a late writer sees that it is late. */
  readonly fence: number
  /** The process that has it in flight, and until when nobody else may touch it. */
  readonly owner: string | null
  readonly owned_until: number | null
  readonly sent_at: number | null
  readonly next_check_at: number | null
  /** The error as JSON: code, message, time and what its type carries. */
  readonly error: string | null
  readonly created_at: number
  readonly updated_at: number
}
