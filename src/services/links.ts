import { findApplicants, updateApplicant } from '../../db/applicant-repository.ts'
import { findCustomers, updateCustomer } from '../../db/customer-repository.ts'
import type { Database } from '../../db/database.ts'
import { findSessions, type Renamed, renameSessions, updateSession } from '../../db/session-repository.ts'
import type { Applicant } from '../domain/applicant.ts'
import type { Customer } from '../domain/customer.ts'
import { NotFoundError } from '../domain/errors.ts'
import type { Session } from '../domain/session.ts'
import type { Call } from './call.ts'
import { change, type Deps } from './deps.ts'
import { linkedExternalId } from './linked-external-id.ts'
import type { Sessions } from './sessions.ts'
import { recordChange } from './timeline.ts'

/** What to change about a session's links: absent = keep, null = remove. Ids are those of the store. */
export interface LinkSession {
  readonly sessionId: string
  readonly externalId?: string | null
  readonly applicantId?: string | null
  readonly customerId?: string | null
}

/** Gives one record its externalId: absent = keep, null = remove. */
export interface LinkRecord {
  readonly applicantId?: string | null
  readonly customerId?: string | null
  readonly externalId?: string | null
}

export type Links = ReturnType<typeof createLinks>

export function createLinks(deps: Deps, sessions: Sessions) {
  const { db, now } = deps

  /**
   * Attaches an applicant and a customer, of any provider, to a session. Throws NOT_FOUND for what is not there, and
   * INVALID_INPUT where the externalIds contradict each other.
   */
  async function linkSession(call: Call, link: LinkSession): Promise<Session> {
    const session = await sessions.getStored(call, link.sessionId)
    if (link.applicantId != null) await getApplicant(call, link.applicantId)
    if (link.customerId != null) await getCustomer(call, link.customerId)
    await change(deps, call.tenantId, async trx => {
      const [before] = await findSessions(trx, call.tenantId, [session.id])
      if (!before) throw new NotFoundError('There is no such session.')
      const { applicantId = before.applicantId, customerId = before.customerId } = link
      const after = { ...before, applicantId, customerId }
      await updateSession(trx, session.id, {
        externalId: linkedExternalId(before, link, {
          applicants: await findApplicants(trx, call.tenantId, idsOf(before.applicantId, applicantId)),
          customers: await findCustomers(trx, call.tenantId, idsOf(before.customerId, customerId)),
        }),
        externalIdPinned: link.externalId === undefined ? undefined : true,
        applicantId: link.applicantId,
        customerId: link.customerId,
        applicantPinned: link.applicantId === undefined ? undefined : true,
        customerPinned: link.customerId === undefined ? undefined : true,
        updatedAt: now(),
      })
      await recordChange(trx, { session, source: 'CREATE', at: now() }, before, after)
    })
    return sessions.getStored(call, session.id)
  }

  /** The sessions linked to the record that have no id of their own go with it. */
  async function linkRecord(call: Call, link: LinkRecord): Promise<{ applicant?: Applicant; customer?: Customer }> {
    const externalIdPinned = link.externalId === undefined ? undefined : true
    const told = { externalId: link.externalId, externalIdPinned, updatedAt: now() }
    if (link.applicantId != null) {
      const { id, externalId: from } = await getApplicant(call, link.applicantId)
      await change(deps, call.tenantId, async trx => {
        await updateApplicant(trx, id, told)
        await rename(trx, call, { applicantId: id, from, to: link.externalId })
      })
      return { applicant: await getApplicant(call, id) }
    }
    const { id, externalId: from } = await getCustomer(call, link.customerId ?? '')
    await change(deps, call.tenantId, async trx => {
      await updateCustomer(trx, id, told)
      await rename(trx, call, { customerId: id, from, to: link.externalId })
    })
    return { customer: await getCustomer(call, id) }
  }

  async function getApplicant(call: Call, id: string): Promise<Applicant> {
    const [applicant] = await findApplicants(db, call.tenantId, [id])
    if (!applicant) throw new NotFoundError('There is no such applicant.')
    return applicant
  }

  async function getCustomer(call: Call, id: string): Promise<Customer> {
    const [customer] = await findCustomers(db, call.tenantId, [id])
    if (!customer) throw new NotFoundError('There is no such customer.')
    return customer
  }

  return { linkSession, linkRecord }
}

function idsOf(...ids: readonly (string | null)[]): string[] {
  return ids.filter(id => id !== null)
}

/** Where the record's externalId was given or removed, so is that of the sessions that have it from the record. */
async function rename(
  db: Database,
  { tenantId }: Call,
  { to, ...renamed }: Omit<Renamed, 'tenantId' | 'to'> & { readonly to: string | null | undefined },
): Promise<void> {
  if (to !== undefined) await renameSessions(db, { tenantId, ...renamed, to })
}
