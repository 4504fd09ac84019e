import type { Database } from '../core/database.ts'

export interface Lease {
  readonly name: string
  readonly owner: string
}

export interface HeldLease extends Lease {
  readonly until: Date
  readonly fence: number
}

/** Takes a free or expired lease, or extends the owner's own. Undefined where another owner has it. */
export async function takeLease(db: Database, lease: Lease, until: Date, now: Date): Promise<HeldLease | undefined> {
  const row = await db.sql
    .insertInto('leases')
    .values({ ...lease, until: until.getTime(), fence: 1 })
    .onConflict(conflict =>
      conflict
        .column('name')
        .doUpdateSet(eb => ({
          owner: lease.owner,
          until: until.getTime(),
          fence: eb
            .case()
            .when('leases.owner', '=', lease.owner)
            .then(eb.ref('leases.fence'))
            .else(eb('leases.fence', '+', 1))
            .end(),
        }))
        .where(eb => eb.or([eb('leases.until', '<=', now.getTime()), eb('leases.owner', '=', lease.owner)])),
    )
    .returning('fence')
    .executeTakeFirst()
  return row && { ...lease, until, fence: row.fence }
}

/** True where the owner still has the lease. The row is locked until the transaction ends. */
export async function isHeld(db: Database, { name, owner, fence }: HeldLease, now: Date): Promise<boolean> {
  const result = await db.sql
    .updateTable('leases')
    .set({ fence })
    .where('name', '=', name)
    .where('owner', '=', owner)
    .where('fence', '=', fence)
    .where('until', '>', now.getTime())
    .executeTakeFirst()
  return result.numUpdatedRows > 0n
}

/** Releases the lease and keeps it free of owners until `until`. */
export async function holdOffLease(db: Database, { name, owner, fence }: HeldLease, until: Date): Promise<void> {
  await db.sql
    .updateTable('leases')
    .set({ owner: '', until: until.getTime(), fence: fence + 1 })
    .where('name', '=', name)
    .where('owner', '=', owner)
    .where('fence', '=', fence)
    .execute()
}

export async function releaseLease(db: Database, { name, owner }: Lease): Promise<void> {
  await db.sql.deleteFrom('leases').where('name', '=', name).where('owner', '=', owner).execute()
}
