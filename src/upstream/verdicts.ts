import {
  DomainError,
  NotFoundError,
  ProviderContractError,
  ProviderError,
  ProviderUnavailableError,
} from '../domain/errors.ts'

/** What the error of a call says about its provider, and whether the call may be sent again. */

/** True where the provider is at fault: 5xx, timeouts, resets, broken contracts. A 4xx or a client that left is not. */
export function isFailure(error: unknown): boolean {
  if (error instanceof ProviderContractError) return true
  return error instanceof ProviderError && error.code === 'PROVIDER_UNAVAILABLE'
}

/** What an operator has to see: what the provider failed, and that it refuses our credentials. */
export function isUnwell(error: unknown): boolean {
  return isFailure(error) || (error instanceof ProviderError && error.code === 'PROVIDER_AUTH_FAILED')
}

/** True where the provider answered, whatever it said. */
export function isAnswer(error: unknown): boolean {
  if (error instanceof ProviderError) return error.status !== null && error.status < 500
  return error instanceof NotFoundError
}

/** True for a timeout or a reset: it may have been carried out, and nothing was answered. */
export function isLost(error: unknown): boolean {
  if (!(error instanceof ProviderUnavailableError)) return false
  return error.code === 'PROVIDER_UNAVAILABLE' && error.outcome === 'UNCERTAIN' && error.status === null
}

const RETRY_PAUSE_MS = 50

/** How long to wait before a read is sent again; undefined where that would not help. */
export function retryAfterMs(error: unknown): number | undefined {
  if (!(error instanceof DomainError) || !(error instanceof ProviderUnavailableError)) return undefined
  if (error.code === 'PROVIDER_RATE_LIMITED') {
    return error.retryAfterSeconds === null ? undefined : error.retryAfterSeconds * 1000
  }
  if (error.code !== 'PROVIDER_UNAVAILABLE') return undefined
  return error.retryAfterSeconds === null ? RETRY_PAUSE_MS : error.retryAfterSeconds * 1000
}
