import { INEXACT_NUMBER, isExact } from '../../domain/input/exact-number.ts'
import { badRequest } from '../errors/http-error.ts'

const UTF8 = new TextDecoder('utf-8', { fatal: true })
/** PostgreSQL text cannot contain null characters. */
const NULL_CHARACTER = /\\u0000|\\u\{0+\}|\0/

export function decodeText(bytes: Uint8Array): string {
  try {
    return UTF8.decode(bytes)
  } catch {
    throw badRequest('Expected a body in UTF-8.')
  }
}

/**
 * Parses a JSON text. INEXACT_NUMBER replaces each number that JavaScript cannot write back unchanged. The depth is checked
 * before parsing. `what` names the text in error messages.
 */
export function parseJsonBody(text: string, maxDepth: number, what: string): unknown {
  const { depth, members, longestKey } = measure(text)
  if (depth > maxDepth) throw badRequest(`Expected ${what} nested at most ${maxDepth} deep.`)
  if (members > MAX_KEYS) throw badRequest(`Expected ${what} with at most ${MAX_KEYS} keys of objects.`)
  assertNoNullCharacters(text, what)
  const value = parseOrBadRequest(text, what)
  if (countMembers(value) < members) throw badRequest(`Expected ${what} without duplicate keys in an object.`)
  if (longestKey > MAX_KEY_CHARACTERS && hasLongKey(value)) {
    throw badRequest(`Expected ${what} with keys of at most ${MAX_KEY_CHARACTERS} characters.`)
  }
  if (SURROGATE_ESCAPE.test(text) && !isText(value)) throw badRequest(`Expected ${what} without lone surrogates.`)
  return value
}

function parseOrBadRequest(text: string, what: string): unknown {
  try {
    return parseExactly(text)
  } catch {
    throw badRequest(`Expected ${what} to be JSON.`)
  }
}

/** Matches every text with an inexact number: sixteen digits or more, an exponent, or a negative zero. */
const MAYBE_INEXACT = /[\d.]{16}|\d[eE]|-0/
const STRING_OR_NUMBER = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d[\d.eE+-]*/g
/** Cannot occur in the text, because null characters are rejected first. */
const MARK_KEY = '\0'
const MARK = JSON.stringify({ [MARK_KEY]: true })

/** JSON.parse rounds numbers, so inexact ones are replaced in the text before it is parsed. */
function parseExactly(text: string): unknown {
  // JSON.parse first rejects unterminated strings, on which the pattern below takes quadratic time.
  const value: unknown = JSON.parse(text)
  if (!MAYBE_INEXACT.test(text)) return value
  const marked = text.replace(STRING_OR_NUMBER, token => (isValid(token) ? token : MARK))
  if (marked === text) return value
  return JSON.parse(marked, (_key, inner: unknown) => (isMark(inner) ? INEXACT_NUMBER : inner))
}

/** True for exact numbers, strings, and invalid numbers, which the parser rejects. */
function isValid(token: string): boolean {
  return !/^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(token) || isExact(token)
}

function isMark(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, MARK_KEY)
}

const SURROGATE_ESCAPE = /\\ud[89a-f]/i
const LONE_SURROGATE = /\p{Surrogate}/u

/** False where a string has a lone surrogate, which an escape can produce and UTF-8 cannot encode. */
function isText(value: unknown): boolean {
  if (typeof value === 'string') return !LONE_SURROGATE.test(value)
  if (typeof value !== 'object' || value === null) return true
  return Object.entries(value).every(([key, inner]) => isText(key) && isText(inner))
}

/** Throws where a text has a null character, or an escape for one in JSON or GraphQL. */
export function assertNoNullCharacters(text: string, what: string): void {
  if (NULL_CHARACTER.test(text)) throw badRequest(`Expected ${what} without null characters.`)
}

const [QUOTE, BACKSLASH, COLON] = [0x22, 0x5c, 0x3a]
const [OPEN_BRACKET, CLOSE_BRACKET, OPEN_BRACE, CLOSE_BRACE] = [0x5b, 0x5d, 0x7b, 0x7d]

/** They take longer than other values. A create has about a hundred. */
export const MAX_KEYS = 5_000
/** A key is compared with the names of the schema. Valid ones have at most 255 characters, of two units each. */
const MAX_KEY_CHARACTERS = 512

function hasLongKey(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (Array.isArray(value)) return value.some(hasLongKey)
  return Object.entries(value).some(([key, inner]) => key.length > MAX_KEY_CHARACTERS || hasLongKey(inner))
}

/** The depth of a JSON text, the number of its object members, including duplicate keys, and the length of the longest key as it is written. */
function measure(text: string): { depth: number; members: number; longestKey: number } {
  let [depth, deepest, members, quoted, begun, longestKey] = [0, 0, 0, false, 0, 0]
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (quoted && code === BACKSLASH) at++
    else if (code === QUOTE) {
      quoted = !quoted
      if (quoted) begun = at
    } else if (quoted) continue
    else if (code === OPEN_BRACKET || code === OPEN_BRACE) deepest = Math.max(deepest, ++depth)
    else if (code === CLOSE_BRACKET || code === CLOSE_BRACE) depth--
    else if (code === COLON) {
      members++
      longestKey = Math.max(longestKey, at - begun)
    }
  }
  return { depth: deepest, members, longestKey }
}

function countMembers(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  if (Array.isArray(value)) return value.reduce((count: number, item) => count + countMembers(item), 0)
  return Object.values(value).reduce((count: number, inner) => count + 1 + countMembers(inner), 0)
}
