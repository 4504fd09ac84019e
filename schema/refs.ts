import type { Applicant } from '../src/domain/applicant.ts'
import type { Attempt } from '../src/domain/attempt.ts'
import type { Customer } from '../src/domain/customer.ts'
import type { CreateOperation } from '../src/domain/operation.ts'
import type { Person } from '../src/domain/person.ts'
import type { Session } from '../src/domain/session.ts'
import { builder, ID_DESCRIPTION } from './builder.ts'

/** The nouns by name and loader, so that they can name each other. Their fields stand in their own files. */

export const SessionRef = builder.loadableNodeRef('Session', {
  id: { description: ID_DESCRIPTION, resolve: (session: Session) => session.id },
  load: (ids: string[], context) => orMiss(context.services.sessions.findMany(context, ids)),
})

export const ApplicantRef = builder.loadableNodeRef('Applicant', {
  id: { description: ID_DESCRIPTION, resolve: (applicant: Applicant) => applicant.id },
  load: (ids: string[], context) => orMiss(context.services.applicants.findMany(context, ids)),
})

export const CustomerRef = builder.loadableNodeRef('Customer', {
  id: { description: ID_DESCRIPTION, resolve: (customer: Customer) => customer.id },
  load: (ids: string[], context) => orMiss(context.services.customers.findMany(context, ids)),
})

export const AttemptRef = builder.loadableNodeRef('Attempt', {
  id: { description: ID_DESCRIPTION, resolve: (attempt: Attempt) => attempt.id },
  load: (ids: string[], context) => orMiss(context.services.attempts.findMany(context, ids)),
})

export const CreateOperationRef = builder.loadableNodeRef('CreateOperation', {
  id: { description: ID_DESCRIPTION, resolve: (operation: CreateOperation) => operation.id },
  load: (ids: string[], context) => orMiss(context.services.operations.findMany(context, ids)),
})

/** Not stored itself, so it is no Node: the caller's own id is its key. */
export const PersonRef = builder.objectRef<Person>('Person')

/** A miss is null where a node is asked for, which the loader's type cannot say. */
async function orMiss<T>(found: Promise<(T | undefined)[]>): Promise<T[]> {
  return (await found).map(record => (record ?? null) as T)
}
