import type { z } from 'zod'
import type { AbortSignalLike } from '../domain/abort-signal.ts'
import type { CallLog } from '../domain/call-log.ts'
import type { Details, JsonObject } from '../domain/json.ts'
import type { Capability, Provider } from '../domain/provider.ts'
import type { ApplicantSnapshot } from '../domain/records/applicant.ts'
import type { AttemptSnapshot } from '../domain/records/attempt.ts'
import type { CustomerSnapshot } from '../domain/records/customer.ts'
import type { Journey } from '../domain/records/journey.ts'
import type { SessionSnapshot } from '../domain/records/session.ts'
import type { RejectionReader } from '../upstream/response-errors.ts'
import type { Upstream } from '../upstream/upstream.ts'

/** The module of one provider. `graphql` and `sandbox` load on demand. */
export interface ProviderModule<Settings extends ProviderSettings = ProviderSettings> {
  readonly provider: Provider
  /** The provider's name, for display. */
  readonly name: string
  /**
   * The settings of one account. The key `apiKey` is read from `<PROVIDER>_API_KEY`, and so on. Every setting is
   * optional or has a default, so that the settings of an unconfigured provider parse.
   */
  readonly settings: z.ZodType<Settings> & { readonly shape: object }
  /** The names of the secret settings, which are masked wherever settings are shown. */
  readonly secrets: readonly string[]
  /** True if the credentials are complete. */
  isConfigured(settings: Settings): boolean
  /** True for the provider's production host, unless the key is a known test key. */
  isLive(settings: Settings): boolean
  /** Reads the provider's error bodies. */
  readonly readRejection: RejectionReader
  connect(connection: ClientDeps<Settings>): ProviderClient
  /** The zod types of the stored `details`, by record type. */
  readonly details: {
    readonly session: z.ZodType<Details>
    readonly applicant?: z.ZodType<Details>
    readonly customer?: z.ZodType<Details>
    readonly attempt?: z.ZodType<Details>
    /** The details that a session inherits from its applicant if it has none of its own. */
    readonly inherited?: readonly string[]
  }
  /** Verifies and parses webhook deliveries. Absent if the provider sends none that we support. */
  readonly webhook?: ReadWebhook
  /** The problem of an externalId at this provider; absent if every externalId is valid. */
  externalIdProblem?(externalId: string): string | undefined
  /** How end users go through its sessions; default: a verification. */
  readonly journey?: Journey
  /** Only for a provider that encrypts deliveries with a public key of ours that is registered there. */
  readonly decryptWebhook?: DecryptWebhook
  /** Registers the provider's union members and input objects on the schema builder. */
  readonly graphql: () => Promise<unknown>
  readonly sandbox: () => Promise<{ readonly sandbox: SandboxModule<Settings> }>
}

export interface ProviderSettings {
  readonly baseUrl: string
  /** The provider's version that its sandbox implements. */
  readonly sandboxVersion?: string
}

/** A delivery as received. Header names are in lower case. */
export interface RawDelivery {
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly body: Buffer
}

/** The keys that verify and decrypt deliveries. */
export interface WebhookKeys {
  /** The active secrets; two during a rotation. */
  readonly secrets: readonly string[]
  /** Private keys as JWK, for providers that encrypt. `kid` identifies the key that was used. */
  readonly privateKeys: readonly JsonObject[]
}

/**
 * INVALID_SIGNATURE: the signature is missing, wrong or too old. UNPARSEABLE: the signature is valid, but the content
 * is not understood.
 */
export type WebhookReadResult = { readonly notice: WebhookNotice } | 'INVALID_SIGNATURE' | 'UNPARSEABLE'

export type ReadWebhook = (delivery: RawDelivery, keys: WebhookKeys, now: Date) => Promise<WebhookReadResult>

/** The text of an encrypted delivery; undefined if none of the keys opens it. */
export type DecryptWebhook = (
  delivery: RawDelivery,
  keys: Pick<WebhookKeys, 'privateKeys'>,
) => Promise<string | undefined>

/**
 * The content of a delivery. Statuses are read from the provider if possible; data that only the delivery contains is
 * stored from it.
 */
