import SchemaBuilder from '@pothos/core'
import DataloaderPlugin from '@pothos/plugin-dataloader'
import DirectivesPlugin from '@pothos/plugin-directives'
import ErrorsPlugin from '@pothos/plugin-errors'
import FederationPlugin from '@pothos/plugin-federation'
import RelayPlugin from '@pothos/plugin-relay'
import ScopeAuthPlugin from '@pothos/plugin-scope-auth'
import ZodPlugin from '@pothos/plugin-zod'
import type { Context } from '../src/context.ts'
import { decodeGlobalId, encodeGlobalId } from '../src/domain/global-id.ts'
import './access-plugin.ts'
import { toInvalidInputError } from './input-issues.ts'

interface BuilderTypes {
  Context: Context
  DefaultEdgesNullability: { list: false; items: false }
  DefaultNodeNullability: false
  Scalars: {
    DateTime: { Input: Date; Output: Date }
    ID: { Input: string; Output: string }
    _Any: { Input: unknown; Output: unknown }
    JSON: { Input: unknown; Output: unknown }
    URL: { Input: string; Output: string }
  }
}

export const ID_DESCRIPTION = 'Our id, unique among all nouns.'

/** The one builder. Nouns and provider folders add to it; schema/index.ts turns it into the schema. */
export const builder = new SchemaBuilder<BuilderTypes>({
  plugins: [
    'access',
    ErrorsPlugin,
    ScopeAuthPlugin,
    DataloaderPlugin,
    RelayPlugin,
    ZodPlugin,
    DirectivesPlugin,
    FederationPlugin,
  ],
  relay: {
    brandLoadedObjects: true,
    cursorFieldOptions: { nullable: false, description: 'Where the row stands: give it as `after` or `before`.' },
    cursorType: 'String',
    encodeGlobalID: (typename, id) => encodeGlobalId(typename, String(id)),
    decodeGlobalID: globalId => decodeGlobalId(globalId) ?? { typename: 'Node', id: '' },
    edgesFieldOptions: { nullable: { list: false, items: false }, description: 'The rows with their cursors.' },
    endCursorFieldOptions: { description: 'The cursor of the last row, null on an empty page.' },
    hasNextPageFieldOptions: { nullable: false, description: 'True where more rows follow.' },
    hasPreviousPageFieldOptions: { nullable: false, description: 'True where rows come before.' },
    idFieldOptions: { description: ID_DESCRIPTION },
    nodeFieldOptions: { nullable: false, description: 'The row itself.' },
    nodesOnConnection: { description: 'The rows without their cursors.' },
    nodeQueryOptions: false,
    nodesQueryOptions: false,
    nodeTypeOptions: { description: 'Anything that has an id of ours.' },
    pageInfoFieldOptions: { nullable: false, description: 'Where the page stands among all pages.' },
    // Beside another Relay subgraph there is but one of it.
    pageInfoTypeOptions: { shareable: true, description: 'Where a page stands among all pages.' },
    startCursorFieldOptions: { description: 'The cursor of the first row, null on an empty page.' },
  },
  scopeAuth: { authorizeOnSubscribe: true, authScopes: () => ({}) },
  zod: { validationError: toInvalidInputError },
})

export type SchemaTypes = typeof builder.$inferSchemaTypes

builder.queryType({ description: 'Reading: stored where that is fresh enough, asked at the provider where it is not.' })
builder.mutationType({
  description: 'Writing. Every result is a union of what was made and of the errors that can be expected.',
})
