import { badRequest } from './refusal.ts'

const UTF8 = new TextDecoder('utf-8', { fatal: true })
/** PostgreSQL has no text that holds one, and nobody's name does. */
const NULL_CHARACTER = /\\u0000|\\u\{0+\}|\0/

/** The text of bytes. */
export function decodeText(bytes: Uint8Array): string {
  try {
    return UTF8.decode(bytes)
  } catch {
    throw badRequest('Expected a body in UTF-8.')
  }
}

/** The value of a JSON text. How deep it is nested is seen before it is parsed. `what` names the text in a refusal. */
export function parseJson(text: string, maxDepth: number, what: string): unknown {
  if (isDeeperThan(text, maxDepth)) throw badRequest(`Expected ${what} nested at most ${maxDepth} deep.`)
  checkNull(text, what)
  const value = parseOrRefuse(text, what)
  if (SURROGATE_ESCAPE.test(text) && !isText(value)) throw badRequest(`Expected ${what} without halves of characters.`)
  return value
}

function parseOrRefuse(text: string, what: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw badRequest(`Expected ${what} to be JSON.`)
  }
}

const SURROGATE_ESCAPE = /\\ud[89a-f]/i
const LONE_SURROGATE = /\p{Surrogate}/u

/** Whether every string in it can be written in UTF-8, as half of a surrogate pair cannot: an escape can say one. */
function isText(value: unknown): boolean {
  if (typeof value === 'string') return !LONE_SURROGATE.test(value)
  if (typeof value !== 'object' || value === null) return true
  return Object.entries(value).every(([key, inner]) => isText(key) && isText(inner))
}

/** Refuses a text that holds a null character, or says one in the way of JSON or GraphQL. */
export function checkNull(text: string, what: string): void {
  if (NULL_CHARACTER.test(text)) throw badRequest(`Expected ${what} without null characters.`)
}

const OPENING = new Set(['{', '['])
const CLOSING = new Set(['}', ']'])

function isDeeperThan(text: string, most: number): boolean {
  let depth = 0
  let quoted = false
  for (let at = 0; at < text.length; at++) {
    const character = text.charAt(at)
    if (quoted && character === '\\') at++
    else if (character === '"') quoted = !quoted
    else if (quoted) continue
    else if (OPENING.has(character) && ++depth > most) return true
    else if (CLOSING.has(character)) depth--
  }
  return false
}
