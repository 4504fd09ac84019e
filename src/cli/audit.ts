import type { House } from '../house.ts'
import { writeAudit } from '../services/tenants.ts'
import type { TenantCall } from './cli.ts'

/** Written down before it is done, as the console does: it leaves a trace even where it then fails. */
export function writeDown({ db }: House, { tenantId }: TenantCall, action: string, subject: string): Promise<void> {
  return writeAudit(db, { tenantId, action, at: new Date(), subject })
}
