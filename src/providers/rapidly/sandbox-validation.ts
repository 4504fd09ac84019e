import { COUNTRIES, CUSTOMER_TYPES, MAX_NAME_LENGTH, METADATA_LIMITS } from './wire.ts'

/** Rapidly's request models, with the faults that pydantic reports. */

export interface ValidationFault {
  readonly type: string
  readonly loc: readonly (string | number)[]
  readonly msg: string
  readonly input: unknown
  readonly ctx?: Readonly<Record<string, unknown>>
}

type Loc = ValidationFault['loc']
type Check = (value: unknown, loc: Loc) => ValidationFault[]
type Model = Readonly<Record<string, Check>>

export function checkCustomer(body: unknown): ValidationFault[] {
  return checkModel(customerModel, ['email'])(body, ['body'])
}

export function checkCustomerUpdate(body: unknown): ValidationFault[] {
  return checkModel({ ...customerModel, email: nullable(email) }, [])(body, ['body'])
}

/** The body is a union of two models: if neither matches, the faults of both are reported. */
export function checkCustomerSession(body: unknown): ValidationFault[] {
  const given = renameAlias(body)
  const byId = checkModel({ ...sessionModel, customer_id: uuid4 }, ['customer_id'])
  const byExternalId = checkModel({ ...sessionModel, external_customer_id: string }, ['external_customer_id'])
  const faults = byId(given, ['body', 'CustomerSessionCustomerIDCreate'])
  const others = byExternalId(given, ['body', 'CustomerSessionCustomerExternalIDCreate'])
  return faults.length === 0 || others.length === 0 ? [] : [...faults, ...others]
}

export function renameAlias(body: unknown): unknown {
  return isRecord(body) && 'customer_external_id' in body
    ? { external_customer_id: body.customer_external_id, ...body }
    : body
}

export const uuid4: Check = (value, loc) => {
  if (typeof value !== 'string')
    return [fault('uuid_type', loc, 'UUID input should be a string, bytes or UUID object', value)]
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(value)) {
    return [fault('uuid_parsing', loc, 'Input should be a valid UUID', value)]
  }
  return value[14] === '4'
    ? []
    : [fault('uuid_version', loc, 'UUID version 4 expected', value, { expected_version: 4 })]
}

export const positiveInteger: Check = (value, loc) => {
  if (!/^[+-]?\d+$/.test(String(value))) {
    const message = 'Input should be a valid integer, unable to parse string as an integer'
    return [fault('int_parsing', loc, message, value)]
  }
  return Number(value) > 0 ? [] : [fault('greater_than', loc, 'Input should be greater than 0', value, { gt: 0 })]
}

export function oneOf(words: readonly string[]): Check {
  const expected = words
    .map(word => `'${word}'`)
    .join(', ')
    .replace(/, (?=[^,]*$)/, ' or ')
  return (value, loc) =>
    words.some(word => word === value) ? [] : [fault('enum', loc, `Input should be ${expected}`, value, { expected })]
}

const string: Check = (value, loc) =>
  typeof value === 'string' ? [] : [fault('string_type', loc, 'Input should be a valid string', value)]

function stringOfLength(min: number, max: number): Check {
  return (value, loc) => {
    if (typeof value !== 'string') return string(value, loc)
    // Python counts code points.
    const { length } = [...value]
    if (length < min) {
      const message = `String should have at least ${min} character${min === 1 ? '' : 's'}`
      return [fault('string_too_short', loc, message, value, { min_length: min })]
    }
    const message = `String should have at most ${max} characters`
    return length > max ? [fault('string_too_long', loc, message, value, { max_length: max })] : []
  }
}

const email: Check = (value, loc) => {
  if (typeof value !== 'string') return string(value, loc)
  const reason = emailFault(value)
  if (!reason) return []
  return [fault('value_error', loc, `value is not a valid email address: ${reason}`, value, { reason })]
}

