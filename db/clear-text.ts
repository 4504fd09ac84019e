import type { Details } from '../src/domain/json.ts'
import { openJson, parseJson, sealJson } from './columns.ts'
import type { Database } from './database.ts'

const BATCH = 200

/** Seals what sessions from before have in clear. Gives how many; may be run again at any time. */
export async function sealClearSessions(db: Database): Promise<number> {
  let count = 0
  for (let after = ''; ; ) {
    const rows = await db.sql
      .selectFrom('sessions')
      .select(['id', 'redirect_url', 'details', 'details_sealed', 'updated_at'])
      .where('id', '>', after)
      .where(eb => eb.or([eb('redirect_url', 'is not', null), eb('details_sealed', 'is', null)]))
      .orderBy('id')
      .limit(BATCH)
      .execute()
    for (const row of rows) {
      const details = openJson<Details>(db.vault, row.details_sealed) ?? parseJson<Details>(row.details)
      const { numUpdatedRows } = await db.sql
        .updateTable('sessions')
        .set({
          details: '{}',
          details_sealed: sealJson(db.vault, details),
          ...(row.redirect_url !== null && {
            redirect_url: null,
            redirect_url_sealed: sealJson(db.vault, row.redirect_url),
          }),
        })
        .where('id', '=', row.id)
        .where('details', '=', row.details)
        .where('updated_at', '=', row.updated_at)
        .executeTakeFirst()
      count += Number(numUpdatedRows)
    }
    const last = rows.at(-1)
    if (!last || rows.length < BATCH) return count
    after = last.id
  }
}
