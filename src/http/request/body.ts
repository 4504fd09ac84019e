import type { GraphQLError } from 'graphql'
import { badRequest, httpError } from '../errors/http-error.ts'
import { costBesideRequest, REQUEST_COST } from '../pipeline/rate-limit.ts'
import { MAX_KEYS } from './json-body.ts'
import type { RequestHead } from './request-head.ts'

/** Rejects a body that is too long by its header, before reading it. */
export function assertLength({ header }: RequestHead, maxBytes: number): void {
  const length = header('content-length')
  if (length === undefined) return
  if (!/^\d{1,15}$/.test(length)) throw badRequest('Expected one header "content-length" with a whole number.')
  if (Number(length) > maxBytes) throw payloadTooLarge(maxBytes)
}

/**
 * Reads a body and counts the received bytes, because the header may be wrong. Of a body that is too long, some more is
 * read and discarded, so that its client finishes sending and receives the error.
 */
export async function readBody(chunks: AsyncIterable<Uint8Array> | null, maxBytes: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  let size = 0
  // A `for await` that ends early would close the connection before the response.
  const iterator = chunks?.[Symbol.asyncIterator]()
  const read = () => iterator?.next().catch(truncatedBodyError)
  for (let next = await read(); next && !next.done; next = await read()) {
    size += next.value.length
    if (size <= maxBytes) parts.push(next.value)
    else if (size > maxBytes * DRAIN_BYTES) throw payloadTooLarge(maxBytes, { connection: 'close' })
  }
  if (size > maxBytes) throw payloadTooLarge(maxBytes)
  return Buffer.concat(parts, size)
}

const DRAIN_BYTES = 4

/** A body of this length costs as much as the smallest request. */
export const LONG_BODY_BYTES = 18 * 1024
const BYTES_PER_COST = LONG_BODY_BYTES / REQUEST_COST
/** A key of an object is compared with the others of the object, and with those that its type has. */
const KEYS_PER_COST = 150
const VALUES_PER_COST = 350
const BRACKETS_PER_COST = 2_400
/** Of numbers: long ones are compared with what JavaScript makes of them. */
const DIGITS_PER_COST = 2_000
/** A shorter body has too few of them to be counted. */
const MIN_COUNTED_BYTES = 2_000

/** What a body costs beside its request, before it is parsed. */
export function costOfBody(body: Uint8Array): number {
  if (body.length < MIN_COUNTED_BYTES) return 0
  const { keys, values, brackets, digits } = countJson(body)
  const ofLength = body.length / BYTES_PER_COST
  const ofParts =
    keys / KEYS_PER_COST + values / VALUES_PER_COST + brackets / BRACKETS_PER_COST + digits / DIGITS_PER_COST
  // One with too many keys is refused before it is parsed.
  return costBesideRequest(keys > MAX_KEYS ? ofLength : ofLength + ofParts)
}

const [QUOTE, BACKSLASH, COLON, COMMA, BRACKET, BRACE] = [0x22, 0x5c, 0x3a, 0x2c, 0x5b, 0x7b]
const [DIGIT_0, DIGIT_9] = [0x30, 0x39]

/** The keys, the further values of lists and objects, the lists and objects, and the digits of the numbers of a JSON text. */
function countJson(body: Uint8Array): { keys: number; values: number; brackets: number; digits: number } {
  let [keys, values, brackets, digits, quoted] = [0, 0, 0, 0, false]
  for (let at = 0; at < body.length; at++) {
    const byte = body[at] ?? 0
    if (quoted && byte === BACKSLASH) at++
    else if (byte === QUOTE) quoted = !quoted
    else if (quoted) continue
    else if (byte === COLON) keys++
    else if (byte === COMMA) values++
    else if (byte === BRACKET || byte === BRACE) brackets++
    else if (byte >= DIGIT_0 && byte <= DIGIT_9) digits++
  }
  return { keys, values, brackets, digits }
}

/** The client disconnected or was too slow: there is no reader for the error, and nothing to log. */
function truncatedBodyError(): never {
  throw badRequest('Expected a complete body.')
}

function payloadTooLarge(maxBytes: number, headers = {}): GraphQLError {
  return httpError('PAYLOAD_TOO_LARGE', `Expected a body of at most ${maxBytes} bytes.`, { status: 413, headers })
}
