import { encodeGlobalId } from '../domain/global-id.ts'

/** Our own id beside the one that clients know. */
export function withGlobalId<Row extends { readonly id: string }>(typename: string, row: Row) {
  return { ...row, graphqlId: encodeGlobalId(typename, row.id) }
}
