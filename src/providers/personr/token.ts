import type { AccountSecrets } from '../contract.ts'

export interface Tokens {
  current(): Promise<string>
  /** A token other than the one that was refused. */
  renew(refused: string): Promise<string>
}

const NAME = 'token'

/**
 * The one token of an account, shared by all processes: a login kills the token before it, so only one of them logs in at
 * a time, and the others use what it got.
 */
export function createTokens(secrets: AccountSecrets, login: () => Promise<string>): Tokens {
  const pending = new Map<string | undefined, Promise<string>>()

  async function obtain(refused: string | undefined): Promise<string> {
    const stored = await secrets.read(NAME)
    if (stored !== undefined && stored !== refused) return stored
    return secrets.exclusively(NAME, async () => {
      const renewed = await secrets.read(NAME)
      if (renewed !== undefined && renewed !== refused) return renewed
      const token = await login()
      await secrets.write(NAME, token)
      return token
    })
  }

  // Keyed by the refused token and begun before the store is read: nobody reads the old token during a login and logs in again.
  function share(refused: string | undefined): Promise<string> {
    const shared = pending.get(refused) ?? obtain(refused).finally(() => pending.delete(refused))
    pending.set(refused, shared)
    return shared
  }

  return { current: () => share(undefined), renew: share }
}
