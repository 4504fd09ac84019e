import { createCipheriv, createDecipheriv, createHash, createHmac, hkdfSync, randomBytes } from 'node:crypto'

/** Encryption at rest, and the keyed hashes by which what is encrypted can still be found. */
export interface Vault {
  /** AES-256-GCM; the result names the key it was sealed with. */
  seal(text: string): string
  /** Throws where the text was sealed with a key that is not here, or was changed. */
  open(sealed: string): string
  /** A hash for equality search over PII: of the trimmed lower case. */
  blindIndex(value: string): string
  /** A hash that tells whether two inputs are the same. */
  fingerprint(value: string): string
}

const VERSION = 'v1'
const IV_BYTES = 12
const TAG_BYTES = 16

/** `key`: 32 bytes. Each use has a key of its own, derived from it. */
export function createVault(key: Buffer): Vault {
  const sealing = derive(key, 'seal')
  const keyId = createHash('sha256').update(sealing).digest('hex').slice(0, 8)
  const indexing = derive(key, 'blind-index')
  const fingerprinting = derive(key, 'fingerprint')

  return {
    seal(text) {
      const iv = randomBytes(IV_BYTES)
      const cipher = createCipheriv('aes-256-gcm', sealing, iv)
      const sealed = Buffer.concat([iv, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()])
      return `${VERSION}.${keyId}.${sealed.toString('base64url')}`
    },
    open(sealed) {
      const [version, usedKey, text] = sealed.split('.')
      if (version !== VERSION || usedKey !== keyId || !text) {
        throw new Error('A stored value was sealed with another ENCRYPTION_KEY.')
      }
      const bytes = Buffer.from(text, 'base64url')
      const decipher = createDecipheriv('aes-256-gcm', sealing, bytes.subarray(0, IV_BYTES))
      decipher.setAuthTag(bytes.subarray(-TAG_BYTES))
      return decipher.update(bytes.subarray(IV_BYTES, -TAG_BYTES), undefined, 'utf8') + decipher.final('utf8')
    },
    blindIndex: value => hash(indexing, value.trim().toLowerCase()),
    fingerprint: value => hash(fingerprinting, value),
  }
}

function derive(key: Buffer, use: string): Buffer {
  return Buffer.from(hkdfSync('sha256', key, '', `sessiongraph/${use}`, 32))
}

function hash(key: Buffer, value: string): string {
  return createHmac('sha256', key).update(value, 'utf8').digest('base64url')
}
