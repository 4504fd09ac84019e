import type { Provider } from '../../src/domain/provider.ts'
import type { EventData, TimelineEvent } from '../../src/domain/records/event.ts'
import type { ChangeSource } from '../../src/domain/records/sync.ts'
import { inBatches } from '../core/batches.ts'
import { parseJson, toDate } from '../core/columns.ts'
import type { Database } from '../core/database.ts'
import { prepareQuery } from '../core/prepared-query.ts'
import { countRows, isAnyOf } from '../core/record-queries.ts'
import type { EventRow } from '../core/tables.ts'
import { findTombstoneHashes } from './tombstone-repository.ts'

export interface NewEvent extends Omit<TimelineEvent, 'formerPersonHash' | 'position'> {
  /** The externalId that the session lost by the event. */
  readonly formerExternalId?: string | null
}

/**
 * Inserts events of one tenant, in order. Their positions come from the tenant's counter row, which is locked until the
 * transaction ends. So positions become visible in order, without gaps.
 */
export async function appendEvents(db: Database, events: readonly NewEvent[]): Promise<void> {
  const [first] = events
  if (!first) return
  const [counted] = await TAKE_POSITIONS(db, first.tenantId, events.length)
  const before = (counted?.position ?? 0) - events.length
  const former = new Set(events.map(({ formerExternalId = null }) => formerExternalId))
  const hashes = new Map<string | null, string | null>()
  for (const externalId of former) hashes.set(externalId, await hashOfPerson(db, first.tenantId, externalId))
  const rows = events.map((event, index) =>
    toRow(event, before + index + 1, hashes.get(event.formerExternalId ?? null) ?? null),
  )
  await inBatches(rows, batch => INSERT(db, ...batch))
}

const TAKE_POSITIONS = prepareQuery((db, tenantId: string, count: number) =>
  db.sql
    .insertInto('event_positions')
    .values({ tenant_id: tenantId, position: count })
    .onConflict(conflict =>
      conflict.column('tenant_id').doUpdateSet(eb => ({ position: eb('event_positions.position', '+', count) })),
    )
    .returning('position'),
)
const INSERT = prepareQuery((db, ...rows: EventRow[]) => db.sql.insertInto('events').values(rows))

/** The hash of a person in events, which outlives every encryption key. */
export async function hashOfPerson(db: Database, tenantId: string, externalId: string | null): Promise<string | null> {
  if (externalId === null) return null
  const [hash = null] = await findTombstoneHashes(db, [{ tenantId, kind: 'externalId', value: externalId }])
  return hash
}

/** The position of the tenant's newest event; 0 where there is none. */
export async function findPosition(db: Database, tenantId: string): Promise<number> {
  const query = db.sql.selectFrom('event_positions').select('position').where('tenant_id', '=', tenantId)
  return (await query.executeTakeFirst())?.position ?? 0
}

/** The position of the tenant's oldest stored event; undefined where there is none. */
export async function findOldestPosition(db: Database, tenantId: string): Promise<number | undefined> {
  const query = db.sql
    .selectFrom('events')
    .select('position')
    .where('tenant_id', '=', tenantId)
    .orderBy('position')
    .limit(1)
  return (await query.executeTakeFirst())?.position
}

/** Selects events of a tenant. */
export interface EventFilter {
  readonly tenantId: string
  readonly sessionId?: string
  /** Events of the sessions that have this externalId now, and the events by which sessions lost it. */
  readonly externalId?: string | null
  /** Events of sessions at these providers. */
  readonly providers?: readonly Provider[] | null
}

export interface EventQuery extends EventFilter {
  /** Events after this position. */
  readonly after: number
  /** Events before this position. */
  readonly before?: number
  readonly limit: number
  /** True for the last events between the bounds. They come in the order of their positions, too. */
  readonly backward?: boolean
}

/** Events in the order of their positions. */
export async function listEvents(db: Database, { providers, ...query }: EventQuery): Promise<TimelineEvent[]> {
  const formerPersonHash = await hashOfPerson(db, query.tenantId, query.externalId ?? null)
  const given = { ...query, formerPersonHash }
  const rows = providers ? await listAtProviders(db, providers, given) : await personPageOf(db, given).execute()
  const events = rows.map(toEvent)
  return query.backward ? events.reverse() : events
}

/** The events of a session after a position, in order. */
export async function listSessionEvents(
  db: Database,
  { tenantId, sessionId }: Pick<TimelineEvent, 'tenantId' | 'sessionId'>,
  after: number,
  limit: number,
): Promise<TimelineEvent[]> {
  return (await OF_SESSION(db, tenantId, sessionId, after, limit)).map(toEvent)
}

const OF_SESSION = prepareQuery((db, tenantId: string, sessionId: string, after: number, limit: number) =>
  pageOf({ tenantId, after, limit }, eventsOf(db, { tenantId, sessionId }), undefined),
)

