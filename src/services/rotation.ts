import { wipeLog } from '../../db/checkpoint.ts'
import { sealClearSessions } from '../../db/clear-text.ts'
import type { Database } from '../../db/database.ts'
import { countOldValues, findNewestOldPrint, reseal } from '../../db/rotation.ts'
import { writeAudit } from './tenants.ts'

/** What a rotation has done so far, or did. */
export interface RotationProgress {
  readonly table: string
  readonly rewritten: number
}

export interface RotationResult {
  readonly rewritten: number
  /** Values that no live key opens: they are lost, or their key is missing. */
  readonly unreadable: number
  /** Values left that an older key sealed, by the name of the key. None: the older keys may be dropped at `dropAfter`. */
  readonly left: ReadonlyMap<string, number>
  /** Until then the idempotency keys of creates are still compared by an older key; null: now. */
  readonly dropAfter: Date | null
}

/** How long an idempotency key is promised to be known. */
const KEPT_MS = 24 * 3_600_000

export type Rotation = ReturnType<typeof createRotation>

export interface RotationOptions {
  readonly db: Database
  readonly now: () => Date
  /** Under whom a rotation of the whole house is written down. */
  readonly firstTenant: string
}

export function createRotation({ db, now, firstTenant }: RotationOptions) {
  /** Rewrites what older keys sealed with the current one. May be broken off, and run again, at any time. */
  async function rotate(tell: (progress: RotationProgress) => void): Promise<RotationResult> {
    let rewritten = await sealClearSessions(db)
    let unreadable = 0
    for await (const batch of reseal(db)) {
      rewritten += batch.rewritten
      unreadable += batch.unreadable
      if (batch.rows > 0) tell({ table: batch.table, rewritten })
    }
    await wipeLog(db)
    await writeAudit(db, { tenantId: firstTenant, action: 'secrets.rotate', at: now() })
    const newest = await findNewestOldPrint(db, new Date(now().getTime() - KEPT_MS))
    const dropAfter = newest ? new Date(newest.getTime() + KEPT_MS) : null
    return { rewritten, unreadable, left: await countOldValues(db), dropAfter }
  }

  return { rotate }
}
