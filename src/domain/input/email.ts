/** RFC 5321, in UTF-8 bytes; the domain counts in its ASCII form. */
const MAX_BYTES = 254
const MAX_LOCAL_BYTES = 64
/** Dot-separated atoms of RFC 5322 with the letters of RFC 6531. Quoted local parts are not accepted. */
const LOCAL_PART = /^[\p{L}\p{M}\p{N}!#$%&'*+/=?^_`{|}~-]+(?:\.[\p{L}\p{M}\p{N}!#$%&'*+/=?^_`{|}~-]+)*$/u
const DOMAIN = /^[\p{L}\p{M}\p{N}-]+(?:\.[\p{L}\p{M}\p{N}-]+)+$/u
const ASCII_DOMAIN = /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+(?!\d+$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/

/** The problem of an e-mail address; undefined if it is valid. The message never repeats the value. */
export function emailProblem(value: string): string | undefined {
  if (value.length > MAX_BYTES) return `Expected an e-mail address of at most ${MAX_BYTES} bytes.`
  const at = value.lastIndexOf('@')
  const local = value.slice(0, Math.max(at, 0))
  const domain = toAsciiDomain(value.slice(at + 1))
  if (!LOCAL_PART.test(local) || domain === undefined) return 'Expected an e-mail address.'
  const localBytes = bytesOf(local)
  if (localBytes > MAX_LOCAL_BYTES) return `Expected at most ${MAX_LOCAL_BYTES} bytes before the @.`
  if (localBytes + 1 + domain.length > MAX_BYTES) return `Expected an e-mail address of at most ${MAX_BYTES} bytes.`
  return undefined
}

/** An internationalised domain in its ASCII form; undefined if mail cannot be delivered to it. */
function toAsciiDomain(domain: string): string | undefined {
  const url = `https://${domain}/`
  if (!DOMAIN.test(domain) || !URL.canParse(url)) return undefined
  const { hostname } = new URL(url)
  return ASCII_DOMAIN.test(hostname) ? hostname : undefined
}

function bytesOf(text: string): number {
  return new TextEncoder().encode(text).length
}
