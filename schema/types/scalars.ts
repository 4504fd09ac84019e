import { GraphQLError, Kind, type ValueNode } from 'graphql'
import { z } from 'zod'
import { toExactNumber } from '../../src/domain/input/exact-number.ts'
import { builder } from '../builder.ts'

const dateTime = z.iso.datetime({ offset: true })

builder.scalarType('DateTime', {
  specifiedByURL: 'https://scalars.graphql.org/andimarek/date-time',
  description:
    'A time in RFC 3339 format, in UTC with milliseconds, such as `2026-05-05T11:00:00.000Z`. Inputs may have any offset and are in the years 1900 to 9999; digits after the milliseconds are ignored.',
  serialize: value => (value instanceof Date ? value : new Date(value as string)).toISOString(),
  parseValue: value => {
    const parsed = dateTime.safeParse(value)
    const date = new Date(parsed.data ?? Number.NaN)
    const isInRange = date.getUTCFullYear() >= 1900 && date.getUTCFullYear() <= 9999
    if (!isInRange) throw new GraphQLError('DateTime expects an RFC 3339 string of the years 1900 to 9999.')
    return date
  },
})

builder.scalarType('URL', {
  specifiedByURL: 'https://url.spec.whatwg.org/',
  description:
    'A URL. An input has at most 2048 ASCII characters in the form that a browser gives it, the scheme https, a public host and no credentials; in development, hosts of the local network and http on this machine are allowed too. Violations are listed in the issues of InvalidInputError.',
  serialize: value => String(value),
  parseValue: value => {
    if (typeof value !== 'string') throw new GraphQLError('URL expects a string.')
    return value
  },
})

builder.scalarType('JSON', {
  specifiedByURL: 'https://www.rfc-editor.org/rfc/rfc8259',
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
      return toExactNumber(node.value)
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
