import { GraphQLError, Kind, type ValueNode } from 'graphql'
import { z } from 'zod'
import { builder } from './builder.ts'

const dateTime = z.iso.datetime({ offset: true })

builder.scalarType('DateTime', {
  description: 'A moment, RFC 3339 in UTC with milliseconds, such as `2026-05-05T11:00:00.000Z`.',
  serialize: value => (value instanceof Date ? value : new Date(value as string)).toISOString(),
  parseValue: value => {
    const parsed = dateTime.safeParse(value)
    if (!parsed.success) throw new GraphQLError('DateTime expects an RFC 3339 string.')
    return new Date(parsed.data)
  },
})

builder.scalarType('URL', {
  description: 'A URL. As an input any string is taken; the rules come back as issues of InvalidInputError.',
  serialize: value => String(value),
  parseValue: value => {
    if (typeof value !== 'string') throw new GraphQLError('URL expects a string.')
    return value
  },
})

builder.scalarType('JSON', {
  description: 'Any JSON value.',
  serialize: value => value,
  parseValue: value => value,
  parseLiteral: (node, variables) => toJson(node, variables ?? {}),
})

function toJson(node: ValueNode, variables: Record<string, unknown>): unknown {
  switch (node.kind) {
    case Kind.OBJECT:
      return Object.fromEntries(node.fields.map(field => [field.name.value, toJson(field.value, variables)]))
    case Kind.LIST:
      return node.values.map(value => toJson(value, variables))
    case Kind.INT:
    case Kind.FLOAT:
      return Number(node.value)
    case Kind.STRING:
    case Kind.BOOLEAN:
      return node.value
    case Kind.VARIABLE:
      return variables[node.name.value]
    case Kind.NULL:
      return null
    case Kind.ENUM:
      throw new GraphQLError('JSON has no enum values; write a string in quotes.')
  }
}
