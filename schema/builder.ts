import SchemaBuilder from '@pothos/core'
import DirectivesPlugin from '@pothos/plugin-directives'
import ErrorsPlugin from '@pothos/plugin-errors'
import FederationPlugin from '@pothos/plugin-federation'
import RelayPlugin from '@pothos/plugin-relay'
import type { Context } from '../src/context.ts'
import type { Connection } from '../src/services/lists/connection.ts'
import './authorization/plugin.ts'
import './inputs/freshness-plugin.ts'
import './inputs/input-rules-plugin.ts'
import './rows-plugin.ts'

interface BuilderTypes {
  Connection: Pick<Connection<unknown>, 'count'>
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

export const ID_DESCRIPTION = 'The id of the record here, unique across all types.'

/** The only schema builder. Type modules and provider folders register with it; schema/index.ts builds the schema. */
export const builder = new SchemaBuilder<BuilderTypes>({
  plugins: [
    ErrorsPlugin,
    'access',
    RelayPlugin,
    'inputRules',
    DirectivesPlugin,
    FederationPlugin,
    // Inside the others, so that the arguments are validated.
    'freshness',
    // After the fields were authorized.
    'rows',
  ],
  relay: {
    cursorFieldOptions: { nullable: false, description: 'Cursor of this item, for `after` or `before`.' },
    cursorType: 'String',
    edgesFieldOptions: { nullable: { list: false, items: false }, description: 'Items with their cursors.' },
    endCursorFieldOptions: { description: 'Cursor of the last item; null on an empty page.' },
    hasNextPageFieldOptions: { nullable: false, description: 'True if more items follow.' },
    hasPreviousPageFieldOptions: { nullable: false, description: 'True if items precede the page.' },
    idFieldOptions: { description: ID_DESCRIPTION },
    nodeFieldOptions: { nullable: false, description: 'The item.' },
    nodesOnConnection: { description: 'The items.' },
    nodeQueryOptions: false,
    nodesQueryOptions: false,
    nodeTypeOptions: { description: 'A record with an id.' },
    pageInfoFieldOptions: { nullable: false, description: 'Information about the current page.' },
    // Other Relay subgraphs define PageInfo, too.
    pageInfoTypeOptions: { shareable: true, description: 'Information about a page of a connection.' },
    startCursorFieldOptions: { description: 'Cursor of the first item; null on an empty page.' },
  },
})

export type SchemaTypes = typeof builder.$inferSchemaTypes

builder.queryType({ description: 'Reads records: from the store if they are fresh enough, else from the provider.' })
builder.mutationType({
  description: 'Writes records. Every result is a union of the payload and the expected errors.',
})
