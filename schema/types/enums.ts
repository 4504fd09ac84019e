import type { ErrorCode } from '../../src/domain/error-codes.ts'
import { type Capability, PROVIDERS, type Provider } from '../../src/domain/provider.ts'
import type { ApplicantStatus } from '../../src/domain/records/applicant.ts'
import type { AttemptKind, AttemptStatus } from '../../src/domain/records/attempt.ts'
import type { Outcome } from '../../src/domain/records/decision.ts'
import type { NextActionKind } from '../../src/domain/records/next-action.ts'
import type { OperationKind, OperationState } from '../../src/domain/records/operation.ts'
import type { SessionStatus } from '../../src/domain/records/session.ts'
import type { ChangeSource, OnRefreshError } from '../../src/domain/records/sync.ts'
import { builder } from '../builder.ts'

/** Output enums are open. These sentences say what a client does with a value that it does not know. */
export const TREAT_AS_UNKNOWN = 'Values are added: treat one that you do not know like UNKNOWN.'
export const SHOW_AS_IS = 'Values are added: show one that you do not know as it is.'

/** Enum values from their descriptions. The compiler requires one for every value of the domain type. */
export function described<Value extends string>(descriptions: Readonly<Record<Value, string>>) {
  const entries = Object.entries<string>(descriptions)
  return Object.fromEntries(entries.map(([value, description]) => [value, { value, description }])) as {
    readonly [V in Value]: { readonly value: V; readonly description: string }
  }
}

export const ProviderEnum = builder.enumType('Provider', {
  description: `The providers, alphabetical. ${SHOW_AS_IS}`,
  values: described<Provider>(
    Object.fromEntries(
      PROVIDERS.map(name => [name, `The provider ${name.charAt(0)}${name.slice(1).toLowerCase()}.`]),
    ) as Record<Provider, string>,
  ),
})

export const CapabilityEnum = builder.enumType('Capability', {
  description: `A feature of a provider as it is configured here. ${SHOW_AS_IS}`,
  values: described<Capability>({
    ATTEMPTS: 'Reads the attempts of a session or applicant.',
    CANCEL_SESSION: 'Cancels a session.',
    CREATE_APPLICANT: 'Creates an applicant.',
    CREATE_CUSTOMER: 'Creates a customer.',
    CREATE_SESSION: 'Creates a session.',
    GET_APPLICANT: 'Reads an applicant by its id.',
    GET_CUSTOMER: 'Reads a customer by its id.',
    GET_SESSION: 'Reads a session by its id.',
    IDEMPOTENT_CREATE: 'Accepts an idempotency key, so that a create can be sent again safely.',
    LIST_CUSTOMERS: 'Lists customers.',
    LIST_SESSIONS: 'Lists sessions.',
    REDACT: 'Deletes the personal data of a record.',
    RECONCILE: 'Can find out whether a create whose response was lost succeeded.',
    RENEW_ACCESS: 'Creates a new link or token for an open session.',
    UPDATE_CUSTOMER: 'Changes a customer.',
    WEBHOOKS: 'Sends webhooks.',
  }),
})

export const SessionStatusEnum = builder.enumType('SessionStatus', {
  description: `The progress of a session, the same for all providers. See \`Outcome\` for the decision. ${TREAT_AS_UNKNOWN}`,
  values: described<SessionStatus>({
    CANCELED: 'The session was canceled, here or at the provider.',
    COMPLETED: 'The provider has finished. See `outcome`.',
    CREATED: 'The end user has not started.',
    EXPIRED: 'The session expired before it was completed.',
    IN_PROGRESS: 'The end user has started; the provider has not finished.',
    UNKNOWN: 'The provider reported a status that is not known here. See `providerStatus`.',
  }),
})

export const ApplicantStatusEnum = builder.enumType('ApplicantStatus', {
  description: `The progress of an applicant, the same for all providers. See \`Outcome\` for the decision. ${TREAT_AS_UNKNOWN}`,
  values: described<ApplicantStatus>({
    COMPLETED: 'The provider has finished. See `outcome`.',
    CREATED: 'The verification or application has not started.',
    IN_PROGRESS: 'The verification or application has started; the provider has not finished.',
    UNKNOWN: 'The provider reported a status that is not known here. See `providerStatus`.',
  }),
})

export const AttemptStatusEnum = builder.enumType('AttemptStatus', {
  description: `The progress of an attempt. ${TREAT_AS_UNKNOWN}`,
  values: described<AttemptStatus>({
    CANCELED: 'The attempt was canceled.',
    FAILED: 'The attempt failed. See `failureCode`.',
    IN_PROGRESS: 'The attempt has not ended.',
    SUCCEEDED: 'The attempt succeeded.',
    UNKNOWN: 'The provider reported a status that is not known here. See `providerStatus`.',
  }),
})

export const AttemptKindEnum = builder.enumType('AttemptKind', {
  description: `What an attempt is at its provider. ${SHOW_AS_IS}`,
  values: described<AttemptKind>({
    ATTEMPT: 'One try of the end user (Kayle).',
    CHECK: 'The result of one step (Verilock).',
    REVIEW: 'The latest review of an applicant (Personr).',
  }),
})

export const OutcomeEnum = builder.enumType('Outcome', {
  description: `The provider's decision, the same words for all providers. Never derived from the status alone. ${TREAT_AS_UNKNOWN}`,
  values: described<Outcome>({
    APPROVED: 'The provider approved.',
    INCONCLUSIVE: 'The provider ended without a decision: a new session is needed.',
    IN_REVIEW: 'A person at the provider reviews it.',
    NEEDS_RETRY: 'The provider requires the end user to try again in the same session.',
    NOT_APPLICABLE: 'No decision is made: the provider decides nothing, or the session was canceled or expired.',
    PENDING: 'The provider has not decided.',
    REJECTED: 'The provider rejected.',
    UNKNOWN: 'The provider reported a decision that is not known here, or none although it has finished.',
  }),
})

