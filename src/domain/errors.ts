import type { ErrorCode } from './error-codes.ts'
import type { Capability, Provider } from './provider.ts'
import type { ProviderOperation } from './records/operation.ts'

/**
 * Base class of all errors that a client may see. `message` says what was expected or what happened, where, and what to do.
 * It names fields and rules, and never repeats a value of the input.
 */
export class DomainError extends Error {
  readonly code: ErrorCode
  /** How long to wait before a retry; null if unknown or if a retry cannot succeed. */
  readonly retryAfterSeconds: number | null = null

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = new.target.name
    this.code = code
  }

  /** True if the same request may succeed later without a change. */
  get retryable(): boolean {
    return RETRYABLE.has(this.code)
  }
}

/** One problem of an input: the path from the argument's name on, and the expected value. */
export interface InputIssue {
  readonly path: readonly string[]
  readonly message: string
}

/** The first issue, and how many others there are. A path ends before the keys of a JSON object, which are the client's. */
function describeIssues(issues: readonly InputIssue[]): string {
  const [{ path, message } = { path: [], message: 'Expected a valid input.' }, ...others] = issues
  const place = path.includes('metadata') ? path.slice(0, path.indexOf('metadata') + 1) : path
  const first = [place.join('.'), message].filter(Boolean).join(': ')
  return others.length === 0 ? first : `${first} And ${others.length} more: \`issues\` lists all of them.`
}

export class InvalidInputError extends DomainError {
  readonly issues: readonly InputIssue[]

  constructor(issues: readonly InputIssue[]) {
    super('INVALID_INPUT', describeIssues(issues))
    this.issues = issues
  }
}

/** The fields that the caller may not read. One error per operation; it collects paths while the operation runs. */
export class ForbiddenError extends DomainError {
  readonly scopes: string[] = []
  readonly paths: string[] = []

  constructor() {
    super(
      'FORBIDDEN',
      'Access denied for the fields in `paths`. Leave them out, or use an API key with one of `scopes`; a client token cannot have any.',
    )
  }

  /** `path`: a field, without list indexes. */
  add(path: string, scopes: readonly string[]): this {
    if (!this.paths.includes(path) && this.paths.length < MAX_PATHS) this.paths.push(path)
    for (const scope of scopes) if (!this.scopes.includes(scope)) this.scopes.push(scope)
    return this
  }
}

/** Bounds the error for documents with very many fields. */
const MAX_PATHS = 100

export class NotFoundError extends DomainError {
  /** Set if a provider reported it. */
  readonly providerCode: string | null = null

  constructor(message: string) {
    super('NOT_FOUND', message)
  }
}

/** One message for what does not exist, was erased, or belongs to another tenant. `what` is its type. */
export function notFoundError(what: string): NotFoundError {
  return new NotFoundError(`${what.charAt(0).toUpperCase()}${what.slice(1)} not found. Check the id.`)
}

export class UnsupportedError extends DomainError {
  readonly provider: Provider
  readonly capability: Capability

  constructor(provider: Provider, capability: Capability, message: string) {
    super('UNSUPPORTED_BY_PROVIDER', `${message} Read \`providers { capabilities }\` for what it can do.`)
    this.provider = provider
    this.capability = capability
  }
}

/**
 * The outcome of a failed create. NOT_SENT: the request never reached the provider. REFUSED: the provider rejected it.
 * UNCERTAIN: the provider may have carried it out.
 */
export type SendOutcome = 'NOT_SENT' | 'REFUSED' | 'UNCERTAIN'

export interface ProviderErrorOptions extends ErrorOptions {
  /** The failed call, by its name in the contract (`getSession`). */
  readonly operation?: string
  readonly outcome?: SendOutcome
  readonly status?: number
  readonly retryAfterSeconds?: number | null
  /** The provider's own error code. */
  readonly providerCode?: string | null
  /** True for a rate limit that lasts for hours. */
  readonly isLasting?: boolean
}

const HOUR_SECONDS = 3_600

/** Base class of all errors caused by a provider. The provider's free text is not included. */
export class ProviderError extends DomainError {
  readonly provider: Provider
  readonly operation: string | null
  readonly outcome: SendOutcome
  readonly status: number | null
  override readonly retryAfterSeconds: number | null
  readonly providerCode: string | null
  /** True for a rate limit that lasts longer than an hour. */
  readonly isLasting: boolean
  /** What happened: the message without what to do about it. */
  readonly summary: string

  constructor(code: ErrorCode, provider: Provider, summary: string, options: ProviderErrorOptions = {}) {
    super(code, `${summary} ${remedyFor(code, options)}`, options)
    this.summary = summary
    this.provider = provider
    this.operation = options.operation ?? null
    this.outcome = options.outcome ?? 'UNCERTAIN'
    this.status = options.status ?? null
    this.retryAfterSeconds = options.retryAfterSeconds ?? null
    this.providerCode = options.providerCode ?? null
    this.isLasting = isLastingLimit(code, options)
  }

  override get retryable(): boolean {
    return super.retryable && !this.isLasting
  }
}

