import SchemaBuilder, { BasePlugin, type PothosOutputFieldConfig, type SchemaTypes } from '@pothos/core'
import type { FieldNode, GraphQLFieldResolver } from 'graphql'
import type { Context } from '../src/context.ts'
import type { RowTurns } from '../src/domain/row-turns.ts'

/**
 * Counts the rows of each list, the linked records, and the values of JSON. Completes the rows of large operations in turns, and
 * reads the pages and counts that each row selects in turns.
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
    const link = extensions?.link
    if (type.kind !== 'List' && ('freshness' in args || link)) {
      return (parent, given, context, info) => {
        const linked = typeof link === 'string' ? Reflect.get(Object(parent), link) : parent
        addRows(context as Context, info.fieldNodes, linked, 1)
        return resolver(parent, given, context, info)
      }
    }
    if (type.kind === 'Scalar' && this.builder.configStore.getTypeConfig(type.ref).name === 'JSON') {
      return (parent, given, context, info) => {
        const value = resolver(parent, given, context, info)
        // Each is written, also one that another row has.
        if (value !== null) addRows(context as Context, info.fieldNodes, {}, 1)
        return value
      }
    }
    if (type.kind !== 'List' || type.type.kind === 'Scalar' || type.type.kind === 'Enum') return resolver
    return (parent, given, context, info) => {
      const rows = resolver(parent, given, context, info)
      // The builder has this context type, which the compiler cannot know in a plugin.
      const { rowTurns } = context as Context
      const complete = (list: unknown) => {
        if (!Array.isArray(list)) return list
        addRows(context as Context, info.fieldNodes, parent, countRows(list))
        return rowTurns ? inTurns(list, rowTurns) : list
      }
      return rows instanceof Promise ? rows.then(complete) : complete(rows)
    }
  }
}

/** A row that does not exist was looked up, but nothing of it is selected. */
const MISSING_ROW = 1 / 8
/** A record or a page that another row has too is not read again, but its fields are. */
const REPEATED_ROW = 1 / 4

function countRows(list: readonly unknown[]): number {
  return list.reduce<number>((count, row) => count + (row === null || row === undefined ? MISSING_ROW : 1), 0)
}

/**
 * Counted by the name nodes, which are the same in a copy of the document. `source`: what the rows are read for, such as the id
 * of a linked record, or the object of a page.
 */
function addRows({ rowCounts }: Context, fields: readonly FieldNode[], source: unknown, rows: number): void {
  for (const { name } of fields) {
    const known = rowCounts.get(name)
    if (!known) rowCounts.set(name, { rows, sources: new Set([source]) })
    else {
      known.rows += known.sources.has(source) ? rows * REPEATED_ROW : rows
      known.sources.add(source)
    }
  }
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
