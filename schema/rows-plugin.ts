import SchemaBuilder, { BasePlugin, type PothosOutputFieldConfig, type SchemaTypes } from '@pothos/core'
import type { GraphQLFieldResolver } from 'graphql'
import type { Context } from '../src/context.ts'

/** Completes the rows of large operations in turns, and reads the pages and counts that each row selects in turns. */
class RowsPlugin<Types extends SchemaTypes> extends BasePlugin<Types> {
  override wrapResolve(
    resolver: GraphQLFieldResolver<unknown, Types['Context'], object>,
    { args, name, type }: PothosOutputFieldConfig<Types>,
  ): GraphQLFieldResolver<unknown, Types['Context'], object> {
    if ('first' in args || name === 'totalCount') {
      return (parent, given, context, info) => {
        const { rowTurns } = context as Context
        const read = () => resolver(parent, given, context, info)
        return rowTurns ? rowTurns.wait(read).then(turn => turn?.() ?? null) : read()
      }
    }
    if (type.kind !== 'List' || type.type.kind === 'Scalar' || type.type.kind === 'Enum') return resolver
    return (parent, given, context, info) => {
      const rows = resolver(parent, given, context, info)
      // The builder has this context type, which the compiler cannot know in a plugin.
      const { rowTurns } = context as Context
      if (!rowTurns) return rows
      const inTurns = (list: unknown) => (Array.isArray(list) ? list.map(row => rowTurns.wait(row)) : list)
      return rows instanceof Promise ? rows.then(inTurns) : inTurns(rows)
    }
  }
}

SchemaBuilder.registerPlugin('rows', RowsPlugin)

declare global {
  namespace PothosSchemaTypes {
    interface Plugins<Types extends SchemaTypes> {
      rows: RowsPlugin<Types>
    }
  }
}
