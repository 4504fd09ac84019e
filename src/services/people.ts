import { listApplicantsOfPeople } from '../../db/applicant-repository.ts'
import { listCustomersOfPeople } from '../../db/customer-repository.ts'
import { findKnownExternalIds } from '../../db/person-repository.ts'
import { listNewestSessionsOfPeople, type SessionFilter } from '../../db/session-repository.ts'
import type { Applicant } from '../domain/applicant.ts'
import type { Customer } from '../domain/customer.ts'
import { NotFoundError } from '../domain/errors.ts'
import { type NextAction, toNextAction } from '../domain/next-action.ts'
import type { Person } from '../domain/person.ts'
import type { Session } from '../domain/session.ts'
import type { Call } from './call.ts'
import type { Connection, PageArguments } from './connection.ts'
import type { Deps } from './deps.ts'
import { expireOverdue } from './expiry.ts'
import type { Sessions } from './sessions.ts'

/** The most records that one person shows of a noun; the newest are kept. */
const MOST_RECORDS = 100

/** All that is known of the caller's own users, from the store alone: no provider is asked. */
export interface People {
  /** The person that was found. Throws NOT_FOUND where no record carries the id. */
  known(person: Person | null): Person
  findMany(call: Asker, externalIds: readonly string[]): Promise<(Person | null)[]>
  applicantsOf(call: Asker, people: readonly Person[]): Promise<Applicant[][]>
  customersOf(call: Asker, people: readonly Person[]): Promise<Customer[][]>
  nextActionsOf(call: Asker, people: readonly Person[]): Promise<NextAction[]>
  sessionsOf(call: Call, person: Person, filter: SessionFilter, page: PageArguments): Promise<Connection<Session>>
}

type Asker = Pick<Call, 'tenantId'>

export function createPeople({ db, hub, now }: Deps, sessions: Sessions): People {
  async function findMany({ tenantId }: Asker, externalIds: readonly string[]): Promise<(Person | null)[]> {
    const known = await findKnownExternalIds(db, tenantId, externalIds)
    return externalIds.map(externalId => (known.has(externalId) ? { externalId } : null))
  }

  function known(person: Person | null): Person {
    if (!person) throw new NotFoundError('Nothing is known of such a person.')
    return person
  }

  async function nextActionsOf(call: Asker, people: readonly Person[]): Promise<NextAction[]> {
    for (const changed of await expireOverdue(db, now(), call.tenantId)) hub.wake(changed)
    const newest = await listNewestSessionsOfPeople(db, call.tenantId, idsOf(people))
    return perPerson(people, newest).map(own => toNextAction(own, now()))
  }

  /** The person's id is one condition more. */
  function sessionsOf(call: Call, { externalId }: Person, filter: SessionFilter, page: PageArguments) {
    const isAnother = filter.externalId != null && filter.externalId !== externalId
    return sessions.list(call, { ...filter, ...(isAnother ? { applicantId: NOBODY } : { externalId }) }, page)
  }

  return {
    known,
    findMany,
    nextActionsOf,
    sessionsOf,
    applicantsOf: async ({ tenantId }, people) =>
      perPerson(people, await listApplicantsOfPeople(db, tenantId, idsOf(people), MOST_RECORDS)),
    customersOf: async ({ tenantId }, people) =>
      perPerson(people, await listCustomersOfPeople(db, tenantId, idsOf(people), MOST_RECORDS)),
  }
}

/** No record has this id. */
const NOBODY = ''

function idsOf(people: readonly Person[]): string[] {
  return people.map(({ externalId }) => externalId)
}

/** The records by person, each person's in the order they come in. */
function perPerson<T extends { readonly externalId: string | null }>(people: readonly Person[], records: readonly T[]) {
  const own = new Map<string | null, T[]>(people.map(({ externalId }) => [externalId, []]))
  for (const record of records) own.get(record.externalId)?.push(record)
  return people.map(({ externalId }) => own.get(externalId) ?? [])
}
