import type { ApiKey } from '../../domain/access/api-key.ts'
import type { Caller } from '../../domain/access/caller.ts'
import type { DevelopmentKey } from '../../security/api-keys.ts'
import type { ClientTokens } from './client-tokens.ts'
import type { Keys } from './keys.ts'

/** Authenticates bearer tokens. */
export interface Authentication {
  /** The caller of an API key or client token; undefined if it is unknown or expired. */
  authenticate(token: string): Promise<Caller | undefined>
  /** True while the caller's key or token is valid. */
  isLive(caller: Caller, now: Date): Promise<boolean>
}

export interface AuthenticationDeps {
  readonly keys: Keys
  readonly clientTokens: ClientTokens
  /** Undefined in production. */
  readonly development?: DevelopmentKey
}

export function createAuthentication({ keys, clientTokens, development }: AuthenticationDeps): Authentication {
  async function byClientToken(token: string): Promise<Caller | undefined> {
    const claims = token.includes('.') ? await clientTokens.read(token) : undefined
    const key = claims && (await callerOf(claims.keyId))
    if (!claims || key?.tenantId !== claims.tenantId) return undefined
    return { ...claims, scopes: new Set(), keyScopes: key.scopes, costPerMinute: key.costPerMinute }
  }

  /** The holder of the key; undefined if it does not exist any more. */
  async function callerOf(keyId: string): Promise<Caller | undefined> {
    if (development?.caller.keyId === keyId) return development.caller
    const key = await keys.findById(keyId)
    return key && toCaller(key)
  }

  return {
    authenticate: async token => {
      if (development?.matches(token)) return development.caller
      const key = await keys.find(token)
      return key ? toCaller(key) : byClientToken(token)
    },
    isLive: async (caller, now) => {
      if (caller.expiresAt && caller.expiresAt <= now) return false
      return (await callerOf(caller.keyId)) !== undefined
    },
  }
}

function toCaller({ tenantId, id, scopes, costPerMinute, expiresAt }: ApiKey): Caller {
  return { tenantId, keyId: id, scopes: new Set(scopes), costPerMinute, subject: null, expiresAt }
}
