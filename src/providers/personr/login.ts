import {
  ProviderContractError,
  ProviderError,
  ProviderNotFoundError,
  ProviderRejectedError,
  ProviderUnavailableError,
} from '../../domain/errors.ts'
import type { Upstream, UpstreamCall } from '../../upstream/upstream.ts'
import type { AccountSecrets } from '../contract.ts'
import { createTokenStore } from './token.ts'
import { tokenResponse } from './wire.ts'

type PersonrCall<T> = Omit<UpstreamCall<T>, 'method' | 'headers'>

interface Credentials {
  readonly apiKey?: string
  readonly email?: string
  readonly password?: string
}

/** Posts with the configured token, or with a login token that is renewed once if it is refused. */
export function createAuthenticatedRequest(
  settings: Credentials,
  upstream: Upstream,
  secrets: AccountSecrets,
): <T>(call: PersonrCall<T>) => Promise<T> {
  const tokens = createTokenStore(secrets, login)

  async function login(): Promise<string> {
    try {
      const answer = await upstream.call({
        operation: 'login',
        kind: 'SIGN_IN',
        method: 'POST',
        path: '/api-token-generate',
        form: { email: settings.email, password: settings.password },
        schema: tokenResponse,
      })
      return answer.response.token
    } catch (error) {
      throw toLoginError(error)
    }
  }

  function post<T>(call: PersonrCall<T>, token: string): Promise<T> {
    return upstream.call({ ...call, method: 'POST', headers: { authorization: `Bearer ${token}` } })
  }

  return async call => {
    if (settings.apiKey) return post(call, settings.apiKey)
    const token = await tokens.current()
    try {
      return await post(call, token)
    } catch (error) {
      // A 401 means that nothing was done, so even a create may be sent again.
      if (!(error instanceof ProviderError && error.status === 401)) throw error
      return post(call, await tokens.renew(token))
    }
  }
}

const UNAVAILABLE = ['PROVIDER_UNAVAILABLE', 'PROVIDER_RATE_LIMITED', 'PROVIDER_AUTH_FAILED'] as const

/** If the login fails, its call was not sent. A refused login means refused credentials. */
function toLoginError(error: unknown): unknown {
  const refused = error instanceof ProviderRejectedError || error instanceof ProviderNotFoundError
  if (refused) {
    const at = { operation: 'login', outcome: 'NOT_SENT', providerCode: error.providerCode, cause: error } as const
    return new ProviderUnavailableError(
      'PROVIDER_AUTH_FAILED',
      'PERSONR',
      'PERSONR rejected the credentials of this account.',
      at,
    )
  }
  if (!(error instanceof ProviderError)) return error
  const { summary, status, retryAfterSeconds, providerCode } = error
  const at = {
    operation: 'login',
    outcome: 'NOT_SENT',
    status: status ?? undefined,
    retryAfterSeconds,
    providerCode,
    cause: error,
  } as const
  const code = UNAVAILABLE.find(known => known === error.code)
  return code
    ? new ProviderUnavailableError(code, 'PERSONR', summary, at)
    : new ProviderContractError('PERSONR', summary, at)
}
