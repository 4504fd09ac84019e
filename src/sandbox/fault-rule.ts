import { z } from 'zod'

/** What goes wrong with a call, and with which calls: the words of `/_sandbox/faults`. docs/faults.md explains them. */

// A longer timer of Node fires at once.
const ms = z.int().min(0).max(3_600_000)
const bytes = z.int().min(1)
const status = z.int().min(200).max(599)
const headerText = z.string().regex(/^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/, 'This cannot stand in a header.')
const processed = z.boolean().default(false)
const field = z.string().regex(/^[^.]+(\.[^.]+)*$/, 'Names of fields with dots between them are meant.')
const name = field.refine(path => !path.endsWith('*'), 'One field can get another name, not every item.')

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
    /** Seconds, or a date as HTTP writes it. */
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
    .regex(/^[A-Z]+$/, 'A method is written in capitals.')
    .optional(),
  /** From the server's root, without the query; `*` stands for anything. */
  path: z.string().regex(/^[/*]/, 'A path starts with / or *.').optional(),
  share: z.number().min(0).max(1).default(1),
  times: z.int().min(1).optional(),
  fault,
})

export const faultsInput = z.strictObject({ seed: z.int().default(1), rules: z.array(rule) })

export type Drift = z.infer<typeof drift>
export type Fault = z.infer<typeof fault>
export type FaultRule = z.infer<typeof rule>
export type FaultsInput = z.infer<typeof faultsInput>
/** A rule as it is sent: with the defaults left out. */
export type FaultRuleInput = z.input<typeof rule>
