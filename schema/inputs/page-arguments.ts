import type { ArgBuilder } from '@pothos/core'
import type { SchemaTypes } from '../builder.ts'

/** The arguments of every connection. Services validate them: src/services/lists/connection.ts. */
export function pageArguments(arg: ArgBuilder<SchemaTypes>) {
  return {
    first: arg.int({ description: 'Number of items from the start, 0 to 100. Default: 20.' }),
    after: arg.string({ description: 'Return items after this cursor, at most 255 characters.' }),
    last: arg.int({ description: 'Number of items from the end, 0 to 100.' }),
    before: arg.string({ description: 'Return items before this cursor, at most 255 characters.' }),
  }
}
