import { type AliasedRawBuilder, type RawBuilder, sql } from 'kysely'

/** The place of a row among those that agree in `columns`, the newest being 1. Select it, then keep the places wanted. */
export function placeAmong(...columns: readonly (string | RawBuilder<unknown>)[]): AliasedRawBuilder<number, 'place'> {
  const agreeing = sql.join(columns.map(column => (typeof column === 'string' ? sql.ref(column) : column)))
  return sql<number>`row_number() over (partition by ${agreeing} order by created_at desc, id desc)`.as('place')
}
