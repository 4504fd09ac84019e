import type { IncomingMessage } from 'node:http'

/** The connection of a request; empty for a request that came without a socket, as in tests. */
export interface IncomingConnection {
  readonly req?: IncomingMessage
}

/** Longer than every API key and client token. */
const MAX_HEADER_LENGTH = 4_096

/** The token of a header "Bearer <token>"; undefined if it is absent, repeated or malformed. */
export function readBearer(header: string | null, { req }: IncomingConnection): string | undefined {
  if (header === null || header.length > MAX_HEADER_LENGTH || isRepeated(req)) return undefined
  return /^Bearer +([\x21-\x2B\x2D-\x7E]+)$/i.exec(header)?.[1]
}

/** Node silently uses the first of several headers. */
function isRepeated(req: IncomingMessage | undefined): boolean {
  const sent = req?.rawHeaders ?? []
  let count = 0
  // Names and values alternate.
  for (let at = 0; at < sent.length; at += 2) if (isAuthorization(sent[at])) count++
  return count > 1
}

function isAuthorization(name = ''): boolean {
  return name.length === 'authorization'.length && name.toLowerCase() === 'authorization'
}
