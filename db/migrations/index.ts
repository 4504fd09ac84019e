import type { Migration } from 'kysely'
import * as initial from './0001-initial.ts'
import * as timeline from './0002-timeline.ts'
import * as webhooks from './0003-webhooks.ts'
import * as polling from './0004-polling.ts'
import * as access from './0005-access.ts'
import * as tenantAccounts from './0006-tenant-accounts.ts'
import * as erasure from './0007-erasure.ts'
import * as sealedSessions from './0007-sealed-sessions.ts'
import * as leases from './0009-leases.ts'
import * as drift from './0010-drift.ts'
import * as console from './0012-console.ts'

/** The migrations by name, in order. They only go forward. */
export const migrations: Readonly<Record<string, Migration>> = {
  '0001-initial': initial,
  '0002-timeline': timeline,
  '0003-webhooks': webhooks,
  '0004-polling': polling,
  '0005-access': access,
  '0006-tenant-accounts': tenantAccounts,
  '0007-erasure': erasure,
  '0007-sealed-sessions': sealedSessions,
  '0009-leases': leases,
  '0010-drift': drift,
  '0012-console': console,
}
