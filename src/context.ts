import DataLoader from 'dataloader'
import type { Applicant } from './domain/applicant.ts'
import type { Attempt } from './domain/attempt.ts'
import type { Caller, Subject } from './domain/caller.ts'
import type { Customer } from './domain/customer.ts'
import type { ForbiddenError } from './domain/errors.ts'
import type { NextAction } from './domain/next-action.ts'
import type { Person } from './domain/person.ts'
import type { Session } from './domain/session.ts'
import type { Freshness } from './domain/sync.ts'
import type { Signalling } from './domain/time-limit.ts'
import type { Trail } from './domain/trail.ts'
import type { Call } from './services/call.ts'
import type { Services } from './services/services.ts'

/** What one request carries. */
export interface Context extends Call {
  readonly caller: Caller
  /** What was asked for and may not be had, so that it is told once. */
  readonly refusals: { error?: ForbiddenError }
  readonly requestId: string
  readonly subject: Subject | null
  readonly trail: Trail
  readonly now: () => Date
  /** True where parts of the answer may be sent before others are known. */
  readonly inParts: boolean
  readonly services: Services
  readonly loaders: Loaders
  /** The position of the tenant's events when the request began. */
  readonly liveCursor: string
  /** Where a stream that broke off goes on: the last event its client saw. */
  readonly lastEventId: string | null
  /** For each event of a stream: what was loaded for the one before is forgotten. */
  renewed<T>(event: T): T
  /** Lets go of what was loaded: the operation is over, and who still holds its context needs no records. */
  forget(): void
}

/** What is read for many rows at once, once a request, however often it is selected. */
export interface Loaders {
  readonly applicant: DataLoader<Key<string>, Applicant, string>
  readonly customer: DataLoader<Key<string>, Customer, string>
  readonly attemptsOfSession: DataLoader<Key<Session>, readonly Attempt[] | null, string>
  readonly attemptsOfApplicant: DataLoader<Key<Applicant>, readonly Attempt[] | null, string>
  /** By externalId; null where no record carries it. */
  readonly person: DataLoader<string, Person | null>
  readonly applicantsOfPerson: DataLoader<Person, readonly Applicant[], string>
  readonly customersOfPerson: DataLoader<Person, readonly Customer[], string>
  readonly nextActionOfPerson: DataLoader<Person, NextAction, string>
}

interface Key<Of> {
  readonly of: Of
  readonly freshness: Freshness | null | undefined
}

export interface Asked
  extends Omit<Context, 'forget' | 'loaders' | 'refusals' | 'renewed' | 'signal' | 'subject' | 'tenantId'> {
  readonly limit: Signalling
}

/** A context whose signal and loaders are made when somebody asks for them. */
class LazyContext implements Context {
  readonly caller: Caller
  readonly tenantId: string
  readonly subject: Subject | null
  readonly requestId: string
  readonly startedAt: Date
  readonly trail: Trail
  readonly inParts: boolean
  readonly liveCursor: string
  readonly lastEventId: string | null
  readonly services: Services
  readonly now: () => Date
  readonly refusals = {}
  readonly #limit: Signalling
  #loaders: Loaders | undefined

  constructor(asked: Asked) {
    this.caller = asked.caller
    this.tenantId = asked.caller.tenantId
    this.subject = asked.caller.subject
    this.requestId = asked.requestId
    this.startedAt = asked.startedAt
    this.trail = asked.trail
    this.inParts = asked.inParts
    this.liveCursor = asked.liveCursor
    this.lastEventId = asked.lastEventId
    this.services = asked.services
    this.now = asked.now
    this.#limit = asked.limit
  }

  get signal(): AbortSignal {
    return this.#limit.signal
  }

  get loaders(): Loaders {
    this.#loaders ??= createLoaders(this, this.services)
    return this.#loaders
  }

  forget(): void {
    this.#loaders = undefined
  }

  renewed<T>(this: Context, event: T): T {
    // The door copies what is here into a context of its own: that is the one to renew.
    Object.assign(this, { startedAt: this.now(), refusals: {}, loaders: createLoaders(this, this.services) })
    return event
  }
}

export function createContext(asked: Asked): Context {
  return new LazyContext(asked)
}

function createLoaders(call: Call, services: Services): Loaders {
  const { applicants, attempts, customers, people } = services
  return {
    applicant: loader(
      id => id,
      (ids, freshness) => applicants.getMany(call, ids, freshness),
    ),
    customer: loader(
      id => id,
      (ids, freshness) => customers.getMany(call, ids, freshness),
    ),
    attemptsOfSession: loader(
      session => session.id,
      (sessions, freshness) => attempts.ofSessions(call, sessions, freshness),
    ),
    attemptsOfApplicant: loader(
      applicant => applicant.id,
      (owners, freshness) => attempts.ofApplicants(call, owners, freshness),
    ),
    person: new DataLoader(externalIds => people.findMany(call, externalIds)),
    applicantsOfPerson: personLoader(some => people.applicantsOf(call, some)),
    customersOfPerson: personLoader(some => people.customersOf(call, some)),
    nextActionOfPerson: personLoader(some => people.nextActionsOf(call, some)),
  }
}

/** What comes from the store alone is read without a freshness. */
function personLoader<T>(load: (people: readonly Person[]) => Promise<readonly T[]>): DataLoader<Person, T, string> {
  return new DataLoader(load, { cacheKeyFn: person => person.externalId })
}

/** A loader whose keys carry the freshness asked for: what is asked for differently is read apart. */
function loader<Of, T>(
  idOf: (of: Of) => string,
  load: (ofs: readonly Of[], freshness: Freshness | null | undefined) => Promise<readonly (T | Error)[]>,
): DataLoader<Key<Of>, T, string> {
  return new DataLoader(
    async keys => {
      const answers = new Map<Key<Of>, T | Error>()
      await Promise.all(
        groupByFreshness(keys).map(async group => {
          const values = await load(
            group.map(key => key.of),
            group[0]?.freshness,
          )
          group.forEach((key, index) => {
            answers.set(key, values[index] as T | Error)
          })
        }),
      )
      return keys.map(key => answers.get(key) as T | Error)
    },
    { cacheKeyFn: key => `${idOf(key.of)}|${freshnessKey(key)}` },
  )
}

function groupByFreshness<Of>(keys: readonly Key<Of>[]): Key<Of>[][] {
  const groups = new Map<string, Key<Of>[]>()
  for (const key of keys) {
    const name = freshnessKey(key)
    groups.set(name, [...(groups.get(name) ?? []), key])
  }
  return [...groups.values()]
}

function freshnessKey({ freshness }: Key<unknown>): string {
  return freshness ? `${freshness.maxAgeSeconds ?? ''},${freshness.onError ?? ''}` : ''
}
