import type { Kysely } from 'kysely'
import { OPERATION_STATES } from '../../src/domain/records/operation.ts'
import type { Database } from '../core/database.ts'
import type { Tables } from '../core/tables.ts'

/** Counts end here, because a longer scan would slow down other queries. */
export const MAX_COUNTED = 100_000

/** The number of creates by state. */
export async function countCreates({ sql }: Database): Promise<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const state of OPERATION_STATES) {
    const some = sql.selectFrom('operations').select('state').where('state', '=', state).limit(MAX_COUNTED)
    counts[state] = await count(sql, some.as('some'))
  }
  return counts
}

/** The number of rows by table. */
export async function countRowsByTable({ sql }: Database): Promise<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const { name } of await sql.introspection.getTables()) {
    // Introspection lists only existing tables.
    const some = sql
      .selectFrom(name as keyof Tables)
      .select(eb => eb.lit(1).as('one'))
      .limit(MAX_COUNTED)
    counts[name] = await count(sql, some.as('some'))
  }
  return counts
}

/** The deliveries that are not applied: their number, the oldest, and the number in quarantine. */
export async function readBacklog({
  sql,
}: Database): Promise<{ waiting: number; oldest: Date | null; quarantined: number }> {
  const inState = (state: string) => sql.selectFrom('deliveries').where('state', '=', state)
  const oldest = await inState('STORED')
    .select(eb => eb.fn.min('received_at').as('at'))
    .executeTakeFirst()
  return {
    waiting: await count(sql, inState('STORED').select('id').limit(MAX_COUNTED).as('some')),
    quarantined: await count(sql, inState('QUARANTINED').select('id').limit(MAX_COUNTED).as('some')),
    oldest: oldest?.at == null ? null : new Date(Number(oldest.at)),
  }
}

/** The number of sessions whose poll was due before `before`. */
export function countOverduePolls({ sql }: Database, before: Date): Promise<number> {
  const overdue = sql.selectFrom('sessions').select('id').where('next_poll_at', '<', before.getTime())
  return count(sql, overdue.limit(MAX_COUNTED).as('some'))
}

/** A subquery. */
type Subquery = Parameters<Kysely<Tables>['selectFrom']>[0]

async function count(sql: Kysely<Tables>, rows: Subquery): Promise<number> {
  const row = await sql
    .selectFrom(rows as 'drift')
    .select(eb => eb.fn.countAll().as('rows'))
    .executeTakeFirst()
  return Number(row?.rows ?? 0)
}
