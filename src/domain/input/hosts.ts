/** Classifies a host by its text, as the WHATWG URL parser writes it. No name is resolved. */

/** True if the host names this machine. An IPv6 address may be bracketed, as in a URL, or not, as in `HOST`. */
export function isLoopbackHost(host: string): boolean {
  return /^(?:(?:.+\.)?localhost|\[::1\]|::1|127(?:\.\d{1,3}){3})$/.test(host)
}

/** True if a Host header names this machine, with or without a port. */
export function isLoopbackHostHeader(header: string): boolean {
  return isLoopbackHost(header.toLowerCase().replace(/:\d{1,5}$/, ''))
}

/**
 * True for the origin of a page that this machine serves. Names below .localhost are not included: some browsers look them up
 * by DNS, which may lead to another machine.
 */
export function isLoopbackOrigin(origin: string): boolean {
  const [, host] = /^https?:\/\/([^/?#@]+?)(?::\d{1,5})?$/.exec(origin) ?? []
  return host !== undefined && isLoopbackHost(host) && !host.endsWith('.localhost')
}

/**
 * True if the host may be on the public internet: no loopback, private, link-local, shared, multicast or reserved
 * address or name.
 */
export function isPublicHost(host: string): boolean {
  if (host.startsWith('[')) return isPublicIpv6(host.slice(1, -1))
  if (/^\d+(\.\d+){3}$/.test(host)) return isPublicIpv4(host)
  return host.includes('.') && !PRIVATE_DOMAINS.some(domain => host.endsWith(`.${domain}`))
}

const PRIVATE_DOMAINS = ['localhost', 'localdomain', 'local', 'internal', 'home.arpa']

/** RFC 6890: blocks without public hosts, except those for documentation. */
const PRIVATE_IPV4: readonly (readonly [network: string, bits: number])[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  // Multicast and reserved.
  ['224.0.0.0', 3],
]

function isPublicIpv4(address: string): boolean {
  return !PRIVATE_IPV4.some(([network, bits]) => {
    const blockSize = 2 ** (32 - bits)
    return Math.floor(toNumber(address) / blockSize) === Math.floor(toNumber(network) / blockSize)
  })
}

function toNumber(address: string): number {
  return address.split('.').reduce((number, part) => number * 256 + Number(part), 0)
}

/** Global unicast (2000::/3) except Teredo (2001::/32) and 6to4 (2002::/16), which embed an IPv4 address. */
function isPublicIpv6(address: string): boolean {
  const [first = '', second = ''] = address.split(':')
  const prefix = Number.parseInt(first || '0', 16)
  if (prefix === 0x2002 || (prefix === 0x2001 && Number.parseInt(second || '0', 16) === 0)) return false
  return prefix >= 0x2000 && prefix <= 0x3fff
}
