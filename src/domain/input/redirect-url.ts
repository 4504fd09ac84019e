import { isLoopbackHost, isPublicHost } from './hosts.ts'

/**
 * Validates a URL that end users are redirected to. The server never fetches it and passes it on unchanged, so every
 * parser has to read it the same way as the WHATWG parser.
 */

/** PUBLIC: hosts on the internet only. ANY: this machine and private networks as well. */
export type UrlHosts = 'PUBLIC' | 'ANY'

const MAX_LENGTH = 2048
/** RFC 3986. */
const CHARACTERS = /^(?:[\w\-.~:/?#[\]@!$&'()*+,;=]|%[0-9a-f]{2})*$/i
const PARTS = /^(https?):\/\/([^/?#]*)(.*)$/i
const NAME = /^[\w-]{1,63}(?:\.[\w-]{1,63})*$/

/** The problem of a URL; undefined if it is valid. The message never repeats the value. */
export function redirectUrlProblem(value: string, hosts: UrlHosts): string | undefined {
  if (value.length > MAX_LENGTH) return `Expected at most ${MAX_LENGTH} characters.`
  if (!CHARACTERS.test(value))
    return 'Expected ASCII without white space, backslashes or control characters; percent-encode others.'
  const [, scheme = '', authority = '', rest = ''] = PARTS.exec(value) ?? []
  if (authority === '' || !URL.canParse(value)) return 'Expected a URL that begins with https:// and a host.'
  if (authority.includes('@')) return 'Expected no credentials.'
  const url = new URL(value)
  if (!isSameHost(url, authority)) return 'Expected the host as browsers write it.'
  if (!isSamePath(url, rest))
    return 'Expected a path and a query as browsers write them: nothing to encode, no "." or "..".'
  return hostProblem(url.hostname, scheme.toLowerCase() === 'https', hosts)
}

/** Letter case and the default port make no difference; other spellings of an address do. */
function isSameHost({ protocol, host, hostname }: URL, authority: string): boolean {
  const given = authority.toLowerCase().replace(protocol === 'https:' ? /:443$/ : /:80$/, '')
  return given === host && (hostname.startsWith('[') || NAME.test(hostname))
}

/** An empty path equals `/`. */
function isSamePath({ href, origin }: URL, rest: string): boolean {
  const parsed = href.slice(origin.length)
  return parsed === rest || parsed === `/${rest}`
}

function hostProblem(host: string, isEncrypted: boolean, hosts: UrlHosts): string | undefined {
  if (hosts === 'PUBLIC') {
    if (!isEncrypted) return 'Expected https://.'
    return isPublicHost(host) ? undefined : 'Expected a public host.'
  }
  return isEncrypted || isLoopbackHost(host) ? undefined : 'Expected https://, or http:// on this machine.'
}
