import { writeAudit } from '../services/tenants.ts'
import type { Desk, Operator } from './desk.ts'

/** Written down before it is done: nothing that an operator does here leaves no trace, even where it then fails. */
export function writeDown({ db, now }: Desk, operator: Operator, action: string, subject: string): Promise<void> {
  return writeAudit(db, { tenantId: operator.tenantId, actor: operator.keyId, action, at: now(), subject })
}
