import type { Provider } from '../src/domain/provider.ts'
import type { Database } from './database.ts'

export interface AccountKey {
  readonly tenantId: string
  readonly provider: Provider
  /** `sandbox`, or the address of the provider: an account of one is never the account of the other. */
  readonly origin: string
}

/** The id of the account with this key; `id` is used where there is none yet. */
export async function findOrCreateAccount(db: Database, key: AccountKey, id: string, now: Date): Promise<string> {
  await db.sql
    .insertInto('accounts')
    .values({ id, tenant_id: key.tenantId, provider: key.provider, origin: key.origin, created_at: now.getTime() })
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
