import { LRUCache } from 'lru-cache'
import { v7 as uuid } from 'uuid'
import { inTransaction } from '../../../db/core/database.ts'
import {
  findKeyByHash,
  findKeyById,
  insertKey,
  limitKey,
  listKeys,
  revokeKey,
  touchKey,
} from '../../../db/repositories/key-repository.ts'
import { loadKeyedHash } from '../../../db/repositories/tombstone-repository.ts'
import { type ApiKey, COST_PER_MINUTE_RANGE, isExpiredOrRevoked } from '../../domain/access/api-key.ts'
import type { Scope } from '../../domain/access/caller.ts'
import { type InputIssue, InvalidInputError, notFoundError } from '../../domain/errors.ts'
import { createApiKey, hasChecksum, hashApiKey, looksLikeApiKey } from '../../security/api-keys.ts'
import type { ServiceDeps } from '../deps.ts'
import { recordAudit, type Tenants } from './tenants.ts'

export interface NewKey {
  readonly name: string
  readonly scopes: readonly Scope[]
  /** Null or left out: COST_PER_MINUTE. */
  readonly costPerMinute?: number | null
  readonly expiresAt?: Date | null
}

/** How long a key is accepted after another process revoked it. */
const CACHE_TTL_MS = 2_000
const MAX_CACHED_KEYS = 10_000
/** The resolution of a key's time of last use. */
const USE_INTERVAL_MS = 5 * 60_000

interface TenantCall {
  readonly tenantId: string
}

export type Keys = ReturnType<typeof createKeys>

/** The API keys of tenants. Lists never contain the keys themselves. */
export function createKeys({ db, now, report }: ServiceDeps, tenants: Tenants) {
  const cache = new LRUCache<string, ApiKey>({ max: MAX_CACHED_KEYS, ttl: CACHE_TTL_MS })

  /** Only this result contains the key. Throws NOT_FOUND for the tenant, INVALID_INPUT. */
  async function create({ tenantId }: TenantCall, newKey: NewKey): Promise<{ apiKey: ApiKey; key: string }> {
    check(newKey, now())
    await tenants.get(tenantId)
    const { key, prefix, hash } = createApiKey(await loadKeyedHash(db, now()))
    const apiKey = {
      id: uuid(),
      tenantId,
      name: newKey.name,
      prefix,
      scopes: [...new Set(newKey.scopes)],
      costPerMinute: newKey.costPerMinute ?? null,
      expiresAt: newKey.expiresAt ?? null,
      revokedAt: null,
      lastUsedAt: null,
      createdAt: now(),
    }
    await inTransaction(db, async trx => {
      await insertKey(trx, apiKey, hash)
      await recordAudit(trx, { tenantId, action: 'key.create', at: now(), subject: apiKey.id })
    })
    return { apiKey, key }
  }

  /** Revokes the key at once; its streams end within seconds. Throws NOT_FOUND. */
  async function revoke({ tenantId }: TenantCall, id: string): Promise<void> {
    await inTransaction(db, async trx => {
      if (!(await revokeKey(trx, tenantId, id, now()))) throw notFoundError('API key')
      await recordAudit(trx, { tenantId, action: 'key.revoke', at: now(), subject: id })
    })
    cache.clear()
  }

  /**
   * Sets what the key may cost per minute, together with its client tokens; null: COST_PER_MINUTE. Requests have the new
   * limit within two seconds, open WebSockets and streams once they are opened again. Throws NOT_FOUND, INVALID_INPUT.
   */
  async function limit({ tenantId }: TenantCall, id: string, costPerMinute: number | null): Promise<void> {
    const issues = checkCost(costPerMinute)
    if (issues.length > 0) throw new InvalidInputError(issues)
    await inTransaction(db, async trx => {
      if (!(await limitKey(trx, tenantId, id, costPerMinute))) throw notFoundError('API key')
      await recordAudit(trx, { tenantId, action: 'key.limit', at: now(), subject: id })
    })
    cache.clear()
  }

  /** The key record of a secret; undefined if it is unknown or expired. */
  async function find(token: string): Promise<ApiKey | undefined> {
    if (!looksLikeApiKey(token)) return undefined
    const hash = hashApiKey(token)
    return live(
      await getOrLoad(`hash|${hash}`, async () => {
        // A guessed key is not looked up.
        if (!hasChecksum(token, await loadKeyedHash(db, now()))) return undefined
        const key = await findKeyByHash(db, hash)
        if (key) noteUse(key)
        return key
      }),
    )
  }

  /** Undefined if there is no such key or it expired. */
  async function findById(id: string): Promise<ApiKey | undefined> {
    return live(await getOrLoad(`id|${id}`, () => findKeyById(db, id)))
  }

  async function getOrLoad(cacheKey: string, load: () => Promise<ApiKey | undefined>): Promise<ApiKey | undefined> {
    const cached = cache.get(cacheKey)
    if (cached) return cached
    const key = await load()
    if (key) cache.set(cacheKey, key)
    return key
  }

  function live(key: ApiKey | undefined): ApiKey | undefined {
    return key && !isExpiredOrRevoked(key, now()) ? key : undefined
  }

  /** Runs in the background; a failed write does not fail the request. */
  function noteUse(key: ApiKey): void {
    if (key.lastUsedAt && now().getTime() - key.lastUsedAt.getTime() < USE_INTERVAL_MS) return
    touchKey(db, key.id, now()).catch(report)
  }

  return { create, limit, revoke, list: ({ tenantId }: TenantCall) => listKeys(db, tenantId), find, findById }
}

function check({ name, scopes, costPerMinute, expiresAt }: NewKey, now: Date): void {
  const issues = [
    ...(/^[^\p{Cc}]{1,100}$/u.test(name) ? [] : [{ path: ['name'], message: 'Expected 1 to 100 characters.' }]),
    ...(scopes.length > 0 ? [] : [{ path: ['scopes'], message: 'Expected at least one.' }]),
    ...checkCost(costPerMinute ?? null),
    ...(expiresAt && expiresAt <= now ? [{ path: ['expiresAt'], message: 'Expected a future time.' }] : []),
  ]
  if (issues.length > 0) throw new InvalidInputError(issues)
}

function checkCost(costPerMinute: number | null): InputIssue[] {
  const { min, max } = COST_PER_MINUTE_RANGE
  if (costPerMinute === null || (Number.isInteger(costPerMinute) && costPerMinute >= min && costPerMinute <= max))
    return []
  return [{ path: ['costPerMinute'], message: `Expected a whole number from ${min} to ${max}.` }]
}
