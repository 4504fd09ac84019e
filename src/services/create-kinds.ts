import type { Database } from '../../db/database.ts'
import type { Applicant } from '../domain/applicant.ts'
import type { Customer } from '../domain/customer.ts'
import type { CreateKind } from '../domain/operation.ts'
import type { Session } from '../domain/session.ts'
import type { CreateCall, LostCreate, ProviderClient, ReadCall, Recovery, RepeatRule } from '../providers/contract.ts'
import type { CreatePlan } from './create-plan.ts'
import type { Said } from './said.ts'
import { storeApplicant } from './store-applicant.ts'
import { storeCustomer } from './store-customer.ts'
import { storeSession } from './store-session.ts'

/** All that differs between the creates of the three nouns. Both ways end in what stores the provider's answer. */
interface KindOfCreate {
  send(client: ProviderClient, plan: CreatePlan, marks: Marks): Promise<StoreAnswer>
  recovery(client: ProviderClient, plan: CreatePlan): StorableRecovery | undefined
}

/** One step of a transaction: stores the record that was made and gives it with our id. */
export type StoreAnswer = (db: Database, said: Said) => Promise<StoredNoun>

export type StoredNoun = Applicant | Customer | Session

/** A provider's recovery whose findings can be stored. */
export interface StorableRecovery {
  find?(lost: LostCreate, call: ReadCall): Promise<{ readonly found: StoreAnswer } | 'ABSENT' | 'UNCERTAIN'>
  assume?(lost: LostCreate, providerId: string, call: ReadCall): Promise<StoreAnswer>
  readonly repeat?: RepeatRule
  readonly harmlessAfterMs?: number
}

type Marks = Pick<CreateCall, 'reference' | 'idempotencyKey' | 'note' | 'trail'>

export const CREATES: Readonly<Record<CreateKind, KindOfCreate>> = {
  SESSION: kindOfCreate(
    client => client.createSession,
    client => client.recovery?.session,
    (snapshot, plan) => (db, said) => storeSession(db, said, snapshot, plan),
  ),
  APPLICANT: kindOfCreate(
    client => client.createApplicant,
    client => client.recovery?.applicant,
    (snapshot, plan) => (db, said) => storeApplicant(db, said, { ...snapshot, ...externalId(plan) }),
  ),
  CUSTOMER: kindOfCreate(
    client => client.createCustomer,
    client => client.recovery?.customer,
    (snapshot, plan) => (db, said) => storeCustomer(db, said, { ...snapshot, ...externalId(plan) }),
  ),
}

type Create<Snapshot> = (input: CreatePlan['input'], call: CreateCall) => Promise<Snapshot>

function kindOfCreate<Snapshot>(
  createOf: (client: ProviderClient) => Create<Snapshot> | undefined,
  recoveryOf: (client: ProviderClient) => Recovery<Snapshot> | undefined,
  toStore: (snapshot: Snapshot, plan: CreatePlan) => StoreAnswer,
): KindOfCreate {
  return {
    async send(client, plan, marks) {
      const create = createOf(client)
      // The schema offers a create only at providers that have it.
      if (!create) throw new TypeError('The provider does not make this.')
      return toStore(await create.call(client, plan.input, { ...toCall(plan), ...marks }), plan)
    },
    recovery(client, plan) {
      const recovery = recoveryOf(client)
      return recovery && toStorable(recovery, snapshot => toStore(snapshot, plan))
    },
  }
}

function toStorable<Snapshot>(
  recovery: Recovery<Snapshot>,
  toStore: (snapshot: Snapshot) => StoreAnswer,
): StorableRecovery {
  const { find, assume, repeat, harmlessAfterMs } = recovery
  return {
    repeat,
    harmlessAfterMs,
    find:
      find &&
      (async (lost, call) => {
        const finding = await find(lost, call)
        return typeof finding === 'string' ? finding : { found: toStore(finding.found) }
      }),
    assume: assume && (async (lost, providerId, call) => toStore(await assume(lost, providerId, call))),
  }
}

/** What a create carries beside its input. */
export function toCall(plan: CreatePlan): Omit<CreateCall, keyof Marks> {
  const { externalId, metadata, applicantProviderId, customerProviderId } = plan
  return { externalId, metadata, applicantProviderId, customerProviderId }
}

/** The caller's own id, where it gave one, before any that the provider told. */
function externalId(plan: CreatePlan): { externalId?: string } {
  return plan.externalId === null ? {} : { externalId: plan.externalId }
}
