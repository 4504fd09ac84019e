import type { Applicant } from '../../src/domain/records/applicant.ts'
import type { Attempt } from '../../src/domain/records/attempt.ts'
import type { Customer } from '../../src/domain/records/customer.ts'
import type { ProviderOperation } from '../../src/domain/records/operation.ts'
import type { Person } from '../../src/domain/records/person.ts'
import type { Session } from '../../src/domain/records/session.ts'
import { builder, ID_DESCRIPTION } from '../builder.ts'

/** The record types, declared before their fields so that the fields can refer to each other. */

export const SessionRef = builder.nodeRef<Session>('Session', {
  id: { description: ID_DESCRIPTION, resolve: session => session.id },
})

export const ApplicantRef = builder.nodeRef<Applicant>('Applicant', {
  id: { description: ID_DESCRIPTION, resolve: applicant => applicant.id },
})

export const CustomerRef = builder.nodeRef<Customer>('Customer', {
  id: { description: ID_DESCRIPTION, resolve: customer => customer.id },
})

export const AttemptRef = builder.nodeRef<Attempt>('Attempt', {
  id: { description: ID_DESCRIPTION, resolve: attempt => attempt.id },
})

export const ProviderOperationRef = builder.nodeRef<ProviderOperation>('ProviderOperation', {
  id: { description: ID_DESCRIPTION, resolve: operation => operation.id },
})

export const PersonRef = builder.nodeRef<Person>('Person', {
  id: { description: ID_DESCRIPTION, resolve: person => person.externalId },
})
