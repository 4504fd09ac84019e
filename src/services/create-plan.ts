import { findApplicants } from '../../db/applicant-repository.ts'
import { findCustomers } from '../../db/customer-repository.ts'
import type { Database } from '../../db/database.ts'
import { type InputIssue, InvalidInputError, NotFoundError } from '../domain/errors.ts'
import { decodeGlobalId } from '../domain/global-id.ts'
import type { JsonObject } from '../domain/json.ts'
import type { CreateKind, CreateRequest, RecordPointer } from '../domain/operation.ts'
import type { Account } from './accounts.ts'
import type { Call } from './call.ts'

/** A create as a client asks for it. `fingerprintOf` is the input as it was sent; ids are the client's. */
export interface CreateCommand {
  readonly kind: CreateKind
  readonly idempotencyKey: string
  readonly fingerprintOf: unknown
  readonly request: CreateRequest
  readonly externalId?: string | null
  readonly applicantId?: string | null
  readonly customerId?: string | null
  readonly metadata?: JsonObject | null
}

/** All that is needed to send a create, and to send it again: stored, sealed, until it is settled. */
export interface CreatePlan {
  readonly input: JsonObject
  readonly externalId: string | null
  /** True where the caller itself gave it, and it is not that of a linked record. */
  readonly externalIdPinned: boolean
  readonly metadata: JsonObject | null
  /** Our records that the caller linked. */
  readonly applicantId: string | null
  readonly customerId: string | null
  /** The same provider's ids of the records that the input points to. */
  readonly applicantProviderId: string | null
  readonly customerProviderId: string | null
}

interface Linkable {
  readonly id: string
  readonly accountId: string
  readonly providerId: string
  readonly externalId: string | null
}

/** Resolves every id of a command. Throws NOT_FOUND or INVALID_INPUT; nothing was sent then. */
export async function planCreate(
  db: Database,
  call: Call,
  account: Account,
  command: CreateCommand,
): Promise<CreatePlan> {
  const { request } = command
  const applicant = await find(db, call, 'Applicant', command.applicantId)
  const customer = await find(db, call, 'Customer', command.customerId)
  const ownApplicant = await find(db, call, 'Applicant', request.applicant?.id)
  const ownCustomer = await find(db, call, 'Customer', request.customer?.id)
  const issues = [
    ...checkAccount(account, request.applicant, ownApplicant),
    ...checkAccount(account, request.customer, ownCustomer),
    ...checkExternalIds(command, applicant ?? ownApplicant, customer ?? ownCustomer),
  ]
  if (issues.length > 0) throw new InvalidInputError(issues)
  return {
    input: request.input,
    externalId:
      command.externalId ?? (applicant ?? ownApplicant)?.externalId ?? (customer ?? ownCustomer)?.externalId ?? null,
    externalIdPinned: command.externalId != null,
    metadata: command.metadata ?? null,
    applicantId: applicant?.id ?? null,
    customerId: customer?.id ?? null,
    applicantProviderId: ownApplicant?.providerId ?? null,
    customerProviderId: ownCustomer?.providerId ?? null,
  }
}

const FINDERS = { Applicant: findApplicants, Customer: findCustomers }

async function find(
  db: Database,
  call: Call,
  noun: keyof typeof FINDERS,
  globalId: string | null | undefined,
): Promise<Linkable | undefined> {
  if (globalId == null) return undefined
  const decoded = decodeGlobalId(globalId)
  const [record] = decoded?.typename === noun ? await FINDERS[noun](db, call.tenantId, [decoded.id]) : []
  if (!record) throw new NotFoundError(`There is no such ${noun.toLowerCase()}.`)
  return record
}

/** A record that the provider is to use must be one of its own. */
function checkAccount(
  account: Account,
  pointer: RecordPointer | undefined,
  record: Linkable | undefined,
): InputIssue[] {
  if (!record || !pointer || record.accountId === account.id) return []
  const path = ['input', 'session', ...pointer.path]
  return [{ path, message: `Expected a record of ${account.provider}.` }]
}

/** The input's externalId, the applicant's and the customer's may not contradict each other. */
function checkExternalIds(
  command: CreateCommand,
  applicant: Linkable | undefined,
  customer: Linkable | undefined,
): InputIssue[] {
  const said = [command.externalId, applicant?.externalId, customer?.externalId].filter(id => id != null)
  if (new Set(said).size < 2) return []
  const message = 'Expected the same externalId as that of the linked applicant and customer.'
  return [{ path: ['input', 'externalId'], message }]
}
