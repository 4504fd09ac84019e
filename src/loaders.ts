import DataLoader from 'dataloader'
import { groupBy } from './domain/group-by.ts'
import type { Provider } from './domain/provider.ts'
import type { Applicant } from './domain/records/applicant.ts'
import type { Attempt } from './domain/records/attempt.ts'
import type { Customer } from './domain/records/customer.ts'
import type { NextAction } from './domain/records/next-action.ts'
import type { ProviderOperation } from './domain/records/operation.ts'
import type { Session } from './domain/records/session.ts'
import type { Freshness } from './domain/records/sync.ts'
import type { RowTurns } from './domain/row-turns.ts'
import type { Connection } from './services/lists/connection.ts'
import type { AttemptList } from './services/records/attempt-lists.ts'
import type { NextActionRequest, PersonPage, PersonSessionsPage } from './services/records/persons.ts'
import type { RequestScope } from './services/request-scope.ts'
import type { Services } from './services/services.ts'

/** A row and the freshness that its reader requires. */
interface Key<Of> {
  readonly of: Of
  readonly freshness: Freshness | null | undefined
}

/** Reads a row from the store by its id; null if it does not exist. */
type StoreLoader<T> = DataLoader<string, T | null>
/** Reads a row from the store, or from its provider if the stored row is older than the freshness allows. */
type FreshnessLoader<Of, T> = DataLoader<Key<Of>, T, string>
/** Reads a page of the records of a person. */
type PersonPageLoader<Page extends PersonPage, T> = DataLoader<Page, Connection<T>, string>

/** The DataLoaders of one operation: each reads the rows that many fields select in one call of a service. */
export interface Loaders {
  storedApplicant(): StoreLoader<Applicant>
  storedAttempt(): StoreLoader<Attempt>
  storedCustomer(): StoreLoader<Customer>
  storedOperation(): StoreLoader<ProviderOperation>
  storedSession(): StoreLoader<Session>
  applicant(): FreshnessLoader<string, Applicant>
  customer(): FreshnessLoader<string, Customer>
  attemptsOfApplicant(): FreshnessLoader<Applicant, AttemptList | null>
  attemptsOfSession(): FreshnessLoader<Session, AttemptList | null>
  applicantsOfPerson(): PersonPageLoader<PersonPage, Applicant>
  customersOfPerson(): PersonPageLoader<PersonPage, Customer>
  sessionsOfPerson(): PersonPageLoader<PersonSessionsPage, Session>
  nextActionOfPerson(): DataLoader<NextActionRequest, NextAction, string>
  nextActionOfSession(): DataLoader<Session, NextAction, string>
  lastWebhookAt(): DataLoader<Provider, Date | null>
}

export interface LoaderScope extends RequestScope {
  readonly selectsEncryptedField: boolean
  readonly rowTurns: RowTurns | undefined
}

export function createLoaders(scope: LoaderScope, services: Services): Loaders {
  const { applicants, attempts, customers, operations, persons, sessions, webhookEndpoints } = services
  const { rowTurns } = scope
  const batching = rowTurns && { batchScheduleFn: (dispatch: () => void) => rowTurns.whenNoneWaits(dispatch) }
  return {
    storedApplicant: once(() => storeLoader(batching, scope, applicants)),
    storedAttempt: once(() => storeLoader(batching, scope, attempts)),
    storedCustomer: once(() => storeLoader(batching, scope, customers)),
    storedOperation: once(() => storeLoader(batching, scope, operations)),
    storedSession: once(() => storeLoader(batching, scope, sessions)),
    applicant: once(() =>
      freshnessLoader(
        batching,
        id => id,
        (ids, freshness) => applicants.getMany(scope, ids, freshness),
      ),
    ),
    customer: once(() =>
      freshnessLoader(
        batching,
        id => id,
        (ids, freshness) => customers.getMany(scope, ids, freshness),
      ),
    ),
    attemptsOfApplicant: once(() =>
      freshnessLoader(
        batching,
        applicant => applicant.id,
        (owners, freshness) => attempts.ofApplicants(scope, owners, freshness),
      ),
    ),
    attemptsOfSession: once(() =>
      freshnessLoader(
        batching,
        session => session.id,
        (owners, freshness) => attempts.ofSessions(scope, owners, freshness),
      ),
    ),
    applicantsOfPerson: once(() => pageLoader(batching, pages => persons.applicantsOf(scope, pages))),
    customersOfPerson: once(() => pageLoader(batching, pages => persons.customersOf(scope, pages))),
    sessionsOfPerson: once(() =>
      pageLoader(batching, pages =>
        persons.sessionsOf(scope, pages, { withoutEncrypted: !scope.selectsEncryptedField }),
      ),
    ),
    nextActionOfPerson: once(
      () =>
        new DataLoader(requests => persons.nextActionsOf(scope, requests), {
          ...batching,
          cacheKeyFn: ({ person, providers }) => `${person.externalId}|${providers?.join() ?? '*'}`,
        }),
    ),
    nextActionOfSession: once(
      () =>
        new DataLoader(known => persons.nextActionsOfSessions(scope, known), {
          ...batching,
          cacheKeyFn: session => session.id,
        }),
    ),
    lastWebhookAt: once(() => new DataLoader(providers => webhookEndpoints.lastReceived(scope, providers), batching)),
  }
}

/** Most operations need few of the loaders: each is created on first use. */
function once<T extends object>(create: () => T): () => T {
  let created: T | undefined
  return () => {
    created ??= create()
    return created
  }
}

interface Store<T> {
  findMany(scope: RequestScope, ids: readonly string[]): Promise<(T | undefined)[]>
}

/** When the keys that were collected are read. */
type Batching = Pick<DataLoader.Options<unknown, unknown>, 'batchScheduleFn'> | undefined

function storeLoader<T>(batching: Batching, scope: RequestScope, store: Store<T>): StoreLoader<T> {
  return new DataLoader(async ids => (await store.findMany(scope, ids)).map(record => record ?? null), batching)
}

function pageLoader<Page extends PersonPage, T>(
  batching: Batching,
  load: (pages: readonly Page[]) => Promise<readonly (Connection<T> | Error)[]>,
): PersonPageLoader<Page, T> {
  return new DataLoader(load, { ...batching, cacheKeyFn: page => JSON.stringify(page) })
}

/** Reads the keys of each freshness in a call of their own. */
function freshnessLoader<Of, T>(
  batching: Batching,
  idOf: (of: Of) => string,
  load: (ofs: readonly Of[], freshness: Freshness | null | undefined) => Promise<readonly (T | Error)[]>,
): FreshnessLoader<Of, T> {
  return new DataLoader(
    async keys => {
      const results = new Map<Key<Of>, T | Error>()
      await Promise.all(
        [...groupBy(keys, freshnessKey).values()].map(async group => {
          const values = await load(
            group.map(key => key.of),
            group[0]?.freshness,
          )
          group.forEach((key, index) => {
            results.set(key, values[index] as T | Error)
          })
        }),
      )
      return keys.map(key => results.get(key) as T | Error)
    },
    { ...batching, cacheKeyFn: key => `${idOf(key.of)}|${freshnessKey(key)}` },
  )
}

function freshnessKey({ freshness }: Key<unknown>): string {
  return freshness ? `${freshness.maxAgeSeconds ?? ''},${freshness.onError ?? ''}` : ''
}
