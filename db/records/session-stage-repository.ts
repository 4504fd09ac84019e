import type { Database } from '../core/database.ts'
import { prepareQuery } from '../core/prepared-query.ts'

/** Raises the furthest stage of a session; a lower one does not change it. A step of the transaction of its events. */
export async function raiseStage(db: Database, tenantId: string, sessionId: string, stage: number): Promise<void> {
  await RAISE(db, tenantId, sessionId, stage)
}

const RAISE = prepareQuery((db, tenantId: string, sessionId: string, stage: number) =>
  db.sql
    .updateTable('sessions')
    .set({ stage })
    .where('tenant_id', '=', tenantId)
    .where('id', '=', sessionId)
    .where('stage', '<', stage),
)
