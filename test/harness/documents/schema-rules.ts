import {
  type GraphQLInputObjectType,
  type GraphQLSchema,
  type GraphQLUnionType,
  getNamedType,
  isInputObjectType,
  isUnionType,
} from 'graphql'
import { ownTypes } from './schema-facts.ts'

/** Fields with different types in two members of a union: a query cannot select both without aliases. */
export function disagreements(schema: GraphQLSchema): string[] {
  return ownTypes(schema).filter(isUnionType).flatMap(disagreementsIn)
}

function disagreementsIn(union: GraphQLUnionType): string[] {
  const fields = union.getTypes().flatMap(member => Object.values(member.getFields()).map(field => ({ member, field })))
  return fields.flatMap(({ member, field }, index) => {
    const first = fields.findIndex(other => other.field.name === field.name)
    const other = fields[first]
    if (first === index || !other || String(other.field.type) === String(field.type)) return []
    return [`${union.name}: ${describeField(other)}, but ${describeField({ member, field })}`]
  })
}

function describeField({
  member,
  field,
}: {
  member: { name: string }
  field: { name: string; type: unknown }
}): string {
  return `${member.name}.${field.name} is ${field.type}`
}

/** The cycles of input types, such as `A > B > A`. */
export function inputCycles(schema: GraphQLSchema): string[] {
  return ownTypes(schema)
    .filter(isInputObjectType)
    .flatMap(type => cyclesFrom(type, []))
}

function cyclesFrom(type: GraphQLInputObjectType, above: readonly GraphQLInputObjectType[]): string[] {
  if (above[0] === type) return [[...above, type].map(each => each.name).join(' > ')]
  if (above.includes(type)) return []
  const inner = Object.values(type.getFields()).map(field => getNamedType(field.type))
  return [...new Set(inner)].filter(isInputObjectType).flatMap(next => cyclesFrom(next, [...above, type]))
}
