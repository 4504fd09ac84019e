import type { Database } from '../../../db/core/database.ts'
import { type LockedRecords, lockOwners } from '../../../db/core/record-locks.ts'
import { findApplicantByProviderId, findApplicants } from '../../../db/records/applicant-repository.ts'
import { findCustomerByProviderId, findCustomers } from '../../../db/records/customer-repository.ts'
import { readExternalIds } from '../../../db/records/person-repository.ts'
import type { StoredSession } from '../../../db/records/session-columns.ts'
import { findTombstone, type TombstoneKey } from '../../../db/repositories/tombstone-repository.ts'
import { NotFoundError } from '../../domain/errors.ts'
import type { JsonObject } from '../../domain/json.ts'
import { type Ownership, ownerOf, takeOwnership } from '../../domain/records/ownership.ts'
import type { SessionSnapshot } from '../../domain/records/session.ts'
import type { LinkTarget, SnapshotContext } from './snapshot-context.ts'
import { compareApplicant, upsertLinkedApplicant } from './upsert-applicant.ts'
import { compareCustomer, upsertLinkedCustomer } from './upsert-customer.ts'

/** The owner and the links of a session in a provider's answer. */

/** The caller's input to a create that the provider does not store. */
export interface SessionOrigin {
  readonly externalId?: string | null
  readonly externalIdPinned?: boolean
  readonly metadata?: JsonObject | null
  /** The links that the caller requested. The provider's links never replace them. */
  readonly applicantId?: string | null
  readonly customerId?: string | null
  /** The externalId in the provider's own input. */
  readonly namedExternalId?: string | null
}

export interface SessionLinks {
  readonly applicant?: LinkTarget
  readonly customer?: LinkTarget
}

/** Locks the records that determine the session's owner, before the session itself. */
export async function lockNamed(
  db: Database,
  { account }: SnapshotContext,
  { providerId, applicant, customer, externalId }: SessionSnapshot,
  origin: SessionOrigin,
): Promise<LockedRecords | undefined> {
  if (!applicant && !customer && !origin.applicantId && !origin.customerId && externalId == null) return undefined
  const customers = [customer?.providerId, applicant?.snapshot?.customer?.providerId]
  return lockOwners(db, {
    accountId: account.id,
    sessionProviderId: providerId,
    applicantProviderIds: applicant && [applicant.providerId],
    customerProviderIds: customers.filter(id => id !== undefined),
    applicantIds: origin.applicantId ? [origin.applicantId] : [],
    customerIds: origin.customerId ? [origin.customerId] : [],
  })
}

/** True if the provider answered a create with a session that has another owner: it then stays unchanged. */
export function isOfAnother(
  known: StoredSession | undefined,
  { externalId, externalIdPinned }: SessionOrigin,
): boolean {
  if (!externalIdPinned || externalId == null || known?.externalId == null) return false
  return known.externalId !== externalId
}

/** The records that the caller linked. Throws NOT_FOUND if one was erased since. */
export async function findRequested(db: Database, tenantId: string, origin: SessionOrigin): Promise<SessionLinks> {
  const { applicantId, customerId } = origin
  const [customer] = customerId ? await findCustomers(db, tenantId, [customerId]) : []
  const [applicant] = applicantId ? await findApplicants(db, tenantId, [applicantId]) : []
  if (customerId && !customer)
    throw new NotFoundError(
      'The customer was erased while the session was created. Create without it, with a new idempotency key.',
    )
  if (applicantId && !applicant)
    throw new NotFoundError(
      'The applicant was erased while the session was created. Create without it, with a new idempotency key.',
    )
  return { applicant, customer }
}

/**
 * If we sent a linked record's externalId, the provider's answer only repeats it. The record's current externalId replaces
 * it, because it can have changed since.
 */
export function withoutEcho(
  snapshot: SessionSnapshot,
  origin: SessionOrigin,
  requested: SessionLinks,
): SessionSnapshot {
  const { externalId: sent, externalIdPinned } = origin
  if (externalIdPinned || sent == null) return snapshot
  const { externalId: current } = ownerOf([requested.applicant?.externalId, requested.customer?.externalId])
  const since = (externalId: string | null | undefined) => (externalId === sent ? (current ?? undefined) : externalId)
  const { applicant } = snapshot
  const inline = applicant?.snapshot && { ...applicant.snapshot, externalId: since(applicant.snapshot.externalId) }
  return {
    ...snapshot,
    externalId: since(snapshot.externalId),
    ...(inline && { applicant: { ...applicant, snapshot: inline } }),
  }
}

