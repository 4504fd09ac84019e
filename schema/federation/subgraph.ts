import {
  type ConstDirectiveNode,
  type DirectiveDefinitionNode,
  GraphQLObjectType,
  GraphQLSchema,
  isInputObjectType,
  Kind,
  parse,
  print,
  type SchemaExtensionNode,
  specifiedDirectives,
  visit,
} from 'graphql'
import { builder } from '../builder.ts'

/** The `@link` that declares a Federation 2 schema, with the directives that it imports. */
export const FEDERATION_LINK = {
  name: 'link',
  args: {
    url: 'https://specs.apollo.dev/federation/v2.6',
    import: ['@composeDirective', '@inaccessible', '@key', '@shareable'],
  },
}

/**
 * The federation fields that are served. `entities`: only `_entities`, for gateways that get the SDL at deployment, so that
 * clients cannot read the SDL. `off`: none.
 */
export type FederationMode = 'on' | 'entities' | 'off'

const OMITTED: Readonly<Record<FederationMode, readonly string[]>> = {
  on: [],
  entities: ['_service'],
  off: ['_entities', '_service'],
}

const TYPES_OF: Readonly<Record<string, readonly string[]>> = {
  _entities: ['_Any', '_Entity'],
  _service: ['_Service'],
}

/** Removes the federation fields that `mode` excludes, and the types that only they use. The others come last. */
export function withFederation(schema: GraphQLSchema, mode: FederationMode): GraphQLSchema {
  const fields = OMITTED[mode]
  const query = schema.getQueryType()
  if (!query) return schema
  const remaining = new Set(fields.flatMap(field => TYPES_OF[field] ?? []))
  const { types, ...config } = schema.toConfig()
  const { astNode, ...own } = query.toConfig()
  const narrowed = new GraphQLObjectType({
    ...own,
    fields: Object.fromEntries(
      Object.entries(own.fields)
        .filter(([name]) => !fields.includes(name))
        .sort(([one], [other]) => Number(one.startsWith('_')) - Number(other.startsWith('_'))),
    ),
    astNode: astNode && { ...astNode, fields: astNode.fields?.filter(({ name }) => !fields.includes(name.value)) },
  })
  const includedTypes = types.filter(type => type !== query && !remaining.has(type.name))
  return new GraphQLSchema({ ...config, query: narrowed, types: includedTypes })
}

/** The SDL of the subgraph, for composition in a gateway. */
export async function printSubgraph(schema: GraphQLSchema): Promise<string> {
  // Loaded on first use, because most servers never print it.
  const { printSubgraphSchema } = await import('./apollo-subgraph.ts')
  // Without directives that only this server executes, such as @defer.
  const sdl = printSubgraphSchema(new GraphQLSchema({ ...schema.toConfig(), directives: specifiedDirectives }))
  return withOneOf(sdl, schema)
}

/** The declaration that keeps `@oneOf` in a supergraph: composition drops directives that it does not know. */
const ONE_OF = `
  extend schema
    @link(url: "https://sessiongraph.dev/oneOf/v1.0", import: ["@oneOf"])
    @composeDirective(name: "@oneOf")
  directive @oneOf on INPUT_OBJECT
`

/** Adds `@oneOf`, which the subgraph printer omits, to the input types that have it. */
function withOneOf(sdl: string, schema: GraphQLSchema): string {
  const declaration = parse(ONE_OF)
  const [extension, definition] = declaration.definitions as [SchemaExtensionNode, DirectiveDefinitionNode]
  const oneOf: ConstDirectiveNode = { kind: Kind.DIRECTIVE, name: { kind: Kind.NAME, value: 'oneOf' } }
  const document = visit(parse(sdl), {
    SchemaExtension: node => ({ ...node, directives: [...(node.directives ?? []), ...(extension.directives ?? [])] }),
    InputObjectTypeDefinition(node) {
      const type = schema.getType(node.name.value)
      if (!isInputObjectType(type) || !type.isOneOf) return undefined
      return { ...node, directives: [...(node.directives ?? []), oneOf] }
    },
  })
  return print({ ...document, definitions: [...document.definitions, definition] })
}

const ServiceRef = builder.objectRef<object>('_Service').implement({
  description: 'The subgraph.',
  fields: t => ({
    sdl: t.string({
      description: 'The SDL with federation directives.',
      resolve: (_service, _args, _context, info) => sdlOf(info.schema),
    }),
  }),
})

builder.queryField('_service', t =>
  t.field({
    type: ServiceRef,
    nullable: false,
    description: 'For a gateway: the SDL of this subgraph.',
    resolve: () => ({}),
  }),
)

const printed = new WeakMap<GraphQLSchema, Promise<string>>()

function sdlOf(schema: GraphQLSchema): Promise<string> {
  const sdl = printed.get(schema) ?? printSubgraph(schema)
  printed.set(schema, sdl)
  return sdl
}
