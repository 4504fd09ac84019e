const MAX_URL_LENGTH = 2048
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
const CONTROL_CHARACTERS = /[\u0000-\u001f\u007f]/
const LOOPBACK: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]'])

/** What a URL that an end user is sent to must be; it is never fetched. */
export const CALLER_URL_RULE =
  'Expected an https:// URL of at most 2048 characters without credentials (http:// only for localhost and 127.0.0.1).'

export function isCallerUrl(value: string): boolean {
  if (value.length > MAX_URL_LENGTH || CONTROL_CHARACTERS.test(value) || value !== value.trim()) return false
  if (!URL.canParse(value)) return false
  const url = new URL(value)
  if (url.username || url.password) return false
  return url.protocol === 'https:' || (url.protocol === 'http:' && LOOPBACK.has(url.hostname))
}
