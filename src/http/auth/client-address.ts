import { IncomingMessage } from 'node:http'
import { isIP, isIPv6 } from 'node:net'
import proxyAddr from 'proxy-addr'
import { joinHeader } from '../request/request-head.ts'
import type { IncomingConnection } from './bearer.ts'

/** Whether an address is a proxy of ours, whose X-Forwarded-For is believed. */
export type IsTrustedProxy = (address: string) => boolean

/** `ranges`: addresses and CIDR ranges, or `loopback`, `linklocal` and `uniquelocal`. Throws where one is none of these. */
export function createTrustedProxies(ranges: readonly string[]): IsTrustedProxy {
  const isTrusted = proxyAddr.compile([...ranges])
  return address => isTrusted(address, 0)
}

/**
 * The IPv4 address of a client, or its IPv6 /64 prefix, because one customer has a whole one; undefined without a socket. It is
 * the last address of the connection and X-Forwarded-For that is not of a trusted proxy. Where a proxy wrote no address there,
 * it is that of the connection.
 */
export function clientAddress({ req }: IncomingConnection, isTrustedProxy: IsTrustedProxy): string | undefined {
  if (!req?.socket.remoteAddress) return undefined
  const forwarded = proxyAddr(withoutPorts(req), isTrustedProxy)
  const address = isIP(forwarded) === 0 ? req.socket.remoteAddress : forwarded
  return isIPv6(address) && !address.startsWith('::ffff:') ? ipPrefix(address) : address
}

/** Some proxies add the port of the client to its address, which would make each connection another client. */
function withoutPorts(request: IncomingMessage): IncomingMessage {
  const sent = joinHeader(request.headers['x-forwarded-for'])
  const addresses = sent?.split(',').map(withoutPort).join(',')
  if (addresses === sent) return request
  const copy = new IncomingMessage(request.socket)
  copy.headers['x-forwarded-for'] = addresses
  return copy
}

function withoutPort(address: string): string {
  const [, ipv4, ipv6] = /^(?:([\d.]+):\d+|\[([\da-f:.]+)\](?::\d+)?)$/i.exec(address.trim()) ?? []
  return ipv4 ?? ipv6 ?? address
}

/** The first 64 bits. */
function ipPrefix(address: string): string {
  const [head = '', tail] = address.split('::')
  const first = head === '' ? [] : head.split(':')
  const last = tail ? tail.split(':') : []
  const zeros = tail === undefined ? [] : new Array(Math.max(0, 8 - first.length - last.length)).fill('0')
  return [...first, ...zeros, ...last].slice(0, 4).join(':')
}