function emailFault(value: string): string | undefined {
  if (!/^[^\s@]+@[^\s@.]+(\.[^\s@.]+)+$/u.test(value)) {
    return 'An email address must have an @-sign and a domain with a period.'
  }
  if (value.indexOf('@') > 64) return 'The email address is too long before the @-sign.'
  return value.length > 254 ? 'The email address is too long.' : undefined
}

const httpUrl: Check = (value, loc) => {
  if (typeof value !== 'string') return [fault('url_type', loc, 'URL input should be a string or URL', value)]
  const broken = (error: string) => [
    fault('url_parsing', loc, `Input should be a valid URL, ${error}`, value, { error }),
  ]
  if (value === '') return broken('input is empty')
  if (value.length > 2083) {
    return [fault('url_too_long', loc, 'URL should have at most 2083 characters', value, { max_length: 2083 })]
  }
  if (!URL.canParse(value)) return broken('relative URL without a base')
  if (/^https?:$/.test(new URL(value).protocol)) return []
  const ctx = { expected_schemes: "'http' or 'https'" }
  return [fault('url_scheme', loc, "URL scheme should be 'http' or 'https'", value, ctx)]
}

/** Every value is a union of four types, so an invalid value has a fault for each of them. */
const metadata: Check = (value, loc) => {
  if (!isRecord(value)) return [fault('dict_type', loc, 'Input should be a valid dictionary', value)]
  const { keys, keyLength, valueLength } = METADATA_LIMITS
  const entries = Object.entries(value)
  const faults = entries.flatMap(([key, inner]) => [
    ...stringOfLength(1, keyLength)(key, [...loc, key, '[key]']),
    ...metadataValue(valueLength)(inner, [...loc, key]),
  ])
  if (faults.length > 0 || entries.length <= keys) return faults
  const message = `Dictionary should have at most ${keys} items after validation, not ${entries.length}`
  const ctx = { field_type: 'Dictionary', max_length: keys, actual_length: entries.length }
  return [fault('too_long', loc, message, value, ctx)]
}

function metadataValue(maxLength: number): Check {
  return (value, loc) => {
    if (typeof value === 'number' || typeof value === 'boolean') return []
    const faults = stringOfLength(1, maxLength)(value, [...loc, 'constrained-str'])
    if (faults.length === 0) return []
    const others = [
      ['int', 'integer'],
      ['float', 'number'],
      ['bool', 'boolean'],
    ] as const
    return [
      ...faults,
      ...others.map(([type, word]) => fault(`${type}_type`, [...loc, type], `Input should be a valid ${word}`, value)),
    ]
  }
}

const address = checkModel(
  {
    country: oneOf([...COUNTRIES]),
    line1: nullable(string),
    line2: nullable(string),
    postal_code: nullable(string),
    city: nullable(string),
    state: nullable(string),
  },
  ['country'],
)

const customerModel: Model = {
  email,
  external_id: nullable(string),
  name: nullable(stringOfLength(0, MAX_NAME_LENGTH)),
  type: nullable(oneOf(CUSTOMER_TYPES)),
  metadata,
  billing_address: nullable(address),
  workspace_id: nullable(uuid4),
}

const sessionModel: Model = {
  return_url: nullable(httpUrl),
  member_id: nullable(uuid4),
  external_member_id: nullable(string),
}

function checkModel(model: Model, required: readonly string[]): Check {
  return (value, loc) => {
    if (!isRecord(value)) {
      const message = 'Input should be a valid dictionary or object to extract fields from'
      return [fault('model_attributes_type', loc, message, value)]
    }
    return Object.entries(model).flatMap(([name, check]) => {
      if (value[name] !== undefined) return check(value[name], [...loc, name])
      return required.includes(name) ? [fault('missing', [...loc, name], 'Field required', value)] : []
    })
  }
}

function nullable(check: Check): Check {
  return (value, loc) => (value === null ? [] : check(value, loc))
}

function fault(type: string, loc: Loc, msg: string, input: unknown, ctx?: ValidationFault['ctx']): ValidationFault {
  return { type, loc, msg, input, ...(ctx && { ctx }) }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
