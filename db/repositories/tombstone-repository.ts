import { createHmac, randomBytes } from 'node:crypto'
import { inBatches } from '../core/batches.ts'
import type { Database } from '../core/database.ts'
import { lockErasure } from '../core/dialect.ts'
import { prepareQuery } from '../core/prepared-query.ts'

/**
 * Tombstones: keyed hashes of an erased person's records, which recognize a record when its provider sends it again. Their
 * key is random and stored encrypted, so that it outlives every encryption key.
 */

/** A record or a marker at an account, or an idempotency key or an external id of a tenant. */
export type TombstoneKey =
  | { readonly accountId: string; readonly kind: TombstoneKind; readonly value: string }
  | { readonly tenantId: string; readonly kind: 'externalId' | 'idempotencyKey'; readonly value: string }

export type TombstoneKind = 'applicant' | 'customer' | 'reference' | 'session'

const KEY_NAME = 'tombstones'
const KEY_PLACE = { table: 'instance_keys', column: 'key_encrypted', tenantId: null, key: [KEY_NAME] }

/** When one of these was erased; undefined for none. All belong to the tenant. */
export async function findTombstone(
  db: Database,
  tenantId: string,
  ...tombstones: readonly TombstoneKey[]
): Promise<Date | undefined> {
  if (tombstones.length === 0) return undefined
  await lockErasure(db, tenantId, 'STORE')
  const key = await findKey(db)
  if (!key) return undefined
  const hashes = tombstones.map(tombstone => hashOf(key, tombstone))
  const [row] = await SELECT_ERASED(db, ...hashes)
  return row && new Date(row.erased_at)
}

const SELECT_ERASED = prepareQuery((db, ...hashes: string[]) =>
  db.sql.selectFrom('tombstones').select('erased_at').where('hash', 'in', hashes),
)

/** Those of them that were erased. */
export async function listErased(db: Database, tombstones: readonly TombstoneKey[]): Promise<TombstoneKey[]> {
  const key = tombstones.length > 0 ? await findKey(db) : undefined
  if (!key) return []
  const byHash = new Map(tombstones.map(tombstone => [hashOf(key, tombstone), tombstone]))
  const rows = await inBatches(byHash.keys(), hashes =>
    db.sql.selectFrom('tombstones').select('hash').where('hash', 'in', hashes).execute(),
  )
  return rows.flatMap(({ hash }) => byHash.get(hash) ?? [])
}

/**
 * In a transaction after all stores that did not see them. Outside of one in several commits and without a lock. They are
 * set in the order of their hashes, so that two erasures of the same person do not block each other.
 */
export async function setTombstones(
  db: Database,
  tenantId: string,
  tombstones: readonly TombstoneKey[],
  erasedAt: Date,
): Promise<void> {
  await lockErasure(db, tenantId, 'ERASE')
  const key = (await findKey(db)) ?? (await createKey(db, erasedAt))
  const erased_at = erasedAt.getTime()
  await inBatches(tombstones.map(tombstone => hashOf(key, tombstone)).sort(), hashes =>
    db.sql
      .insertInto('tombstones')
      .values(hashes.map(hash => ({ hash, tenant_id: tenantId, erased_at })))
      .onConflict(conflict => conflict.column('hash').doUpdateSet({ erased_at }))
      .execute(),
  )
}

/** For a record that is created again on purpose. */
export async function deleteTombstone(db: Database, tombstone: TombstoneKey): Promise<void> {
  const key = await findKey(db)
  if (key) await db.sql.deleteFrom('tombstones').where('hash', '=', hashOf(key, tombstone)).execute()
}

/** Hashes without personal data. */
export async function hashTombstoneKeys(
  db: Database,
  tombstones: readonly TombstoneKey[],
  now: Date,
): Promise<string[]> {
  if (tombstones.length === 0) return []
  const key = (await findKey(db)) ?? (await createKey(db, now))
  return tombstones.map(tombstone => hashOf(key, tombstone))
}

/** The hashes of these; none before the key of the hashes is created. */
export async function findTombstoneHashes(db: Database, tombstones: readonly TombstoneKey[]): Promise<string[]> {
  const key = await findKey(db)
  return key ? tombstones.map(tombstone => hashOf(key, tombstone)) : []
}

/** A keyed hash that is the same in all instances and under every encryption key. */
export async function loadKeyedHash(db: Database, now: Date): Promise<(text: string) => string> {
  const key = (await findKey(db)) ?? (await createKey(db, now))
  return text => createHmac('sha256', key).update(text, 'utf8').digest('base64url')
}

/** Creates the key of the hashes on first use. Throws UnreadableError where ENCRYPTION_KEY is not the key of this database. */
export async function loadInstanceKey(db: Database, now: Date): Promise<void> {
  if (!(await findKey(db))) await createKey(db, now)
}

/** Throws UnreadableError where the key cannot be decrypted: without it, erased records would come back. */
async function findKey(db: Database): Promise<Buffer | undefined> {
  if (db.cache.instanceKey) return db.cache.instanceKey
  const query = db.sql.selectFrom('instance_keys').select('key_encrypted').where('name', '=', KEY_NAME)
  const row = await query.executeTakeFirst()
  const key = row && Buffer.from(db.encryption.decrypt(row.key_encrypted, KEY_PLACE), 'base64')
  // A key that was inserted in a transaction may be rolled back with it.
  if (!db.sql.isTransaction) db.cache.instanceKey = key
  return key
}

async function createKey(db: Database, now: Date): Promise<Buffer> {
  const key_encrypted = db.encryption.encrypt(randomBytes(32).toString('base64'), KEY_PLACE)
  await db.sql
    .insertInto('instance_keys')
    .values({ name: KEY_NAME, key_encrypted, created_at: now.getTime() })
    .onConflict(conflict => conflict.column('name').doNothing())
    .execute()
  const key = await findKey(db)
  if (!key) throw new Error('The instance key that was just created is missing.')
  return key
}

function hashOf(key: Buffer, tombstone: TombstoneKey): string {
  const owner = 'accountId' in tombstone ? tombstone.accountId : tombstone.tenantId
  return createHmac('sha256', key).update(`${owner}|${tombstone.kind}|${tombstone.value}`, 'utf8').digest('base64url')
}
