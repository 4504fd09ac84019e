import { v7 as uuid } from 'uuid'
import type { Database } from '../../db/database.ts'
import type { KeysetPage } from '../../db/keyset.ts'
import type { AsStored } from '../../db/stored-record.ts'
import { findTombstone } from '../../db/tombstone-repository.ts'
import type { Subject } from '../domain/caller.ts'
import { DomainError, NotFoundError, UnsupportedError } from '../domain/errors.ts'
import type { Capability, Provider } from '../domain/provider.ts'
import type { Freshness, StatusSource, Sync } from '../domain/sync.ts'
import type { ProviderClient, ReadCall, SessionRef } from '../providers/contract.ts'
import { createSingleFlight } from '../upstream/single-flight.ts'
import type { Account } from './accounts.ts'
import type { Call } from './call.ts'
import { type Connection, type PageArguments, readConnection } from './connection.ts'
import { change, type Deps, type Lookup, type ProviderLookup } from './deps.ts'
import { notThere } from './erased.ts'
import { markStale, readThrough } from './freshness.ts'
import type { Said } from './said.ts'

/** What every record that a provider keeps has. `sync` is null while it is known by a link only. */
interface StoredRecord {
  readonly id: string
  readonly tenantId: string
  readonly accountId: string
  readonly provider: Provider
  readonly providerId: string
  readonly createdAt: Date
  readonly sync: Sync | null
}

/** What every answer about a record tells. */
interface Told {
  readonly providerId: string
  readonly attempts?: readonly unknown[]
}

/** How one noun is stored and read at its provider. */
export interface Noun<
  R extends StoredRecord,
  Snapshot extends Told,
  Filter,
  Stored extends R & AsStored = R & AsStored,
> {
  readonly word: 'applicant' | 'customer' | 'session'
  readonly capability: Capability
  find(db: Database, tenantId: string, ids: readonly string[]): Promise<R[]>
  findByProviderId(db: Database, accountId: string, providerId: string): Promise<Stored | undefined>
  /** `plain`: nothing sealed will be asked for. */
  list(db: Database, tenantId: string, filter: Filter, page: KeysetPage, plain: boolean): Promise<R[]>
  count(db: Database, tenantId: string, filter: Filter, most: number): Promise<number>
  store(db: Database, said: Said, snapshot: Snapshot): Promise<R>
  /** True where an answer says what is stored. */
  isUnchanged(db: Database, said: Said, known: Stored, snapshot: Snapshot): Promise<boolean>
  /** The client's method that reads it; undefined where the provider has none. */
  reader(client: ProviderClient): ((ref: SessionRef, call: ReadCall) => Promise<Snapshot>) | undefined
  /** False where the provider cannot look one up by its id alone. */
  readsById?(client: ProviderClient): boolean
  /** What the provider needs to know to read a stored record. */
  toRef(db: Database, record: R, client: ProviderClient): Promise<SessionRef>
  /** True where nothing can change any more. */
  isSettled?(record: R): boolean
  /** False where a client token's subject may not know of it; all of a noun without this is closed to one. */
  opens?(subject: Subject, record: R): boolean
  /** Writes down what the clock alone has changed. Runs before a list is read, and where a record is overdue. */
  settle?(db: Database, tenantId: string, now: Date): Promise<void>
  /** True where the clock has changed what is stored. */
  isOverdue?(record: R, now: Date): boolean
}

type WhoAsks = Pick<Call, 'tenantId' | 'subject'>

export type Records<R, Filter, Snapshot> = {
  findMany(call: WhoAsks, ids: readonly string[]): Promise<(R | undefined)[]>
  getStored(call: WhoAsks, id: string): Promise<R>
  get(call: Call, lookup: Lookup, freshness?: Freshness | null): Promise<R>
  getMany(call: Call, ids: readonly string[], freshness?: Freshness | null): Promise<(R | Error)[]>
  refresh(call: Call, record: R, freshness?: Freshness | null): Promise<R>
  list(call: Call, filter: Filter, page: PageArguments, listing?: Listing): Promise<Connection<R>>
  /** Stores what the provider's list tells of a record. Throws NOT_FOUND for one that was erased. */
  keep(said: Said, snapshot: Snapshot): Promise<Kept<R>>
}

export interface Kept<R> {
  readonly record: R
  /** True where nothing but the time was new. */
  readonly unchanged: boolean
}

export interface Listing {
  readonly column: KeysetPage['column']
  readonly direction: KeysetPage['direction']
  /** True where nothing sealed will be asked for, so that it is not read. */
  readonly plain?: boolean
}

const NEWEST_FIRST: Listing = { column: 'created_at', direction: 'desc' }

