import { createHash } from 'node:crypto'
import { promisify } from 'node:util'
import { brotliCompress, constants, gzip } from 'node:zlib'
import type { FetchAPI } from 'graphql-yoga'

export interface StaticFileOptions {
  readonly body: Uint8Array
  readonly type: string
  readonly headers?: Readonly<Record<string, string>>
}

type Encoding = 'br' | 'gzip' | 'identity'

/** One copy in memory for all responses. */
type EncodedFile = Buffer<ArrayBuffer>

const BROTLI_QUALITY = 5

/**
 * A file without personal data. A browser keeps it and asks whether it has changed: 304 by its ETag, a hash of the content. It
 * is compressed once for each encoding, with brotli or gzip.
 */
export class StaticFile {
  readonly #options: StaticFileOptions
  readonly #tag: string
  readonly #encoded = new Map<Encoding, Promise<EncodedFile>>()

  constructor(options: StaticFileOptions) {
    this.#options = options
    // Weak: its encodings are the same content.
    this.#tag = `W/"${createHash('sha256').update(options.body).digest('base64url').slice(0, 22)}"`
  }

  async respond(request: Request, { Response }: Pick<FetchAPI, 'Response'>): Promise<Response> {
    const headers = { 'cache-control': 'no-cache', etag: this.#tag, vary: 'accept-encoding', ...this.#options.headers }
    if (request.headers.get('if-none-match')?.includes(this.#tag)) return new Response(null, { status: 304, headers })
    const encoding = chooseEncoding(request.headers.get('accept-encoding') ?? '')
    const body = await this.#encode(encoding)
    const typed = { ...headers, 'content-type': this.#options.type, 'content-length': String(body.byteLength) }
    const encoded = encoding === 'identity' ? typed : { ...typed, 'content-encoding': encoding }
    return new Response(request.method === 'HEAD' ? null : body, { headers: encoded })
  }

  #encode(encoding: Encoding): Promise<EncodedFile> {
    const known = this.#encoded.get(encoding)
    if (known) return known
    const encoded = encode(this.#options.body, encoding)
    this.#encoded.set(encoding, encoded)
    return encoded
  }
}

async function encode(body: Uint8Array, encoding: Encoding): Promise<EncodedFile> {
  if (encoding === 'br') {
    const params = { [constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY }
    return Buffer.from(await promisify(brotliCompress)(body, { params }))
  }
  return Buffer.from(encoding === 'gzip' ? await promisify(gzip)(body) : body)
}

/** The smallest encoding that the header accepts: a name without `q=0`. */
function chooseEncoding(accepted: string): Encoding {
  const names = accepted
    .toLowerCase()
    .split(',')
    .filter(part => !/;\s*q=0(?:\.0*)?\s*$/.test(part))
    .map(part => part.split(';')[0]?.trim())
  if (names.includes('br')) return 'br'
  return names.includes('gzip') ? 'gzip' : 'identity'
}
