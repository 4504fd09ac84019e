import { hash, randomBytes } from 'node:crypto'
import { type Caller, SCOPES } from '../domain/access/caller.ts'
import { safeEqual } from './safe-equal.ts'

const KEY_PREFIX = 'sg_'
const SECRET_BYTES = 32
const PREFIX_LENGTH = 10

/** A random key, its visible prefix, and the hash under which it is stored. */
export function createApiKey(): { readonly key: string; readonly prefix: string; readonly hash: string } {
  const key = KEY_PREFIX + randomBytes(SECRET_BYTES).toString('base64url')
  return { key, prefix: key.slice(0, PREFIX_LENGTH), hash: hashApiKey(key) }
}

/** The hash under which a key is stored. It needs no salt, because keys are random. */
export function hashApiKey(key: string): string {
  return digest(key).toString('base64url')
}

/** True where the token has the format of an API key. */
export function looksLikeApiKey(token: string): boolean {
  return /^sg_[A-Za-z0-9_-]{43}$/.test(token)
}

/** A fixed key for development with all scopes of one tenant. */
export interface DevelopmentKey {
  readonly caller: Caller
  matches(token: string): boolean
}

export function createDevelopmentKey(key: string, tenantId: string): DevelopmentKey {
  const expected = digest(key)
  // Client tokens are bound to the id, so they end with their key.
  const keyId = `development-${expected.toString('hex').slice(0, 8)}`
  return {
    caller: { tenantId, keyId, scopes: new Set(SCOPES), subject: null, expiresAt: null },
    matches: token => safeEqual(token, key),
  }
}

function digest(value: string): Buffer {
  return hash('sha256', value, 'buffer')
}
