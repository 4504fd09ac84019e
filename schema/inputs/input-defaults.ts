import {
  type GraphQLInputField,
  type GraphQLInputType,
  type GraphQLResolveInfo,
  isInputObjectType,
  isListType,
  isNonNullType,
} from 'graphql'

/** The value that an omitted input field stands for, as documented in its description. */
export interface OmittedValue {
  readonly whenOmitted: unknown
}

/**
 * All equivalent forms of a field's argument `input`, the given form first. Null is omitted. A field with its default value
 * is present in one form and omitted in another. Two inputs are equivalent where a form of one equals the first form of the
 * other, also after a release changed a default.
 */
export function equivalentInputs(value: unknown, { parentType, fieldName }: GraphQLResolveInfo): EquivalentInputs {
  const argument = parentType.getFields()[fieldName]?.args.find(({ name }) => name === 'input')
  if (!argument) throw new TypeError(`${fieldName} has no input.`)
  return equivalents(value, argument.type)
}

/** The first is the given form. */
type EquivalentInputs<T = unknown> = readonly [T, ...T[]]

function equivalents(value: unknown, type: GraphQLInputType): EquivalentInputs {
  if (value === undefined || value === null) return [undefined]
  if (isNonNullType(type)) return equivalents(value, type.ofType)
  if (isListType(type)) return [(value as readonly unknown[]).map(item => equivalents(item, type.ofType)[0])]
  if (!isInputObjectType(type)) return [value]
  const given = value as Readonly<Record<string, unknown>>
  return Object.values(type.getFields()).reduce<EquivalentInputs<object>>(
    (known, field) => withField(known, field.name, equivalentsOfField(given[field.name], field)),
    [{}],
  )
}

/** Each object with each value of one more field. */
function withField(
  [first, ...others]: EquivalentInputs<object>,
  name: string,
  values: EquivalentInputs,
): EquivalentInputs<object> {
  const [firstValue, ...otherValues] = values
  return [
    { ...first, [name]: firstValue },
    ...otherValues.map(value => ({ ...first, [name]: value })),
    ...others.flatMap(object => values.map(value => ({ ...object, [name]: value }))),
  ]
}

function equivalentsOfField(value: unknown, field: GraphQLInputField): EquivalentInputs {
  const written = equivalents(value, field.type)
  const { whenOmitted } = field.extensions as Partial<OmittedValue>
  if (whenOmitted === undefined) return written
  if (written[0] === undefined) return [undefined, whenOmitted]
  return isSame(written[0], whenOmitted) ? [written[0], undefined] : written
}

/** A default is a scalar, or an empty list or object, so key order does not matter. */
function isSame(value: unknown, whenOmitted: unknown): boolean {
  return JSON.stringify(value) === JSON.stringify(whenOmitted)
}
