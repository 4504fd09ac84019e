import { z } from 'zod'
import { ACCEPTED, type InputSettings, redirectUrl, text } from '../../input/rules.ts'
import { AGE_GATE, CLAIM_KEYS, MAX_REASON_LENGTH, MAX_SHARE_FIELDS } from './wire.ts'

/** The input of a create, with Kayle's documented rules. */

/** The query parameter of our marker. */
export const MARKER_PARAMETER = 'sg_ref'

const MAX_KEY_LENGTH = 32
/** With undocumented whitespace. */
const MAX_RAW_REASON_LENGTH = 2000

const shareField = z.object({
  key: text({ max: MAX_KEY_LENGTH }).refine(key => isClaim(key) || isAgeGate(key), {
    error: `Expected one of ${CLAIM_KEYS.join(', ')}, or age_over_N with N from ${AGE_GATE.min} to ${AGE_GATE.max}.`,
  }),
  required: z.boolean(),
  // Kayle counts characters before it collapses whitespace.
  reason: text({ min: 0, max: MAX_RAW_REASON_LENGTH, lines: true }).refine(
    reason => reason.trim().length <= MAX_REASON_LENGTH,
    {
      error: `Expected at most ${MAX_REASON_LENGTH} characters.`,
    },
  ),
})
export type ShareField = z.infer<typeof shareField>

const shareFields = z
  .array(shareField)
  .max(MAX_SHARE_FIELDS, { error: `Expected at most ${MAX_SHARE_FIELDS} share fields.` })
  .superRefine((fields, context) => {
    const keys = fields.map(field => field.key)
    for (const [index, { key, reason }] of fields.entries()) {
      const issue = (name: string, message: string) =>
        context.addIssue({ code: 'custom', path: [index, name], message })
      if (keys.indexOf(key) !== index) issue('key', 'Expected each key once.')
      else if (isAgeGate(key) && keys.findIndex(isAgeGate) !== index) issue('key', 'Expected at most one age gate.')
      if (reason.trim() === '' && !mayLackReason(key, keys)) issue('reason', 'Expected a reason.')
    }
  })

export function sessionInputOf(settings: InputSettings) {
  return z.object({
    redirectUrl: redirectUrl(settings)
      .refine(isNoIpv6Address, { error: 'Expected a host that is no IPv6 address: Kayle accepts none.' })
      .refine(hasNoMarker, { error: `Expected no ${MARKER_PARAMETER} in the query: it is reserved.` })
      .nullish(),
    shareFields: shareFields.nullish(),
  })
}

export const sessionInput = sessionInputOf(ACCEPTED)
export type SessionInput = z.infer<typeof sessionInput>

function hasNoMarker(url: string): boolean {
  return !URL.canParse(url) || !new URL(url).searchParams.has(MARKER_PARAMETER)
}

function isNoIpv6Address(url: string): boolean {
  return !URL.canParse(url) || !new URL(url).hostname.startsWith('[')
}

function isClaim(key: string): boolean {
  return CLAIM_KEYS.some(claim => claim === key)
}

function isAgeGate(key: string): boolean {
  const age = key.startsWith(AGE_GATE.prefix) ? key.slice(AGE_GATE.prefix.length) : ''
  return /^\d+$/.test(age) && Number(age) >= AGE_GATE.min && Number(age) <= AGE_GATE.max
}

/** With date_of_birth, an age gate needs no reason of its own. */
function mayLackReason(key: string, keys: readonly string[]): boolean {
  return isAgeGate(key) && keys.includes('date_of_birth')
}
