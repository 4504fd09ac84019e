import { shareInFlight } from '../../upstream/single-flight.ts'
import type { AccountSecrets } from '../contract.ts'

export interface TokenStore {
  current(): Promise<string>
  /** A token other than the refused one. */
  renew(refused: string): Promise<string>
}

const NAME = 'token'

/**
 * The one token of an account, shared by all processes. A login invalidates the previous token, so only one process
 * logs in at a time, and the others use its token.
 */
export function createTokenStore(secrets: AccountSecrets, login: () => Promise<string>): TokenStore {
  const pending = new Map<string | undefined, Promise<string>>()

  async function obtain(refused: string | undefined): Promise<string> {
    const stored = await secrets.read(NAME)
    if (stored !== undefined && stored !== refused) return stored
    return secrets.withLock(NAME, async () => {
      const renewed = await secrets.read(NAME)
      if (renewed !== undefined && renewed !== refused) return renewed
      const token = await login()
      await secrets.write(NAME, token)
      return token
    })
  }

  // Keyed by the refused token and started before the store is read, so that no caller reads the old token during a
  // login and logs in again.
  const share = (refused: string | undefined) => shareInFlight(pending, refused, () => obtain(refused))

  return { current: () => share(undefined), renew: share }
}
