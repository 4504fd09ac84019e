import type { Database } from '../../../db/core/database.ts'
import { assertLocked, lockOwners } from '../../../db/core/record-locks.ts'
import { findApplicants, type StoredApplicant, updateApplicant } from '../../../db/records/applicant-repository.ts'
import { findCustomers, updateCustomer } from '../../../db/records/customer-repository.ts'
import { listExternalIdsThrough, readExternalIds } from '../../../db/records/person-repository.ts'
import type { StoredSession } from '../../../db/records/session-columns.ts'
import { findSessions, hasMoreLinkedSessions, updateSession } from '../../../db/records/session-repository.ts'
import { InvalidInputError, notFoundError } from '../../domain/errors.ts'
import type { Applicant } from '../../domain/records/applicant.ts'
import { findContradiction, ownerOf } from '../../domain/records/ownership.ts'
import type { Session } from '../../domain/records/session.ts'
import { type ServiceDeps, storeAndNotify } from '../deps.ts'
import { recordLinkChanges } from '../events/timeline.ts'
import type { RequestScope } from '../request-scope.ts'
import { linkColumnOf, updateLinkedSessions } from '../snapshots/linked-sessions.ts'
import { fetchNeverRead } from './never-read.ts'
import type { Applicants, Customers } from './record-definitions.ts'
import type { Sessions } from './sessions.ts'

/** Changes of a session's links: absent = no change, null = remove. The ids are ours. */
export interface LinkSession {
  readonly sessionId: string
  readonly externalId?: string | null
  readonly applicantId?: string | null
  readonly customerId?: string | null
}

interface ExternalIdUpdate {
  readonly applicantId?: string
  readonly customerId?: string
  readonly before: Pick<StoredApplicant, 'externalId' | 'externalIdPinned'>
  readonly to: string | null | undefined
}

export type Links = ReturnType<typeof createLinks>

export interface LinksOptions {
  readonly sessions: Sessions
  readonly applicants: Applicants
  readonly customers: Customers
}

export function createLinks(deps: ServiceDeps, { sessions, applicants, customers }: LinksOptions) {
  const { db, now } = deps

  /**
   * Links an applicant and a customer, of any provider, to a session. Throws NOT_FOUND for a missing record, INVALID_INPUT
   * if the externalIds contradict each other.
   */
  async function linkSession(call: RequestScope, link: LinkSession): Promise<Session> {
    const { sessionId: id } = link
    await readLinked(call, link)
    await storeAndNotify(deps, call.tenantId, async trx => {
      const locks = await lockOwners(trx, {
        sessionIds: [id],
        applicantIds: link.applicantId ? [link.applicantId] : [],
        customerIds: link.customerId ? [link.customerId] : [],
      })
      const [before] = await findSessions(trx, call.tenantId, [id])
      if (!before) throw notFoundError('session')
      assertLocked(locks, before)
      const { applicantId = before.applicantId, customerId = before.customerId } = link
      if (link.applicantId != null) await getApplicant(trx, call, link.applicantId)
      if (link.customerId != null) await getCustomer(trx, call, link.customerId)
      const externalId = await toExternalId(trx, before, { ...link, applicantId, customerId })
      await updateSession(trx, before, {
        externalId,
        externalIdPinned: link.externalId === undefined ? undefined : true,
        applicantId: link.applicantId,
        customerId: link.customerId,
        applicantPinned: link.applicantId === undefined ? undefined : true,
        customerPinned: link.customerId === undefined ? undefined : true,
        updatedAt: now(),
      })
      const after = { applicantId, customerId, externalId: externalId === undefined ? before.externalId : externalId }
      await recordLinkChanges(trx, { source: 'CALLER', at: now() }, [{ session: before, after }])
    })
    return sessions.getStored(call, id)
  }

  /** Fetches linked records that were never read, so that their owner is known before the check. */
  async function readLinked(call: RequestScope, link: LinkSession): Promise<void> {
    const hasOwner = [link.externalId, link.applicantId, link.customerId].some(given => given != null)
    const [session] = hasOwner ? await findSessions(db, call.tenantId, [link.sessionId]) : []
    if (!session) return
    const { applicantId = session.applicantId, customerId = session.customerId } = link
    await fetchNeverRead(
      call,
      { applicants, customers },
      { applicantIds: applicantId ? [applicantId] : [], customerIds: customerId ? [customerId] : [] },
    )
  }

  /**
   * Sets the externalId of an applicant: undefined = no change, null = remove. Linked sessions without an externalId of
   * their own follow it. An applicant that was never read is fetched first and must have no owner or this one: the caller
   * could not know its owner.
   */
  async function linkApplicant(call: RequestScope, id: string, externalId: string | null | undefined) {
    const isUnread = externalId != null && (await findApplicants(db, call.tenantId, [id]))[0]?.sync === null
    if (externalId != null)
      await fetchNeverRead(call, { applicants, customers }, { applicantIds: [id], customerIds: [] })
    await storeAndNotify(deps, call.tenantId, async trx => {
      const locks = await lockOwners(trx, { applicantIds: [id] })
      const before = await getApplicant(trx, call, id)
      assertLocked(locks, before)
      if (isUnread) assertSameOwner(before, externalId)
      await updateApplicant(trx, before, toRecordChange(externalId, now()))
      const renamed = { applicantId: id, before, to: externalId }
      await changeExternalId(trx, call, renamed, before.customerId)
    })
    return getApplicant(db, call, id)
  }

  /** Sets the externalId of a customer, as `linkApplicant` does of an applicant. */
  async function linkCustomer(call: RequestScope, id: string, externalId: string | null | undefined) {
    const isUnread = externalId != null && (await findCustomers(db, call.tenantId, [id]))[0]?.sync === null
    if (externalId != null)
      await fetchNeverRead(call, { applicants, customers }, { applicantIds: [], customerIds: [id] })
    await storeAndNotify(deps, call.tenantId, async trx => {
      await lockOwners(trx, { customerIds: [id] })
      const before = await getCustomer(trx, call, id)
      if (isUnread) assertSameOwner(before, externalId)
      await updateCustomer(trx, before, toRecordChange(externalId, now()))
      await changeExternalId(trx, call, { customerId: id, before, to: externalId })
    })
    return getCustomer(db, call, id)
  }

  /** Throws INVALID_INPUT if the new externalId contradicts a linked record. `ownerId`: an applicant's customer. */
  async function changeExternalId(
    trx: Database,
    call: RequestScope,
    { before, to, ...renamed }: ExternalIdUpdate,
    ownerId?: string | null,
  ): Promise<void> {
    if (to === undefined || (to === before.externalId && before.externalIdPinned)) return
    const { tenantId } = call
    await assertFewSessions(trx, tenantId, renamed)
    const linked = { tenantId, ...renamed, from: before.externalId, source: 'CALLER', at: now() } as const
    const { read, changed, contradicted } = await updateLinkedSessions(trx, linked)
    call.readSessions = (call.readSessions ?? 0) + read
    call.changedSessions = (call.changedSessions ?? 0) + changed
    const linkedExternalIds = renamed.customerId
      ? await listExternalIdsThrough(trx, tenantId, renamed.customerId)
      : [...(await readExternalIds(trx, tenantId, ownerId ? [ownerId] : [])).values()]
    if (contradicted === 0 && (to === null || !ownerOf([to], linkedExternalIds).isContradicted)) return
    const message = 'Expected the externalId of the records that this one is linked to.'
    throw new InvalidInputError([{ path: ['input', 'externalId'], message }])
  }

  async function getApplicant(from: Database, call: RequestScope, id: string) {
    const [applicant] = await findApplicants(from, call.tenantId, [id])
    if (!applicant) throw notFoundError('applicant')
    return applicant
  }

  async function getCustomer(from: Database, call: RequestScope, id: string) {
    const [customer] = await findCustomers(from, call.tenantId, [id])
    if (!customer) throw notFoundError('customer')
    return customer
  }

  return { linkSession, linkApplicant, linkCustomer }
}