/** Stores the records that the provider links, except erased ones. */
export async function storeLinks(
  db: Database,
  context: SnapshotContext,
  snapshot: SessionSnapshot,
): Promise<SessionLinks> {
  const customer = snapshot.customer && (await upsertLinkedCustomer(db, context, snapshot.customer))
  const applicant = snapshot.applicant && (await upsertLinkedApplicant(db, context, snapshot.applicant))
  return { applicant, customer }
}

/** True if the stored session has the snapshot's links, and the linked records are unchanged. */
export async function areLinksUnchanged(
  db: Database,
  context: SnapshotContext,
  known: StoredSession,
  { applicant, customer }: SessionSnapshot,
): Promise<boolean> {
  if (applicant) {
    const stored = await findApplicantByProviderId(db, context.account.id, applicant.providerId)
    if (!stored || !(known.applicantPinned || known.applicantId === stored.id)) return false
    if (applicant.snapshot && !(await compareApplicant(db, context, stored, applicant.snapshot))) return false
  }
  if (!customer) return true
  const stored = await findCustomerByProviderId(db, context.account.id, customer.providerId)
  if (!stored || !(known.customerPinned || known.customerId === stored.id)) return false
  return !customer.snapshot || (await compareCustomer(db, context, stored, customer.snapshot)) !== undefined
}

/** True if the provider links the session to an erased record. */
export async function isAboutErased(
  db: Database,
  { account }: SnapshotContext,
  { applicant, customer }: SessionSnapshot,
  links: SessionLinks,
): Promise<boolean> {
  const traces: TombstoneKey[] = []
  if (applicant && !links.applicant)
    traces.push({ accountId: account.id, kind: 'applicant', value: applicant.providerId })
  if (customer && !links.customer) traces.push({ accountId: account.id, kind: 'customer', value: customer.providerId })
  return (await findTombstone(db, account.tenantId, ...traces)) !== undefined
}

/** The session's owner after the snapshot. Undefined if the snapshot cannot change it. */
export async function ownerOfSession(
  db: Database,
  { account: { tenantId } }: SnapshotContext,
  known: StoredSession | undefined,
  snapshot: SessionSnapshot,
  {
    origin,
    requested,
    links,
  }: { readonly origin: SessionOrigin; readonly requested: SessionLinks; readonly links: SessionLinks },
): Promise<Ownership | undefined> {
  const given = origin.externalIdPinned ? origin.externalId : null
  const isNamed =
    [requested.applicant, requested.customer, links.applicant, links.customer].some(Boolean) || given != null
  if (!isNamed && (snapshot.externalId == null || known?.externalId != null)) return undefined
  const applicant = requested.applicant ?? (known?.applicantPinned ? undefined : links.applicant)
  const customer = requested.customer ?? (known?.customerPinned ? undefined : links.customer)
  const stored = {
    applicantId: applicant ? null : (known?.applicantId ?? null),
    customerId: customer ? null : (known?.customerId ?? null),
  }
  const linkedIds = [stored.applicantId, stored.customerId, applicant?.customerId].filter(id => id != null)
  const externalIds = await readExternalIds(db, tenantId, linkedIds)
  const owner = takeOwnership(
    known,
    [given, snapshot.externalId],
    [
      applicant ? applicant.externalId : externalIds.get(stored.applicantId ?? ''),
      customer ? customer.externalId : externalIds.get(stored.customerId ?? ''),
    ],
    // The provider's links of a new session must not contradict the caller's.
    [
      externalIds.get(applicant?.customerId ?? ''),
      ...(known ? [] : [links.applicant?.externalId, links.customer?.externalId]),
    ],
  )
  if (owner.isContradicted || owner.externalId !== null || known?.externalIdPinned) return owner
  return { externalId: origin.namedExternalId ?? null, isContradicted: false }
}