export const ChangeSourceEnum = builder.enumType('ChangeSource', {
  description: `How this server learned of a change. ${SHOW_AS_IS}`,
  values: described<ChangeSource>({
    CALLER: "From a mutation: the provider's response to a create, or a change that you made.",
    DERIVED: 'Computed here, for example when a session expires by its time.',
    FETCH: 'From a read at the provider.',
    WEBHOOK: 'From a webhook of the provider.',
  }),
})

export const OnRefreshErrorEnum = builder.enumType('OnRefreshError', {
  description: 'What to return if a record cannot be read from its provider.',
  values: described<OnRefreshError>({
    FAIL: 'An error.',
    SERVE_STALE:
      'The stored record, with `sync.stale` true. `sync.stale` is false if the provider cannot read this record at all: nothing newer exists.',
  }),
})

export const OperationKindEnum = builder.enumType('OperationKind', {
  description: `What an operation does at the provider. ${SHOW_AS_IS}`,
  values: described<OperationKind>({
    CREATE_APPLICANT: 'Creates an applicant.',
    CREATE_CUSTOMER: 'Creates a customer.',
    CREATE_SESSION: 'Creates a session.',
  }),
})

export const OperationStateEnum = builder.enumType('OperationState', {
  description: `The progress of a create operation. ${TREAT_AS_UNKNOWN}`,
  values: described<OperationState>({
    FAILED: 'Nothing was created. See `lastError`.',
    PENDING: 'Not sent to the provider.',
    SENT: 'Sent to the provider; its response has not been received.',
    SUCCEEDED: 'Created.',
    UNKNOWN: 'Sent, but its response was lost: whether the provider created it is being checked.',
  }),
})

export const ErrorCodeEnum = builder.enumType('ErrorCode', {
  description: `The code of an error, in a result or in \`extensions.code\`. ${SHOW_AS_IS}`,
  values: described<ErrorCode>({
    BAD_REQUEST: 'The request is malformed: JSON, variables, operation name or headers.',
    CURSOR_EXPIRED: 'The cursor is older than the stored events.',
    CURSOR_INVALID: 'The cursor is malformed or belongs to another list.',
    DEADLINE_EXCEEDED: 'The operation took too long.',
    DOCUMENT_NOT_TRUSTED: 'The document is not registered on this server.',
    PERSISTED_QUERY_NOT_SUPPORTED:
      'The request has only the hash of a document, and this server registers none. Clients then send the text.',
    FORBIDDEN: 'Access denied for the fields in `paths`.',
    GRAPHQL_PARSE_FAILED: 'The document is not valid GraphQL syntax.',
    GRAPHQL_VALIDATION_FAILED: 'The document does not match the schema.',
    IDEMPOTENCY_IN_PROGRESS: 'A create with this idempotency key is still running.',
    IDEMPOTENCY_KEY_REUSED: 'The idempotency key was used with another input.',
    INTERNAL_ERROR: 'Internal error. Quote `requestId` when contacting support.',
    INVALID_INPUT: 'The input is invalid. `issues` lists every problem. Nothing was sent to the provider.',
    METHOD_NOT_ALLOWED: 'The HTTP method is not allowed.',
    NOT_FOUND: 'The record does not exist, belongs to another tenant, or was erased.',
    UNCONFIRMED: "The provider's response was lost. Repeat the request with the same idempotency key.",
    OVERLOADED: 'The server is at capacity or shutting down, or its database is unavailable.',
    PAYLOAD_TOO_LARGE: 'The request body is too large.',
    PROVIDER_AUTH_FAILED: "The provider rejected the server's credentials.",
    PROVIDER_CONTRACT_BROKEN: "The provider's response did not match its documentation.",
    PROVIDER_NOT_CONFIGURED: 'The provider has no credentials on this server.',
    PROVIDER_RATE_LIMITED: "The provider's rate limit is exceeded.",
    PROVIDER_REJECTED: 'The provider rejected the request. See `providerCode`.',
    PROVIDER_UNAVAILABLE: 'The provider is down or too slow, or its circuit breaker is open.',
    QUERY_TOO_COMPLEX: 'The document exceeds a limit of size, depth or cost.',
    RATE_LIMITED: 'The rate limit of the API key or address is exceeded.',
    UNAUTHENTICATED: 'The API key or client token is missing, invalid, expired or revoked.',
    UNSUPPORTED_BY_PROVIDER: 'The provider does not support this. See `capability`.',
    UNSUPPORTED_MEDIA_TYPE: 'The request body is not JSON in UTF-8.',
  }),
})

export const NextActionKindEnum = builder.enumType('NextActionKind', {
  description: `What the end user has to do next. ${TREAT_AS_UNKNOWN}`,
  values: described<NextActionKind>({
    APPLY: 'Continue the application at `url`.',
    DONE: 'Nothing: the provider approved, or it has finished and makes no decision.',
    OPEN_PORTAL: 'Open the customer portal at `url`.',
    REJECTED: 'Nothing: the provider rejected.',
    RETRY: 'Try again: at `url`, or with a new session if `needsNewSession` is true.',
    START: 'Create a session: nothing was started.',
    UNKNOWN: 'Cannot be determined. Read the session again later.',
    VERIFY: 'Complete the verification at `url`.',
    WAIT: 'Nothing to do: the provider is working on it.',
  }),
})
