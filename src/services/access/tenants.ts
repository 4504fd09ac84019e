import { v7 as uuid } from 'uuid'
import { type Database, inTransaction } from '../../../db/core/database.ts'
import { insertAudit } from '../../../db/repositories/audit-repository.ts'
import { findTenant, insertTenant, listTenants } from '../../../db/repositories/tenant-repository.ts'
import type { Tenant } from '../../domain/access/caller.ts'
import { type DomainError, InvalidInputError, notFoundError } from '../../domain/errors.ts'
import type { ServiceDeps } from '../deps.ts'

export type Tenants = ReturnType<typeof createTenants>

/** Tenants own records, accounts and keys. */
export function createTenants({ db, now }: Pick<ServiceDeps, 'db' | 'now'>) {
  /** Throws INVALID_INPUT, also if the id is taken. */
  async function create({ id, name = id }: { id: string; name?: string }): Promise<Tenant> {
    if (!/^[a-z0-9][a-z0-9-]{0,39}$/.test(id)) throw invalid('Expected 1 to 40 lower-case letters, digits and hyphens.')
    const tenant = { id, name, createdAt: now() }
    await inTransaction(db, async trx => {
      if (!(await insertTenant(trx, tenant))) throw invalid('A tenant with this id already exists.')
      await recordAudit(trx, { tenantId: id, action: 'tenant.create', at: now(), object: id })
    })
    return tenant
  }

  /** Throws NOT_FOUND. */
  async function get(id: string): Promise<Tenant> {
    const tenant = await findTenant(db, id)
    if (!tenant) throw notFoundError('tenant')
    return tenant
  }

  return {
    create,
    /** Stores the default tenant. */
    ensure: (id: string) => insertTenant(db, { id, name: id, createdAt: now() }),
    get,
    list: () => listTenants(db),
  }
}

/**
 * Records an action of the command line, or of the key in `actor`. Call it before the action: a failed action is audited
 * too. `subject` is stored as a fingerprint, and as the object unless `object` names it better. Neither may be personal data.
 */
export async function recordAudit(
  db: Database,
  entry: { tenantId: string; action: string; at: Date; actor?: string; subject?: string; object?: string },
): Promise<void> {
  const { tenantId, action, at, actor = 'cli', subject, object = subject ?? null } = entry
  const subjectHash = subject === undefined ? null : db.encryption.fingerprint(`audit|${tenantId}|${subject}`)
  await insertAudit(db, { id: uuid(), tenantId, at, actor, action, subjectHash, object })
}

function invalid(message: string): DomainError {
  return new InvalidInputError([{ path: ['id'], message }])
}
