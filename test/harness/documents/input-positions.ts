import {
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInputField,
  type GraphQLInputType,
  type GraphQLSchema,
  getNamedType,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  isObjectType,
  isRequiredInputField,
} from 'graphql'

/** An input position of the schema: an argument, or a nested input field of an argument. */
export interface InputPosition {
  /** The type that has the field. */
  readonly parent: string
  readonly field: GraphQLField<unknown, unknown>
  readonly argument: GraphQLArgument
  /** The path, starting with the argument. */
  readonly path: readonly string[]
  readonly type: GraphQLInputType
  readonly description: string
}

/** All input positions except enums and booleans. */
export function inputPositions(schema: GraphQLSchema): InputPosition[] {
  const objects = Object.values(schema.getTypeMap()).filter(type => isObjectType(type) && !type.name.startsWith('__'))
  return objects.flatMap(type =>
    isObjectType(type)
      ? Object.values(type.getFields()).flatMap(field =>
          field.args.flatMap(argument => placesIn({ parent: type.name, field, argument }, argument, [argument.name])),
        )
      : [],
  )
}

type Root = Pick<InputPosition, 'parent' | 'field' | 'argument'>

function placesIn(root: Root, input: GraphQLArgument | GraphQLInputField, path: readonly string[]): InputPosition[] {
  const named = getNamedType(input.type)
  const isList = isListType(withoutNonNull(input.type))
  const here = { ...root, path, type: input.type, description: input.description ?? '' }
  const inner = isInputObjectType(named)
    ? Object.values(named.getFields()).flatMap(field =>
        placesIn(root, field, [...path, ...(isList ? ['0'] : []), field.name]),
      )
    : []
  const isChoice = isEnumType(named) || named.name === 'Boolean'
  const isGiven = isList || !(isInputObjectType(named) || isChoice)
  return [...(isGiven ? [here] : []), ...inner]
}

export function withoutNonNull(type: GraphQLInputType): GraphQLInputType {
  return isNonNullType(type) ? withoutNonNull(type.ofType) : type
}

/** The value of the position's argument, with all required fields, and with this value at the position. */
export function argumentWith({ argument, path }: InputPosition, value: unknown): unknown {
  return fill(argument.type, path.slice(1), value)
}

/** A valid value of the type. */
export function anyOf(type: GraphQLInputType): unknown {
  return fill(type, undefined, undefined)
}

function fill(type: GraphQLInputType, path: readonly string[] | undefined, value: unknown): unknown {
  if (path?.length === 0) return value
  const inner = withoutNonNull(type)
  if (isListType(inner)) return path ? [fill(inner.ofType, path.slice(1), value)] : []
  if (isEnumType(inner)) return inner.getValues()[0]?.name
  if (!isInputObjectType(inner))
    return (
      ({ Boolean: true, Int: 1, JSON: {}, URL: 'https://example.com' } as Record<string, unknown>)[String(inner)] ?? 'x'
    )
  const [step, ...rest] = path ?? []
  const fields = Object.values(inner.getFields())
  const needed = inner.isOneOf ? (path ? [] : fields.slice(0, 1)) : fields.filter(isRequiredInputField)
  return {
    ...Object.fromEntries(needed.map(field => [field.name, anyOf(field.type)])),
    ...Object.fromEntries(
      fields.filter(({ name }) => name === step).map(field => [field.name, fill(field.type, rest, value)]),
    ),
  }
}
