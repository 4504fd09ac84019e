import type { GraphQLError } from 'graphql'
import { badRequest, httpError } from '../errors/http-error.ts'
import type { RequestHead } from './request-head.ts'

/** Refuses by its header a body that is too long, before any of it is read. */
export function assertLength({ header }: RequestHead, maxBytes: number): void {
  const length = header('content-length')
  if (length === undefined) return
  if (!/^\d{1,15}$/.test(length)) throw badRequest('Expected one header "content-length" with a whole number.')
  if (Number(length) > maxBytes) throw payloadTooLarge(maxBytes)
}

/**
 * The bytes of a body. What is counted is what came in: the header may say less than there is. Of one that is too long
 * some more is read and thrown away, so that its client is done sending and hears why.
 */
export async function readBody(chunks: AsyncIterable<Uint8Array> | null, maxBytes: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  let size = 0
  // Left early, a `for await` would close the connection before the answer.
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

/** Its sender left, or was too slow: nobody hears it, and nobody has to look into it. */
function truncatedBodyError(): never {
  throw badRequest('Expected a complete body.')
}

function payloadTooLarge(maxBytes: number, headers = {}): GraphQLError {
  return httpError('PAYLOAD_TOO_LARGE', `Expected a body of at most ${maxBytes} bytes.`, { status: 413, headers })
}
