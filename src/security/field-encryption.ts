import { createCipheriv, createDecipheriv, createHash, createHmac, hkdfSync, randomBytes } from 'node:crypto'
import { type DeterministicKey, decryptDeterministic, encryptDeterministic } from './deterministic-encryption.ts'
import { safeEqual } from './safe-equal.ts'

/**
 * Encryption at rest, and keyed hashes to search for encrypted values. Several keys may be live: the first one encrypts, all
 * of them decrypt, so that keys can be rotated while servers run.
 */
export interface FieldEncryption {
  /** AES-256-GCM, with the place as additional authenticated data; the result names its key. */
  encrypt(text: string, place: Place): string
  /** Throws UnreadableError where the key is unknown, or the value was changed or was encrypted for another place. */
  decrypt(encrypted: string, place: Place): string
  /** The prefix of values that the current key encrypted. */
  readonly currentPrefix: string
  /** True where the key that the value names is live. */
  hasKey(encrypted: string): boolean
  /** A hash of the trimmed lower case, for equality search over PII. Hashes of two scopes cannot be compared. */
  blindIndex(value: string, scope: IndexScope): string
  /** The blind indexes of all live keys, the current one first: the values to search for. */
  blindIndexes(value: string, scope: IndexScope): readonly string[]
  /** A hash that compares inputs, by the current key. */
  fingerprint(value: string): string
  /** The fingerprints of all live keys, the current one first. */
  fingerprints(value: string): readonly string[]
  /** A fingerprint that names its key, to be stored and compared with `isFingerprint`. */
  storedFingerprint(value: string): string
  /** True where `stored` is the fingerprint of this value by any live key. */
  isFingerprint(stored: string, value: string): boolean
  /** Encrypts a position in a list for clients. Equal positions of one scope have equal results. */
  encryptPosition(text: string, scope: string): string
  /** Undefined where no live key encrypted it for this scope. */
  decryptPosition(encrypted: string, scope: string): string | undefined
  /** The current key for signatures, and its id. */
  signingKey(): { readonly keyId: string; readonly key: Uint8Array }
  /** The key for signatures with this id; undefined where it is not live. */
  signingKeyNamed(keyId: string): Uint8Array | undefined
  /** Called for a stored value that cannot be decrypted, once for each reason. */
  readonly report: (error: UnreadableError) => void
}

/** The column and row of an encrypted value. A value that is copied to another place cannot be decrypted there. */
export interface Place {
  readonly table: string
  readonly column: string
  /** Null for a row that names no tenant. */
  readonly tenantId: string | null
  /** The values of the primary key. */
  readonly key: readonly string[]
}

/** The rows that a blind index is searched in. */
export type IndexScope = Pick<Place, 'table'> & { readonly tenantId: string }

/** A stored value cannot be decrypted. The message names the key, never the value. */
export class UnreadableError extends Error {
  /** The id of the key that encrypted it; null where the format is unknown. */
  readonly keyId: string | null

  constructor(keyId: string | null, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'UnreadableError'
    this.keyId = keyId
  }
}

const VERSION = 'v1'
const IV_BYTES = 12
const TAG_BYTES = 16

interface LiveKey {
  readonly id: string
  readonly encryption: Buffer
  readonly indexing: Buffer
  readonly fingerprinting: Buffer
  readonly positions: DeterministicKey
  readonly signing: Buffer
}

