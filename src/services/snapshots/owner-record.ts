import { v7 as uuid } from 'uuid'
import type { TenantOwnedRow } from '../../../db/core/columns.ts'
import type { Database } from '../../../db/core/database.ts'
import {
  findApplicantByProviderId,
  findApplicants,
  insertApplicant,
  updateApplicant,
} from '../../../db/records/applicant-repository.ts'
import {
  findCustomerByProviderId,
  findCustomers,
  insertCustomer,
  updateCustomer,
} from '../../../db/records/customer-repository.ts'
import { updateLinkedSessions } from './linked-sessions.ts'
import { isNewer, type LinkTarget, newTo, recordKeyOf, type SnapshotContext } from './snapshot-context.ts'

/** The storing of applicants and customers, the records that decide whose a session is. */

type RecordKey = ReturnType<typeof recordKeyOf>

interface OwnerRepository<R, Change> {
  readonly name: 'applicant' | 'customer'
  find(db: Database, tenantId: string, ids: readonly string[]): Promise<R[]>
  findByProviderId(db: Database, accountId: string, providerId: string): Promise<R | undefined>
  insert(db: Database, record: Change & RecordKey & { createdAt: Date; updatedAt: Date }): Promise<void>
  update(db: Database, record: TenantOwnedRow, change: Partial<Change>): Promise<void>
}

export const APPLICANT_REPOSITORY = {
  name: 'applicant',
  find: findApplicants,
  findByProviderId: findApplicantByProviderId,
  insert: insertApplicant,
  update: updateApplicant,
} as const

export const CUSTOMER_REPOSITORY = {
  name: 'customer',
  find: findCustomers,
  findByProviderId: findCustomerByProviderId,
  insert: insertCustomer,
  update: updateCustomer,
} as const

type StoredOwner = LinkTarget & Parameters<typeof newTo>[0]

/** `ownership`: the part of `change` that an answer to a create sets even if a later read is stored already. */
export interface OwnerWrite<R, Change> {
  readonly stored: R | undefined
  readonly providerId: string
  readonly change: Change & { readonly createdAt: Date; readonly updatedAt: Date }
  readonly ownership: Partial<Change>
}

/** Inserts or updates the record. Carries a change of its externalId to the sessions that are linked to it. */
export async function writeOwner<R extends StoredOwner, Change extends object>(
  db: Database,
  repository: OwnerRepository<R, Change>,
  context: SnapshotContext,
  { stored, providerId, change, ownership }: OwnerWrite<R, Change>,
): Promise<R> {
  const { tenantId } = context.account
  const record = { id: stored?.id ?? uuid(), tenantId }
  const { id } = record
  if (!stored) await repository.insert(db, { ...change, ...recordKeyOf(context, id, providerId) })
  else if (isNewer(context, stored.sync?.readId ?? null))
    await repository.update(db, record, newTo<Change>(stored, change))
  else if (context.source === 'CALLER') await repository.update(db, record, newTo<Partial<Change>>(stored, ownership))
  const [written] = await repository.find(db, tenantId, [id])
  if (!written) throw new Error(`The ${repository.name} is missing in the transaction that stored it.`)
  if (stored && stored.externalId !== written.externalId) {
    const link = repository.name === 'applicant' ? { applicantId: id } : { customerId: id }
    const { source, now: at } = context
    await updateLinkedSessions(db, { tenantId, ...link, from: stored.externalId, source, at })
  }
  return written
}

/** Stores a record of which only the provider's id is known. Its first read fills it. */
export async function insertUnread<Change extends object>(
  db: Database,
  repository: Pick<OwnerRepository<unknown, Change>, 'insert'>,
  context: SnapshotContext,
  providerId: string,
  fields: Change,
): Promise<LinkTarget> {
  const key = recordKeyOf(context, uuid(), providerId)
  await repository.insert(db, { ...fields, ...key, createdAt: context.now, updatedAt: context.now })
  return { id: key.id, externalId: null }
}

/** The snapshot's personal data; what it leaves out stays as it is stored. */
export function mergePii<Field extends string>(
  stored: Readonly<Partial<Record<Field, string | null>>> | undefined,
  snapshot: Readonly<Partial<Record<Field, string | null | undefined>>>,
  fields: readonly Field[],
): Record<Field, string | null> {
  const merged = fields.map(field => [
    field,
    snapshot[field] === undefined ? (stored?.[field] ?? null) : snapshot[field],
  ])
  return Object.fromEntries(merged) as Record<Field, string | null>
}
