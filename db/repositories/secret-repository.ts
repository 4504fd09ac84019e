import type { Place } from '../../src/security/field-encryption.ts'
import { decryptText } from '../core/columns.ts'
import type { Database } from '../core/database.ts'

/** Undefined for none, and for a value that cannot be decrypted: the caller then creates a new one. */
export async function findSecret(db: Database, accountId: string, name: string): Promise<string | undefined> {
  const row = await db.sql
    .selectFrom('account_secrets')
    .select('value_encrypted')
    .where('account_id', '=', accountId)
    .where('name', '=', name)
    .executeTakeFirst()
  return (row && decryptText(db.encryption, row.value_encrypted, placeOf(accountId, name))) ?? undefined
}

/** The secrets of this name, by account. */
export async function findSecrets(
  db: Database,
  accountIds: readonly string[],
  name: string,
): Promise<ReadonlyMap<string, string>> {
  if (accountIds.length === 0) return new Map()
  const rows = await db.sql
    .selectFrom('account_secrets')
    .select(['account_id', 'value_encrypted'])
    .where('account_id', 'in', accountIds)
    .where('name', '=', name)
    .execute()
  return new Map(
    rows.flatMap(({ account_id, value_encrypted }) => {
      const value = decryptText(db.encryption, value_encrypted, placeOf(account_id, name))
      return value ? [[account_id, value] as const] : []
    }),
  )
}

export async function saveSecret(
  db: Database,
  accountId: string,
  name: string,
  value: string,
  now: Date,
): Promise<void> {
  const row = { value_encrypted: db.encryption.encrypt(value, placeOf(accountId, name)), updated_at: now.getTime() }
  await db.sql
    .insertInto('account_secrets')
    .values({ account_id: accountId, name, ...row })
    .onConflict(conflict => conflict.columns(['account_id', 'name']).doUpdateSet(row))
    .execute()
}

function placeOf(accountId: string, name: string): Place {
  return { table: 'account_secrets', column: 'value_encrypted', tenantId: null, key: [accountId, name] }
}
