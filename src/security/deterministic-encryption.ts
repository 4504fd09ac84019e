import { createCipheriv, createDecipheriv, createHmac, timingSafeEqual } from 'node:crypto'

/**
 * Encryption with a synthetic IV: the IV is a keyed hash of the text and its scope, and authenticates both. Equal texts of
 * one scope have equal results; nothing else about a text can be read but its length.
 */

export interface DeterministicKey {
  readonly encryption: Buffer
  readonly authentication: Buffer
}

const IV_BYTES = 16

export function encryptDeterministic(key: DeterministicKey, text: string, scope: string): string {
  const iv = syntheticIv(key, text, scope)
  const cipher = createCipheriv('aes-256-ctr', key.encryption, iv)
  return Buffer.concat([iv, cipher.update(text, 'utf8'), cipher.final()]).toString('base64url')
}

/** Undefined where the value was changed, or was encrypted for another scope or with another key. */
export function decryptDeterministic(key: DeterministicKey, encrypted: string, scope: string): string | undefined {
  const bytes = Buffer.from(encrypted, 'base64url')
  if (bytes.length <= IV_BYTES) return undefined
  const iv = bytes.subarray(0, IV_BYTES)
  const decipher = createDecipheriv('aes-256-ctr', key.encryption, iv)
  const text = Buffer.concat([decipher.update(bytes.subarray(IV_BYTES)), decipher.final()]).toString('utf8')
  return timingSafeEqual(iv, syntheticIv(key, text, scope)) ? text : undefined
}

/** JSON, so that no two pairs of a scope and a text have the same hash. */
function syntheticIv({ authentication }: DeterministicKey, text: string, scope: string): Buffer {
  return createHmac('sha256', authentication)
    .update(JSON.stringify([scope, text]))
    .digest()
    .subarray(0, IV_BYTES)
}
