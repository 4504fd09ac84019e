import { randomUUID } from 'node:crypto'
import type { ErrorCode } from '../../domain/error-codes.ts'
import { DomainError, ProviderError } from '../../domain/errors.ts'
import type { ProviderClient } from '../../providers/contract.ts'
import type { Account } from './account.ts'
import { readSample } from './sample-read.ts'

export interface ConnectionResult {
  readonly ok: boolean
  /** The result as a sentence. */
  readonly message: string
  /** The error of the read. */
  readonly code?: ErrorCode
  /** True if the problem must be solved at the provider. */
  readonly isForOperator?: true
}

/** Makes one harmless read at the provider. */
export async function testConnection(account: Account): Promise<ConnectionResult> {
  const { provider } = account
  try {
    await account.upstream.test(() => readSample(account.client))
    await readAttemptsOfMissingSession(account.client)
    return { ok: true, message: `${provider} is reachable, accepts the credentials and fulfils its contract.` }
  } catch (error) {
    if (!(error instanceof DomainError)) throw error
    const { code } = error
    if (isForOperator(error)) {
      const message = `${provider} is reachable but does not serve this account (${error.providerCode}).`
      return { ok: false, code, message, isForOperator: true }
    }
    return { ok: false, code, message: `${provider} ${FAILURES[code] ?? `responded with ${code} to a harmless read`}.` }
  }
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
  PROVIDER_RATE_LIMITED: 'is reachable but its rate limit is exceeded; try again later',
  PROVIDER_REJECTED: 'is reachable but rejects a harmless read',
  PROVIDER_UNAVAILABLE: 'cannot be reached at this URL, or is down',
}
