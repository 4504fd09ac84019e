import { z } from 'zod'
import type { InputIssue } from '../../domain/errors.ts'
import { INEXACT_NUMBER } from '../../domain/input/exact-number.ts'
import { jsonIssues, REFERENCE_KEY } from '../../domain/input/metadata.ts'
import { textProblem } from '../../domain/input/text.ts'
import type { JsonObject } from '../../domain/json.ts'
import { ACCEPTED, email, type InputSettings, jsonObject, redirectUrl, text } from '../../input/rules.ts'
import { COUNTRIES, MAX_NAME_LENGTH, METADATA_LIMITS } from './wire.ts'

/** The input of the creates, with Rapidly's documented rules. */

/** Longer keys are cut in the paths of issues. */
const MAX_SHOWN = 64

const uuid = z.uuidv4({ error: 'Expected a UUID of version 4.' })

const customerRef = z.union(
  [
    z.strictObject({ customerId: text() }),
    z.strictObject({ customerProviderId: uuid }),
    z.strictObject({ customerExternalId: text() }),
  ],
  { error: 'Expected exactly one key.' },
)

export function sessionInputOf(settings: InputSettings) {
  return z.object({
    customer: customerRef,
    redirectUrl: redirectUrl(settings).nullish(),
    memberId: uuid.nullish(),
    externalMemberId: text().nullish(),
  })
}

export const sessionInput = sessionInputOf(ACCEPTED)
export type SessionInput = z.infer<typeof sessionInput>

/** One of Rapidly's fifty keys holds our marker. */
function metadataIssues(given: JsonObject): InputIssue[] {
  const { keys } = METADATA_LIMITS
  const entries = Object.entries(given)
  return [
    ...(entries.length >= keys ? [{ path: [], message: `Expected at most ${keys - 1} keys.` }] : []),
    ...entries.flatMap(([key, value]) => entryIssues(key, value)),
  ]
}

function entryIssues(key: string, value: unknown): InputIssue[] {
  const { keyLength, valueLength } = METADATA_LIMITS
  const path = [key.slice(0, MAX_SHOWN)]
  const isReserved = key === REFERENCE_KEY || key === '__proto__'
  const keyRule = `Expected a key of 1 to ${keyLength} characters, without control characters, and without white space at its ends.`
  return [
    ...(isReserved ? [{ path, message: 'Expected a key that is not reserved.' }] : []),
    ...(textProblem(key, { max: keyLength }) ? [{ path, message: keyRule }] : []),
    ...(isMetadataValue(value)
      ? jsonIssues(value, path)
      : [{ path, message: `Expected a string of 1 to ${valueLength} characters, a number or a boolean.` }]),
  ]
}

function isMetadataValue(value: unknown): boolean {
  if (typeof value === 'number' || typeof value === 'boolean' || value === INEXACT_NUMBER) return true
  if (typeof value !== 'string') return false
  const { valueLength } = METADATA_LIMITS
  return value.length <= 2 * valueLength && value !== '' && [...value].length <= valueLength
}

const billingAddress = z.object({
  country: z.string().refine(country => COUNTRIES.has(country), {
    error: 'Expected the ISO 3166-1 alpha-2 code of a country that is not embargoed, such as SE.',
  }),
  line1: text({ min: 0 }).nullish(),
  line2: text({ min: 0 }).nullish(),
  postalCode: text({ min: 0 }).nullish(),
  city: text({ min: 0 }).nullish(),
  state: text({ min: 0 }).nullish(),
})

export const customerInput = z.object({
  email: email(),
  name: text({ min: 0, max: MAX_NAME_LENGTH }).nullish(),
  type: z.enum(['INDIVIDUAL', 'TEAM'], { error: 'Expected INDIVIDUAL or TEAM.' }).nullish(),
  metadata: jsonObject(metadataIssues).nullish(),
  billingAddress: billingAddress.nullish(),
})
export type CustomerInput = z.infer<typeof customerInput>
