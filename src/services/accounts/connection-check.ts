import { randomUUID } from 'node:crypto'
import type { ErrorCode } from '../../domain/error-codes.ts'
import { DomainError, NotFoundError, ProviderError, providerCodeOf } from '../../domain/errors.ts'
import type { ProviderClient } from '../../providers/contract.ts'
import { failureKindOf } from '../../upstream/error-classification.ts'
import type { Account } from './account.ts'
import { readSample } from './sample-read.ts'

export interface ConnectionResult {
  readonly ok: boolean
  /** The result as a sentence. */
  readonly message: string
  /** The error of the read. */
  readonly code?: ErrorCode
  /** True if a server answered at the provider's URL. */
  readonly isReached: boolean
  /** True if the problem must be solved at the provider. */
  readonly isForOperator?: true
}

/** Makes one harmless read at the provider. */
export async function testConnection(account: Account): Promise<ConnectionResult> {
  const { provider } = account
  try {
    await account.upstream.test(() => readSample(account.client))
    await readAttemptsOfMissingSession(account.client)
    return {
      ok: true,
      isReached: true,
      message: `${provider} is reachable, accepts the credentials and fulfils its contract.`,
    }
  } catch (error) {
    if (!(error instanceof DomainError)) throw error
    const { code } = error
    const response = responseOf(error)
    const failed = { ok: false, code, isReached: response !== undefined }
    const came = response ?? causeOf(error)
    const reason = isForOperator(error) ? 'is reachable but does not serve this account' : reasonOf(error, response)
    const message = `${provider} ${reason}${came ? ` (${came})` : ''}.`
    return isForOperator(error) ? { ...failed, message, isForOperator: true } : { ...failed, message }
  }
}

/** The status and the provider's own code; undefined without a response. */
function responseOf(error: DomainError): string | undefined {
  const status = error instanceof NotFoundError ? 404 : error instanceof ProviderError ? error.status : null
  if (status === null) return error.code === 'PROVIDER_CONTRACT_BROKEN' ? 'status 200' : undefined
  const providerCode = providerCodeOf(error)
  return providerCode === null ? `status ${status}` : `status ${status}, code ${providerCode}`
}

/** The code of a connection that could not be made, such as ECONNREFUSED. */
function causeOf({ cause }: DomainError): string | undefined {
  return cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : undefined
}

function reasonOf(error: DomainError, response: string | undefined): string {
  if (error.code === 'PROVIDER_UNAVAILABLE') {
    if (response !== undefined) return 'is reachable but fails'
    return failureKindOf(error) === 'TIMEOUT' ? 'does not answer in time' : 'cannot be reached at this URL'
  }
  return FAILURES[error.code] ?? `responded with ${error.code} to a harmless read`
}

/** Discovers whether the account has attempts. The session does not exist, so the answer itself does not matter. */
async function readAttemptsOfMissingSession({ listAttempts }: ProviderClient): Promise<void> {
  try {
    await listAttempts?.({ providerId: randomUUID() }, {})
  } catch (error) {
    if (!(error instanceof DomainError)) throw error
  }
}

/** The credentials are valid, but the provider does not serve the account. */
function isForOperator(error: DomainError): error is ProviderError {
  if (!(error instanceof ProviderError) || error.code !== 'PROVIDER_AUTH_FAILED') return false
  return error.status !== null && error.status !== 401 && error.status !== 403
}

const FAILURES: Partial<Record<ErrorCode, string>> = {
  NOT_FOUND: 'is not at this URL: the server there does not have the requested path',
  PROVIDER_AUTH_FAILED: 'is reachable but rejects the credentials',
  PROVIDER_CONTRACT_BROKEN: 'is not at this URL, or has another version: the response violates its contract',
  PROVIDER_RATE_LIMITED: 'is reachable but its rate limit is exceeded',
  PROVIDER_REJECTED: 'is reachable but rejects a harmless read',
}
