import {
  type GraphQLNamedType,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLSchema,
  getNamedType,
  isAbstractType,
  isLeafType,
  isObjectType,
} from 'graphql'

/**
 * Selections of all fields of a schema, and the places of the values in the answers. Each field has the alias `Type__field`,
 * so that an answer shows by itself which field of which type a value is of.
 */

/** The types with an id of their own: records and events. */
export function recordTypesOf(schema: GraphQLSchema): ReadonlySet<string> {
  const types = Object.values(schema.getTypeMap()).filter(isObjectType)
  return new Set(types.filter(type => type.getInterfaces().some(({ name }) => RECORDS.has(name))).map(it => it.name))
}

const RECORDS: ReadonlySet<string> = new Set(['Node', 'TimelineEvent'])

export interface RootSelection {
  readonly field: string
  /** As in the document, with its parentheses. */
  readonly args?: string
}

/** An operation that selects all of the root fields, and all of the records up to so many links from them. */
export function operationOf(
  schema: GraphQLSchema,
  root: 'mutation' | 'query' | 'subscription',
  selected: readonly RootSelection[],
  { links, variables = '' }: { readonly links: number; readonly variables?: string },
): string {
  const records = recordTypesOf(schema)
  const fragments = new Map<string, string>()
  const type = rootType(schema, root)

  function selectionOf(output: GraphQLOutputType, linksLeft: number): string {
    const named = getNamedType(output)
    if (isLeafType(named)) return ''
    if (!isAbstractType(named)) return selectionOfObject(named as GraphQLObjectType, linksLeft)
    const members = schema
      .getPossibleTypes(named)
      .map(member => [member, selectionOfObject(member, linksLeft)] as const)
    const parts = members.filter(([, text]) => text !== '').map(([member, text]) => `... on ${member.name} ${text}`)
    return parts.length === 0 ? '' : `{ ${parts.join(' ')} }`
  }

  function selectionOfObject(named: GraphQLObjectType, linksLeft: number): string {
    if (!records.has(named.name)) return fieldsOf(named, linksLeft)
    if (linksLeft < 0) return ''
    const name = `${named.name}_${linksLeft}`
    if (!fragments.has(name)) {
      fragments.set(name, '')
      fragments.set(name, `fragment ${name} on ${named.name} ${fieldsOf(named, linksLeft - 1)}`)
    }
    return `{ ...${name} }`
  }

  function fieldsOf(named: GraphQLObjectType, linksLeft: number): string {
    const fields = Object.values(named.getFields()).flatMap(field => {
      const selection = selectionOf(field.type, linksLeft)
      if (selection === '' && !isLeafType(getNamedType(field.type))) return []
      return [`${named.name}__${field.name}: ${field.name} ${selection}`]
    })
    return fields.length === 0 ? '' : `{ ${fields.join(' ')} }`
  }

  const roots = selected.map(({ field, args = '' }, index) => {
    const { type: output } = type.getFields()[field] ?? {}
    if (!output) throw new Error(`${type.name} has no field ${field}.`)
    return `${type.name}__${field}__${index}: ${field}${args} ${selectionOf(output, links)}`
  })
  return `${root} Everything${variables} { ${roots.join('\n')} }\n${[...fragments.values()].join('\n')}`
}

export function rootType(schema: GraphQLSchema, root: 'mutation' | 'query' | 'subscription'): GraphQLObjectType {
  const type = { mutation: schema.getMutationType(), query: schema.getQueryType(), subscription: undefined }[root]
  const found = type ?? schema.getSubscriptionType()
  if (!found) throw new Error(`The schema has no ${root}.`)
  return found
}

/** A value of an answer, and its place: the fields that lead to it from the record that it is part of. */
export interface PlacedValue {
  readonly place: string
  readonly value: unknown
}

/** The values in an answer to `operationOf` that are part of records. */
export function placedValues(data: unknown, records: ReadonlySet<string>): PlacedValue[] {
  return valuesBelow(data, undefined, records)
}

function valuesBelow(data: unknown, place: string | undefined, records: ReadonlySet<string>): PlacedValue[] {
  if (data === null || data === undefined) return []
  if (Array.isArray(data)) return data.flatMap(item => valuesBelow(item, place, records))
  const fields = typeof data === 'object' ? Object.entries(data) : []
  const isSelected = fields.some(([key]) => key.includes('__'))
  // A JSON scalar can be an object, too.
  if (!isSelected) return place === undefined ? [] : [{ place, value: data }]
  return fields.flatMap(([key, value]) => {
    const [type = '', field = ''] = key.split('__')
    const start = records.has(type) ? '' : place === undefined ? undefined : `${place} > `
    return valuesBelow(value, start === undefined ? undefined : `${start}${type}.${field}`, records)
  })
}

/** The fields that lead to a record, as `Type.field`. */
export function linksOf(schema: GraphQLSchema): string[] {
  const records = recordTypesOf(schema)
  const leadsToRecord = (named: GraphQLNamedType): boolean =>
    records.has(named.name) ||
    (isAbstractType(named) && schema.getPossibleTypes(named).every(it => records.has(it.name)))
  return Object.values(schema.getTypeMap())
    .filter(isObjectType)
    .filter(({ name }) => !name.startsWith('__') && !['Mutation', 'Query', 'Subscription'].includes(name))
    .flatMap(type =>
      Object.values(type.getFields())
        .filter(field => leadsToRecord(getNamedType(field.type)))
        .map(field => `${type.name}.${field.name}`),
    )
}
