import { randomUUID } from 'node:crypto'
import { type Database, inTransaction } from '../../db/core/database.ts'
import { type HeldLease, holdOffLease, isHeld, takeLease } from '../../db/repositories/lease-repository.ts'

/**
 * The right to run a job, of which one process at a time runs for all that share the database. After the lease of a dead
 * process expires, another process takes it. A process that was only paused for so long writes nothing more, because each
 * step checks the fence of the lease.
 */
export interface JobLease {
  /** Takes or extends the lease. Undefined where another process has it. */
  acquire(): Promise<JobLeaseHandle | undefined>
}

export interface JobLeaseHandle {
  /** Runs in a transaction that holds the lease until its end. Throws LeaseLostError where another process has it. */
  runFenced<T>(run: (db: Database) => Promise<T>): Promise<T>
  /** Releases the lease, which no process can take before `until`. */
  holdOff(until: Date): Promise<void>
}

export class LeaseLostError extends Error {
  constructor(name: string) {
    super(`Another process has taken the lease ${name}.`)
    this.name = 'LeaseLostError'
  }
}

export interface JobLeaseOptions {
  readonly name: string
  /** The duration of the lease. */
  readonly ms: number
  /** The lease is extended when less than this remains; by default half of `ms`. */
  readonly marginMs?: number
  readonly now: () => Date
}

export function createJobLease(db: Database, { name, ms, marginMs = ms / 2, now }: JobLeaseOptions): JobLease {
  const owner = randomUUID()
  let lease: HeldLease | undefined

  function toHandle(taken: HeldLease): JobLeaseHandle {
    return {
      runFenced: run =>
        inTransaction(db, async trx => {
          if (await isHeld(trx, taken, now())) return run(trx)
          lease = undefined
          throw new LeaseLostError(name)
        }),
      holdOff: async until => {
        lease = undefined
        await holdOffLease(db, taken, until)
      },
    }
  }

  return {
    async acquire() {
      const at = now()
      const remainingMs = (lease?.until.getTime() ?? 0) - at.getTime()
      if (!lease || remainingMs < marginMs)
        lease = await takeLease(db, { name, owner }, new Date(at.getTime() + ms), at)
      return lease && toHandle(lease)
    },
  }
}
