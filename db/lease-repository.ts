import type { Database } from './database.ts'

export interface Lease {
  readonly name: string
  readonly owner: string
}

/** True where the lease is now its owner's until then: nobody had it, its time was over, or the owner had it already. */
export async function takeLease(db: Database, lease: Lease, until: Date, now: Date): Promise<boolean> {
  const row = await db.sql
    .insertInto('leases')
    .values({ ...lease, until: until.getTime() })
    .onConflict(conflict =>
      conflict
        .column('name')
        .doUpdateSet({ owner: lease.owner, until: until.getTime() })
        .where(eb => eb.or([eb('leases.until', '<=', now.getTime()), eb('leases.owner', '=', lease.owner)])),
    )
    .returning('owner')
    .executeTakeFirst()
  return row !== undefined
}

export async function releaseLease(db: Database, { name, owner }: Lease): Promise<void> {
  await db.sql.deleteFrom('leases').where('name', '=', name).where('owner', '=', owner).execute()
}
