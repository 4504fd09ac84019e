import { GraphQLError, type GraphQLSchema, isEnumType, type ValueNode } from 'graphql'

/** No value of an enum is as long. */
const MAX_CHARACTERS = 255

/** Refuses long texts and objects before they are written out and compared with the values of an enum, for suggestions. */
export function boundEnums(schema: GraphQLSchema): void {
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isEnumType(type)) continue
    const { parseValue, parseLiteral } = type
    const refuse = (): never => {
      throw new GraphQLError(`Expected a value of the enum "${type.name}".`)
    }
    type.parseValue = (value, ...rest) => (isLong(value) ? refuse() : parseValue.call(type, value, ...rest))
    type.parseLiteral = (literal, ...rest) =>
      lengthOf(literal) > MAX_CHARACTERS ? refuse() : parseLiteral.call(type, literal, ...rest)
  }
}

function isLong(value: unknown): boolean {
  return typeof value === 'string' ? value.length > MAX_CHARACTERS : typeof value === 'object' && value !== null
}

function lengthOf({ loc }: ValueNode): number {
  return loc ? loc.end - loc.start : 0
}
