import { findApplicants, listManyApplicants } from '../../../db/records/applicant-repository.ts'
import { listNewestSessionsOfPersons, type SessionFilter } from '../../../db/records/session-repository.ts'
import type { Provider } from '../../domain/provider.ts'
import type { Applicant } from '../../domain/records/applicant.ts'
import type { Customer } from '../../domain/records/customer.ts'
import type { Journeys } from '../../domain/records/journey.ts'
import { type NextAction, toNextAction } from '../../domain/records/next-action.ts'
import type { Person } from '../../domain/records/person.ts'
import type { Session } from '../../domain/records/session.ts'
import type { ServiceDeps } from '../deps.ts'
import { expireOverdueSessions } from '../jobs/expiry.ts'
import type { Connection, PageArguments } from '../lists/connection.ts'
import type { RequestScope } from '../request-scope.ts'
import type { ListRequest } from './list-records.ts'
import type { Applicants, Customers } from './record-definitions.ts'
import type { SessionListOptions, Sessions } from './sessions.ts'

/** Older applicants do not change a person's next action. */
const MAX_APPLICANTS = 100
/** Older sessions in the same state at the same provider do not change a person's next action. */
const MAX_PER_STATE = 10

/** The stored records of the caller's own users. No provider is called. */
export interface Persons {
  /** The pages of many persons, read in one statement, newest first; an error for a page with an invalid argument. */
  applicantsOf(call: RequestScope, pages: readonly PersonPage[]): Promise<(Connection<Applicant> | Error)[]>
  customersOf(call: RequestScope, pages: readonly PersonPage[]): Promise<(Connection<Customer> | Error)[]>
  sessionsOf(
    call: RequestScope,
    pages: readonly PersonSessionsPage[],
    options?: SessionListOptions,
  ): Promise<(Connection<Session> | Error)[]>
  nextActionsOf(call: PersonScope, requests: readonly NextActionRequest[]): Promise<NextAction[]>
  /** What each session alone requires next. */
  nextActionsOfSessions(call: PersonScope, sessions: readonly Session[]): Promise<NextAction[]>
}

/** One page of the records of a person. */
export interface PersonPage {
  readonly person: Person
  readonly page: PageArguments
}

export interface PersonSessionsPage extends PersonPage {
  readonly filter: SessionFilter
}

/** `providers`: only the records of these count; undefined for all. */
export interface NextActionRequest {
  readonly person: Person
  readonly providers?: readonly Provider[] | null
}

type PersonScope = Pick<RequestScope, 'tenantId'>

export interface PersonsOptions {
  readonly applicants: Applicants
  readonly customers: Customers
  readonly sessions: Sessions
  readonly journeys: Journeys
}

export function createPersons(deps: ServiceDeps, options: PersonsOptions): Persons {
  const { db, now } = deps
  const { applicants, customers, journeys, sessions } = options

  async function nextActionsOf(call: PersonScope, requests: readonly NextActionRequest[]): Promise<NextAction[]> {
    const persons = uniquePersons(requests)
    await expireOverdueSessions(deps, call.tenantId)
    const newest = await listNewestSessionsOfPersons(db, call.tenantId, idsOf(persons), MAX_PER_STATE)
    const named = await findApplicants(db, call.tenantId, [...new Set(newest.flatMap(applicantIdsOf))])
    const own = await newestApplicantsOf(call, persons)
    const recordsOf = new Map(
      groupByPerson(persons, newest).map((ownSessions, index) => {
        const linked = new Set(ownSessions.flatMap(applicantIdsOf))
        const applicants = [...(own[index] ?? []), ...named.filter(({ id }) => linked.has(id))]
        return [persons[index]?.externalId, { sessions: ownSessions, applicants }]
      }),
    )
    return requests.map(({ person, providers }) => {
      const { sessions = [], applicants = [] } = recordsOf.get(person.externalId) ?? {}
      const counts = ({ provider }: Pick<Session, 'provider'>) => providers?.includes(provider) ?? true
      const counting = { sessions: sessions.filter(counts), applicants: applicants.filter(counts) }
      return toNextAction(counting, journeys, now())
    })
  }

  async function nextActionsOfSessions(call: PersonScope, known: readonly Session[]): Promise<NextAction[]> {
    const applicants = await findApplicants(db, call.tenantId, [...new Set(known.flatMap(applicantIdsOf))])
    return known.map(session => {
      const own = applicants.filter(({ id }) => id === session.applicantId)
      return toNextAction({ sessions: [session], applicants: own }, journeys, now())
    })
  }

  function newestApplicantsOf({ tenantId }: PersonScope, persons: readonly Person[]): Promise<Applicant[][]> {
    const page = { column: 'created_at', direction: 'desc', limit: MAX_APPLICANTS } as const
    return listManyApplicants(
      db,
      tenantId,
      persons.map(({ externalId }) => ({ filter: { externalId }, page })),
    )
  }

  return {
    applicantsOf: (call, pages) => applicants.listMany(call, pages.map(toListRequest)),
    customersOf: (call, pages) => customers.listMany(call, pages.map(toListRequest)),
    sessionsOf: (call, pages, options) => sessions.listMany(call, pages.map(toSessionListRequest), options),
    nextActionsOf,
    nextActionsOfSessions,
  }
}

function toListRequest({ person: { externalId }, page }: PersonPage): ListRequest<Person> {
  return { filter: { externalId }, page }
}

function toSessionListRequest({ person, filter, page }: PersonSessionsPage): ListRequest<SessionFilter> {
  const { externalId } = person
  const isAnother = filter.externalId != null && filter.externalId !== externalId
  return { filter: { ...filter, ...(isAnother ? { applicantId: NO_RECORD_ID } : { externalId }) }, page }
}

function applicantIdsOf({ applicantId }: Session): string[] {
  return applicantId === null ? [] : [applicantId]
}

/** No record has this id. */
const NO_RECORD_ID = ''

function uniquePersons(requests: readonly NextActionRequest[]): Person[] {
  return [...new Map(requests.map(({ person }) => [person.externalId, person])).values()]
}

function idsOf(persons: readonly Person[]): string[] {
  return persons.map(({ externalId }) => externalId)
}

/** The records of each person, in the order of `records`. */
function groupByPerson<T extends { readonly externalId: string | null }>(
  persons: readonly Person[],
  records: readonly T[],
) {
  const own = new Map<string | null, T[]>(persons.map(({ externalId }) => [externalId, []]))
  for (const record of records) own.get(record.externalId)?.push(record)
  return persons.map(({ externalId }) => own.get(externalId) ?? [])
}
