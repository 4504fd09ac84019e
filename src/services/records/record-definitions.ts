import type { Database } from '../../../db/core/database.ts'
import type { RecordFilter } from '../../../db/core/record-queries.ts'
import {
  countApplicants,
  findApplicantByProviderId,
  findApplicants,
  listApplicants,
  listManyApplicants,
} from '../../../db/records/applicant-repository.ts'
import {
  countCustomers,
  findCustomerByProviderId,
  findCustomers,
  listCustomers,
  listManyCustomers,
} from '../../../db/records/customer-repository.ts'
import {
  countSessions,
  findSessionByProviderId,
  findSessions,
  listManySessions,
  listManySessionsWithoutEncrypted,
  listSessions,
  listSessionsWithoutEncrypted,
  type SessionFilter,
} from '../../../db/records/session-repository.ts'
import { canAccessSession } from '../../domain/access/caller.ts'
import type { Applicant, ApplicantSnapshot } from '../../domain/records/applicant.ts'
import type { Customer, CustomerSnapshot } from '../../domain/records/customer.ts'
import { isTerminal, type Session, type SessionSnapshot } from '../../domain/records/session.ts'
import type { ProviderClient, ProviderSessionRef } from '../../providers/contract.ts'
import { expireOverdueSessions, isOverdue } from '../jobs/expiry.ts'
import { compareApplicant, upsertApplicant } from '../snapshots/upsert-applicant.ts'
import { compareCustomer, upsertCustomer } from '../snapshots/upsert-customer.ts'
import { compareSession, upsertSession } from '../snapshots/upsert-session.ts'
import type { RecordType } from './record-type.ts'
import type { Records } from './records.ts'

export type Applicants = Records<Applicant, RecordFilter, ApplicantSnapshot>
export type Customers = Records<Customer, RecordFilter, CustomerSnapshot>

export const APPLICANT_TYPE: RecordType<Applicant, ApplicantSnapshot, RecordFilter> = {
  name: 'applicant',
  capability: 'GET_APPLICANT',
  repository: {
    find: findApplicants,
    findByProviderId: findApplicantByProviderId,
    list: listApplicants,
    listMany: listManyApplicants,
    count: countApplicants,
  },
  provider: {
    reader: client => client.getApplicant?.bind(client),
    conditionalReader: client => client.conditionalReads?.applicant,
    // Its details are decrypted only where a provider needs them.
    toRef: async (_db, applicant) => applicant,
  },
  snapshots: { upsert: upsertApplicant, compare: compareApplicant },
}

export const CUSTOMER_TYPE: RecordType<Customer, CustomerSnapshot, RecordFilter> = {
  name: 'customer',
  capability: 'GET_CUSTOMER',
  repository: {
    find: findCustomers,
    findByProviderId: findCustomerByProviderId,
    list: listCustomers,
    listMany: listManyCustomers,
    count: countCustomers,
  },
  provider: {
    reader: client => client.getCustomer?.bind(client),
    conditionalReader: client => client.conditionalReads?.customer,
    toRef: async (_db, customer) => customer,
  },
  snapshots: { upsert: upsertCustomer, compare: compareCustomer },
}

export const SESSION_TYPE: RecordType<Session, SessionSnapshot, SessionFilter> = {
  name: 'session',
  capability: 'GET_SESSION',
  repository: {
    find: findSessions,
    findByProviderId: findSessionByProviderId,
    list: (db, tenantId, filter, page, withoutEncrypted) =>
      (withoutEncrypted ? listSessionsWithoutEncrypted : listSessions)(db, tenantId, filter, page),
    listMany: (db, tenantId, lists, withoutEncrypted) =>
      (withoutEncrypted ? listManySessionsWithoutEncrypted : listManySessions)(db, tenantId, lists),
    count: countSessions,
  },
  provider: {
    reader: client => client.getSession?.bind(client),
    conditionalReader: client => client.conditionalReads?.session,
    readsById: client => !client.readsSessionsByApplicant,
    toRef: toSessionRef,
  },
  snapshots: { upsert: upsertSession, compare: compareSession },
  expiry: { at: session => session.expiresAt, isOverdue, apply: expireOverdueSessions },
  isSettled: isTerminal,
  isVisibleTo: canAccessSession,
}

/** Some providers read a session through its applicant. */
async function toSessionRef(db: Database, session: Session, client: ProviderClient): Promise<ProviderSessionRef> {
  const { accountId, applicantId, createdAt, providerId, tenantId } = session
  const [applicant] =
    client.readsSessionsByApplicant && applicantId ? await findApplicants(db, tenantId, [applicantId]) : []
  if (applicant?.accountId !== accountId) return { providerId, createdAt, applicantProviderId: null }
  return {
    providerId,
    createdAt,
    applicantProviderId: applicant.providerId,
    applicantDetails: applicant.details,
    applicantIsRead: applicant.sync !== null,
  }
}