/** The message for an operator, without what a client does about the error. */
export function operatorMessage(error: DomainError): string {
  if (!(error instanceof ProviderError)) return error.message
  return error.retryable ? `${error.summary} Try again later.` : error.summary
}

function isLastingLimit(code: ErrorCode, { isLasting, retryAfterSeconds }: ProviderErrorOptions): boolean {
  return code === 'PROVIDER_RATE_LIMITED' && (isLasting === true || (retryAfterSeconds ?? 0) > HOUR_SECONDS)
}

/** What a client, or its operator, does about an error of a provider. */
function remedyFor(code: ErrorCode, options: ProviderErrorOptions): string {
  if (code === 'PROVIDER_REJECTED') return 'Correct the input: `providerCode` and the issues have the reason.'
  if (code === 'PROVIDER_CONTRACT_BROKEN')
    return 'A retry does not help. The operator can see the difference with `sessiongraph drift list`.'
  if (code === 'PROVIDER_AUTH_FAILED')
    return 'The operator has to correct the credentials or the account at the provider.'
  if (code === 'PROVIDER_NOT_CONFIGURED') return 'The operator has to set its credentials.'
  if (isLastingLimit(code, options)) return 'The limit lasts for hours: the operator can have the provider raise it.'
  const when = options.retryAfterSeconds ? `after ${options.retryAfterSeconds} seconds` : 'later'
  return `Send the request again ${when}; a create with the same idempotency key.`
}

/** The provider rejected the request. The paths of the issues are the provider's. */
export class ProviderRejectedError extends ProviderError {
  readonly issues: readonly InputIssue[]

  constructor(
    provider: Provider,
    message: string,
    options: ProviderErrorOptions & { issues?: readonly InputIssue[] } = {},
  ) {
    super('PROVIDER_REJECTED', provider, message, { outcome: 'REFUSED', ...options })
    this.issues = options.issues ?? []
  }
}

export type UnavailableCode =
  | 'PROVIDER_UNAVAILABLE'
  | 'PROVIDER_RATE_LIMITED'
  | 'PROVIDER_AUTH_FAILED'
  | 'PROVIDER_NOT_CONFIGURED'

/** The provider cannot serve us now: down, rate limited, our credentials refused, or not configured. */
export class ProviderUnavailableError extends ProviderError {
  constructor(code: UnavailableCode, provider: Provider, message: string, options?: ProviderErrorOptions) {
    super(code, provider, message, options)
  }
}

/** The provider's response violates its contract. */
export class ProviderContractError extends ProviderError {
  constructor(provider: Provider, message: string, options?: ProviderErrorOptions) {
    super('PROVIDER_CONTRACT_BROKEN', provider, message, options)
  }
}

/** The provider has no record with this id. */
export class ProviderNotFoundError extends NotFoundError {
  readonly provider: Provider
  readonly operation: string | null
  override readonly providerCode: string | null

  constructor(provider: Provider, summary: string, options: ProviderErrorOptions = {}) {
    super(`${summary} Check the id.`)
    this.provider = provider
    this.operation = options.operation ?? null
    this.providerCode = options.providerCode ?? null
  }
}

/** The provider's outcome is unknown. `operation` is settled later; a request with the same key returns its result. */
export class UnconfirmedError extends DomainError {
  readonly operation: ProviderOperation
  override readonly retryAfterSeconds: number | null

  /** `retryAfterSeconds`: until the next check; null if there is none. */
  constructor(operation: ProviderOperation, retryAfterSeconds: number | null) {
    super(
      'UNCONFIRMED',
      "The provider's outcome is unknown. Send the same request again later, with the same idempotency key.",
    )
    this.operation = operation
    this.retryAfterSeconds = retryAfterSeconds
  }
}

/** The recommended delay before the next request for a create in progress. */
const IN_PROGRESS_RETRY_SECONDS = 1

export class IdempotencyConflictError extends DomainError {
  readonly operation: ProviderOperation
  override readonly retryAfterSeconds: number | null

  constructor(code: 'IDEMPOTENCY_KEY_REUSED' | 'IDEMPOTENCY_IN_PROGRESS', operation: ProviderOperation) {
    super(
      code,
      code === 'IDEMPOTENCY_KEY_REUSED'
        ? 'This idempotency key was already used with a different input. Use a new key for each create.'
        : 'A create with this idempotency key is in progress. Send the same request again later.',
    )
    this.operation = operation
    this.retryAfterSeconds = code === 'IDEMPOTENCY_IN_PROGRESS' ? IN_PROGRESS_RETRY_SECONDS : null
  }
}

/** The provider's own error code; null if it sent none. */
export function providerCodeOf(error: DomainError): string | null {
  return error instanceof ProviderError || error instanceof NotFoundError ? error.providerCode : null
}

const RETRYABLE: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'RATE_LIMITED',
  'OVERLOADED',
  'DEADLINE_EXCEEDED',
  'IDEMPOTENCY_IN_PROGRESS',
  'UNCONFIRMED',
  'PROVIDER_UNAVAILABLE',
  'PROVIDER_RATE_LIMITED',
])
