import type { JsonObject } from '../src/domain/json.ts'
import type { Provider } from '../src/domain/provider.ts'
import { openJson, sealJson } from './columns.ts'
import { type Database, inTransaction } from './database.ts'
import type { AccountRow } from './tables.ts'

export interface AccountKey {
  readonly tenantId: string
  readonly provider: Provider
  /** `sandbox`, or the address of the provider: an account of one is never the account of the other. */
  readonly origin: string
}

/** An account that a tenant set. `settings` is null for a sandbox. */
export interface StoredAccount extends AccountKey {
  readonly id: string
  readonly settings: JsonObject | null
  readonly revision: number
}

/** The id of the account with this key; `id` is used where there is none yet. */
export async function findOrCreateAccount(db: Database, key: AccountKey, id: string, now: Date): Promise<string> {
  await db.sql
    .insertInto('accounts')
    .values({
      id,
      tenant_id: key.tenantId,
      provider: key.provider,
      origin: key.origin,
      settings_sealed: null,
      connected: 0,
      revision: 0,
      created_at: now.getTime(),
    })
    .onConflict(conflict => conflict.columns(['tenant_id', 'provider', 'origin']).doNothing())
    .execute()
  const row = await db.sql
    .selectFrom('accounts')
    .select('id')
    .where('tenant_id', '=', key.tenantId)
    .where('provider', '=', key.provider)
    .where('origin', '=', key.origin)
    .executeTakeFirstOrThrow()
  return row.id
}

/** Makes it the tenant's account at the provider, in place of any other. What its client kept for it is forgotten. */
export function connectAccount(
  db: Database,
  key: AccountKey,
  settings: JsonObject | null,
  id: string,
  now: Date,
): Promise<string> {
  return inTransaction(db, async trx => {
    await disconnect(trx, key)
    const accountId = await findOrCreateAccount(trx, key, id, now)
    await trx.sql.deleteFrom('account_secrets').where('account_id', '=', accountId).execute()
    await trx.sql
      .updateTable('accounts')
      .set(eb => ({
        settings_sealed: sealJson(trx.vault, settings) ?? null,
        connected: 1,
        revision: eb('revision', '+', 1),
      }))
      .where('id', '=', accountId)
      .execute()
    return accountId
  })
}

/** Forgets the settings of the tenant's account at the provider; its records stay. Undefined where there is none. */
export function disconnectAccount(
  db: Database,
  key: Pick<AccountKey, 'tenantId' | 'provider'>,
): Promise<string | undefined> {
  return inTransaction(db, async trx => {
    const id = await disconnect(trx, key)
    if (id) await trx.sql.deleteFrom('account_secrets').where('account_id', '=', id).execute()
    return id
  })
}

async function disconnect(
  db: Database,
  { tenantId, provider }: Pick<AccountKey, 'tenantId' | 'provider'>,
): Promise<string | undefined> {
  const row = await db.sql
    .updateTable('accounts')
    .set(eb => ({ settings_sealed: null, connected: 0, revision: eb('revision', '+', 1) }))
    .where('tenant_id', '=', tenantId)
    .where('provider', '=', provider)
    .where('connected', '=', 1)
    .returning('id')
    .executeTakeFirst()
  return row?.id
}

/** The accounts that a tenant set. */
export async function findAccountsOf(db: Database, tenantId: string): Promise<StoredAccount[]> {
  const query = db.sql.selectFrom('accounts').selectAll().where('tenant_id', '=', tenantId).where('connected', '=', 1)
  return (await query.execute()).map(row => toAccount(db, row))
}

function toAccount(db: Database, row: AccountRow): StoredAccount {
  return {
    id: row.id,
    tenantId: row.tenant_id,
    provider: row.provider as Provider,
    origin: row.origin,
    settings: openJson<JsonObject>(db.vault, row.settings_sealed),
    revision: row.revision,
  }
}
