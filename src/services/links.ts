import { findApplicants, updateApplicant } from '../../db/applicant-repository.ts'
import { findCustomers, updateCustomer } from '../../db/customer-repository.ts'
import { findSessions, updateSession } from '../../db/session-repository.ts'
import type { Applicant } from '../domain/applicant.ts'
import type { Customer } from '../domain/customer.ts'
import { NotFoundError } from '../domain/errors.ts'
import type { Session } from '../domain/session.ts'
import type { Call } from './call.ts'
import { change, type Deps } from './deps.ts'
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

  /** Attaches an applicant and a customer, of any provider, to a session. Throws NOT_FOUND for what is not there. */
  async function linkSession(call: Call, link: LinkSession): Promise<Session> {
    const session = await sessions.getStored(call, link.sessionId)
    if (link.applicantId != null) await getApplicant(call, link.applicantId)
    if (link.customerId != null) await getCustomer(call, link.customerId)
    await change(deps, call.tenantId, async trx => {
      const [before = session] = await findSessions(trx, call.tenantId, [session.id])
      await updateSession(trx, session.id, {
        externalId: link.externalId,
        externalIdPinned: link.externalId === undefined ? undefined : true,
        applicantId: link.applicantId,
        customerId: link.customerId,
        applicantPinned: link.applicantId === undefined ? undefined : true,
        customerPinned: link.customerId === undefined ? undefined : true,
        updatedAt: now(),
      })
      const linked = {
        ...before,
        applicantId: link.applicantId === undefined ? before.applicantId : link.applicantId,
        customerId: link.customerId === undefined ? before.customerId : link.customerId,
      }
      await recordChange(trx, { session, source: 'CREATE', at: now() }, before, linked)
    })
    return sessions.getStored(call, session.id)
  }

  async function linkRecord(call: Call, link: LinkRecord): Promise<{ applicant?: Applicant; customer?: Customer }> {
    const externalIdPinned = link.externalId === undefined ? undefined : true
    const told = { externalId: link.externalId, externalIdPinned, updatedAt: now() }
    if (link.applicantId != null) {
      const { id } = await getApplicant(call, link.applicantId)
      await updateApplicant(db, id, told)
      return { applicant: await getApplicant(call, id) }
    }
    const { id } = await getCustomer(call, link.customerId ?? '')
    await updateCustomer(db, id, told)
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