/** `keys`: 32 bytes each, the current one first. Each use has a key of its own, derived from it. */
export function createFieldEncryption(
  keys: Buffer | readonly Buffer[],
  report: FieldEncryption['report'] = () => {},
): FieldEncryption {
  const live = [keys].flat().map(toLiveKey)
  const [current] = live
  if (!current) throw new TypeError('Field encryption needs at least one key.')
  const fingerprints = (value: string) => live.map(({ fingerprinting }) => hash(fingerprinting, value))
  const reported = new Set<string>()
  const ivPool = new IvPool()

  return {
    currentPrefix: `${VERSION}.${current.id}.`,
    encrypt: (text, place) => encryptText(current, ivPool.next(), text, place),
    decrypt: (encrypted, place) => decryptText(live, encrypted, place),
    hasKey: encrypted => live.some(({ id }) => encrypted.startsWith(`${VERSION}.${id}.`)),
    blindIndex: (value, scope) => hash(current.indexing, toIndexed(value, scope)),
    blindIndexes: (value, scope) => live.map(({ indexing }) => hash(indexing, toIndexed(value, scope))),
    fingerprint: value => hash(current.fingerprinting, value),
    fingerprints,
    storedFingerprint: value => `${current.id}.${hash(current.fingerprinting, value)}`,
    isFingerprint: (stored, value) => {
      const payload = stored.slice(stored.indexOf('.') + 1)
      return fingerprints(value).some(fingerprint => safeEqual(fingerprint, payload))
    },
    encryptPosition: (text, scope) => encryptDeterministic(current.positions, text, scope),
    decryptPosition: (encrypted, scope) => {
      for (const { positions } of live) {
        const text = decryptDeterministic(positions, encrypted, scope)
        if (text !== undefined) return text
      }
      return undefined
    },
    signingKey: () => ({ keyId: current.id, key: current.signing }),
    signingKeyNamed: named => live.find(({ id }) => id === named)?.signing,
    report: error => {
      const reason = `${error.keyId} ${error.message}`
      if (reported.has(reason)) return
      reported.add(reason)
      report(error)
    },
  }
}

function toLiveKey(key: Buffer): LiveKey {
  const encryption = derive(key, 'seal')
  return {
    id: createHash('sha256').update(encryption).digest('hex').slice(0, 8),
    encryption,
    indexing: derive(key, 'blind-index'),
    fingerprinting: derive(key, 'fingerprint'),
    positions: { encryption: derive(key, 'position'), authentication: derive(key, 'position-authentication') },
    signing: derive(key, 'client-token'),
  }
}

function encryptText({ id, encryption }: LiveKey, iv: Buffer, text: string, place: Place): string {
  const cipher = createCipheriv('aes-256-gcm', encryption, iv)
  cipher.setAAD(serializePlace(place))
  const encrypted = Buffer.concat([iv, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()])
  return `${VERSION}.${id}.${encrypted.toString('base64url')}`
}

const IV_POOL_SIZE = 256

/** Random IVs, generated in batches, because one call of the random generator costs as much as an encryption. */
class IvPool {
  #unused = Buffer.alloc(0)

  next(): Buffer {
    if (this.#unused.length === 0) this.#unused = randomBytes(IV_POOL_SIZE * IV_BYTES)
    const iv = this.#unused.subarray(0, IV_BYTES)
    this.#unused = this.#unused.subarray(IV_BYTES)
    return iv
  }
}

function decryptText(live: readonly LiveKey[], encrypted: string, place: Place): string {
  const [version, keyId, text] = encrypted.split('.')
  if (version !== VERSION || !keyId || !text) throw new UnreadableError(null, 'A stored value is not encrypted.')
  const used = live.find(({ id }) => id === keyId)
  if (!used)
    throw new UnreadableError(keyId, `A stored value was encrypted with the key ${keyId}, which is not configured.`)
  try {
    const bytes = Buffer.from(text, 'base64url')
    const iv = bytes.subarray(0, IV_BYTES)
    const decipher = createDecipheriv('aes-256-gcm', used.encryption, iv, { authTagLength: TAG_BYTES })
    decipher.setAAD(serializePlace(place))
    decipher.setAuthTag(bytes.subarray(-TAG_BYTES))
    return decipher.update(bytes.subarray(IV_BYTES, -TAG_BYTES), undefined, 'utf8') + decipher.final('utf8')
  } catch (cause) {
    throw new UnreadableError(keyId, `A stored value that the key ${keyId} encrypted was changed or moved.`, { cause })
  }
}

/** JSON, so that no two places have the same text. */
function serializePlace({ table, column, tenantId, key }: Place): Buffer {
  return Buffer.from(JSON.stringify([table, column, tenantId, ...key]))
}

function derive(key: Buffer, use: string): Buffer {
  return Buffer.from(hkdfSync('sha256', key, '', `sessiongraph/${use}`, 32))
}

function hash(key: Buffer, value: string): string {
  return createHmac('sha256', key).update(value, 'utf8').digest('base64url')
}

function toIndexed(value: string, { table, tenantId }: IndexScope): string {
  return JSON.stringify([table, tenantId, value.trim().toLowerCase()])
}
