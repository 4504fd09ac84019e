import type { Database } from '../../../db/core/database.ts'
import { findApplicantByProviderId, findApplicants } from '../../../db/records/applicant-repository.ts'
import { findCustomerByProviderId, findCustomers } from '../../../db/records/customer-repository.ts'
import { readExternalIds } from '../../../db/records/person-repository.ts'
import type { StoredOperation } from '../../../db/repositories/operation-repository.ts'
import { findTombstone, type TombstoneKey } from '../../../db/repositories/tombstone-repository.ts'
import { type InputIssue, InvalidInputError, notFoundError } from '../../domain/errors.ts'
import { decodeGlobalId } from '../../domain/global-id.ts'
import type { JsonObject } from '../../domain/json.ts'
import type { CreateRequest, OperationKind, RecordPointer } from '../../domain/records/operation.ts'
import { type Claim, findContradiction, ownerOf } from '../../domain/records/ownership.ts'
import type { Account } from '../accounts/account.ts'
import type { RequestScope } from '../request-scope.ts'

/** A client's create. Its ids are global ids. */
export interface CreateCommand {
  readonly kind: OperationKind
  readonly idempotencyKey: string
  /** The input as given, then all its equivalent spellings. */
  readonly equivalentInputs: readonly [unknown, ...unknown[]]
  readonly request: CreateRequest
  readonly externalId?: string | null
  readonly applicantId?: string | null
  readonly customerId?: string | null
  readonly metadata?: JsonObject | null
}

/** Everything needed to send a create, also again. Stored encrypted until the create is settled. */
export interface CreatePlan {
  readonly input: JsonObject
  readonly externalId: string | null
  /** True if the caller gave it; false if it comes from a linked record. */
  readonly externalIdPinned: boolean
  readonly metadata: JsonObject | null
  /** Our records that the caller linked. */
  readonly applicantId: string | null
  readonly customerId: string | null
  /** The provider's ids of the records that the input refers to. */
  readonly applicantProviderId: string | null
  readonly customerProviderId: string | null
  /** The externalId in the provider's own input. */
  readonly namedExternalId: string | null
  /** Whose create it is: the external id and the named records. An erasure finds the create by their hashes. */
  readonly subjects: readonly TombstoneKey[]
}

/** A record that an input names. */
interface NamedRecord {
  readonly id: string
  readonly accountId: string
  readonly providerId: string
  readonly externalId: string | null
  /** An applicant's own. */
  readonly customerId?: string | null
}

/** True if the create refers to records. */
export function namesRecords({ applicantId, customerId, request }: CreateCommand): boolean {
  return applicantId != null || customerId != null || isNaming(request.applicant) || isNaming(request.customer)
}

function isNaming(pointer: RecordPointer | undefined): boolean {
  return pointer?.id != null || pointer?.providerId != null
}

/** Resolves every id of a command. Throws NOT_FOUND or INVALID_INPUT. Sends nothing. */
export async function planCreate(
  db: Database,
  call: RequestScope,
  account: Account,
  command: CreateCommand,
): Promise<CreatePlan> {
  const { request } = command
  // Customers before applicants, as wherever records are locked.
  const customer = await find(db, call, 'Customer', command.customerId)
  const ownCustomer = await findReferenced(db, call, account, 'Customer', request.customer)
  const applicant = await find(db, call, 'Applicant', command.applicantId)
  const ownApplicant = await findReferenced(db, call, account, 'Applicant', request.applicant)
  await assertPointersNotErased(db, account, request)
  await assertNotErased(db, call, { applicant, customer, ownApplicant, ownCustomer })
  const issues = [
    ...assertAccount(account, request.applicant, ownApplicant),
    ...assertAccount(account, request.customer, ownCustomer),
    ...findContradiction([
      { field: 'externalId', externalId: command.externalId },
      ...(await claimsOf(db, call, 'applicantId', applicant)),
      ...(await claimsOf(db, call, 'customerId', customer)),
      ...(await claimsOf(db, call, fieldOf(request.applicant), ownApplicant)),
      ...(await claimsOf(db, call, fieldOf(request.customer), ownCustomer)),
      { field: fieldOf(request.customer), externalId: request.customer?.externalId },
    ]),
  ]
  if (issues.length > 0) throw new InvalidInputError(issues)
  const namedExternalId = request.customer?.externalId ?? null
  const named = [applicant, ownApplicant, customer, ownCustomer].map(record => record?.externalId)
  const { externalId } = ownerOf([command.externalId, ...named, namedExternalId])
  assertExternalIdAllowed(account, externalId)
  return {
    input: request.input,
    externalId,
    externalIdPinned: command.externalId != null,
    metadata: command.metadata ?? null,
    applicantId: applicant?.id ?? null,
    customerId: customer?.id ?? null,
    applicantProviderId: ownApplicant?.providerId ?? request.applicant?.providerId ?? null,
    customerProviderId: ownCustomer?.providerId ?? request.customer?.providerId ?? null,
    namedExternalId,
    subjects: [
      ...toSubjects(call, account, { externalId, namedExternalId, request }),
      ...toRecordSubjects('applicant', applicant, ownApplicant),
      ...toRecordSubjects('customer', customer, ownCustomer),
    ],
  }
}

interface NamedValues extends Pick<CreatePlan, 'externalId' | 'namedExternalId'> {
  readonly request: CreateRequest
}

