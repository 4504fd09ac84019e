import { hash, randomBytes, timingSafeEqual } from 'node:crypto'
import { type Caller, SCOPES } from '../domain/access/caller.ts'
import { safeEqual } from './safe-equal.ts'

const KEY_PREFIX = 'sg_'
const SECRET_BYTES = 24
/** Of 64 bits, so that a guessed key does not have a valid one. */
const CHECKSUM_LENGTH = 11
const PREFIX_LENGTH = 10

/** A keyed hash as base64url. */
export type KeyedHash = (text: string) => string

/** A random key with a checksum, its visible prefix, and the hash under which it is stored. */
export function createApiKey(keyedHash: KeyedHash): {
  readonly key: string
  readonly prefix: string
  readonly hash: string
} {
  const secret = KEY_PREFIX + randomBytes(SECRET_BYTES).toString('base64url')
  const key = secret + checksumOf(secret, keyedHash)
  return { key, prefix: key.slice(0, PREFIX_LENGTH), hash: hashApiKey(key) }
}

/** True for a key that was created here, which may be revoked. */
export function hasChecksum(token: string, keyedHash: KeyedHash): boolean {
  const secret = token.slice(0, -CHECKSUM_LENGTH)
  return safeEqual(token, secret + checksumOf(secret, keyedHash))
}

function checksumOf(secret: string, keyedHash: KeyedHash): string {
  return keyedHash(`apiKey|${secret}`).slice(0, CHECKSUM_LENGTH)
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
    caller: { tenantId, keyId, scopes: new Set(SCOPES), costPerMinute: null, subject: null, expiresAt: null },
    matches: token => timingSafeEqual(digest(token), expected),
  }
}

function digest(value: string): Buffer {
  return hash('sha256', value, 'buffer')
}
