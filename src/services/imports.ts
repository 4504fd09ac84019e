import { setTimeout as sleep } from 'node:timers/promises'
import { findSecret, saveSecret } from '../../db/secret-repository.ts'
import { DomainError, NotFoundError, ProviderError, UnsupportedError } from '../domain/errors.ts'
import type { Provider } from '../domain/provider.ts'
import { createJobLease, type Held, type JobLease, LostLease } from '../jobs/lease.ts'
import type { ListQuery, Page, ReadCall } from '../providers/contract.ts'
import type { Account } from './accounts.ts'
import type { Call } from './call.ts'
import type { Customers } from './customers.ts'
import type { Deps } from './deps.ts'
import type { Kept } from './records.ts'
import type { Said } from './said.ts'
import type { Sessions } from './sessions.ts'

/**
 * Takes what a provider lists into the store: page after page, each record as if it had been read, so that an import may
 * meet what is there already, running servers and another import. Where the next page begins is written down after each
 * one: what was broken off goes on there.
 */

export type ImportedNoun = 'session' | 'customer'

/** What an import has done so far, all its runs together. */
export interface Imported {
  readonly provider: Provider
  readonly noun: ImportedNoun
  readonly pages: number
  /** Records that the provider listed. */
  readonly listed: number
  /** Of these: new here, or changed. */
  readonly stored: number
  /** Of these: not taken, since they were erased here. */
  readonly erased: number
  /** True where an earlier run had begun it. */
  readonly resumed: boolean
  readonly done: boolean
}

export interface ImportProgress extends Imported {
  /** How much of the list is done, 0 to 1; undefined where the provider does not tell. */
  readonly share?: number
  /** Why it waits, for how many seconds; undefined where it does not. */
  readonly waits?: Waits
}

interface Waits {
  readonly seconds: number
  readonly because: string
}

export interface ImportOptions {
  /** How many pages it may ask for in a minute. */
  readonly callsPerMinute: number
  /** True to begin anew where an earlier run was broken off. */
  readonly restart?: boolean
  /** How often in a row a provider may be unable to give a page, before it is given up; 6 if left out. */
  readonly tries?: number
  tell(progress: ImportProgress): void
}

/** Where it goes on; as it is written down. */
interface Place {
  readonly cursor: string | null
  readonly pages: number
  readonly listed: number
  readonly stored: number
  readonly erased: number
}

interface List {
  readonly noun: ImportedNoun
  readonly account: Account
  /** Reads one page. */
  read(query: ListQuery): Promise<Page<Told>>
  keep(said: Said, told: Told): Promise<Kept<unknown>>
}

/** One noun of one account on its way. */
interface Walk {
  readonly lease: JobLease
  /** What its place is written down as. */
  readonly name: string
  readonly start: Place
  toProgress(place: Place): Imported
}

interface Told {
  readonly providerId: string
}

const START: Place = { cursor: null, pages: 0, listed: 0, stored: 0, erased: 0 }
const PAGE = 100
const MINUTE_MS = 60_000
/** After an import died, another may go on after so long. */
const LEASE_MS = 15_000
const LEASE_LOOK_MS = 500
/** With the pauses between them a minute, or ten where the provider asks for long ones. */
const MOST_TRIES = 6
const FIRST_PAUSE_SECONDS = 2
const LONGEST_PAUSE_SECONDS = 120

export type Imports = ReturnType<typeof createImports>

export function createImports(deps: Deps, sessions: Sessions, customers: Customers) {
  const { db, now } = deps

  /** Walks all that the provider lists, one noun after the other. Throws UNSUPPORTED_BY_PROVIDER where it lists nothing. */
  async function run(
    { tenantId }: Pick<Call, 'tenantId'>,
    provider: Provider,
    options: ImportOptions,
  ): Promise<Imported[]> {
    const lists = listsOf(await deps.accounts.get(tenantId, provider), sessions, customers)
    const results: Imported[] = []
    for (const list of lists) results.push(await walk(list, options))
    await deps.sightings.flush()
    return results
  }

  async function walk(list: List, options: ImportOptions): Promise<Imported> {
    const { account, noun } = list
    const name = `import ${noun}`
    const lease = createJobLease(db, { name: `${account.id}|${name}`, ms: LEASE_MS, now })
    const begun = { provider: account.provider, noun, ...START, resumed: false, done: false }
    const held = await waitFor(lease, seconds => options.tell({ ...begun, waits: { seconds, because: ANOTHER } }))
    try {
      const known = options.restart ? undefined : await findPlace(account.id, name)
      const toProgress = (place: Place) => ({ ...begun, ...withoutCursor(place), resumed: known !== undefined })
      const end = await walkPages(list, { lease, name, toProgress, start: known ?? START }, options)
      return { ...toProgress(end), done: true }
    } finally {
      // What cannot be given back runs out.
      await held.rest(now()).catch(() => {})
    }
  }

  async function walkPages(
    list: List,
    { lease, name, toProgress, start }: Walk,
    { callsPerMinute, tell, tries = MOST_TRIES }: ImportOptions,
  ): Promise<Place> {
    const { account, noun } = list
    const pace = createPace(callsPerMinute)
    tell(toProgress(start))
    for (let place = start; ; ) {
      await pace.turn(lease)
      const beganAt = now()
      const tellWaits = (waits: Waits) => tell({ ...toProgress(place), waits })
      const page = await readPatiently(list, place.cursor, { lease, tries, tell: tellWaits })
      if (page.nextCursor !== null && page.nextCursor === place.cursor)
        throw account.upstream.refuse(`list ${noun}s`, `${account.provider} lists the same page again and again.`)
      place = add(place, page, await keepAll(list, page.items, beganAt))
      const isLast = page.nextCursor === null
      // An empty text in place of a cursor: the next run begins anew.
      const text = isLast ? '' : JSON.stringify(place)
      await stepOf(await hold(lease), trx => saveSecret(trx, account.id, name, text, now()))
      tell({ ...toProgress(place), share: isLast ? 1 : page.share })
      if (isLast) return place
    }
  }

  async function findPlace(accountId: string, name: string): Promise<Place | undefined> {
    const text = await findSecret(db, accountId, name)
    return text ? (JSON.parse(text) as Place) : undefined
  }

  /** Each record in a transaction of its own: a server that writes meanwhile waits for none but that. */
  async function keepAll({ account, keep }: List, items: readonly Told[], beganAt: Date) {
    const counts = { stored: 0, erased: 0 }
    for (const told of items) {
      const result = await keep({ account, source: 'FETCH', beganAt, now: now() }, told).catch(toErased)
      if (result === 'ERASED') counts.erased++
      else if (!result.unchanged) counts.stored++
    }
    return counts
  }

  return { run }
}

