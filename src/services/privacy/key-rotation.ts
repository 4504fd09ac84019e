import type { Database } from '../../../db/core/database.ts'
import { countOldValues, newestOldFingerprint, reencryptBatch } from '../../../db/encryption/rotation.ts'
import { truncateWal } from '../../../db/repositories/erasure-repository.ts'
import { recordAudit } from '../access/tenants.ts'

/** The progress or the result of a rotation. */
export interface RotationProgress {
  readonly table: string
  readonly rewritten: number
}

export interface RotationResult {
  readonly rewritten: number
  /** Values that no configured key decrypts. */
  readonly unreadable: number
  /** The remaining values of older keys, by key name. Empty: older keys can be removed after `dropAfter`. */
  readonly remaining: ReadonlyMap<string, number>
  /** Until then an older key verifies idempotency keys; null: it is not needed any more. */
  readonly dropAfter: Date | null
}

/** How long idempotency keys are guaranteed. */
const STATUS_TTL_MS = 24 * 3_600_000

export type Rotation = ReturnType<typeof createRotation>

export interface RotationOptions {
  readonly db: Database
  readonly now: () => Date
  /** The tenant of the audit entry of a rotation, which covers all tenants. */
  readonly firstTenant: string
}

export function createRotation({ db, now, firstTenant }: RotationOptions) {
  /** Re-encrypts the values of older keys with the current one. Can be interrupted and run again at any time. */
  async function rotate(report: (progress: RotationProgress) => void): Promise<RotationResult> {
    let rewritten = 0
    let unreadable = 0
    for await (const batch of reencryptBatch(db)) {
      rewritten += batch.rewritten
      unreadable += batch.unreadable
      if (batch.rows > 0) report({ table: batch.table, rewritten })
    }
    await truncateWal(db)
    await recordAudit(db, { tenantId: firstTenant, action: 'secrets.rotate', at: now() })
    const newest = await newestOldFingerprint(db, new Date(now().getTime() - STATUS_TTL_MS))
    const dropAfter = newest ? new Date(newest.getTime() + STATUS_TTL_MS) : null
    return { rewritten, unreadable, remaining: await countOldValues(db), dropAfter }
  }

  return { rotate }
}
