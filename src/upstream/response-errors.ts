import {
  type DomainError,
  type InputIssue,
  ProviderContractError,
  ProviderNotFoundError,
  ProviderRejectedError,
  ProviderUnavailableError,
} from '../domain/errors.ts'
import type { Provider } from '../domain/provider.ts'
import { outcomeOf } from './status-outcomes.ts'
import { headerOf, type RawResponse, type RequestOptions } from './transport.ts'

/**
 * A rejection, read from the provider's documented error bodies. `status` overrides the HTTP status if the body
 * contains one.
 */
export interface ProviderRejection {
  readonly status?: number
  readonly providerCode?: string | null
  /** The paths are the provider's; the messages are ours. */
  readonly issues?: readonly InputIssue[]
  /** The id in the path cannot be an id of this provider: no record has it. */
  readonly isUnreadableId?: boolean
  /** Something that the operator of the account has to fix at the provider, such as refused credentials. */
  readonly isForOperator?: boolean
  /** A rate limit that lasts for hours. */
  readonly isLasting?: boolean
}

/** Reads the provider's error bodies. For a 2xx it returns a rejection only if the provider documents one. */
export type RejectionReader = (status: number, body: unknown) => ProviderRejection | undefined

/** The error of a response; undefined if it is a success that can be parsed. */
export function toProviderError(
  provider: Provider,
  request: RequestOptions,
  answer: RawResponse,
  body: unknown,
  readRejection: RejectionReader,
): DomainError | undefined {
  const refusal = readRejection(answer.status, body)
  if (answer.status < 300) return refusal && toRejectionError(provider, request, refusal.status ?? 400, answer, refusal)
  return toRejectionError(provider, request, answer.status, answer, refusal)
}

function toRejectionError(
  provider: Provider,
  request: RequestOptions,
  status: number,
  answer: RawResponse,
  refusal: ProviderRejection | undefined,
): DomainError {
  const { operation } = request
  const at = {
    operation,
    status,
    retryAfterSeconds: retryAfterSeconds(answer, new Date()),
    providerCode: toName(refusal?.providerCode) ?? null,
    isLasting: refusal?.isLasting,
    outcome: outcomeOf(status, hasIdempotencyKey(request)),
  }
  if (status < 400) {
    return new ProviderContractError(provider, `${provider} responded with a redirect. Redirects are not followed.`, at)
  }
  if (status >= 500 || status === 408 || status === 425) {
    return new ProviderUnavailableError('PROVIDER_UNAVAILABLE', provider, `${provider} is failing (${status}).`, at)
  }
  if (status === 401 || status === 403) {
    return new ProviderUnavailableError(
      'PROVIDER_AUTH_FAILED',
      provider,
      `${provider} rejected the credentials of this account.`,
      at,
    )
  }
  if (refusal?.isForOperator) {
    return new ProviderUnavailableError(
      'PROVIDER_AUTH_FAILED',
      provider,
      `${provider} does not serve this account.`,
      at,
    )
  }
  if (status === 429) {
    return new ProviderUnavailableError('PROVIDER_RATE_LIMITED', provider, `${provider} rate limit exceeded.`, at)
  }
  if (request.kind !== 'CREATE' && (status === 404 || refusal?.isUnreadableId)) {
    return new ProviderNotFoundError(provider, `${provider} has no record with this id.`, at)
  }
  return new ProviderRejectedError(provider, `${provider} rejected the request (${status}).`, {
    ...at,
    issues: (refusal?.issues ?? []).map(({ path, message }) => ({
      path: path.map(key => toName(key) ?? '?'),
      message,
    })),
  })
}

/** A code or a key. Anything else may be free text that repeats the input. */
function toName(text: string | null | undefined): string | undefined {
  return text && /^[\w.:-]{1,100}$/.test(text) ? text : undefined
}

function hasIdempotencyKey(request: RequestOptions): boolean {
  return Object.keys(request.headers ?? {}).some(name => name.toLowerCase() === 'idempotency-key')
}

/** Seconds from a Retry-After header in seconds or as an HTTP date; null if it is missing or unreadable. */
function retryAfterSeconds(answer: RawResponse, now: Date): number | null {
  const header = headerOf(answer, 'retry-after')?.trim()
  if (!header) return null
  if (/^\d{1,9}$/.test(header)) return Number(header)
  const at = Date.parse(header)
  return Number.isNaN(at) ? null : Math.min(MAX_SECONDS, Math.max(0, Math.ceil((at - now.getTime()) / 1000)))
}

/** The maximum of a GraphQL Int. */
const MAX_SECONDS = 2 ** 31 - 1
