import type { Database } from '../../../db/core/database.ts'
import { findApplicantByProviderId } from '../../../db/records/applicant-repository.ts'
import { findCustomerByProviderId } from '../../../db/records/customer-repository.ts'
import { findSessionByProviderId } from '../../../db/records/session-repository.ts'
import type { Applicant, ApplicantSnapshot } from '../../domain/records/applicant.ts'
import type { Customer, CustomerSnapshot } from '../../domain/records/customer.ts'
import type { OperationKind } from '../../domain/records/operation.ts'
import type { Session, SessionSnapshot } from '../../domain/records/session.ts'
import type { CreateCall, ProviderClient, Recovery } from '../../providers/contract.ts'
import type { SnapshotContext } from '../snapshots/snapshot-context.ts'
import { upsertApplicant } from '../snapshots/upsert-applicant.ts'
import { upsertCustomer } from '../snapshots/upsert-customer.ts'
import { upsertSession } from '../snapshots/upsert-session.ts'
import type { CreatePlan } from './create-plan.ts'

export type CreatedRecord = Applicant | Customer | Session

export interface SnapshotOfKind {
  readonly CREATE_SESSION: SessionSnapshot
  readonly CREATE_APPLICANT: ApplicantSnapshot
  readonly CREATE_CUSTOMER: CustomerSnapshot
}

/** The provider's answer to a create, or the record that a recovery found: a union discriminated by `kind`. */
export type CreateResponse<K extends OperationKind = OperationKind> = {
  readonly [P in K]: { readonly kind: P; readonly snapshot: SnapshotOfKind[P] }
}[K]

/** The fields of a provider's create call that every attempt has its own values for. */
export type AttemptMarkers = Pick<CreateCall, 'reference' | 'idempotencyKey' | 'note' | 'callLog'>

/** What differs between the creates of sessions, applicants and customers. */
interface KindDefinition<Snapshot> {
  readonly tombstoneKind: 'applicant' | 'customer' | 'session'
  sender(client: ProviderClient): ((input: CreatePlan['input'], call: CreateCall) => Promise<Snapshot>) | undefined
  recovery(client: ProviderClient): Recovery<Snapshot> | undefined
  upsert(db: Database, context: SnapshotContext, snapshot: Snapshot, plan: CreatePlan): Promise<CreatedRecord>
  findByProviderId(db: Database, accountId: string, providerId: string): Promise<CreatedRecord | undefined>
}

const KINDS: { readonly [K in OperationKind]: KindDefinition<SnapshotOfKind[K]> } = {
  CREATE_SESSION: {
    tombstoneKind: 'session',
    sender: client => client.createSession?.bind(client),
    recovery: client => client.recovery?.session,
    upsert: upsertSession,
    findByProviderId: findSessionByProviderId,
  },
  CREATE_APPLICANT: {
    tombstoneKind: 'applicant',
    sender: client => client.createApplicant?.bind(client),
    recovery: client => client.recovery?.applicant,
    upsert: (db, context, snapshot, plan) => upsertApplicant(db, context, snapshot, plan.externalId),
    findByProviderId: findApplicantByProviderId,
  },
  CREATE_CUSTOMER: {
    tombstoneKind: 'customer',
    sender: client => client.createCustomer?.bind(client),
    recovery: client => client.recovery?.customer,
    upsert: (db, context, snapshot, plan) => upsertCustomer(db, context, snapshot, plan.externalId),
    findByProviderId: findCustomerByProviderId,
  },
}

/** Calls the provider. */
export async function sendCreate<K extends OperationKind>(
  client: ProviderClient,
  kind: K,
  plan: CreatePlan,
  markers: AttemptMarkers,
): Promise<CreateResponse<K>> {
  const send = KINDS[kind].sender(client)
  // The schema offers a create only for providers that have it.
  if (!send) throw new TypeError('The provider does not support this create.')
  return toResponse(kind, await send(plan.input, { ...toCreateCall(plan), ...markers }))
}

/** One step of a transaction: stores the record that a create made. */
export function storeResponse<K extends OperationKind>(
  db: Database,
  context: SnapshotContext,
  { kind, snapshot }: CreateResponse<K>,
  plan: CreatePlan,
): Promise<CreatedRecord> {
  return KINDS[kind].upsert(db, context, snapshot, plan)
}

export function toResponse<K extends OperationKind>(kind: K, snapshot: SnapshotOfKind[K]): CreateResponse<K> {
  return { kind, snapshot }
}

export function recoveryOf<K extends OperationKind>(
  client: ProviderClient,
  kind: K,
): Recovery<SnapshotOfKind[K]> | undefined {
  return KINDS[kind].recovery(client)
}

export function findStoredRecord(
  db: Database,
  kind: OperationKind,
  accountId: string,
  providerId: string,
): Promise<CreatedRecord | undefined> {
  return KINDS[kind].findByProviderId(db, accountId, providerId)
}

/** The kind of tombstone that an erased record leaves. */
export function tombstoneKindOf(kind: OperationKind): KindDefinition<unknown>['tombstoneKind'] {
  return KINDS[kind].tombstoneKind
}

/** The fields of a provider's create call that all attempts share. */
export function toCreateCall(plan: CreatePlan): Omit<CreateCall, keyof AttemptMarkers> {
  const { externalId, metadata, applicantProviderId, customerProviderId } = plan
  return { externalId, metadata, applicantProviderId, customerProviderId }
}