/** A link of more sessions would block other writes for seconds. No person has as many. */
const MAX_SESSIONS = 10_000

async function assertFewSessions(
  db: Database,
  tenantId: string,
  renamed: Pick<ExternalIdUpdate, 'applicantId' | 'customerId'>,
): Promise<void> {
  if (!(await hasMoreLinkedSessions(db, tenantId, linkColumnOf(renamed), MAX_SESSIONS))) return
  const [field, record] = renamed.applicantId ? ['applicantId', 'an applicant'] : ['customerId', 'a customer']
  const message = `Expected ${record} with at most ${MAX_SESSIONS} sessions: an externalId moves all of them along.`
  throw new InvalidInputError([{ path: ['input', field], message }])
}

function toRecordChange(externalId: string | null | undefined, updatedAt: Date) {
  return { externalId, externalIdPinned: externalId === undefined ? undefined : true, updatedAt }
}

function assertSameOwner({ externalId }: Pick<Applicant, 'externalId'>, given: string | null | undefined): void {
  if (!ownerOf([externalId, given]).isContradicted) return
  throw new InvalidInputError([
    { path: ['input', 'externalId'], message: 'Expected the externalId that the provider reports for the record.' },
  ])
}

/** The session's externalId after the link; undefined: no change. Throws INVALID_INPUT for a contradiction. */
async function toExternalId(
  db: Database,
  before: StoredSession,
  link: LinkSession,
): Promise<string | null | undefined> {
  const { applicantId, customerId, externalId } = link
  const [applicant] = applicantId ? await findApplicants(db, before.tenantId, [applicantId]) : []
  const ids = [applicantId, customerId, before.applicantId, before.customerId, applicant?.customerId]
  const externalIds = await readExternalIds(
    db,
    before.tenantId,
    ids.filter(id => id != null),
  )
  const of = (id: string | null | undefined) => externalIds.get(id ?? '') ?? null
  const isInside = await isInsideApplicant(db, before)
  const removed = [isInside ? null : before.applicantId, before.customerId]
    .filter(id => id !== null && id !== applicantId && id !== customerId)
    .map(of)
  const isOwn = before.externalIdPinned || !removed.includes(before.externalId)
  const own = externalId === undefined ? (isOwn ? before.externalId : null) : externalId
  const linked = [of(applicantId), of(customerId)]
  const issues = findContradiction([
    { field: 'externalId', externalId: own },
    { field: 'applicantId', externalId: linked[0] },
    { field: 'applicantId', externalId: of(applicant?.customerId) },
    { field: 'customerId', externalId: linked[1] },
  ])
  if (issues.length > 0) throw new InvalidInputError(issues)
  if (externalId !== undefined) return externalId
  return before.externalIdPinned ? undefined : ownerOf([own, ...linked]).externalId
}

/** True if the applicant exists only inside the session, so that the session determines its owner. */
async function isInsideApplicant(db: Database, session: StoredSession): Promise<boolean> {
  const [applicant] = session.applicantId ? await findApplicants(db, session.tenantId, [session.applicantId]) : []
  return applicant?.accountId === session.accountId && applicant.providerId === `${session.providerId}:applicant`
}
