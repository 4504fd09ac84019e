import type { InputIssue } from '../errors.ts'
import type { JsonObject } from '../json.ts'
import { INEXACT_NUMBER } from './exact-number.ts'
import { MAX_TEXT, textProblem } from './text.ts'

/** The caller's own data: a JSON object that is returned unchanged. */

const MAX_KEYS = 50
const MAX_BYTES = 8192
const MAX_DEPTH = 10
/** The metadata key that holds a create's reference in the provider's record. */
export const REFERENCE_KEY = 'sessiongraph_reference'

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** All problems of metadata; paths start at the metadata. */
export function metadataIssues(value: unknown): InputIssue[] {
  if (!isJsonObject(value)) return [{ path: [], message: 'Expected an object.' }]
  const issues = jsonIssues(value)
  if (Object.keys(value).length > MAX_KEYS) issues.push({ path: [], message: `Expected at most ${MAX_KEYS} keys.` })
  if (issues.length > 0) return issues
  const bytes = Buffer.byteLength(JSON.stringify(value))
  return bytes > MAX_BYTES ? [{ path: [], message: `Expected at most ${MAX_BYTES} bytes of JSON.` }] : []
}

/** The parts of a JSON value that would not survive a round trip. */
export function jsonIssues(value: unknown, path: readonly string[] = []): InputIssue[] {
  const issue = (message: string) => [{ path, message }]
  if (path.length > MAX_DEPTH) return issue(`Expected nesting of at most ${MAX_DEPTH}.`)
  if (value === INEXACT_NUMBER) return issue('Expected a number that JSON carries exactly; send it as a string.')
  if (typeof value === 'string') {
    const problem = textProblem(value, { min: 0, max: MAX_BYTES, lines: true })
    return problem === undefined ? [] : issue(problem)
  }
  if (Array.isArray(value)) return value.flatMap((item, index) => jsonIssues(item, [...path, String(index)]))
  if (!isJsonObject(value)) return []
  return Object.entries(value).flatMap(([key, inner]) => {
    const problem = keyProblem(key)
    // Report an invalid key at its parent: the key may be very long.
    return problem === undefined ? jsonIssues(inner, [...path, key]) : issue(problem)
  })
}

function keyProblem(key: string): string | undefined {
  if (key === '__proto__') return 'Expected no key "__proto__".'
  if (key === REFERENCE_KEY) return `Expected no key "${REFERENCE_KEY}": it is reserved.`
  return (
    textProblem(key, { max: MAX_TEXT }) &&
    `Expected keys of 1 to ${MAX_TEXT} characters, without control characters or white space at their ends.`
  )
}
