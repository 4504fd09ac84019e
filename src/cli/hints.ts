import { envVarName } from '../app/config.ts'
import type { Account } from '../services/accounts/account.ts'
import type { ConnectionResult } from '../services/accounts/connection-check.ts'
import type { AccountView } from '../services/accounts/provider-settings.ts'

export const SANDBOX_HINT = 'It is a sandbox, which runs with the server: start `sessiongraph serve`.'

/** What to do after a failed connection check. Empty if only waiting helps. */
export function hintFor(
  { code, isForOperator }: Pick<ConnectionResult, 'code' | 'isForOperator'>,
  account: Account,
  from: AccountView['from'],
): string {
  if (account.sandbox) return SANDBOX_HINT
  const { provider, tenantId } = account
  if (isForOperator) return `The owner of the account has to fix this at ${provider}.`
  const location =
    from === 'ENVIRONMENT'
      ? `the variables ${provider}_…, such as ${envVarName(provider, 'baseUrl')}`
      : `the account, with \`sessiongraph providers set ${tenantId} ${provider.toLowerCase()}\``
  if (code === 'PROVIDER_RATE_LIMITED') return ''
  if (code === 'PROVIDER_UNAVAILABLE') return `Check its status page, the network of this machine, and ${location}.`
  return `Update ${location}.`
}
