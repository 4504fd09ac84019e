import { z } from 'zod'
import { CALLER_URL_RULE, isCallerUrl } from '../../domain/caller-url.ts'
import { AGE_GATE, CLAIM_KEYS, MAX_REASON_LENGTH, MAX_SHARE_FIELDS } from './wire.ts'

/** What a create takes, with Kayle's documented rules. */

const shareField = z.object({
  key: z.string().refine(key => isClaim(key) || isAgeGate(key), {
    error: `Expected one of ${CLAIM_KEYS.join(', ')}, or age_over_N with N from ${AGE_GATE.min} to ${AGE_GATE.max}.`,
  }),
  required: z.boolean(),
  reason: z.string().refine(reason => normalised(reason).length <= MAX_REASON_LENGTH, {
    error: `Expected at most ${MAX_REASON_LENGTH} characters.`,
  }),
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
      if (normalised(reason) === '' && !mayLackReason(key, keys)) issue('reason', 'Expected a reason.')
    }
  })

export const sessionInput = z.object({
  redirectUrl: z.string().refine(isCallerUrl, { error: CALLER_URL_RULE }).nullish(),
  shareFields: shareFields.nullish(),
})
export type SessionInput = z.infer<typeof sessionInput>

/** Kayle trims a reason and collapses white space in it. */
function normalised(reason: string): string {
  return reason.trim().replace(/\s+/g, ' ')
}

function isClaim(key: string): boolean {
  return CLAIM_KEYS.some(claim => claim === key)
}

function isAgeGate(key: string): boolean {
  const age = key.startsWith(AGE_GATE.prefix) ? key.slice(AGE_GATE.prefix.length) : ''
  return /^[1-9]\d{0,2}$/.test(age) && Number(age) >= AGE_GATE.min && Number(age) <= AGE_GATE.max
}

/** Beside date_of_birth an age gate needs no reason of its own. */
function mayLackReason(key: string, keys: readonly string[]): boolean {
  return isAgeGate(key) && keys.includes('date_of_birth')
}
