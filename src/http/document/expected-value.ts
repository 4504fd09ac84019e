import {
  type GraphQLEnumType,
  type GraphQLLeafType,
  type GraphQLNamedType,
  isEnumType,
  isScalarType,
  isSpecifiedScalarType,
  Kind,
  type ValueNode,
} from 'graphql'
import { INEXACT_NUMBER } from '../../domain/input/exact-number.ts'

/** An invalid value, as far as a message may describe it. */
export interface FoundValue {
  /** Such as "a string". */
  readonly kind: string
  /** The value itself, where a message may repeat it. */
  readonly name?: string
  /** True for a quoted string in a document: enum values have no quotes. */
  readonly isQuoted?: boolean
}

/** True for enums and built-in scalars. Custom scalars have messages of their own. */
export function isReportedHere(type: GraphQLNamedType | null | undefined): type is GraphQLLeafType {
  return isEnumType(type) || (isScalarType(type) && isSpecifiedScalarType(type))
}

/**
 * The message for an invalid leaf value: expected and found. `suggestions`: whether it may reveal the schema. `message`:
 * graphql's own message, whose "Did you mean" is reused.
 */
export function expectedValue(type: GraphQLLeafType, found: FoundValue, suggestions: boolean, message: string): string {
  if (isEnumType(type)) return expectedEnum(type, found, suggestions, message)
  const isOfWrongForm = type.name === 'Int' && found.kind === 'a number'
  return `Expected a value of type "${type.name}", found ${isOfWrongForm ? 'a number that is not whole or has more than 32 bits' : found.kind}.`
}

function expectedEnum(
  type: GraphQLEnumType,
  { kind, name, isQuoted }: FoundValue,
  suggestions: boolean,
  message: string,
): string {
  const values = type.getValues().map(value => value.name)
  const allowed = suggestions ? `: ${values.join(', ')}` : ''
  if (isQuoted) return `Expected one of ${type.name} without quotes${allowed}.`
  if (name === undefined) return `Expected one of ${type.name}, found ${kind}${allowed}.`
  const perhaps = suggestions ? (/ Did you mean .*$/.exec(message)?.[0] ?? '') : ''
  return `Value "${name}" is not one of ${type.name}${allowed}.${perhaps}`
}

/** Describes a JSON value. */
export function foundInJson(value: unknown): FoundValue {
  if (typeof value === 'string') return { kind: 'a string', name: toName(value) }
  if (value === null || value === undefined) return { kind: 'null' }
  if (Array.isArray(value)) return { kind: 'a list' }
  if (value === INEXACT_NUMBER) return { kind: 'a number that JSON cannot carry exactly' }
  return { kind: typeof value === 'object' ? 'an object' : `a ${typeof value}` }
}

/** Describes a literal in a document. */
export function foundInDocument(node: ValueNode): FoundValue {
  if (node.kind === Kind.ENUM) return { kind: 'a name', name: toName(node.value) }
  if (node.kind !== Kind.STRING) return { kind: KINDS[node.kind] }
  return { kind: 'a string', isQuoted: true }
}

const KINDS = {
  [Kind.BOOLEAN]: 'a boolean',
  [Kind.FLOAT]: 'a number',
  [Kind.INT]: 'a number',
  [Kind.LIST]: 'a list',
  [Kind.NULL]: 'null',
  [Kind.OBJECT]: 'an object',
  [Kind.VARIABLE]: 'a variable',
} as const

/** A constant such as an enum value, or one short word. Any other value may be personal data, so it is not repeated. */
function toName(value: string): string | undefined {
  return /^(?:[A-Z][A-Z\d_]{0,39}|[A-Za-z]{1,12})$/.test(value) ? value : undefined
}
