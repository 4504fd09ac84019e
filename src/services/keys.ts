import { v7 as uuid } from 'uuid'
import { inTransaction } from '../../db/database.ts'
import { findKeyByHash, findKeyById, insertKey, listKeys, revokeKey, touchKey } from '../../db/key-repository.ts'
import { type ApiKey, isOver } from '../domain/api-key.ts'
import type { Scope } from '../domain/caller.ts'
import { InvalidInputError, NotFoundError } from '../domain/errors.ts'
import { createApiKey, hashOf, isKeyShaped } from '../security/api-keys.ts'
import { createShortMemory } from '../security/short-memory.ts'
import type { Deps } from './deps.ts'
import { type Tenants, writeAudit } from './tenants.ts'

export interface NewKey {
  readonly name: string
  readonly scopes: readonly Scope[]
  readonly expiresAt?: Date | null
}

/** So long a key that was revoked by another process may still open something. */
const REMEMBERED_MS = 2_000
const REMEMBERED_KEYS = 10_000
/** How exactly the last use of a key is known. */
const USE_MS = 5 * 60_000

interface TenantCall {
  readonly tenantId: string
}

export type Keys = ReturnType<typeof createKeys>

/** The API keys of tenants: made, shown without themselves, revoked, and found by what a request carries. */
export function createKeys({ db, now, report }: Deps, tenants: Tenants) {
  const memory = createShortMemory<ApiKey>({ forMs: REMEMBERED_MS, atMost: REMEMBERED_KEYS, now })

  /** The key is in this answer and nowhere else. Throws NOT_FOUND for the tenant, INVALID_INPUT. */
  async function create({ tenantId }: TenantCall, wanted: NewKey): Promise<{ apiKey: ApiKey; key: string }> {
    check(wanted, now())
    await tenants.get(tenantId)
    const { key, prefix, hash } = createApiKey()
    const apiKey = {
      id: uuid(),
      tenantId,
      name: wanted.name,
      prefix,
      scopes: [...new Set(wanted.scopes)],
      expiresAt: wanted.expiresAt ?? null,
      revokedAt: null,
      lastUsedAt: null,
      createdAt: now(),
    }
    await inTransaction(db, async trx => {
      await insertKey(trx, apiKey, hash)
      await writeAudit(trx, { tenantId, action: 'key.create', at: now(), subject: apiKey.id })
    })
    return { apiKey, key }
  }

  /** It opens nothing from now on, and within seconds what was opened with it ends. Throws NOT_FOUND. */
  async function revoke({ tenantId }: TenantCall, id: string): Promise<void> {
    await inTransaction(db, async trx => {
      if (!(await revokeKey(trx, tenantId, id, now()))) throw new NotFoundError('There is no such key.')
      await writeAudit(trx, { tenantId, action: 'key.revoke', at: now(), subject: id })
    })
    memory.forget()
  }

  /** The key that this is, undefined where it is none or is over. */
  async function find(token: string): Promise<ApiKey | undefined> {
    if (!isKeyShaped(token)) return undefined
    const hash = hashOf(token)
    return live(
      await memory.recall(`hash|${hash}`, async () => {
        const key = await findKeyByHash(db, hash)
        if (key) noteUse(key)
        return key
      }),
    )
  }

  /** The key with this id, undefined where there is none or it is over. */
  async function findById(id: string): Promise<ApiKey | undefined> {
    return live(await memory.recall(`id|${id}`, () => findKeyById(db, id)))
  }

  function live(key: ApiKey | undefined): ApiKey | undefined {
    return key && !isOver(key, now()) ? key : undefined
  }

  /** Nobody waits for it, and nothing is refused because it could not be written. */
  function noteUse(key: ApiKey): void {
    if (key.lastUsedAt && now().getTime() - key.lastUsedAt.getTime() < USE_MS) return
    touchKey(db, key.id, now()).catch(report)
  }

  return { create, revoke, list: ({ tenantId }: TenantCall) => listKeys(db, tenantId), find, findById }
}

function check({ name, scopes, expiresAt }: NewKey, now: Date): void {
  const issues = [
    ...(/^[^\p{Cc}]{1,100}$/u.test(name) ? [] : [{ path: ['name'], message: 'Expected 1 to 100 characters.' }]),
    ...(scopes.length > 0 ? [] : [{ path: ['scopes'], message: 'Expected at least one.' }]),
    ...(expiresAt && expiresAt <= now ? [{ path: ['expiresAt'], message: 'Expected a time to come.' }] : []),
  ]
  if (issues.length > 0) throw new InvalidInputError(issues)
}
