import { openText } from './columns.ts'
import type { Database } from './database.ts'

/** Undefined where there is none, or none that can be opened: it is then made anew. */
export async function findSecret(db: Database, accountId: string, name: string): Promise<string | undefined> {
  const row = await db.sql
    .selectFrom('account_secrets')
    .select('value_sealed')
    .where('account_id', '=', accountId)
    .where('name', '=', name)
    .executeTakeFirst()
  return (row && openText(db.vault, row.value_sealed)) ?? undefined
}

export async function saveSecret(
  db: Database,
  accountId: string,
  name: string,
  value: string,
  now: Date,
): Promise<void> {
  const told = { value_sealed: db.vault.seal(value), updated_at: now.getTime() }
  await db.sql
    .insertInto('account_secrets')
    .values({ account_id: accountId, name, ...told })
    .onConflict(conflict => conflict.columns(['account_id', 'name']).doUpdateSet(told))
    .execute()
}
