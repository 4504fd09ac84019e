import { z } from 'zod'
import { CALLER_URL_RULE, isCallerUrl } from '../../domain/caller-url.ts'
import { COUNTRIES, MAX_NAME_LENGTH, METADATA_LIMITS } from './wire.ts'

/** What the creates take, with Rapidly's documented rules. */

/** The key in a customer's metadata that carries our marker. */
export const REFERENCE_KEY = 'sessiongraph_reference'

const uuid = z.uuidv4({ error: 'Expected a UUID of version 4.' })

const customerRef = z.union(
  [
    z.strictObject({ customerId: z.string() }),
    z.strictObject({ customerProviderId: uuid }),
    z.strictObject({ customerExternalId: z.string() }),
  ],
  { error: 'Expected exactly one key.' },
)

export const sessionInput = z.object({
  customer: customerRef,
  returnUrl: z.string().refine(isCallerUrl, { error: CALLER_URL_RULE }).nullish(),
  memberId: uuid.nullish(),
  externalMemberId: z.string().nullish(),
})
export type SessionInput = z.infer<typeof sessionInput>

/** One key of Rapidly's fifty is ours. */
const metadata = z.record(z.string(), z.json(), { error: 'Expected an object.' }).superRefine((given, context) => {
  const { keys, keyLength, valueLength } = METADATA_LIMITS
  const issue = (path: string[], message: string) => context.addIssue({ code: 'custom', path, message })
  if (Object.keys(given).length >= keys) issue([], `Expected at most ${keys - 1} keys.`)
  for (const [key, value] of Object.entries(given)) {
    if (key === REFERENCE_KEY) issue([key], 'Expected a key that is not reserved.')
    if (key.length < 1 || key.length > keyLength) issue([key], `Expected a key of 1 to ${keyLength} characters.`)
    if (!isMetadataValue(value)) {
      issue([key], `Expected a text of 1 to ${valueLength} characters, a number or a boolean.`)
    }
  }
})

const billingAddress = z.object({
  country: z.string().refine(country => COUNTRIES.has(country), {
    error: 'Expected the ISO 3166-1 alpha-2 code of a country that is not embargoed, such as SE.',
  }),
  line1: z.string().nullish(),
  line2: z.string().nullish(),
  postalCode: z.string().nullish(),
  city: z.string().nullish(),
  state: z.string().nullish(),
})

export const customerInput = z.object({
  // Rapidly takes international addresses, so this only looks for the form of one.
  email: z.email({ pattern: z.regexes.unicodeEmail, error: 'Expected an e-mail address.' }),
  name: z
    .string()
    .max(MAX_NAME_LENGTH, { error: `Expected at most ${MAX_NAME_LENGTH} characters.` })
    .nullish(),
  type: z.enum(['INDIVIDUAL', 'TEAM'], { error: 'Expected INDIVIDUAL or TEAM.' }).nullish(),
  metadata: metadata.nullish(),
  billingAddress: billingAddress.nullish(),
})
export type CustomerInput = z.infer<typeof customerInput>

function isMetadataValue(value: unknown): boolean {
  if (typeof value !== 'string') return typeof value === 'number' || typeof value === 'boolean'
  return value.length >= 1 && value.length <= METADATA_LIMITS.valueLength
}
