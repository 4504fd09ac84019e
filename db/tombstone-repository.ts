import { createHmac, randomBytes } from 'node:crypto'
import type { Database } from './database.ts'
import { lockErasure } from './dialect.ts'
import { keptQuery } from './kept-query.ts'

/**
 * What is left of an erased person: keyed hashes, by which what belonged to it is known when it comes back. Their key is
 * random and sealed in the store, so that it outlives every encryption key.
 */

/** What may come back: a record or one of our markers at an account, an idempotency key or a person at a tenant. */
export type Trace =
  | { readonly accountId: string; readonly kind: TraceKind; readonly value: string }
  | { readonly tenantId: string; readonly kind: 'externalId' | 'idempotencyKey'; readonly value: string }

export type TraceKind = 'applicant' | 'customer' | 'reference' | 'session'

const KEY_NAME = 'tombstones'

/** When one of these was erased; undefined where none was. */
export async function findTombstone(db: Database, ...traces: readonly Trace[]): Promise<Date | undefined> {
  if (traces.length === 0) return undefined
  await lockErasure(db, 'STORES')
  const key = await findKey(db)
  if (!key) return undefined
  const hashes = traces.map(trace => hashOf(key, trace))
  const [row] = await SELECT_ERASED(db, ...hashes)
  return row && new Date(row.erased_at)
}

const SELECT_ERASED = keptQuery((db, ...hashes: string[]) =>
  db.sql.selectFrom('tombstones').select('erased_at').where('hash', 'in', hashes),
)

export async function setTombstones(
  db: Database,
  tenantId: string,
  traces: readonly Trace[],
  erasedAt: Date,
): Promise<void> {
  await lockErasure(db, 'ERASES')
  const key = (await findKey(db)) ?? (await makeKey(db, erasedAt))
  for (const trace of traces) {
    await db.sql
      .insertInto('tombstones')
      .values({ hash: hashOf(key, trace), tenant_id: tenantId, erased_at: erasedAt.getTime() })
      .onConflict(conflict => conflict.column('hash').doUpdateSet({ erased_at: erasedAt.getTime() }))
      .execute()
  }
}

/** What was erased and is made anew on purpose is met again. */
export async function liftTombstone(db: Database, trace: Trace): Promise<void> {
  const key = await findKey(db)
  if (key) await db.sql.deleteFrom('tombstones').where('hash', '=', hashOf(key, trace)).execute()
}

/** A hash that names nobody, for the audit log. */
export async function hashTrace(db: Database, trace: Trace, now: Date): Promise<string> {
  return hashOf((await findKey(db)) ?? (await makeKey(db, now)), trace)
}

/**
 * Makes the key of the hashes where there is none yet. Throws UnreadableError where the vault cannot open it: then it is not
 * the vault that this database was written with.
 */
export async function openHouseKey(db: Database, now: Date): Promise<void> {
  if (!(await findKey(db))) await makeKey(db, now)
}

/** Throws UnreadableError where the key cannot be opened: nobody who was erased may come back by that. */
async function findKey(db: Database): Promise<Buffer | undefined> {
  if (db.known.houseKey) return db.known.houseKey
  const query = db.sql.selectFrom('house_keys').select('key_sealed').where('name', '=', KEY_NAME)
  const row = await query.executeTakeFirst()
  const key = row && Buffer.from(db.vault.open(row.key_sealed), 'base64')
  // One that was made in a transaction may be undone with it.
  if (!db.sql.isTransaction) db.known.houseKey = key
  return key
}

async function makeKey(db: Database, now: Date): Promise<Buffer> {
  const key_sealed = db.vault.seal(randomBytes(32).toString('base64'))
  await db.sql
    .insertInto('house_keys')
    .values({ name: KEY_NAME, key_sealed, created_at: now.getTime() })
    .onConflict(conflict => conflict.column('name').doNothing())
    .execute()
  const key = await findKey(db)
  if (!key) throw new Error('A key that was just made is gone.')
  return key
}

function hashOf(key: Buffer, trace: Trace): string {
  const place = 'accountId' in trace ? trace.accountId : trace.tenantId
  return createHmac('sha256', key).update(`${place}|${trace.kind}|${trace.value}`, 'utf8').digest('base64url')
}
