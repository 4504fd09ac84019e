import { toVariable } from '../config.ts'
import type { ErrorCode } from '../domain/errors.ts'
import type { Account } from '../services/accounts.ts'
import type { ShownAccount } from '../services/provider-settings.ts'

/** What to do where a provider does not answer as it should. */

export const SANDBOX_ADVICE = 'It is a sandbox, which runs with the server: `sessiongraph serve`.'

/** `code`: what a harmless read failed with. Empty where nothing but waiting helps. */
export function adviceOn(code: ErrorCode | undefined, account: Account, from: ShownAccount['from']): string {
  if (account.sandbox) return SANDBOX_ADVICE
  const { provider, tenantId } = account
  const place =
    from === 'ENVIRONMENT'
      ? `the variables ${provider}_…, such as ${toVariable(provider, 'baseUrl')}`
      : `the account, with \`sessiongraph providers set ${tenantId} ${provider.toLowerCase()}\``
  if (code === 'PROVIDER_RATE_LIMITED') return ''
  if (code === 'PROVIDER_UNAVAILABLE') return `Look at its status page, the network of this machine, and ${place}.`
  return `Set them anew: ${place}.`
}