export interface WebhookNotice {
  /** The provider's id of the event, for deduplication; null if it has none. */
  readonly eventId: string | null
  /** The provider's name of the event. */
  readonly event: string
  /** When it happened, if reported. For what no read returns, the later of two events counts. */
  readonly occurredAt?: Date
  readonly sessionProviderId?: string
  /** Our marker in the event's record. It settles a create whose outcome is unknown. */
  readonly reference?: string
  /** The event concerns the sessions of this applicant. */
  readonly applicantProviderId?: string
  /** The session as the delivery reports it, used if the session cannot be read. */
  readonly session?: SessionSnapshot
  /** An attempt that no read returns: its provider id and the details to add. */
  readonly attempt?: {
    readonly providerId: string
    readonly details: JsonObject
    /** Stored if the attempt is not known yet. */
    readonly snapshot?: AttemptSnapshot
  }
  /** True if the provider deletes the data after delivering it. It is then stored, whatever happens to the session. */
  readonly isOnlyCopy?: true
  /** The applicant as the delivery reports it, used if the applicant cannot be read. */
  readonly applicant?: ApplicantSnapshot
  /** Details of the applicant that no read returns, stored before the applicant is read again. */
  readonly applicantDetails?: Details
  readonly customer?: CustomerSnapshot
}

/** The part of a provider's sandbox that its client needs; src/sandbox defines the rest. */
export interface SandboxModule<Settings extends ProviderSettings = ProviderSettings> {
  /** The credentials that the sandbox accepts, as settings without the base URL. */
  readonly credentials: Partial<Omit<Settings, 'baseUrl'>>
  /** The path prefix of the provider's API in the sandbox, such as `/api/v1`. */
  readonly basePath: string
}

export interface ClientDeps<Settings extends ProviderSettings> {
  readonly settings: Settings
  readonly upstream: Upstream
  readonly now: () => Date
  readonly secrets: AccountSecrets
  /** Absent without a store; then every ability counts as present. */
  readonly abilities?: Abilities
}

/**
 * Features that not every account of a provider has, such as a route of some versions. A missing one is stored for the
 * account, shared by all processes, and tried again from time to time.
 */
export interface Abilities {
  /** False while it is known to be missing. */
  has(ability: string): boolean
  /** Records that it is missing. */
  lacks(ability: string): Promise<void>
  /** Records that it exists. */
  found(ability: string): Promise<void>
}

/** Encrypted values that a client stores for its account, shared by all processes. */
export interface AccountSecrets {
  read(name: string): Promise<string | undefined>
  write(name: string, value: string): Promise<void>
  /** Runs while holding a lock that all processes share for this account. */
  withLock<T>(name: string, run: () => Promise<T>): Promise<T>
}

/** The client of one account. A method exists if the provider, as configured, has the capability. */
export interface ProviderClient {
  readonly capabilities: readonly Capability[]
  createSession?(input: JsonObject, call: CreateCall): Promise<SessionSnapshot>
  /** True if reading a session requires its applicant, so that its id is not enough. */
  readonly readsSessionsByApplicant?: true
  /** Reads one session. `session` is what is stored of it. */
  getSession?(session: ProviderSessionRef, call: ReadCall): Promise<SessionSnapshot>
  listSessions?(query: ListQuery, call: ReadCall): Promise<Page<SessionSnapshot>>
  cancelSession?(session: ProviderSessionRef, call: ReadCall): Promise<void>
  /**
   * All attempts of a session. Absent if getSession always returns them. It detects whether the account has attempts.
   */
  listAttempts?(session: ProviderSessionRef, call: ReadCall): Promise<readonly AttemptSnapshot[]>
  createApplicant?(input: JsonObject, call: CreateCall): Promise<ApplicantSnapshot>
  getApplicant?(applicant: ProviderRecordRef, call: ReadCall): Promise<ApplicantSnapshot>
  createCustomer?(input: JsonObject, call: CreateCall): Promise<CustomerSnapshot>
  getCustomer?(customer: ProviderRecordRef, call: ReadCall): Promise<CustomerSnapshot>
  listCustomers?(query: ListQuery, call: ReadCall): Promise<Page<CustomerSnapshot>>
  /** The reads above that are one call, and that map nothing but its answer. Optional: they make repeated reads cheaper. */
  readonly conditionalReads?: {
    readonly session?: ConditionalRead<ProviderSessionRef, SessionSnapshot>
    readonly applicant?: ConditionalRead<ProviderRecordRef, ApplicantSnapshot>
    readonly customer?: ConditionalRead<ProviderRecordRef, CustomerSnapshot>
  }
  /** How creates with an unknown outcome are settled. Without an entry, the create stays UNKNOWN. */
  readonly recovery?: {
    readonly session?: Recovery<SessionSnapshot>
    readonly applicant?: Recovery<ApplicantSnapshot>
    readonly customer?: Recovery<CustomerSnapshot>
  }
}

