import { canAccessSession } from '../../domain/access/caller.ts'
import type { Applicant } from '../../domain/records/applicant.ts'
import type { Customer } from '../../domain/records/customer.ts'
import type { Session } from '../../domain/records/session.ts'
import type { Freshness } from '../../domain/records/sync.ts'
import type { RequestScope } from '../request-scope.ts'
import type { Applicants, Customers } from './record-definitions.ts'
import type { Records } from './records.ts'

/** For client tokens: the records that a session of theirs links to. Null for a record that is another person's. */
export interface LinkedRecords {
  applicantOf(scope: RequestScope, session: Session, freshness?: Freshness | null): Promise<Applicant | null>
  customerOf(scope: RequestScope, session: Session, freshness?: Freshness | null): Promise<Customer | null>
}

export function createLinkedRecords(applicants: Applicants, customers: Customers): LinkedRecords {
  return {
    applicantOf: (scope, session, freshness) => readOwn(applicants, scope, session, session.applicantId, freshness),
    customerOf: (scope, session, freshness) => readOwn(customers, scope, session, session.customerId, freshness),
  }
}

async function readOwn<R extends Owned>(
  records: Pick<Records<R, never, never>, 'findMany' | 'getMany'>,
  scope: RequestScope,
  session: Session,
  id: string | null,
  freshness: Freshness | null | undefined,
): Promise<R | null> {
  if (id === null || !canAccessSession(scope.subject, session)) return null
  const { tenantId, signal, since, callLog, source } = scope
  const ofTenant = { tenantId, signal, since, callLog, source }
  // Before the provider is called, so that its errors about a record of another person stay unknown.
  const [stored] = await records.findMany(ofTenant, [id])
  if (!stored || !isOwn(stored, session)) return null
  const [record] = await records.getMany(ofTenant, [id], freshness)
  if (record instanceof Error) throw record
  return record && isOwn(record, session) ? record : null
}

interface Owned {
  readonly externalId: string | null
}

/** A record without an external id belongs to the sessions that link to it. */
function isOwn({ externalId }: Owned, session: Session): boolean {
  return externalId === null || externalId === session.externalId
}
