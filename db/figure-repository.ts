import type { Kysely } from 'kysely'
import { CREATE_STATES } from '../src/domain/operation.ts'
import type { Database } from './database.ts'
import type { Tables } from './tables.ts'

/** Counting a table without end would hold up everybody else: beyond this it only says that it is large. */
export const MOST_COUNTED = 100_000

/** How many creates are in each state. */
export async function countCreates({ sql }: Database): Promise<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const state of CREATE_STATES) {
    const some = sql.selectFrom('operations').select('state').where('state', '=', state).limit(MOST_COUNTED)
    counts[state] = await count(sql, some.as('some'))
  }
  return counts
}

/** How many rows each table has. */
export async function countRows({ sql }: Database): Promise<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const { name } of await sql.introspection.getTables()) {
    // The database says what it has.
    const some = sql
      .selectFrom(name as keyof Tables)
      .select(eb => eb.lit(1).as('one'))
      .limit(MOST_COUNTED)
    counts[name] = await count(sql, some.as('some'))
  }
  return counts
}

/** The deliveries that are stored and not applied, how many and since when, and those that wait for an operator. */
export async function readBacklog({
  sql,
}: Database): Promise<{ waiting: number; oldest: Date | null; quarantined: number }> {
  const inState = (state: string) => sql.selectFrom('deliveries').where('state', '=', state)
  const oldest = await inState('STORED')
    .select(eb => eb.fn.min('received_at').as('at'))
    .executeTakeFirst()
  return {
    waiting: await count(sql, inState('STORED').select('id').limit(MOST_COUNTED).as('some')),
    quarantined: await count(sql, inState('QUARANTINED').select('id').limit(MOST_COUNTED).as('some')),
    oldest: oldest?.at == null ? null : new Date(Number(oldest.at)),
  }
}

/** How many sessions should have been looked at before this time. */
export function countOverduePolls({ sql }: Database, before: Date): Promise<number> {
  const overdue = sql.selectFrom('sessions').select('id').where('next_poll_at', '<', before.getTime())
  return count(sql, overdue.limit(MOST_COUNTED).as('some'))
}

/** A subquery is as good as a table: only the number of its rows is asked for. */
type Some = Parameters<Kysely<Tables>['selectFrom']>[0]

async function count(sql: Kysely<Tables>, some: Some): Promise<number> {
  const row = await sql
    .selectFrom(some as 'drift')
    .select(eb => eb.fn.countAll().as('rows'))
    .executeTakeFirst()
  return Number(row?.rows ?? 0)
}
