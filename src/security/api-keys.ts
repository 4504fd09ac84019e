import { hash, randomBytes, timingSafeEqual } from 'node:crypto'
import { type Caller, SCOPES } from '../domain/caller.ts'

const MARK = 'sg_'
const SECRET_BYTES = 32
const PREFIX_LENGTH = 10

/** A key that nobody can guess, how it begins, and the hash under which it is stored. */
export function createApiKey(): { readonly key: string; readonly prefix: string; readonly hash: string } {
  const key = MARK + randomBytes(SECRET_BYTES).toString('base64url')
  return { key, prefix: key.slice(0, PREFIX_LENGTH), hash: hashOf(key) }
}

/** The hash under which a key is stored. It needs no salt: what it hides cannot be guessed. */
export function hashOf(key: string): string {
  return digest(key).toString('base64url')
}

/** True where the token has the form of a key of ours, so that it may be one. */
export function isKeyShaped(token: string): boolean {
  return /^sg_[A-Za-z0-9_-]{43}$/.test(token)
}

/** One fixed key, for development: its holder is the tenant given, and may do everything. */
export interface DevelopmentKey {
  readonly caller: Caller
  matches(token: string): boolean
}

export function createDevelopmentKey(key: string, tenantId: string): DevelopmentKey {
  const known = digest(key)
  // What was made with one key does not outlive it, so another key has another id.
  const keyId = `development-${known.toString('hex').slice(0, 8)}`
  return {
    caller: { tenantId, keyId, scopes: new Set(SCOPES), subject: null, expiresAt: null },
    matches: token => timingSafeEqual(digest(token), known),
  }
}

function digest(value: string): Buffer {
  return hash('sha256', value, 'buffer')
}
