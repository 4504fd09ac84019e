import type { CreateOperation } from './operation.ts'
import type { Capability, Provider } from './provider.ts'

/** Every code a client can meet, in a result union or in `extensions.code`. docs/errors.md says what each means. */
export const ERROR_CODES = [
  'UNAUTHENTICATED',
  'FORBIDDEN',
  'INVALID_INPUT',
  'NOT_FOUND',
  'BAD_REQUEST',
  'GRAPHQL_PARSE_FAILED',
  'GRAPHQL_VALIDATION_FAILED',
  'QUERY_TOO_COMPLEX',
  'DOCUMENT_NOT_TRUSTED',
  'PAYLOAD_TOO_LARGE',
  'UNSUPPORTED_MEDIA_TYPE',
  'METHOD_NOT_ALLOWED',
  'RATE_LIMITED',
  'OVERLOADED',
  'DEADLINE_EXCEEDED',
  'CURSOR_INVALID',
  'CURSOR_EXPIRED',
  'IDEMPOTENCY_KEY_REUSED',
  'IDEMPOTENCY_IN_PROGRESS',
  'OUTCOME_UNKNOWN',
  'PROVIDER_REJECTED',
  'PROVIDER_UNAVAILABLE',
  'PROVIDER_RATE_LIMITED',
  'PROVIDER_AUTH_FAILED',
  'PROVIDER_CONTRACT_BROKEN',
  'PROVIDER_NOT_CONFIGURED',
  'UNSUPPORTED_BY_PROVIDER',
  'INTERNAL_ERROR',
] as const

export type ErrorCode = (typeof ERROR_CODES)[number]

/** The one base of every error that a client may see. `message` is our own sentence and never repeats what came in. */
export class DomainError extends Error {
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = new.target.name
    this.code = code
  }
}

/** One thing wrong with an input: the path to it, from the argument's name, and what was expected there. */
export interface InputIssue {
  readonly path: readonly string[]
  readonly message: string
}

export class InvalidInputError extends DomainError {
  readonly issues: readonly InputIssue[]

  constructor(issues: readonly InputIssue[]) {
    super('INVALID_INPUT', issues.length === 1 ? 'One input is invalid.' : `${issues.length} inputs are invalid.`)
    this.issues = issues
  }
}

/** What an operation asked for and its caller may not have. It grows while the operation goes on: one for all of it. */
export class ForbiddenError extends DomainError {
  readonly scopes: string[] = []
  readonly paths: string[] = []

  constructor() {
    super(
      'FORBIDDEN',
      'You may not have what `paths` names. `scopes` are those that would do; a client token has none.',
    )
  }

  /** `path`: a field, without the places of rows. */
  add(path: string, scopes: readonly string[]): this {
    if (!this.paths.includes(path) && this.paths.length < MAX_PATHS) this.paths.push(path)
    for (const scope of scopes) if (!this.scopes.includes(scope)) this.scopes.push(scope)
    return this
  }
}

/** An error is read by people: what a hostile document makes of it has an end. */
const MAX_PATHS = 100

export class NotFoundError extends DomainError {
  constructor(message: string) {
    super('NOT_FOUND', message)
  }
}

export class UnsupportedError extends DomainError {
  readonly provider: Provider
  readonly capability: Capability

  constructor(provider: Provider, capability: Capability, message: string) {
    super('UNSUPPORTED_BY_PROVIDER', message)
    this.provider = provider
    this.capability = capability
  }
}

/**
 * What is known about a create that did not succeed.
 * NOT_SENT: the provider never saw it. REFUSED: it said no. UNCERTAIN: it may have been carried out.
 */
export type SendOutcome = 'NOT_SENT' | 'REFUSED' | 'UNCERTAIN'

export interface ProviderErrorOptions extends ErrorOptions {
  /** The call that failed, in the contract's words (`getSession`). */
  readonly operation?: string
  readonly outcome?: SendOutcome
  readonly status?: number
  readonly retryAfterSeconds?: number | null
}

/** The base of every error that a provider caused. */
export class ProviderError extends DomainError {
  readonly provider: Provider
  readonly operation: string | null
  readonly outcome: SendOutcome
  readonly status: number | null
  readonly retryAfterSeconds: number | null

  constructor(code: ErrorCode, provider: Provider, message: string, options: ProviderErrorOptions = {}) {
    super(code, message, options)
    this.provider = provider
    this.operation = options.operation ?? null
    this.outcome = options.outcome ?? 'UNCERTAIN'
    this.status = options.status ?? null
    this.retryAfterSeconds = options.retryAfterSeconds ?? null
  }
}

/** The provider said no. `providerCode` and the issues' paths are the provider's; its free text is not carried. */
export class ProviderRejectedError extends ProviderError {
  readonly providerCode: string | null
  readonly issues: readonly InputIssue[]

  constructor(
    provider: Provider,
    message: string,
    options: ProviderErrorOptions & { providerCode?: string | null; issues?: readonly InputIssue[] } = {},
  ) {
    super('PROVIDER_REJECTED', provider, message, { outcome: 'REFUSED', ...options })
    this.providerCode = options.providerCode ?? null
    this.issues = options.issues ?? []
  }
}

export type UnavailableCode =
  | 'PROVIDER_UNAVAILABLE'
  | 'PROVIDER_RATE_LIMITED'
  | 'PROVIDER_AUTH_FAILED'
  | 'PROVIDER_NOT_CONFIGURED'

/** The provider cannot serve us now: down, too busy, our credentials refused, or none set. */
export class ProviderUnavailableError extends ProviderError {
  constructor(code: UnavailableCode, provider: Provider, message: string, options?: ProviderErrorOptions) {
    super(code, provider, message, options)
  }
}

/** The provider answered something that its contract does not allow. */
export class ProviderContractError extends ProviderError {
  constructor(provider: Provider, message: string, options?: ProviderErrorOptions) {
    super('PROVIDER_CONTRACT_BROKEN', provider, message, options)
  }
}

/** The provider has no such record. */
export class ProviderNotFoundError extends NotFoundError {
  readonly provider: Provider
  readonly operation: string | null

  constructor(provider: Provider, message: string, options: ProviderErrorOptions = {}) {
    super(message)
    this.provider = provider
    this.operation = options.operation ?? null
  }
}

/** It cannot be known yet whether the create happened. `operation` is settled later; the same key asks again. */
export class OutcomeUnknownError extends DomainError {
  readonly operation: CreateOperation

  constructor(operation: CreateOperation) {
    super('OUTCOME_UNKNOWN', 'It is not known yet whether the provider made it. Ask again with the same key.')
    this.operation = operation
  }
}

export class IdempotencyConflictError extends DomainError {
  readonly operation: CreateOperation

  constructor(code: 'IDEMPOTENCY_KEY_REUSED' | 'IDEMPOTENCY_IN_PROGRESS', operation: CreateOperation) {
    super(
      code,
      code === 'IDEMPOTENCY_KEY_REUSED'
        ? 'This idempotency key was used with another input.'
        : 'A create with this idempotency key is under way.',
    )
    this.operation = operation
  }
}

/** True where the same request may succeed later without anybody changing anything. */
export function isRetryable(error: DomainError): boolean {
  return RETRYABLE.has(error.code)
}

const RETRYABLE: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'RATE_LIMITED',
  'OVERLOADED',
  'DEADLINE_EXCEEDED',
  'IDEMPOTENCY_IN_PROGRESS',
  'OUTCOME_UNKNOWN',
  'PROVIDER_UNAVAILABLE',
  'PROVIDER_RATE_LIMITED',
])
