import type { GraphQLError } from 'graphql'
import { badRequest, httpError } from '../errors/http-error.ts'
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

/** To parse this much of a body costs as much as a small request. */
export const BODY_BYTES_PER_COST = 32 * 1024

/** The client disconnected or was too slow: there is no reader for the error, and nothing to log. */
function truncatedBodyError(): never {
  throw badRequest('Expected a complete body.')
}

function payloadTooLarge(maxBytes: number, headers = {}): GraphQLError {
  return httpError('PAYLOAD_TOO_LARGE', `Expected a body of at most ${maxBytes} bytes.`, { status: 413, headers })
}