/** A create that was sent and has no response. */
export interface UnknownCreate extends CreateCall {
  readonly input: JsonObject
  readonly sentAt: Date
  /** The note that the client saved before or while it sent the create. */
  readonly noted: string | null
  /** Provider ids created by other creates of this account at about that time. None of them belongs to this create. */
  readonly createdByOthers?: ReadonlySet<string>
}

/** The result of a search for an unknown create. ABSENT: nothing was created, for certain. UNCERTAIN: undecided. */
export type RecoveryResult<Snapshot> = { readonly found: Snapshot } | 'ABSENT' | 'UNCERTAIN'

/** A provider's way to settle one kind of unknown create. */
export interface Recovery<Snapshot> {
  /** Searches for it. ABSENT counts only if the search started late enough after the send. */
  find?(unknownCreate: UnknownCreate, call: ReadCall): Promise<RecoveryResult<Snapshot>>
  /** Sends it again, if a duplicate is harmless or the provider deduplicates by its Idempotency-Key. */
  readonly repeat?: ResendRule
  /** After this period nobody can use a record that may exist, so the create counts as failed. */
  readonly safeToForgetAfterMs?: number
  /** The values by which a person finds the record at the provider. */
  traces?(unknownCreate: UnknownCreate): RecoveryCandidates
  /**
   * The snapshot of a record that an operator found under this id. Throws NOT_FOUND, and BAD_REQUEST for a record of another
   * create. Absent if such a record can be neither read nor assumed.
   */
  reconstruct?(unknownCreate: UnknownCreate, providerId: string, call: ReadCall): Promise<Snapshot>
  /** True if `reconstruct` assumes the record from the sent input, because the provider has no read of it by its id. */
  readonly isAssumed?: true
}

/** A value of the sent create by which a person recognises it at the provider. */
export interface RecoveryCandidate {
  /** The provider's name of the field. */
  readonly where: string
  readonly value: string
  /** True for personal data: shown only with the scope for it. */
  readonly isPersonal?: true
}

export interface RecoveryCandidates {
  readonly traces: readonly RecoveryCandidate[]
  /** Why finding nothing does not prove that nothing was created; absent if it does. */
  readonly warning?: string
}

export interface ResendRule {
  /** Maximum number of resends. */
  readonly times: number
  /** False: before the settle delay has passed as well. */
  readonly afterSettleDelay: boolean
  /** Maximum time after the first send. */
  readonly withinMs?: number
}

export interface ProviderRecordRef {
  readonly providerId: string
  readonly parentProviderId?: string | null
  /** The stored details. */
  readonly details?: Details
}

export interface ProviderSessionRef extends ProviderRecordRef {
  readonly applicantProviderId?: string | null
  /** The stored details of the applicant, and whether the applicant itself was ever read. */
  readonly applicantDetails?: Details
  readonly applicantIsRead?: boolean
  readonly createdAt?: Date | null
}

/** A read that does not map an answer whose body is known by its digest, as a 304 response has no body. */
export type ConditionalRead<Ref, Snapshot> = (
  ref: Ref,
  call: ReadCall,
  knownDigest: string | undefined,
) => Promise<ConditionalSnapshot<Snapshot>>

export interface ConditionalSnapshot<Snapshot> {
  /** Identifies the answer's body; undefined if the snapshot is of more than one answer. */
  readonly digest: string | undefined
  /** Undefined if the answer is the known one. */
  readonly snapshot: Snapshot | undefined
}

export interface ReadCall {
  readonly signal?: AbortSignalLike
  /** The call log of the client operation; absent for background work. */
  readonly callLog?: CallLog
}

/** The context of a create, beside its input. */
export interface CreateCall {
  /** Our marker, 8 to 64 characters of [A-Za-z0-9_-], by which the create can be found again. */
  readonly reference: string
  /** Unique per attempt, for providers that accept an Idempotency-Key. */
  readonly idempotencyKey: string
  readonly externalId?: string | null
  readonly metadata?: JsonObject | null
  /** The provider ids of the records that the input references by our ids. */
  readonly applicantProviderId?: string | null
  readonly customerProviderId?: string | null
  /** The call log of the client operation; absent for background work. */
  readonly callLog?: CallLog
  /** Saves, before the promise resolves, what a later search for this create needs. */
  note?(note: string): Promise<void>
}

/** `cursor` is the `nextCursor` of the previous page. */
export interface ListQuery {
  readonly limit?: number
  readonly cursor?: string
  readonly email?: string
  readonly createdFrom?: Date
  readonly createdTo?: Date
}

export interface Page<T> {
  readonly items: readonly T[]
  readonly nextCursor: string | null
  /** The fraction of the list up to the end of this page, 0 to 1, if the provider reports it. */
  readonly share?: number
}
