import type { EventData, TimelineEvent } from '../src/domain/event.ts'
import type { StatusSource } from '../src/domain/sync.ts'
import { parseJson, toDate } from './columns.ts'
import type { Database } from './database.ts'
import { keptQuery } from './kept-query.ts'
import type { EventRow } from './tables.ts'

export type NewEvent = Omit<TimelineEvent, 'position'>

/**
 * Writes events of one tenant, in order. Their positions come from the tenant's counter row, which stays locked until the
 * transaction ends: whoever reads a position has read all before it.
 */
export async function appendEvents(db: Database, events: readonly NewEvent[]): Promise<void> {
  const [first] = events
  if (!first) return
  const [told] = await TAKE_POSITIONS(db, first.tenantId, events.length)
  const before = (told?.position ?? 0) - events.length
  await INSERT(db, ...events.map((event, index) => toRow(event, before + index + 1)))
}

const TAKE_POSITIONS = keptQuery((db, tenantId: string, count: number) =>
  db.sql
    .insertInto('positions')
    .values({ tenant_id: tenantId, position: count })
    .onConflict(conflict =>
      conflict.column('tenant_id').doUpdateSet(eb => ({ position: eb('positions.position', '+', count) })),
    )
    .returning('position'),
)
const INSERT = keptQuery((db, ...rows: EventRow[]) => db.sql.insertInto('events').values(rows))

/** The position of the tenant's newest event; 0 where there is none. */
export async function findPosition(db: Database, tenantId: string): Promise<number> {
  const query = db.sql.selectFrom('positions').select('position').where('tenant_id', '=', tenantId)
  return (await query.executeTakeFirst())?.position ?? 0
}

/** The position of the tenant's oldest event that is still kept; undefined where there is none. */
export async function findOldestPosition(db: Database, tenantId: string): Promise<number | undefined> {
  const query = db.sql
    .selectFrom('events')
    .select('position')
    .where('tenant_id', '=', tenantId)
    .orderBy('position')
    .limit(1)
  return (await query.executeTakeFirst())?.position
}

export interface EventQuery {
  readonly tenantId: string
  readonly sessionId?: string
  /** Events after this position. */
  readonly after: number
  readonly limit: number
}

/** Events in the order of their positions. */
export async function listEvents(db: Database, query: EventQuery): Promise<TimelineEvent[]> {
  let rows = db.sql.selectFrom('events').selectAll().where('tenant_id', '=', query.tenantId)
  if (query.sessionId !== undefined) rows = rows.where('session_id', '=', query.sessionId)
  const found = await rows.where('position', '>', query.after).orderBy('position').limit(query.limit).execute()
  return found.map(toEvent)
}

/** The tenants that ever had an event. */
export async function listTenantsWithEvents(db: Database): Promise<string[]> {
  const rows = await db.sql.selectFrom('positions').select('tenant_id').execute()
  return rows.map(row => row.tenant_id)
}

/**
 * Removes up to so many of a tenant's events from before that time, from the oldest on and without a gap, so that the
 * oldest that is kept tells which cursors are too old. Gives how many.
 */
export async function pruneEvents(db: Database, tenantId: string, before: Date, limit: number): Promise<number> {
  const events = db.sql.selectFrom('events').select(['position', 'at']).where('tenant_id', '=', tenantId)
  const oldest = await events.orderBy('position').limit(limit).execute()
  const kept = oldest.findIndex(({ at }) => at >= before.getTime())
  const last = oldest.at(kept === -1 ? -1 : kept - 1)
  if (!last || kept === 0) return 0
  const old = db.sql.deleteFrom('events').where('tenant_id', '=', tenantId).where('position', '<=', last.position)
  return Number((await old.executeTakeFirst()).numDeletedRows)
}

function toRow(event: NewEvent, position: number): EventRow {
  return {
    tenant_id: event.tenantId,
    position,
    id: event.id,
    session_id: event.sessionId,
    at: event.at.getTime(),
    source: event.source,
    data: JSON.stringify(event.data),
  }
}

function toEvent(row: EventRow): TimelineEvent {
  return {
    id: row.id,
    tenantId: row.tenant_id,
    sessionId: row.session_id,
    position: row.position,
    at: toDate(row.at),
    source: row.source as StatusSource,
    data: parseJson<EventData>(row.data),
  }
}
