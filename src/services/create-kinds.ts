import type { Database } from '../../db/database.ts'
import type { CreateKind } from '../domain/operation.ts'
import type { CreateCall, ProviderClient } from '../providers/contract.ts'
import type { CreatePlan } from './create-plan.ts'
import { type Said, storeApplicant, storeCustomer, storeSession } from './store.ts'

/** Sends a create and gives what stores its answer: all that differs between the creates. */
type SendCreate = (client: ProviderClient, plan: CreatePlan, marks: Marks) => Promise<StoreAnswer>

/** One step of a transaction: stores the record that was made and gives it with our id. */
export type StoreAnswer = (db: Database, said: Said) => Promise<{ readonly id: string }>

type Marks = Pick<CreateCall, 'reference' | 'idempotencyKey'>

export const CREATES: Readonly<Record<CreateKind, SendCreate>> = {
  SESSION: async (client, plan, marks) => {
    const snapshot = await required(client.createSession).call(client, plan.input, toCall(plan, marks))
    return (db, said) => storeSession(db, said, snapshot, plan)
  },
  APPLICANT: async (client, plan, marks) => {
    const snapshot = await required(client.createApplicant).call(client, plan.input, toCall(plan, marks))
    return (db, said) => storeApplicant(db, said, { ...snapshot, ...externalId(plan) })
  },
  CUSTOMER: async (client, plan, marks) => {
    const snapshot = await required(client.createCustomer).call(client, plan.input, toCall(plan, marks))
    return (db, said) => storeCustomer(db, said, { ...snapshot, ...externalId(plan) })
  },
}

function toCall(plan: CreatePlan, marks: Marks): CreateCall {
  const { externalId, metadata, applicantProviderId, customerProviderId } = plan
  return { ...marks, externalId, metadata, applicantProviderId, customerProviderId }
}

/** The caller's own id, where it gave one, before any that the provider told. */
function externalId(plan: CreatePlan): { externalId?: string } {
  return plan.externalId === null ? {} : { externalId: plan.externalId }
}

/** The schema offers a create only at providers that have it. */
function required<T>(method: T | undefined): T {
  if (!method) throw new TypeError('The provider does not make this.')
  return method
}
