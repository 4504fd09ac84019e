import type { Database } from '../../../db/core/database.ts'
import type { StoredAttempt } from '../../../db/records/attempt-repository.ts'
import {
  type CustomerChange,
  findCustomerByProviderId,
  type StoredCustomer,
} from '../../../db/records/customer-repository.ts'
import type { CustomerSnapshot } from '../../domain/records/customer.ts'
import { takeOwnership, toOwnershipChange } from '../../domain/records/ownership.ts'
import type { RecordLink } from '../../domain/records/record-link.ts'
import { assertNotErased, isErased } from '../privacy/tombstones.ts'
import { CUSTOMER_REPOSITORY, insertUnread, mergePii, writeOwner } from './owner-record.ts'
import {
  isAlreadyStored,
  type LinkTarget,
  mergeDetails,
  readColumnsOf,
  type SnapshotContext,
} from './snapshot-context.ts'

/** `externalId`: the value that the caller of a create gave. */
export async function upsertCustomer(
  db: Database,
  context: SnapshotContext,
  snapshot: CustomerSnapshot,
  externalId?: string | null,
): Promise<StoredCustomer> {
  const { providerId } = snapshot
  const stored = await findCustomerByProviderId(db, context.account.id, providerId)
  if (!stored) await assertNotErased(db, context, 'customer', snapshot)
  const ownership = toOwnershipChange(takeOwnership(stored, [externalId, snapshot.externalId]), false)
  const change = { ...toCustomerChange(context, snapshot, stored), ...ownership }
  return writeOwner<StoredCustomer, CustomerChange>(db, CUSTOMER_REPOSITORY, context, {
    stored,
    providerId,
    change,
    ownership,
  })
}

function toCustomerChange(context: SnapshotContext, snapshot: CustomerSnapshot, stored?: StoredCustomer) {
  const { account, now, source } = context
  return {
    pii: mergePii(stored, snapshot, PII_FIELDS),
    metadata: snapshot.metadata,
    createdAt: snapshot.createdAt ?? stored?.createdAt ?? now,
    updatedAt: snapshot.updatedAt ?? stored?.updatedAt ?? now,
    ...readColumnsOf(context),
    source,
    details: mergeDetails(account.details.customer, stored?.details, snapshot.details),
  }
}

const PII_FIELDS = ['email', 'name', 'phone'] as const

/** An empty list if the snapshot equals the stored customer: customers have no attempts. Undefined if it differs. */
export async function compareCustomer(
  _db: Database,
  context: SnapshotContext,
  stored: StoredCustomer,
  snapshot: CustomerSnapshot,
): Promise<readonly StoredAttempt[] | undefined> {
  const { pii, ...change } = toCustomerChange(context, snapshot, stored)
  const ownership = toOwnershipChange(takeOwnership(stored, [snapshot.externalId]), false)
  const fields = { ...change, ...ownership, ...pii }
  const isSame = stored.sync?.source === context.source && isAlreadyStored(stored, fields, COMPARED_FIELDS)
  return isSame ? [] : undefined
}

const COMPARED_FIELDS = [...PII_FIELDS, 'createdAt', 'details', 'externalId', 'metadata', 'updatedAt'] as const

/** Stores the customer that another record links. Undefined for an erased one. */
export async function upsertLinkedCustomer(
  db: Database,
  context: SnapshotContext,
  { providerId, snapshot }: RecordLink<CustomerSnapshot>,
): Promise<LinkTarget | undefined> {
  const stored = await findCustomerByProviderId(db, context.account.id, providerId)
  if (!stored && (await isErased(db, context, 'customer', snapshot ?? { providerId }))) return undefined
  if (snapshot) return upsertCustomer(db, context, snapshot)
  return stored ?? insertUnread(db, CUSTOMER_REPOSITORY, context, providerId, {})
}
