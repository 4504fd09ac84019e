import SchemaBuilder, { BasePlugin, type PothosOutputFieldConfig, type SchemaTypes } from '@pothos/core'
import type { FieldNode, GraphQLFieldResolver } from 'graphql'
import type { Context } from '../src/context.ts'
import type { RowTurns } from '../src/domain/row-turns.ts'

/**
 * Counts the rows of each list, and the linked records. Completes the rows of large operations in turns, and reads the pages
 * and counts that each row selects in turns.
 */
class RowsPlugin<Types extends SchemaTypes> extends BasePlugin<Types> {
  override wrapResolve(
    resolver: GraphQLFieldResolver<unknown, Types['Context'], object>,
    { args, extensions, name, type }: PothosOutputFieldConfig<Types>,
  ): GraphQLFieldResolver<unknown, Types['Context'], object> {
    if ('first' in args || name === 'totalCount') {
      return (parent, given, context, info) => {
        const { rowTurns } = context as Context
        const read = () => resolver(parent, given, context, info)
        return rowTurns ? rowTurns.wait(read).then(turn => turn?.() ?? null) : read()
      }
    }
    if (type.kind !== 'List' && ('freshness' in args || extensions?.link)) {
      return (parent, given, context, info) => {
        addRows((context as Context).rowCounts, info.fieldNodes, 1)
        return resolver(parent, given, context, info)
      }
    }
    if (type.kind !== 'List' || type.type.kind === 'Scalar' || type.type.kind === 'Enum') return resolver
    return (parent, given, context, info) => {
      const rows = resolver(parent, given, context, info)
      // The builder has this context type, which the compiler cannot know in a plugin.
      const { rowTurns, rowCounts } = context as Context
      const complete = (list: unknown) => {
        if (!Array.isArray(list)) return list
        addRows(rowCounts, info.fieldNodes, countRows(list))
        return rowTurns ? inTurns(list, rowTurns) : list
      }
      return rows instanceof Promise ? rows.then(complete) : complete(rows)
    }
  }
}

/** A row that does not exist was looked up, but nothing of it is selected. */
const MISSING_ROW = 1 / 4

function countRows(list: readonly unknown[]): number {
  return list.reduce<number>((count, row) => count + (row === null || row === undefined ? MISSING_ROW : 1), 0)
}

/** Counted by the name nodes, which are the same in a copy of the document. */
function addRows(counts: Map<object, number>, fields: readonly FieldNode[], rows: number): void {
  for (const { name } of fields) counts.set(name, (counts.get(name) ?? 0) + rows)
}

/** The executor completes each row before it takes the next one. */
function* inTurns(rows: readonly unknown[], rowTurns: RowTurns): Generator<unknown> {
  for (const row of rows) yield rowTurns.take(row)
}

SchemaBuilder.registerPlugin('rows', RowsPlugin)

declare global {
  namespace PothosSchemaTypes {
    interface Plugins<Types extends SchemaTypes> {
      rows: RowsPlugin<Types>
    }
  }
}
