import { z } from 'zod'

/** The fault rules of `/_sandbox/faults`. docs/guides/bad-days.md describes them. */

// Node fires a timer beyond its 32-bit limit at once, so delays are limited to an hour.
const ms = z.int().min(0).max(3_600_000)
const bytes = z.int().min(1)
const status = z.int().min(200).max(599)
const headerText = z
  .string()
  .regex(/^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/, 'Expected printable ASCII, as in a header.')
const processed = z.boolean().default(false)
const field = z.string().regex(/^[^.]+(\.[^.]+)*$/, 'Expected field names separated by dots.')
const name = field.refine(path => !path.endsWith('*'), 'Expected a single field to rename, not every item.')

const drift = z.discriminatedUnion('change', [
  z.strictObject({ kind: z.literal('drift'), change: z.literal('drop'), field }),
  z.strictObject({ kind: z.literal('drift'), change: z.literal('rename'), field: name, to: z.string().optional() }),
  z.strictObject({ kind: z.literal('drift'), change: z.literal('retype'), field, to: z.json().optional() }),
  z.strictObject({ kind: z.literal('drift'), change: z.literal('word'), field, to: z.string().default('a_new_word') }),
])

const fault = z.discriminatedUnion('kind', [
  drift,
  z.strictObject({ kind: z.literal('drip'), ms, bytes }),
  z.strictObject({ kind: z.literal('hang'), processed: z.boolean().default(true) }),
  z.strictObject({ kind: z.literal('html'), status: status.default(200), processed }),
  z.strictObject({ kind: z.literal('latency'), ms }),
  z.strictObject({ kind: z.literal('oversized'), bytes }),
  z.strictObject({ kind: z.literal('redirect'), location: headerText, processed }),
  z.strictObject({ kind: z.literal('reset'), when: z.enum(['before', 'after']) }),
  z.strictObject({
    kind: z.literal('status'),
    status,
    /** Seconds, or an HTTP date. */
    retryAfter: z.union([z.int().min(0), headerText]).optional(),
    json: z.json().optional(),
    text: z.string().optional(),
    processed,
  }),
  z.strictObject({ kind: z.literal('truncated') }),
])

const rule = z.strictObject({
  method: z
    .string()
    .regex(/^[A-Z]+$/, 'Expected a method in upper case.')
    .optional(),
  /** From the server's root, without the query; `*` matches anything. */
  path: z.string().regex(/^[/*]/, 'Expected a path that starts with / or *.').optional(),
  share: z.number().min(0).max(1).default(1),
  times: z.int().min(1).optional(),
  fault,
})

export const faultsInput = z.strictObject({ seed: z.int().default(1), rules: z.array(rule) })

export type DriftFault = z.infer<typeof drift>
export type Fault = z.infer<typeof fault>
export type FaultRule = z.infer<typeof rule>
export type FaultsInput = z.infer<typeof faultsInput>
/** A rule in a request: defaults may be omitted. */
export type FaultRuleInput = z.input<typeof rule>
