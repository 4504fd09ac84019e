import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  hkdfSync,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto'

/**
 * Encryption at rest, and the keyed hashes by which what is encrypted can still be found. Several keys may be live: the
 * first one seals, every one opens, so that one key can take the place of another while servers run.
 */
export interface Vault {
  /** AES-256-GCM; the result names the key it was sealed with. */
  seal(text: string): string
  /** Throws UnreadableError where the text was sealed with a key that is not here, or was changed. */
  open(sealed: string): string
  /** What a text that the current key sealed begins with. */
  readonly currentPrefix: string
  /** True where a live key sealed it, going by its name. */
  knows(sealed: string): boolean
  /** A hash for equality search over PII: of the trimmed lower case. */
  blindIndex(value: string): string
  /** The same by every live key, the current one first: what to search for. */
  blindIndexes(value: string): readonly string[]
  /** A hash that tells whether two inputs are the same, by the current key. */
  fingerprint(value: string): string
  /** The same by every live key, the current one first. */
  fingerprints(value: string): readonly string[]
  /** A fingerprint that names its key, to be stored and compared with `isPrint`. */
  print(value: string): string
  /** True where `stored` is the print of this value by any live key. */
  isPrint(stored: string, value: string): boolean
  /** What tokens are signed with now, and its name. */
  signingKey(): { readonly keyId: string; readonly key: Uint8Array }
  /** What the tokens that name it were signed with; undefined where that is not here any more. */
  signingKeyNamed(keyId: string): Uint8Array | undefined
  /** Told of a stored value that cannot be opened, once for each reason. */
  readonly report: (error: UnreadableError) => void
}

/** A stored value that cannot be opened. It names the key, never the value. */
export class UnreadableError extends Error {
  /** The name of the key that sealed it; null where the text is none of ours. */
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
  readonly sealing: Buffer
  readonly indexing: Buffer
  readonly fingerprinting: Buffer
  readonly signing: Buffer
}

/** `keys`: 32 bytes each, the current one first. Each use has a key of its own, derived from it. */
export function createVault(keys: Buffer | readonly Buffer[], report: Vault['report'] = () => {}): Vault {
  const live = [keys].flat().map(toLiveKey)
  const [current] = live
  if (!current) throw new TypeError('A vault needs a key.')
  const fingerprints = (value: string) => live.map(({ fingerprinting }) => hash(fingerprinting, value))
  const reported = new Set<string>()

  return {
    currentPrefix: `${VERSION}.${current.id}.`,
    seal: text => seal(current, text),
    open: sealed => open(live, sealed),
    knows: sealed => live.some(({ id }) => sealed.startsWith(`${VERSION}.${id}.`)),
    blindIndex: value => hash(current.indexing, normal(value)),
    blindIndexes: value => live.map(({ indexing }) => hash(indexing, normal(value))),
    fingerprint: value => hash(current.fingerprinting, value),
    fingerprints,
    print: value => `${current.id}.${hash(current.fingerprinting, value)}`,
    isPrint: (stored, value) => {
      const told = stored.slice(stored.indexOf('.') + 1)
      return fingerprints(value).some(print => isSame(print, told))
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
  const sealing = derive(key, 'seal')
  return {
    id: createHash('sha256').update(sealing).digest('hex').slice(0, 8),
    sealing,
    indexing: derive(key, 'blind-index'),
    fingerprinting: derive(key, 'fingerprint'),
    signing: derive(key, 'client-token'),
  }
}

function seal({ id, sealing }: LiveKey, text: string): string {
  const iv = drawIv()
  const cipher = createCipheriv('aes-256-gcm', sealing, iv)
  const sealed = Buffer.concat([iv, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()])
  return `${VERSION}.${id}.${sealed.toString('base64url')}`
}

const DRAWN_IVS = 256
let drawn = Buffer.alloc(0)

/** Many are drawn at once: drawing costs as much as sealing. */
function drawIv(): Buffer {
  if (drawn.length === 0) drawn = randomBytes(DRAWN_IVS * IV_BYTES)
  const iv = drawn.subarray(0, IV_BYTES)
  drawn = drawn.subarray(IV_BYTES)
  return iv
}

function open(live: readonly LiveKey[], sealed: string): string {
  const [version, keyId, text] = sealed.split('.')
  if (version !== VERSION || !keyId || !text) throw new UnreadableError(null, 'A stored value is not a sealed one.')
  const used = live.find(({ id }) => id === keyId)
  if (!used) throw new UnreadableError(keyId, `A stored value was sealed with the key ${keyId}, which is not here.`)
  try {
    const bytes = Buffer.from(text, 'base64url')
    const iv = bytes.subarray(0, IV_BYTES)
    const decipher = createDecipheriv('aes-256-gcm', used.sealing, iv, { authTagLength: TAG_BYTES })
    decipher.setAuthTag(bytes.subarray(-TAG_BYTES))
    return decipher.update(bytes.subarray(IV_BYTES, -TAG_BYTES), undefined, 'utf8') + decipher.final('utf8')
  } catch (cause) {
    throw new UnreadableError(keyId, `A stored value that the key ${keyId} sealed was changed.`, { cause })
  }
}

function derive(key: Buffer, use: string): Buffer {
  return Buffer.from(hkdfSync('sha256', key, '', `sessiongraph/${use}`, 32))
}

function hash(key: Buffer, value: string): string {
  return createHmac('sha256', key).update(value, 'utf8').digest('base64url')
}

function normal(value: string): string {
  return value.trim().toLowerCase()
}

function isSame(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)]
  return a.length === b.length && timingSafeEqual(a, b)
}
