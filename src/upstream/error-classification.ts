import { NotFoundError, ProviderContractError, ProviderError, ProviderUnavailableError } from '../domain/errors.ts'
import type { FailureKind } from '../domain/provider-failure.ts'
import { isTimeout } from './transport.ts'

/** What the error of a call says about the provider, and whether the call can be retried. */

/** True if the provider is at fault: 5xx, timeout, reset, contract violation. A 4xx or a disconnected client is not. */
export function isFailure(error: unknown): boolean {
  if (error instanceof ProviderContractError) return true
  return error instanceof ProviderError && error.code === 'PROVIDER_UNAVAILABLE'
}

/** True for what the health of an account reports to its operator: failures of the provider, and refused credentials. */
export function isOperatorRelevant(error: unknown): boolean {
  return isFailure(error) || (error instanceof ProviderError && error.code === 'PROVIDER_AUTH_FAILED')
}

/** True if the provider responded with a status below 500. */
export function isProviderResponse(error: unknown): boolean {
  if (error instanceof ProviderError) return error.status !== null && error.status < 500
  return error instanceof NotFoundError
}

/** True for an error of a provider that works: any status below 500 except 429. */
export function isWorking(error: unknown): boolean {
  const isLimited = error instanceof ProviderError && error.code === 'PROVIDER_RATE_LIMITED'
  return isProviderResponse(error) && !isLimited
}

/** True for any HTTP response, including 5xx and contract violations. */
export function isResponse(error: unknown): boolean {
  if (error instanceof ProviderContractError) return true
  return isProviderResponse(error) || (error instanceof ProviderError && error.status !== null)
}

/** True for a timeout or a reset: the request may have been carried out, but there was no response. */
export function isOutcomeUnknown(error: unknown): boolean {
  if (!(error instanceof ProviderUnavailableError)) return false
  return error.code === 'PROVIDER_UNAVAILABLE' && error.outcome === 'UNCERTAIN' && error.status === null
}

/** Undefined for an error that is no failure of the provider or of its account. */
export function failureKindOf(error: unknown): FailureKind | undefined {
  if (error instanceof ProviderContractError) return 'CONTRACT_BROKEN'
  if (!(error instanceof ProviderError)) return undefined
  if (error.code === 'PROVIDER_AUTH_FAILED') return 'AUTH_FAILED'
  if (error.code === 'PROVIDER_RATE_LIMITED') return 'RATE_LIMITED'
  if (error.code !== 'PROVIDER_UNAVAILABLE') return undefined
  if (error.status !== null) return 'SERVER_ERROR'
  return isTimeout(error.cause) ? 'TIMEOUT' : 'UNREACHABLE'
}

const RETRY_PAUSE_MS = 50

/** How long to wait before a read is retried; undefined if a retry would not help. */
export function retryAfterMs(error: unknown): number | undefined {
  if (!(error instanceof ProviderUnavailableError)) return undefined
  if (error.code === 'PROVIDER_RATE_LIMITED') {
    return error.retryAfterSeconds === null ? undefined : error.retryAfterSeconds * 1000
  }
  if (error.code !== 'PROVIDER_UNAVAILABLE') return undefined
  return error.retryAfterSeconds === null ? RETRY_PAUSE_MS : error.retryAfterSeconds * 1000
}
