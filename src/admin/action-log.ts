import { recordAudit } from '../services/access/tenants.ts'
import type { AdminDeps, Operator } from './handler.ts'

/** Records an action of the operator before it is executed. */
export function recordAction(
  { db, now }: AdminDeps,
  { tenantId, keyId }: Operator,
  action: string,
  subject: string,
): Promise<void> {
  return recordAudit(db, { tenantId, actor: keyId, action, at: now(), subject })
}