export function createRecords<
  R extends StoredRecord & { readonly updatedAt: Date },
  Snapshot extends Told,
  Filter,
  Stored extends R & AsStored,
>(deps: Deps, noun: Noun<R, Snapshot, Filter, Stored>): Records<R, Filter, Snapshot> {
  const { db, accounts, now, sightings } = deps
  const flights = createSingleFlight()

  /** The stored records with these ids; undefined where the tenant has none. */
  async function findMany(call: WhoAsks, ids: readonly string[]): Promise<(R | undefined)[]> {
    const stored = await inTime(call.tenantId, () => noun.find(db, call.tenantId, ids))
    const records = stored.filter(record => isOpen(call, record))
    const found = new Map(records.map(record => [record.id, sightings.seen(record)]))
    return ids.map(id => found.get(id))
  }

  /** What was found, once more where time has gone on over it. */
  async function inTime<Found extends R>(tenantId: string, find: () => Promise<Found[]>): Promise<Found[]> {
    const found = await find()
    if (!noun.settle || !found.some(record => noun.isOverdue?.(record, now()))) return found
    await noun.settle(db, tenantId, now())
    return find()
  }

  function missing(): NotFoundError {
    return new NotFoundError(`There is no such ${noun.word}.`)
  }

  /** The stored record. Throws NOT_FOUND. */
  async function getStored(call: WhoAsks, id: string): Promise<R> {
    const [record] = await findMany(call, [id])
    if (!record) throw missing()
    return record
  }

  /** A record as fresh as asked. One that only its provider knows is stored. Throws NOT_FOUND. */
  async function get(call: Call, lookup: Lookup, freshness?: Freshness | null): Promise<R> {
    if (lookup.provider) return getByProvider(call, lookup.provider, freshness)
    return refresh(call, await getStored(call, lookup.id ?? ''), freshness)
  }

  /** The records with these ids, each as fresh as asked, or the error in its place. */
  async function getMany(call: Call, ids: readonly string[], freshness?: Freshness | null): Promise<(R | Error)[]> {
    const stored = await findMany(call, ids)
    return Promise.all(stored.map(record => (record ? orError(refresh(call, record, freshness)) : missing())))
  }

  function isOpen({ subject }: WhoAsks, record: R): boolean {
    return !subject || (noun.opens?.(subject, record) ?? false)
  }

  async function getByProvider(call: Call, lookup: ProviderLookup, freshness?: Freshness | null): Promise<R> {
    const account = await accounts.get(call.tenantId, lookup.provider)
    const readable = noun.reader(account.client) && (noun.readsById?.(account.client) ?? true)
    if (!readable) throw unsupported(account.provider)
    const [stored] = await inTime(call.tenantId, async () => {
      const found = await noun.findByProviderId(db, account.id, lookup.providerId)
      return found ? [found] : []
    })
    // A client token makes nothing known here that was not.
    if (call.subject && !(stored && isOpen(call, stored))) throw missing()
    if (stored) return refresh(call, stored, freshness)
    const trace = { accountId: account.id, kind: noun.word, value: lookup.providerId }
    if (await findTombstone(db, trace)) throw notThere(account)
    return fetch(call, account, lookup)
  }

  /** The record, asked at its provider where it is not fresh enough. */
  async function refresh(call: Call, record: R, freshness?: Freshness | null): Promise<R> {
    return readThrough<R>(call, {
      freshness,
      now: now(),
      defaultMaxAgeSeconds: deps.defaultMaxAgeSeconds,
      fetchedAt: record.sync?.fetchedAt ?? null,
      settled: noun.isSettled?.(record) ?? false,
      stored: record,
      fetch: (await canFetch(record)) ? reader => fetchStored(reader, record) : undefined,
      spared: () =>
        call.trail?.spare({ provider: record.provider, operation: toOperation(noun.capability), by: 'STORE' }),
      unsupported: () => unsupported(record.provider),
      asStale: (stored, error) => markStale(stored, error, now()),
    })
  }

  /** An account that is not connected any more counts as one that can be asked: asking it says what is wrong. */
  async function canFetch(record: R): Promise<boolean> {
    const account = await accounts.find(record)
    return account === undefined || noun.reader(account.client) !== undefined
  }

  async function fetchStored(call: Call, record: R): Promise<R> {
    const account = await accounts.of(record)
    return fetch(call, account, await noun.toRef(db, record, account.client))
  }

  /** Reads it at the provider and stores it: once for all who want it now, unless the caller must not join an earlier read. */
  function fetch(call: Call, account: Account, ref: SessionRef): Promise<R> {
    const key = `${account.id}|${noun.word}|${ref.providerId}${call.alone ? `|${uuid()}` : ''}`
    const { trail, source = 'FETCH' } = call
    const share = () =>
      trail?.spare({ provider: account.provider, operation: toOperation(noun.capability), by: 'SHARED' })
    let first = false
    const flight = flights.run(key, call.signal, signal => {
      first = true
      const fetching = () => fetchAlone({ signal, trail }, account, ref, source)
      return call.alone ? fetching() : inTurn(key, signal, account, ref, { fetching, share })
    })
    if (!first && !call.signal.aborted) share()
    return leaving(flight)
  }

  /** Where another instance reads it just now, what it stores is the answer here too. */
  async function inTurn(
    key: string,
    signal: AbortSignal,
    account: Account,
    ref: SessionRef,
    { fetching, share }: { fetching(): Promise<R>; share(): void },
  ): Promise<R> {
    const turn = await deps.turns.take(key, signal)
    const told = turn === 'READ' ? await noun.findByProviderId(db, account.id, ref.providerId) : undefined
    if (told) {
      share()
      return told
    }
    signal.throwIfAborted()
    try {
      const record = await fetching()
      if (turn !== 'READ') turn.end(true)
      return record
    } catch (error) {
      if (turn !== 'READ') turn.end(false)
      throw error
    }
  }

  async function fetchAlone(call: ReadCall, account: Account, ref: SessionRef, source: StatusSource): Promise<R> {
    const read = noun.reader(account.client)
    if (!read) throw unsupported(account.provider)
    const beganAt = now()
    const snapshot = await read(ref, call)
    if (snapshot.providerId !== ref.providerId) {
      throw account.upstream.refuse(
        toOperation(noun.capability),
        `${account.provider} answered with another ${noun.word}.`,
      )
    }
    return (await keep({ account, source, beganAt, now: now() }, snapshot)).record
  }

  async function keep(said: Said, snapshot: Snapshot): Promise<Kept<R>> {
    const { account } = said
    const known = await noun.findByProviderId(db, account.id, snapshot.providerId)
    if (known && (await noun.isUnchanged(db, said, sightings.seen(known), snapshot)))
      return { record: sight(said, known, snapshot), unchanged: true }
    const record = await change(deps, account.tenantId, trx => noun.store(trx, said, snapshot))
    return { record, unchanged: false }
  }

  /** Nothing but the time is new: that is written down with that of others. */
  function sight(said: Said, known: Stored, snapshot: Snapshot): R {
    sightings.add({
      table: `${noun.word}s`,
      tenantId: known.tenantId,
      id: known.id,
      comparedAt: known.beganAt,
      beganAt: said.beganAt,
      fetchedAt: said.now,
      withAttempts: snapshot.attempts != null,
      store: trx => noun.store(trx, said, snapshot),
    })
    return sightings.seen(known)
  }

  async function list(call: Call, filter: Filter, page: PageArguments, listing = NEWEST_FIRST): Promise<Connection<R>> {
    await noun.settle?.(db, call.tenantId, now())
    const { column, direction, plain = false } = listing
    return readConnection(deps.cursors, page, {
      column,
      direction,
      scope: `${call.tenantId}|${noun.word}|${column}|${direction}`,
      positionOf: row => ({
        id: row.id,
        at: (column === 'updated_at' ? row.updatedAt : row.createdAt).getTime(),
      }),
      read: async keyset => (await noun.list(db, call.tenantId, filter, keyset, plain)).map(sightings.seen),
      count: most => noun.count(db, call.tenantId, filter, most),
    })
  }

  function unsupported(provider: Provider): UnsupportedError {
    return new UnsupportedError(provider, noun.capability, `${provider} cannot be asked for this ${noun.word}.`)
  }

  return { findMany, getStored, get, getMany, keep, refresh, list }
}

/** Who leaves a shared read is told so in our words. */
async function leaving<T>(promise: Promise<T>): Promise<T> {
  try {
    return await promise
  } catch (error) {
    if (error instanceof DomainError || !isAbort(error)) throw error
    throw new DomainError('DEADLINE_EXCEEDED', 'The request ended before the provider answered.', { cause: error })
  }
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && (error.name === 'AbortError' || error.name === 'TimeoutError')
}

/** The value, or the error that came in its place. What is no DomainError is a fault of ours and goes on. */
export async function orError<T>(promise: Promise<T>): Promise<T | DomainError> {
  try {
    return await promise
  } catch (error) {
    if (error instanceof DomainError) return error
    throw error
  }
}

/** GET_SESSION as the client's calls name it: getSession. */
function toOperation(capability: Capability): string {
  return capability.toLowerCase().replace(/_(.)/g, (_, letter: string) => letter.toUpperCase())
}
