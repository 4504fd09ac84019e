import { v7 as uuid } from 'uuid'
import { insertAudit } from '../../db/audit-repository.ts'
import { type Database, inTransaction } from '../../db/database.ts'
import { findTenant, insertTenant, listTenants } from '../../db/tenant-repository.ts'
import { type DomainError, InvalidInputError, NotFoundError } from '../domain/errors.ts'
import type { Tenant } from '../domain/tenant.ts'
import type { Deps } from './deps.ts'

export type Tenants = ReturnType<typeof createTenants>

/** Who the records, accounts and keys belong to. */
export function createTenants({ db, now }: Pick<Deps, 'db' | 'now'>) {
  /** Throws INVALID_INPUT, also where the id is taken. */
  async function create({ id, name = id }: { id: string; name?: string }): Promise<Tenant> {
    if (!/^[a-z0-9][a-z0-9-]{0,39}$/.test(id)) throw invalid('Expected 1 to 40 small letters, digits and hyphens.')
    const tenant = { id, name, createdAt: now() }
    await inTransaction(db, async trx => {
      if (!(await insertTenant(trx, tenant))) throw invalid('There is a tenant of this id already.')
      await writeAudit(trx, { tenantId: id, action: 'tenant.create', at: now() })
    })
    return tenant
  }

  /** Throws NOT_FOUND. */
  async function get(id: string): Promise<Tenant> {
    const tenant = await findTenant(db, id)
    if (!tenant) throw new NotFoundError('There is no such tenant.')
    return tenant
  }

  return {
    create,
    /** Writes the tenant down that is there by itself. */
    ensure: (id: string) => insertTenant(db, { id, name: id, createdAt: now() }),
    get,
    list: () => listTenants(db),
  }
}

/** Something done at the command line, or by the key that `actor` names. `subject` is hashed: the entry names nobody. */
export async function writeAudit(
  db: Database,
  entry: { tenantId: string; action: string; at: Date; actor?: string; subject?: string },
): Promise<void> {
  const { tenantId, action, at, actor = 'cli', subject } = entry
  const subjectHash = subject === undefined ? null : db.vault.fingerprint(`audit|${tenantId}|${subject}`)
  await insertAudit(db, { id: uuid(), tenantId, at, actor, action, subjectHash })
}

function invalid(message: string): DomainError {
  return new InvalidInputError([{ path: ['id'], message }])
}