/** The external ids, and the provider ids in the input, whose records need not be stored. */
function toSubjects(
  { tenantId }: RequestScope,
  { id: accountId }: Account,
  { externalId, namedExternalId, request }: NamedValues,
): TombstoneKey[] {
  const { applicant, customer } = request
  return [
    ...[externalId, namedExternalId].flatMap((value): TombstoneKey[] =>
      value === null ? [] : [{ tenantId, kind: 'externalId', value }],
    ),
    ...(applicant?.providerId == null ? [] : [{ accountId, kind: 'applicant' as const, value: applicant.providerId }]),
    ...(customer?.providerId == null ? [] : [{ accountId, kind: 'customer' as const, value: customer.providerId }]),
  ]
}

function toRecordSubjects(
  kind: 'applicant' | 'customer',
  ...records: readonly (NamedRecord | undefined)[]
): TombstoneKey[] {
  return records.flatMap(record => (record ? [{ accountId: record.accountId, kind, value: record.providerId }] : []))
}

/** Also checks an externalId from a linked record, because the provider receives it. */
function assertExternalIdAllowed({ externalIdProblem }: Account, externalId: string | null): void {
  const message = externalId === null ? undefined : externalIdProblem?.(externalId)
  if (message !== undefined) throw new InvalidInputError([{ path: ['input', 'externalId'], message }])
}

const FINDERS = {
  Applicant: { byIds: findApplicants, byProviderId: findApplicantByProviderId },
  Customer: { byIds: findCustomers, byProviderId: findCustomerByProviderId },
}

type RecordKind = keyof typeof FINDERS

async function find(
  db: Database,
  call: RequestScope,
  recordType: RecordKind,
  globalId: string | null | undefined,
): Promise<NamedRecord | undefined> {
  if (globalId == null) return undefined
  const decoded = decodeGlobalId(globalId)
  const [record] =
    decoded?.typename === recordType ? await FINDERS[recordType].byIds(db, call.tenantId, [decoded.id]) : []
  if (!record) throw notFoundError(recordType)
  return record
}

/** A record that the input names by the provider's id need not be stored. */
async function findReferenced(
  db: Database,
  call: RequestScope,
  account: Account,
  recordType: RecordKind,
  pointer: RecordPointer | undefined,
): Promise<NamedRecord | undefined> {
  if (pointer?.providerId == null) return find(db, call, recordType, pointer?.id)
  return FINDERS[recordType].byProviderId(db, account.id, pointer.providerId)
}

type Records = Readonly<Record<'applicant' | 'customer' | 'ownApplicant' | 'ownCustomer', NamedRecord | undefined>>

/** Throws NOT_FOUND for a record whose person is being erased. */
async function assertNotErased(db: Database, { tenantId }: RequestScope, records: Records): Promise<void> {
  const erased = (kind: 'applicant' | 'customer', ...named: readonly (NamedRecord | undefined)[]) => {
    const traces = named.flatMap((record): TombstoneKey[] =>
      record ? [{ accountId: record.accountId, kind, value: record.providerId }] : [],
    )
    return findTombstone(db, tenantId, ...traces)
  }
  if (await erased('applicant', records.applicant, records.ownApplicant)) throw notFoundError('applicant')
  if (await erased('customer', records.customer, records.ownCustomer)) throw notFoundError('customer')
}

/** Throws NOT_FOUND for a provider id whose record was erased. */
async function assertPointersNotErased(
  db: Database,
  { id: accountId, tenantId }: Account,
  request: CreateRequest,
): Promise<void> {
  const isErased = async (kind: 'applicant' | 'customer', value: string | null | undefined) =>
    value != null && (await findTombstone(db, tenantId, { accountId, kind, value })) !== undefined
  if (await isErased('applicant', request.applicant?.providerId)) throw notFoundError('applicant')
  if (await isErased('customer', request.customer?.providerId)) throw notFoundError('customer')
}

/** The externalIds of a record and of its customer. */
async function claimsOf(
  db: Database,
  call: RequestScope,
  field: string,
  record: NamedRecord | undefined,
): Promise<Claim[]> {
  if (!record) return []
  const customers = await readExternalIds(db, call.tenantId, record.customerId ? [record.customerId] : [])
  return [record.externalId, ...customers.values()].map(externalId => ({ field, externalId }))
}

function fieldOf(pointer: RecordPointer | undefined): string {
  return ['session', ...(pointer?.path ?? [])].join('.')
}

/** A record that the provider's input refers to must belong to the same account. */
function assertAccount(
  account: Account,
  pointer: RecordPointer | undefined,
  record: NamedRecord | undefined,
): InputIssue[] {
  if (!record || !pointer || record.accountId === account.id) return []
  const path = ['input', 'session', ...pointer.path]
  return [{ path, message: `Expected a record of ${account.provider}.` }]
}

/** True if a record that the create names was erased since the create was planned. */
export async function namesErasedRecord(
  db: Database,
  { tenantId, accountId, sentAt }: StoredOperation,
  plan: CreatePlan,
): Promise<boolean> {
  const { applicantId, customerId, applicantProviderId, customerProviderId } = plan
  if (applicantId && (await findApplicants(db, tenantId, [applicantId])).length === 0) return true
  if (customerId && (await findCustomers(db, tenantId, [customerId])).length === 0) return true
  const traces: TombstoneKey[] = []
  if (applicantProviderId) traces.push({ accountId, kind: 'applicant', value: applicantProviderId })
  if (customerProviderId) traces.push({ accountId, kind: 'customer', value: customerProviderId })
  const erasedAt = await findTombstone(db, tenantId, ...traces)
  return erasedAt !== undefined && sentAt !== null && erasedAt >= sentAt
}
