import type { Applicant } from '../../src/domain/records/applicant.ts'
import type { Attempt } from '../../src/domain/records/attempt.ts'
import type { Customer } from '../../src/domain/records/customer.ts'
import type { ProviderOperation } from '../../src/domain/records/operation.ts'
import type { Person } from '../../src/domain/records/person.ts'
import type { Session } from '../../src/domain/records/session.ts'
import { builder } from '../builder.ts'

/** The record types, declared before their fields so that the fields can refer to each other. */

export const SessionRef = builder.objectRef<Session>('Session')

export const ApplicantRef = builder.objectRef<Applicant>('Applicant')

export const CustomerRef = builder.objectRef<Customer>('Customer')

export const AttemptRef = builder.objectRef<Attempt>('Attempt')

export const ProviderOperationRef = builder.objectRef<ProviderOperation>('ProviderOperation')

export const PersonRef = builder.objectRef<Person>('Person')
