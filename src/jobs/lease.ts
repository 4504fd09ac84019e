import { randomUUID } from 'node:crypto'
import { type Database, inTransaction } from '../../db/database.ts'
import { type HeldLease, isHeld, restLease, takeLease } from '../../db/lease-repository.ts'

/**
 * What one process at a time does for all that share the database. Whoever dies is followed by another one when its lease
 * has run out; whoever was only asleep for so long writes nothing any more, since each step checks the lease's fence.
 */
export interface JobLease {
  /** Takes the lease, or keeps it for longer. Undefined where another process has it. */
  hold(): Promise<Held | undefined>
}

export interface Held {
  /** Runs in a transaction that nobody takes the lease before the end of. Throws LostLease where somebody has. */
  step<T>(run: (db: Database) => Promise<T>): Promise<T>
  /** Gives it up, and lets nobody have it until then. */
  rest(until: Date): Promise<void>
}

export class LostLease extends Error {
  constructor(name: string) {
    super(`The lease of ${name} is another process's by now.`)
    this.name = 'LostLease'
  }
}

export interface JobLeaseOptions {
  readonly name: string
  /** How long it lasts. */
  readonly ms: number
  /** It is taken anew where less than this is left of it; half of it if left out. */
  readonly marginMs?: number
  readonly now: () => Date
}

export function createJobLease(db: Database, { name, ms, marginMs = ms / 2, now }: JobLeaseOptions): JobLease {
  const owner = randomUUID()
  let lease: HeldLease | undefined

  function toHeld(taken: HeldLease): Held {
    return {
      step: run =>
        inTransaction(db, async trx => {
          if (await isHeld(trx, taken, now())) return run(trx)
          lease = undefined
          throw new LostLease(name)
        }),
      rest: async until => {
        lease = undefined
        await restLease(db, taken, until)
      },
    }
  }

  return {
    async hold() {
      const at = now()
      const left = (lease?.until.getTime() ?? 0) - at.getTime()
      if (!lease || left < marginMs) lease = await takeLease(db, { name, owner }, new Date(at.getTime() + ms), at)
      return lease && toHeld(lease)
    },
  }
}
