import { GraphQLObjectType, GraphQLSchema, lexicographicSortSchema, specifiedDirectives } from 'graphql'
import { builder } from './builder.ts'

/** The link that makes the schema one of Federation 2: what it says of itself, and what of the specification it uses. */
export const FEDERATION_LINK = {
  name: 'link',
  args: { url: 'https://specs.apollo.dev/federation/v2.6', import: ['@inaccessible', '@key', '@shareable'] },
}

/**
 * How much of a subgraph is served. `entities`: a gateway that was given the SDL beforehand can work with it, but nobody is
 * told the SDL. `off`: neither.
 */
export type FederationMode = 'on' | 'entities' | 'off'

const LEFT_OUT: Readonly<Record<FederationMode, readonly string[]>> = {
  on: [],
  entities: ['_service'],
  off: ['_entities', '_service'],
}

const TYPES_OF: Readonly<Record<string, readonly string[]>> = {
  _entities: ['_Any', '_Entity'],
  _service: ['_Service'],
}

/** The schema without the fields that a gateway does not get, and without the types that only they have. */
export function withFederation(schema: GraphQLSchema, mode: FederationMode): GraphQLSchema {
  const fields = LEFT_OUT[mode]
  const query = schema.getQueryType()
  if (fields.length === 0 || !query) return schema
  const left = new Set(fields.flatMap(field => TYPES_OF[field] ?? []))
  const { types, ...config } = schema.toConfig()
  const { astNode, ...own } = query.toConfig()
  const narrowed = new GraphQLObjectType({
    ...own,
    fields: Object.fromEntries(Object.entries(own.fields).filter(([name]) => !fields.includes(name))),
    astNode: astNode && { ...astNode, fields: astNode.fields?.filter(({ name }) => !fields.includes(name.value)) },
  })
  const keptTypes = types.filter(type => type !== query && !left.has(type.name))
  return lexicographicSortSchema(new GraphQLSchema({ ...config, query: narrowed, types: keptTypes }))
}

/** The SDL of the subgraph: what a gateway composes. */
export async function printSubgraph(schema: GraphQLSchema): Promise<string> {
  // Loaded where it is asked for: most servers never are.
  const { printSubgraphSchema } = await import('@apollo/subgraph')
  // A server adds directives of its own for what it alone carries out, such as @defer.
  return printSubgraphSchema(new GraphQLSchema({ ...schema.toConfig(), directives: specifiedDirectives }))
}

const ServiceRef = builder.objectRef<object>('_Service').implement({
  description: 'The subgraph about itself.',
  fields: t => ({
    sdl: t.string({
      description: 'Its SDL, with the directives of the federation.',
      resolve: (_service, _args, _context, info) => sdlOf(info.schema),
    }),
  }),
})

builder.queryField('_service', t =>
  t.field({
    type: ServiceRef,
    nullable: false,
    description: 'For a gateway: what the subgraph says of itself.',
    resolve: () => ({}),
  }),
)

const printed = new WeakMap<GraphQLSchema, Promise<string>>()

function sdlOf(schema: GraphQLSchema): Promise<string> {
  const sdl = printed.get(schema) ?? printSubgraph(schema)
  printed.set(schema, sdl)
  return sdl
}
