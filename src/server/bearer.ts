import type { IncomingMessage } from 'node:http'
import { isIPv6 } from 'node:net'

/** What came with a request over a socket; nothing where it did not come over one. */
export interface Arrived {
  readonly req?: IncomingMessage
}

/** Longer than any key or token of ours. */
const MAX_HEADER_LENGTH = 4_096

/** The token of a header "Bearer <token>"; undefined where there is none, several, or something else. */
export function readBearer(header: string | null, { req }: Arrived): string | undefined {
  if (header === null || header.length > MAX_HEADER_LENGTH || isRepeated(req)) return undefined
  return /^Bearer +([\x21-\x2B\x2D-\x7E]+)$/i.exec(header)?.[1]
}

/** Node keeps the first of several and tells nobody. */
function isRepeated(req: IncomingMessage | undefined): boolean {
  const sent = req?.rawHeaders ?? []
  let count = 0
  // Names and values take turns.
  for (let at = 0; at < sent.length; at += 2) if (isAuthorization(sent[at])) count++
  return count > 1
}

function isAuthorization(name = ''): boolean {
  return name.length === 'authorization'.length && name.toLowerCase() === 'authorization'
}

/** Where a request came from: an address, or the network of a customer where addresses are plenty; undefined: this process. */
export function toAddress({ req }: Arrived): string | undefined {
  if (!req) return undefined
  const address = req.socket.remoteAddress ?? ''
  return isIPv6(address) && !address.startsWith('::ffff:') ? toNetwork(address) : address
}

/** The first 64 bits. */
function toNetwork(address: string): string {
  const [head = '', tail] = address.split('::')
  const first = head === '' ? [] : head.split(':')
  const last = tail ? tail.split(':') : []
  const zeros = tail === undefined ? [] : new Array(Math.max(0, 8 - first.length - last.length)).fill('0')
  return [...first, ...zeros, ...last].slice(0, 4).join(':')
}
