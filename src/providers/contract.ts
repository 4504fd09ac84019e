import type { z } from 'zod'
import type { ApplicantSnapshot } from '../domain/applicant.ts'
import type { AttemptSnapshot } from '../domain/attempt.ts'
import type { CustomerSnapshot } from '../domain/customer.ts'
import type { Details, JsonObject } from '../domain/json.ts'
import type { Capability, Provider } from '../domain/provider.ts'
import type { SessionSnapshot } from '../domain/session.ts'
import type { Trail } from '../domain/trail.ts'
import type { RefusalReader } from '../upstream/answer.ts'
import type { Upstream } from '../upstream/upstream.ts'

/** Everything the house knows about one provider. `graphql` and `sandbox` load only when they are asked for. */
export interface ProviderModule<Settings extends ProviderSettings = ProviderSettings> {
  readonly provider: Provider
  /**
   * The settings of one account. A key `apiKey` is read from `<PROVIDER>_API_KEY`, and so on. Every setting has a
   * default or is optional, so that a provider that nobody configured parses.
   */
  readonly settings: z.ZodType<Settings> & { readonly shape: object }
  /** The names of the settings that are secrets: masked wherever settings are shown. */
  readonly secrets: readonly string[]
  /** True where the credentials are complete. */
  isConfigured(settings: Settings): boolean
  /** True for the provider's real service with a key that is not known to be a test key. */
  isLive(settings: Settings): boolean
  /** Reads the provider's error bodies. */
  readonly readRefusal: RefusalReader
  connect(connection: Connection<Settings>): ProviderClient
  /** The zod types of what is stored in `details`, by noun. */
  readonly details: {
    readonly session: z.ZodType<Details>
    readonly applicant?: z.ZodType<Details>
    readonly customer?: z.ZodType<Details>
    readonly attempt?: z.ZodType<Details>
  }
  /** Verifies and decodes what the provider sends us. Absent: it sends nothing, or nothing that we take. */
  readonly webhook?: ReadWebhook
  /** True where it encrypts what it sends, so that a public key of ours is registered there. */
  readonly encryptsWebhooks?: true
  /** Joins the schema: registers the provider's union members and input objects on the builder. */
  readonly graphql: () => Promise<unknown>
  readonly sandbox: () => Promise<{ readonly sandbox: SandboxModule<Settings> }>
}

export interface ProviderSettings {
  readonly baseUrl: string
}

/** A delivery as it came in. Header names are in lower case. */
export interface RawDelivery {
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly body: Buffer
}

/** What a delivery is verified and decrypted with. */
export interface WebhookKeys {
  /** The live secrets; two while one replaces the other. */
  readonly secrets: readonly string[]
  /** Private keys as JWK, for providers that encrypt; `kid` names the one that was used. */
  readonly privateKeys: readonly JsonObject[]
}

/** FORGED: the signature is missing, wrong or too old. UNREADABLE: it is signed, and still cannot be understood. */
export type WebhookReading = { readonly notice: WebhookNotice } | 'FORGED' | 'UNREADABLE'

export type ReadWebhook = (delivery: RawDelivery, keys: WebhookKeys, now: Date) => Promise<WebhookReading>

/** What a delivery says. Statuses are asked for again where they can be read; what only the delivery carries is taken from it. */
export interface WebhookNotice {
  /** The provider's id of the event, by which a second delivery of it is known; null where it has none. */
  readonly eventId: string | null
  /** The provider's name of the event. */
  readonly event: string
  /** When it happened, where the provider says so: of two events about what cannot be read, the later one counts. */
  readonly occurredAt?: Date
  readonly sessionProviderId?: string
  /** Our marker in what the delivery is about: it settles a create of ours whose answer never came. */
  readonly reference?: string
  /** The sessions of this applicant are meant. */
  readonly applicantProviderId?: string
  /** What the delivery says of the session, for want of anything better: used where the session cannot be read. */
  readonly session?: SessionSnapshot
  /** What the delivery says of an attempt that no read tells: its provider id and what to add to its details. */
  readonly attempt?: { readonly providerId: string; readonly details: JsonObject }
  readonly customer?: CustomerSnapshot
}

/** The part of a provider's sandbox that its client needs to know; src/sandbox knows the rest. */
export interface SandboxModule<Settings extends ProviderSettings = ProviderSettings> {
  /** The credentials the sandbox accepts, as settings without the base URL. */
  readonly credentials: Partial<Omit<Settings, 'baseUrl'>>
  /** The path under the sandbox's origin at which the provider's paths start, such as `/api/v1`. */
  readonly basePath: string
}

export interface Connection<Settings extends ProviderSettings> {
  readonly settings: Settings
  readonly upstream: Upstream
  readonly now: () => Date
  readonly secrets: AccountSecrets
}