/** An index has the events of one provider in order, so the page is one of the providers' pages. */
async function listAtProviders(
  db: Database,
  providers: readonly Provider[],
  query: PersonQuery,
): Promise<readonly EventRow[]> {
  const [first, ...others] = [...new Set(providers)].map(provider =>
    db.sql.selectFrom(personPageOf(db, query, provider).as('page')).selectAll(),
  )
  if (!first) return []
  const pages = others.reduce((union, page) => union.unionAll(page), first)
  const rows = db.sql.selectFrom(pages.as('pages')).selectAll()
  return rows.orderBy('position', directionOf(query)).limit(query.limit).execute()
}

interface PersonQuery extends Omit<EventQuery, 'providers'> {
  readonly formerPersonHash: string | null
}

/** The page of the sessions, together with that of the events by which sessions left the person. */
function personPageOf(db: Database, query: PersonQuery, provider?: Provider) {
  const { externalId: _, formerPersonHash, ...others } = query
  const page = pageOf(query, eventsOf(db, query), provider)
  if (formerPersonHash === null) return page
  const left = eventsOf(db, others).where('former_person_hash', '=', formerPersonHash)
  const pages = db.sql
    .selectFrom(page.as('own'))
    .selectAll()
    .union(db.sql.selectFrom(pageOf(query, left, provider).as('left')).selectAll())
  const rows = db.sql.selectFrom(pages.as('pages')).selectAll()
  return rows.orderBy('position', directionOf(query)).limit(query.limit)
}

function pageOf(
  query: Omit<EventQuery, 'providers'>,
  events: ReturnType<typeof eventsOf>,
  provider: Provider | undefined,
) {
  const { after, before } = query
  let rows = events.selectAll().where('position', '>', after)
  if (provider !== undefined) rows = rows.where('provider', '=', provider)
  if (before !== undefined) rows = rows.where('position', '<', before)
  return rows.orderBy('position', directionOf(query)).limit(query.limit)
}

function directionOf({ backward = false }: Pick<EventQuery, 'backward'>): 'asc' | 'desc' {
  return backward ? 'desc' : 'asc'
}

/** The number of events, counted up to `max`. */
export function countEvents(db: Database, { providers, ...filter }: EventFilter, max: number): Promise<number> {
  const events = eventsOf(db, filter).select('id')
  return countRows(db, providers ? events.where(isAnyOf('provider', providers)) : events, max)
}

function eventsOf(db: Database, { tenantId, sessionId, externalId }: EventFilter) {
  let events = db.sql.selectFrom('events')
  // Without a condition on the tenant, whose sessions they are: SQLite would search all of the tenant's events.
  if (externalId != null) events = events.where('session_id', 'in', sessionIdsOf(db, tenantId, externalId))
  else events = events.where('tenant_id', '=', tenantId)
  // With a condition on the position SQLite takes the index of the session, not one of the tenant, which has all events.
  if (sessionId !== undefined) events = events.where('session_id', '=', sessionId).where('position', '>', 0)
  return events
}

function sessionIdsOf(db: Database, tenantId: string, externalId: string) {
  return db.sql
    .selectFrom('sessions')
    .select('id')
    .where('tenant_id', '=', tenantId)
    .where('external_id', '=', externalId)
}

/** The tenants that have or had events. */
export async function listTenantsWithEvents(db: Database): Promise<string[]> {
  const rows = await db.sql.selectFrom('event_positions').select('tenant_id').execute()
  return rows.map(row => row.tenant_id)
}

/**
 * Deletes at most `limit` events before `before`, from the oldest and without a gap, so that the oldest stored event shows
 * which cursors are expired. Returns their number.
 */
export async function pruneEvents(db: Database, tenantId: string, before: Date, limit: number): Promise<number> {
  const events = db.sql.selectFrom('events').select(['position', 'at']).where('tenant_id', '=', tenantId)
  const oldest = await events.orderBy('position').limit(limit).execute()
  const stored = oldest.findIndex(({ at }) => at >= before.getTime())
  const last = oldest.at(stored === -1 ? -1 : stored - 1)
  if (!last || stored === 0) return 0
  const old = db.sql.deleteFrom('events').where('tenant_id', '=', tenantId).where('position', '<=', last.position)
  return Number((await old.executeTakeFirst()).numDeletedRows)
}

function toRow(event: NewEvent, position: number, former_person_hash: string | null): EventRow {
  return {
    tenant_id: event.tenantId,
    position,
    id: event.id,
    session_id: event.sessionId,
    provider: event.provider,
    at: event.at.getTime(),
    source: event.source,
    data: JSON.stringify(event.data),
    former_person_hash,
  }
}

function toEvent(row: EventRow): TimelineEvent {
  return {
    id: row.id,
    tenantId: row.tenant_id,
    sessionId: row.session_id,
    provider: row.provider as Provider,
    position: row.position,
    at: toDate(row.at),
    source: row.source as ChangeSource,
    data: parseJson<EventData>(row.data),
    formerPersonHash: row.former_person_hash,
  }
}
