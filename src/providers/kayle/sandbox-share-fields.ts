import type { Reason } from './sandbox-errors.ts'
import { AGE_GATE, CLAIM_KEYS, MAX_REASON_LENGTH, MAX_SHARE_FIELDS } from './wire.ts'

export interface SandboxShareField {
  readonly reason: string
  readonly source: 'default' | 'rc'
  readonly required: boolean
}
export type ShareFields = Readonly<Record<string, SandboxShareField>>

/** The claims that a create requests, or why it is rejected. */
export function readShareFields(sent: unknown, claims: readonly string[] = CLAIM_KEYS): ShareFields | Reason {
  if (sent === undefined) return sorted(Object.fromEntries(claims.map(key => [key, byDefault(key)])))
  if (!isObject(sent)) return REASONS.shape
  const entries = Object.entries(sent)
  if (entries.length > MAX_SHARE_FIELDS) return REASONS.tooMany
  const keys = entries.map(([key]) => key)
  const fields: [string, SandboxShareField][] = []
  for (const [key, field] of entries) {
    const read = readShareField(key, field, keys, claims)
    if ('code' in read) return read
    fields.push([key, read])
    if (fields.filter(([known]) => isAgeKey(known)).length > 1) return REASONS.twoAgeGates
  }
  return complete(fields)
}

export function isReason(read: ShareFields | Reason): read is Reason {
  return typeof read.code === 'string'
}

/** In Kayle's order of checks. */
function readShareField(
  key: string,
  field: unknown,
  keys: readonly string[],
  claims: readonly string[],
): SandboxShareField | Reason {
  if (!isObject(field) || typeof field.required !== 'boolean') return REASONS.shape
  if (typeof field.reason !== 'string') return REASONS.noReason
  const reason = field.reason.trim()
  if (reason === '' && !(isAgeKey(key) && keys.includes('date_of_birth'))) return REASONS.noReason
  if (reason.length > MAX_REASON_LENGTH) return REASONS.longReason
  if (isAgeKey(key) && !isAgeGate(key)) return REASONS.ageGate
  if (!isAgeKey(key) && !claims.includes(key)) return REASONS.unknown
  return { reason: reason.replace(/\s+/g, ' '), source: 'rc', required: field.required }
}

/** The document's id is always requested; a birth date and an age gate are required together. */
function complete(entries: readonly [string, SandboxShareField][]): ShareFields {
  const aboutAge = (key: string) => key === 'date_of_birth' || isAgeKey(key)
  const ageRequired = entries.some(([key, { required }]) => aboutAge(key) && required)
  const forced = (key: string) => key === 'kayle_document_id' || (ageRequired && aboutAge(key))
  return sorted({
    kayle_document_id: byDefault('kayle_document_id'),
    ...Object.fromEntries(entries.map(([key, field]) => [key, { ...field, required: field.required || forced(key) }])),
  })
}

const SPELLING: Readonly<Record<string, string>> = { id: 'ID', mrz: 'MRZ', of: 'of' }

function byDefault(key: string): SandboxShareField {
  const label = key.split('_').map(word => SPELLING[word] ?? word.charAt(0).toUpperCase() + word.slice(1))
  return { reason: `Sharing "${label.join(' ')}"`, source: 'default', required: key === 'kayle_document_id' }
}

/** In the order of Kayle's database: shorter keys first. */
function sorted(fields: Record<string, SandboxShareField>): ShareFields {
  const order = ([a]: [string, unknown], [b]: [string, unknown]) => a.length - b.length || (a < b ? -1 : 1)
  return Object.fromEntries(Object.entries(fields).sort(order))
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isAgeKey(key: string): boolean {
  return key.startsWith(AGE_GATE.prefix)
}

function isAgeGate(key: string): boolean {
  const age = key.slice(AGE_GATE.prefix.length)
  return /^\d+$/.test(age) && Number(age) >= AGE_GATE.min && Number(age) <= AGE_GATE.max
}

const REASONS = {
  shape: {
    code: 'INVALID_SHARE_FIELDS',
    message: 'Invalid share_fields payload.',
    hint: 'share_fields must be an object map of claim keys.',
  },
  tooMany: {
    code: 'TOO_MANY_SHARE_FIELDS',
    message: 'Too many share fields requested.',
    hint: `The maximum number of share fields is ${MAX_SHARE_FIELDS}.`,
  },
  noReason: {
    code: 'REASON_REQUIRED',
    message: 'Each share field requires a reason.',
    hint: 'Provide a non-empty reason for every requested claim.',
  },
  longReason: {
    code: 'REASON_TOO_LONG',
    message: 'Reason is too long.',
    hint: `Reason must be ${MAX_REASON_LENGTH} characters or fewer.`,
  },
  ageGate: {
    code: 'INVALID_AGE_GATE_KEY',
    message: 'Invalid age gate claim key.',
    hint: 'Use `age_over_<integer>` with a valid threshold, for example `age_over_18`.',
  },
  unknown: {
    code: 'UNKNOWN_CLAIM_KEY',
    message: 'Unknown claim key.',
    hint: 'Use a supported claim key from the share contract allowlist.',
  },
  twoAgeGates: {
    code: 'MULTIPLE_AGE_GATES_NOT_ALLOWED',
    message: 'Multiple age gate claims are not allowed.',
    hint: 'Only one age_over_X claim can be provided per session.',
  },
} satisfies Record<string, Reason>
