import type { KeysetPage } from '../../../db/core/keyset.ts'
import { DomainError } from '../../domain/errors.ts'
import {
  type Connection,
  type PageArguments,
  type PageRequest,
  type RowList,
  readConnection,
  toConnection,
  toListPage,
  toPageRequest,
} from '../lists/connection.ts'
import type { Cursors } from '../lists/cursor.ts'
import type { RequestScope } from '../request-scope.ts'
import type { RecordDeps, RecordSnapshot, SyncedRecord } from './record-type.ts'

export interface ListOptions {
  readonly column: KeysetPage['column']
  readonly direction: KeysetPage['direction']
  /** True if the client selects no encrypted field: those columns are then not read. */
  readonly withoutEncrypted?: boolean
}

/** The filter and the page of one list. */
export interface ListRequest<Filter> {
  readonly filter: Filter
  readonly page: PageArguments
}

const NEWEST_FIRST: ListOptions = { column: 'created_at', direction: 'desc' }

/** One page of the tenant's stored records. No provider is called. */
export async function listRecords<R extends SyncedRecord, S extends RecordSnapshot, Filter>(
  deps: RecordDeps<R, S, Filter>,
  { tenantId }: RequestScope,
  { filter, page }: ListRequest<Filter>,
  options: ListOptions = NEWEST_FIRST,
): Promise<Connection<R>> {
  const { cursors, db, fetchedAtWriter, recordType } = deps
  const { column, direction, withoutEncrypted = false } = options
  await recordType.expiry?.apply(deps, tenantId)
  return readConnection(cursors, page, {
    ...toRowList(deps, tenantId, filter, options),
    read: async bounds => {
      const keyset = { column, direction, ...bounds }
      const records = await recordType.repository.list(db, tenantId, filter, keyset, withoutEncrypted)
      return records.map(fetchedAtWriter.withPending)
    },
  })
}

/** Several pages, read in one statement. A page with an invalid argument is an error in its place. */
export async function listManyRecords<R extends SyncedRecord, S extends RecordSnapshot, Filter>(
  deps: RecordDeps<R, S, Filter>,
  { tenantId }: RequestScope,
  requests: readonly ListRequest<Filter>[],
  options: ListOptions = NEWEST_FIRST,
): Promise<(Connection<R> | Error)[]> {
  const { cursors, db, fetchedAtWriter, recordType } = deps
  const { column, direction, withoutEncrypted = false } = options
  await recordType.expiry?.apply(deps, tenantId)
  const lists = requests.map(({ filter, page }) => {
    const list = toRowList(deps, tenantId, filter, options)
    return { filter, list, page: toPageRequestOrError(cursors, list.scope, page) }
  })
  const requested = lists.flatMap(({ filter, page }) =>
    page instanceof Error || page.size === 0 ? [] : [{ filter, page }],
  )
  const pages = requested.map(({ filter, page }) => ({ filter, page: { column, direction, ...toListPage(page) } }))
  const read = await recordType.repository.listMany(db, tenantId, pages, withoutEncrypted)
  const recordsOf = new Map(requested.map(({ page }, index) => [page, read[index] ?? []]))
  return lists.map(({ list, page }) => {
    if (page instanceof Error) return page
    const records = recordsOf.get(page) ?? []
    return toConnection(cursors, page, list, records.map(fetchedAtWriter.withPending))
  })
}

function toRowList<R extends SyncedRecord, S extends RecordSnapshot, Filter>(
  { db, recordType }: RecordDeps<R, S, Filter>,
  tenantId: string,
  filter: Filter,
  { column, direction }: ListOptions,
): RowList<R> {
  return {
    scope: `${tenantId}|${recordType.name}|${column}|${direction}`,
    positionOf: record => ({
      id: record.id,
      at: (column === 'updated_at' ? record.updatedAt : record.createdAt).getTime(),
    }),
    count: max => recordType.repository.count(db, tenantId, filter, max),
  }
}

function toPageRequestOrError(cursors: Cursors, scope: string, page: PageArguments): PageRequest | DomainError {
  try {
    return toPageRequest(cursors, scope, page)
  } catch (error) {
    if (error instanceof DomainError) return error
    throw error
  }
}
