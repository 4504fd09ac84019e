/** Where the one token of an account is kept, so that all who use the account share it. */
export interface TokenStore {
  read(): Promise<string | undefined>
  write(token: string): Promise<void>
}

export interface Tokens {
  current(): Promise<string>
  /** A token other than the one that was refused. */
  renew(refused: string): Promise<string>
}

/** A login kills the token before it, so calls that need a new one at the same time share a single login. */
export function createTokens(store: TokenStore, login: () => Promise<string>): Tokens {
  const pending = new Map<string | undefined, Promise<string>>()

  async function obtain(refused: string | undefined): Promise<string> {
    const stored = await store.read()
    if (stored !== undefined && stored !== refused) return stored
    const token = await login()
    await store.write(token)
    return token
  }

  // Keyed by the refused token and begun before the store is read: nobody reads the old token during a login and logs in again.
  function share(refused: string | undefined): Promise<string> {
    const shared = pending.get(refused) ?? obtain(refused).finally(() => pending.delete(refused))
    pending.set(refused, shared)
    return shared
  }

  return { current: () => share(undefined), renew: share }
}

export function createMemoryStore(): TokenStore {
  let token: string | undefined
  return {
    read: async () => token,
    write: async next => {
      token = next
    },
  }
}
