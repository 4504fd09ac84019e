/** Rules for the caller's strings. Lengths are in Unicode code points. A message never repeats the value. */

export interface TextRule {
  readonly min?: number
  readonly max: number
  /** True if line breaks are allowed. */
  readonly lines?: boolean
}

/** Maximum length of a name, an id or a key. */
export const MAX_TEXT = 255

const LONE_SURROGATE = /\p{Surrogate}/u
const CONTROL = /[\p{Cc}\p{Zl}\p{Zp}]/u
/** The remaining control characters if tabs and line breaks are allowed. */
const CONTROL_IN_LINES = /(?![\t\n\r])\p{Cc}/u

export function textProblem(value: string, { min = 1, max, lines = false }: TextRule): string | undefined {
  const length = lengthOf(value, max)
  if (length < min || length > max) return `Expected ${min === 0 ? 'at most' : `${min} to`} ${max} characters.`
  if (LONE_SURROGATE.test(value)) return 'Expected whole characters: no lone surrogates.'
  if ((lines ? CONTROL_IN_LINES : CONTROL).test(value)) return 'Expected no control characters.'
  if (!lines && value !== value.trim()) return 'Expected no white space at its ends.'
  return undefined
}

/** Stops counting code points one beyond the maximum. */
function lengthOf(value: string, max: number): number {
  return value.length > 2 * max ? max + 1 : [...value].length
}

/** An externalId from elsewhere than an input, such as a provider's response. Null if no caller can have sent it. */
export function toExternalId(value: string | null | undefined): string | null {
  return value == null || textProblem(value, { max: MAX_TEXT }) ? null : value
}

const MAX_PHONE = 32

/** A phone number in any common notation: `+61 424 424 424`. */
export function phoneProblem(value: string): string | undefined {
  const problem = textProblem(value, { max: MAX_PHONE })
  return problem ?? (/\d/.test(value) ? undefined : 'Expected a phone number.')
}