/** What a client keeps for its account, sealed, shared by all processes. */
export interface AccountSecrets {
  read(name: string): Promise<string | undefined>
  write(name: string, value: string): Promise<void>
  /** Runs it while no other process runs it for this account; waits for its turn. */
  exclusively<T>(name: string, run: () => Promise<T>): Promise<T>
}

/** The capabilities of one connected account. A method is there where the provider, as it is set up, has the capability. */
export interface ProviderClient {
  readonly capabilities: readonly Capability[]
  createSession?(input: JsonObject, call: CreateCall): Promise<SessionSnapshot>
  /** True where a session is read through its applicant, so that its id alone is not enough. */
  readonly readsSessionsByApplicant?: true
  /** Reads one session. `session` is what the caller knows of it. */
  getSession?(session: SessionRef, call: ReadCall): Promise<SessionSnapshot>
  listSessions?(query: ListQuery, call: ReadCall): Promise<Page<SessionSnapshot>>
  cancelSession?(session: SessionRef, call: ReadCall): Promise<void>
  /** All attempts of a session. Absent where getSession tells them. */
  listAttempts?(session: SessionRef, call: ReadCall): Promise<readonly AttemptSnapshot[]>
  createApplicant?(input: JsonObject, call: CreateCall): Promise<ApplicantSnapshot>
  getApplicant?(applicant: RecordRef, call: ReadCall): Promise<ApplicantSnapshot>
  createCustomer?(input: JsonObject, call: CreateCall): Promise<CustomerSnapshot>
  getCustomer?(customer: RecordRef, call: ReadCall): Promise<CustomerSnapshot>
  listCustomers?(query: ListQuery, call: ReadCall): Promise<Page<CustomerSnapshot>>
  /** How creates whose answer never came are settled. A create without an entry stays unknown. */
  readonly recovery?: {
    readonly session?: Recovery<SessionSnapshot>
    readonly applicant?: Recovery<ApplicantSnapshot>
    readonly customer?: Recovery<CustomerSnapshot>
  }
}

/** A create that was sent and whose answer never came. */
export interface LostCreate extends CreateCall {
  readonly input: JsonObject
  readonly sentAt: Date
  /** What the client noted before or while it sent. */
  readonly noted: string | null
}

/** What looking for a lost create says. ABSENT: it is certain that nothing was made. UNCERTAIN: it cannot be told. */
export type Finding<Snapshot> = { readonly found: Snapshot } | 'ABSENT' | 'UNCERTAIN'

/** One provider's way to settle one kind of lost create. */
export interface Recovery<Snapshot> {
  /** Looks for it. ABSENT counts only where the search began late enough after the send. */
  find?(lost: LostCreate, call: ReadCall): Promise<Finding<Snapshot>>
  /** Sends it once more: where a second one harms nobody, or where the provider knows it by its Idempotency-Key. */
  readonly repeat?: RepeatRule
  /** After this long nobody can have used what may have been made, so that the create counts as failed. */
  readonly harmlessAfterMs?: number
  /** What is known of the record that an operator found under this id, where the provider cannot be asked for it. */
  assume?(lost: LostCreate, providerId: string, call: ReadCall): Promise<Snapshot>
}

export interface RepeatRule {
  /** How often at most. */
  readonly times: number
  /** Not before the settle delay is over. */
  readonly afterSettleDelay: boolean
  /** Not later than this after the first send. */
  readonly withinMs?: number
}

export interface RecordRef {
  readonly providerId: string
  readonly parentProviderId?: string | null
}

export interface SessionRef extends RecordRef {
  readonly applicantProviderId?: string | null
  readonly createdAt?: Date | null
}

export interface ReadCall {
  readonly signal?: AbortSignal
  /** Of the operation that asks; absent where nobody does. */
  readonly trail?: Trail
}

/** What a create carries beside its input. */
export interface CreateCall {
  /** Our marker, 8 to 64 characters of [A-Za-z0-9_-], by which the create can be found again. */
  readonly reference: string
  /** A new one for every try, for providers that take an Idempotency-Key. */
  readonly idempotencyKey: string
  readonly externalId?: string | null
  readonly metadata?: JsonObject | null
  /** The provider ids of the records that the input refers to by our ids. */
  readonly applicantProviderId?: string | null
  readonly customerProviderId?: string | null
  /** Of the operation that asks; absent where nobody does. */
  readonly trail?: Trail
  /** Writes down, before the promise resolves, what a search for this create has to know. */
  note?(note: string): Promise<void>
}

/** `cursor` is the `nextCursor` of the page before. */
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
  /** How much of the list ends with this page, 0 to 1, where the provider tells. */
  readonly share?: number
}
