import { envVarName } from '../app/config.ts'
import type { Account } from '../services/accounts/account.ts'
import type { ConnectionResult } from '../services/accounts/connection-check.ts'
import type { AccountView } from '../services/accounts/provider-settings.ts'

export const SANDBOX_HINT = 'It is a sandbox, which runs with the server: start `sessiongraph serve`.'
export const FAULTY_SANDBOX_HINT =
  'It is a sandbox: clear its fault rules with `curl -X DELETE <its address>/_sandbox/faults`, and check with SANDBOX_PORT that no other program uses its port.'

/** What to do after a failed connection check. Empty if only waiting helps. */
export function hintFor(
  { code, isForOperator, isReached }: Pick<ConnectionResult, 'code' | 'isForOperator' | 'isReached'>,
  account: Account,
  from: AccountView['from'],
): string {
  if (account.sandbox) return isReached ? FAULTY_SANDBOX_HINT : SANDBOX_HINT
  const { provider, tenantId } = account
  if (isForOperator) return `The owner of the account has to fix this at ${provider}.`
  const location =
    from === 'ENVIRONMENT'
      ? `the variables ${provider}_…, such as ${envVarName(provider, 'baseUrl')}`
      : `the account, with \`sessiongraph providers set ${tenantId} ${provider.toLowerCase()}\``
  if (code === 'PROVIDER_RATE_LIMITED') return 'Try again later.'
  if (code === 'PROVIDER_UNAVAILABLE' && isReached) return 'Check its status page, and try again later.'
  if (code === 'PROVIDER_UNAVAILABLE') return `Check its status page, the network of this machine, and ${location}.`
  return `Update ${location}.`
}
