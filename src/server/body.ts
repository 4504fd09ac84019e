import type { GraphQLError } from 'graphql'
import type { Asked } from './asked.ts'
import { badRequest, refuse } from './refusal.ts'

/** Refuses by its header a body that is too long, before any of it is read. */
export function checkLength({ header }: Asked, maxBytes: number): void {
  const length = header('content-length')
  if (length === undefined) return
  if (!/^\d{1,15}$/.test(length)) throw badRequest('Expected a header "content-length" of one whole number.')
  if (Number(length) > maxBytes) throw tooLong(maxBytes)
}

/** The bytes of a body. What is counted is what came in: the header may say less than there is. */
export async function readBody(chunks: AsyncIterable<Uint8Array> | null, maxBytes: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  let size = 0
  for await (const chunk of chunks ?? []) {
    size += chunk.length
    if (size > maxBytes) throw tooLong(maxBytes)
    parts.push(chunk)
  }
  return Buffer.concat(parts, size)
}

function tooLong(maxBytes: number): GraphQLError {
  return refuse('PAYLOAD_TOO_LARGE', `Expected a body of at most ${maxBytes} bytes.`, { status: 413 })
}
