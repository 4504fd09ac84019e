import type { JsonObject } from '../../src/domain/json.ts'
import type { Provider } from '../../src/domain/provider.ts'
import { decryptJson, encryptJson, placeIn } from '../core/columns.ts'
import { type Database, inTransaction } from '../core/database.ts'
import type { AccountRow } from '../core/tables.ts'

export interface AccountKey {
  readonly tenantId: string
  readonly provider: Provider
  /** `sandbox`, or the address of the provider's API. Records of the two never mix. */
  readonly baseUrl: string
}

/** An account that a tenant connected. `settings` is null for a sandbox. */
export interface StoredAccount extends AccountKey {
  readonly id: string
  readonly settings: JsonObject | null
  readonly revision: number
}

/** The id of the account with this key. A new account has the id `id`. */
export async function findOrCreateAccount(db: Database, key: AccountKey, id: string, now: Date): Promise<string> {
  await db.sql
    .insertInto('accounts')
    .values({
      id,
      tenant_id: key.tenantId,
      provider: key.provider,
      base_url: key.baseUrl,
      settings_encrypted: null,
      connected: 0,
      revision: 0,
      created_at: now.getTime(),
    })
    .onConflict(conflict => conflict.columns(['tenant_id', 'provider', 'base_url']).doNothing())
    .execute()
  const row = await db.sql
    .selectFrom('accounts')
    .select('id')
    .where('tenant_id', '=', key.tenantId)
    .where('provider', '=', key.provider)
    .where('base_url', '=', key.baseUrl)
    .executeTakeFirstOrThrow()
  return row.id
}

/** Connects the account in place of the tenant's other account at the provider, and deletes its secrets. Returns its id. */
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
    const place = placeIn('accounts', 'settings_encrypted', { id: accountId, tenantId: key.tenantId })
    await trx.sql
      .updateTable('accounts')
      .set(eb => ({
        settings_encrypted: encryptJson(trx.encryption, settings, place) ?? null,
        connected: 1,
        revision: eb('revision', '+', 1),
      }))
      .where('id', '=', accountId)
      .execute()
    return accountId
  })
}

/** Deletes the settings and secrets of the tenant's account; its records stay. Returns its id; undefined for none. */
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
    .set(eb => ({ settings_encrypted: null, connected: 0, revision: eb('revision', '+', 1) }))
    .where('tenant_id', '=', tenantId)
    .where('provider', '=', provider)
    .where('connected', '=', 1)
    .returning('id')
    .executeTakeFirst()
  return row?.id
}

/** The connected accounts of a tenant. */
export async function findAccountsOf(db: Database, tenantId: string): Promise<StoredAccount[]> {
  const query = db.sql.selectFrom('accounts').selectAll().where('tenant_id', '=', tenantId).where('connected', '=', 1)
  return (await query.execute()).map(row => toAccount(db, row))
}

function toAccount(db: Database, row: AccountRow): StoredAccount {
  const key = { id: row.id, tenantId: row.tenant_id }
  const place = placeIn('accounts', 'settings_encrypted', key)
  return {
    ...key,
    provider: row.provider as Provider,
    baseUrl: row.base_url,
    settings: decryptJson<JsonObject>(db.encryption, row.settings_encrypted, place),
    revision: row.revision,
  }
}
