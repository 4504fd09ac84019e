import {
  type DomainError,
  type InputIssue,
  ProviderContractError,
  ProviderNotFoundError,
  ProviderRejectedError,
  ProviderUnavailableError,
} from '../domain/errors.ts'
import type { Provider } from '../domain/provider.ts'
import type { RawAnswer, RequestOptions } from './transport.ts'

/** A provider's "no", read from its documented error bodies. `status` overrides the HTTP status where the body says it. */
export interface Refusal {
  readonly status?: number
  readonly providerCode?: string | null
  /** Paths in the provider's words; messages in ours. */
  readonly issues?: readonly InputIssue[]
}

/** Reads the provider's error bodies. Under 2xx it returns a refusal only where the provider documents one. */
export type RefusalReader = (status: number, body: unknown) => Refusal | undefined

/** The error that an answer means, or undefined where it is a success to be parsed. */
export function toAnswerError(
  provider: Provider,
  request: RequestOptions,
  answer: RawAnswer,
  body: unknown,
  readRefusal: RefusalReader,
): DomainError | undefined {
  const refusal = readRefusal(answer.status, body)
  if (answer.status < 300) return refusal && toRefusalError(provider, request, refusal.status ?? 400, answer, refusal)
  return toRefusalError(provider, request, answer.status, answer, refusal)
}

function toRefusalError(
  provider: Provider,
  request: RequestOptions,
  status: number,
  answer: RawAnswer,
  refusal: Refusal | undefined,
): DomainError {
  const { operation } = request
  const at = { operation, status, retryAfterSeconds: retryAfterSeconds(answer, new Date()) }
  if (status < 400) {
    return new ProviderContractError(provider, `${provider} answered with a redirect, which is never followed.`, {
      ...at,
      outcome: 'REFUSED',
    })
  }
  if (status >= 500 || status === 408 || status === 425) {
    return new ProviderUnavailableError('PROVIDER_UNAVAILABLE', provider, `${provider} is failing (${status}).`, at)
  }
  if (status === 401 || status === 403) {
    return new ProviderUnavailableError('PROVIDER_AUTH_FAILED', provider, `${provider} refused our credentials.`, {
      ...at,
      outcome: 'REFUSED',
    })
  }
  if (status === 429) {
    return new ProviderUnavailableError('PROVIDER_RATE_LIMITED', provider, `${provider} asks us to slow down.`, {
      ...at,
      outcome: 'REFUSED',
    })
  }
  if (status === 404 && request.kind !== 'CREATE') {
    return new ProviderNotFoundError(provider, `${provider} has no such record.`, at)
  }
  return new ProviderRejectedError(provider, `${provider} refused the request (${status}).`, {
    ...at,
    outcome: status === 409 && hasIdempotencyKey(request) ? 'UNCERTAIN' : 'REFUSED',
    providerCode: toName(refusal?.providerCode) ?? null,
    issues: (refusal?.issues ?? []).map(({ path, message }) => ({
      path: path.map(key => toName(key) ?? '?'),
      message,
    })),
  })
}

/** A code or a key. What does not look like one may be free text, which repeats what was sent. */
function toName(text: string | null | undefined): string | undefined {
  return text && /^[\w.:-]{1,100}$/.test(text) ? text : undefined
}

/** A conflict on an idempotency key may mean that the first request with it is still being carried out. */
function hasIdempotencyKey(request: RequestOptions): boolean {
  return Object.keys(request.headers ?? {}).some(name => name.toLowerCase() === 'idempotency-key')
}

/** Seconds from a Retry-After header, given as seconds or as an HTTP date; null where there is none that can be read. */
function retryAfterSeconds(answer: RawAnswer, now: Date): number | null {
  const header = answer.headers['retry-after']?.trim()
  if (!header) return null
  if (/^\d{1,9}$/.test(header)) return Number(header)
  const at = Date.parse(header)
  return Number.isNaN(at) ? null : Math.min(MAX_SECONDS, Math.max(0, Math.ceil((at - now.getTime()) / 1000)))
}

/** What GraphQL can say as an Int. */
const MAX_SECONDS = 2 ** 31 - 1