/** What is refused as not there was erased here. */
function toErased(error: unknown): 'ERASED' {
  if (error instanceof NotFoundError) return 'ERASED'
  throw error
}

function add(place: Place, page: Page<Told>, { stored, erased }: { stored: number; erased: number }): Place {
  return {
    cursor: page.nextCursor,
    pages: place.pages + 1,
    listed: place.listed + page.items.length,
    stored: place.stored + stored,
    erased: place.erased + erased,
  }
}

function withoutCursor({ cursor: _, ...counts }: Place): Omit<Place, 'cursor'> {
  return counts
}

function listsOf(account: Account, sessions: Sessions, customers: Customers): List[] {
  const { client, provider } = account
  const lists: List[] = []
  // A client's methods and a noun's store agree on the shape of what is listed.
  if (client.listCustomers) {
    const read = toReader(client.listCustomers.bind(client))
    lists.push({ noun: 'customer', account, read, keep: customers.keep as List['keep'] })
  }
  if (client.listSessions) {
    const read = toReader(client.listSessions.bind(client))
    lists.push({ noun: 'session', account, read, keep: sessions.keep as List['keep'] })
  }
  if (lists.length > 0) return lists
  throw new UnsupportedError(provider, 'LIST_SESSIONS', `${provider} lists neither sessions nor customers.`)
}

function toReader<T extends Told>(list: (query: ListQuery, call: ReadCall) => Promise<Page<T>>): List['read'] {
  return query => list(query, {})
}

const ANOTHER = 'another import of it runs, or died a moment ago'

/** The lease, or the one of an import that died, when it has run out. */
async function waitFor(lease: JobLease, tell: (seconds: number) => void): Promise<Held> {
  const until = performance.now() + LEASE_MS + 2 * LEASE_LOOK_MS
  for (let told = false; performance.now() < until; told = true) {
    const held = await lease.hold()
    if (held) return held
    if (!told) tell(Math.ceil(LEASE_MS / 1000))
    await sleep(LEASE_LOOK_MS)
  }
  throw new DomainError('BAD_REQUEST', 'Another import of this account is running.')
}

async function hold(lease: JobLease): Promise<Held> {
  const held = await lease.hold()
  if (held) return held
  throw new DomainError('BAD_REQUEST', 'Another import of this account took over.')
}

async function stepOf(held: Held, run: Parameters<Held['step']>[0]): Promise<void> {
  await held.step(run).catch((error: unknown) => {
    if (!(error instanceof LostLease)) throw error
    throw new DomainError('BAD_REQUEST', 'Another import of this account took over.', { cause: error })
  })
}

/** Keeps a distance between calls, and the lease meanwhile. */
function createPace(perMinute: number) {
  let next = 0
  return {
    async turn(lease: JobLease): Promise<void> {
      await sleepHolding(next - performance.now(), lease)
      next = Math.max(next, performance.now()) + MINUTE_MS / perMinute
    },
  }
}

async function sleepHolding(ms: number, lease: JobLease): Promise<void> {
  for (let left = ms; left > 0; left -= LEASE_MS / 3) {
    await sleep(Math.min(left, LEASE_MS / 3))
    await hold(lease)
  }
}

interface Patience {
  readonly lease: JobLease
  readonly tries: number
  tell(waits: Waits): void
}

/** A provider that has too much to do, or is away, is asked again, and given up after so many tries. */
async function readPatiently({ read }: List, cursor: string | null, patience: Patience): Promise<Page<Told>> {
  for (let tries = 1; ; tries++) {
    try {
      return await read({ limit: PAGE, cursor: cursor ?? undefined })
    } catch (error) {
      if (!(error instanceof ProviderError) || !AGAIN.includes(error.code) || tries >= patience.tries) throw error
      const seconds = Math.min(error.retryAfterSeconds ?? FIRST_PAUSE_SECONDS ** tries, LONGEST_PAUSE_SECONDS)
      patience.tell({ seconds, because: error.message })
      await sleepHolding(seconds * 1000, patience.lease)
    }
  }
}

const AGAIN: readonly string[] = ['PROVIDER_RATE_LIMITED', 'PROVIDER_UNAVAILABLE']
