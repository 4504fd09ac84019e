import { setTimeout as sleep } from 'node:timers/promises'
import { findSecret, saveSecret } from '../../../db/repositories/secret-repository.ts'
import { DomainError, NotFoundError, ProviderError, UnsupportedError } from '../../domain/errors.ts'
import type { Provider } from '../../domain/provider.ts'
import { createJobLease, type JobLease, type JobLeaseHandle, LeaseLostError } from '../../jobs/lease.ts'
import type { ListQuery, Page, ReadCall } from '../../providers/contract.ts'
import type { Account } from '../accounts/account.ts'
import type { ServiceDeps } from '../deps.ts'
import type { StoreResult } from '../records/fetch-and-store.ts'
import type { Customers } from '../records/record-definitions.ts'
import type { Sessions } from '../records/sessions.ts'
import type { RequestScope } from '../request-scope.ts'
import { OverlapError, type ProviderRead } from '../snapshots/read-sequence.ts'
import type { SnapshotContext } from '../snapshots/snapshot-context.ts'

/**
 * Stores the records that a provider lists, page by page. Each record is stored like a fetched one, so an import can run
 * beside stored records, running servers and other imports. A checkpoint after each page lets an interrupted import resume.
 */

export type ImportedRecordType = 'session' | 'customer'

/** The progress of an import over all its runs. */
export interface Imported {
  readonly provider: Provider
  readonly recordType: ImportedRecordType
  readonly pages: number
  /** Records that the provider listed. */
  readonly listed: number
  /** Of these: stored because they are new or changed. */
  readonly stored: number
  /** Of these: skipped because they were erased here. */
  readonly erased: number
  /** True if the import resumed an earlier run. */
  readonly resumed: boolean
  readonly done: boolean
}

export interface ImportProgress extends Imported {
  /** The finished share of the list, 0 to 1; undefined if the provider does not report it. */
  readonly share?: number
  /** The reason and the seconds of a wait. */
  readonly waits?: Waits
}

interface Waits {
  readonly seconds: number
  readonly because: string
}

export interface ImportOptions {
  /** The most calls per minute. */
  readonly callsPerMinute: number
  /** True to ignore the checkpoint of an earlier run. */
  readonly restart?: boolean
  /** The attempts per call before the import fails; 6 if left out. */
  readonly maxAttempts?: number
  report(progress: ImportProgress): void
}

/** The stored progress: `cursor` is where the next page begins. */
interface Checkpoint {
  readonly cursor: string | null
  readonly pages: number
  readonly listed: number
  readonly stored: number
  readonly erased: number
}

interface List {
  readonly recordType: ImportedRecordType
  readonly account: Account
  /** Reads one page. */
  read(query: ListQuery): Promise<Page<ListedSnapshot>>
  storeListed(context: SnapshotContext, snapshot: ListedSnapshot): Promise<StoreResult<unknown>>
  /** Fetches one record. */
  fetchByProviderId(account: Account, providerId: string): Promise<StoreResult<unknown>>
}

/** The import of one record type of one account. */
interface ImportRun {
  readonly lease: JobLease
  /** The name of its checkpoint. */
  readonly name: string
  readonly start: Checkpoint
  toProgress(checkpoint: Checkpoint): Imported
}

interface ListedSnapshot {
  readonly providerId: string
}

const START: Checkpoint = { cursor: null, pages: 0, listed: 0, stored: 0, erased: 0 }
const PAGE = 100
const MINUTE_MS = 60_000
/** How soon another import can resume after one died. */
const LEASE_MS = 15_000
const LEASE_POLL_INTERVAL_MS = 500
/** About one minute with the backoff between them; up to ten if the provider sends long Retry-After values. */
const MAX_ATTEMPTS = 6
const MIN_BACKOFF_SECONDS = 2
const MAX_BACKOFF_SECONDS = 120

export type Imports = ReturnType<typeof createImports>

export function createImports(deps: ServiceDeps, sessions: Sessions, customers: Customers) {
  const { db, now } = deps

  /** Imports the record types that the provider lists, in turn. Throws UNSUPPORTED_BY_PROVIDER if it lists none. */
  async function run(
    { tenantId }: Pick<RequestScope, 'tenantId'>,
    provider: Provider,
    options: ImportOptions,
  ): Promise<Imported[]> {
    const lists = listsOf(await deps.accounts.get(tenantId, provider), sessions, customers)
    const results: Imported[] = []
    for (const list of lists) results.push(await walk(list, options))
    await deps.fetchedAtWriter.flush()
    return results
  }

  async function walk(list: List, options: ImportOptions): Promise<Imported> {
    const { account, recordType } = list
    const name = `import ${recordType}`
    const lease = createJobLease(db, { name: `${account.id}|${name}`, ms: LEASE_MS, now })
    const initial = { provider: account.provider, recordType, ...START, resumed: false, done: false }
    const held = await waitFor(lease, seconds =>
      options.report({ ...initial, waits: { seconds, because: IMPORT_RUNNING } }),
    )
    try {
      const known = options.restart ? undefined : await findCheckpoint(account.id, name)
      const toProgress = (checkpoint: Checkpoint) => ({
        ...initial,
        ...withoutCursor(checkpoint),
        resumed: known !== undefined,
      })
      const end = await importPages(list, { lease, name, toProgress, start: known ?? START }, options)
      return { ...toProgress(end), done: true }
    } finally {
      // If the release fails, the lease expires.
      await held.holdOff(now()).catch(() => {})
    }
  }

  async function importPages(
    list: List,
    { lease, name, toProgress, start }: ImportRun,
    { callsPerMinute, report, maxAttempts = MAX_ATTEMPTS }: ImportOptions,
  ): Promise<Checkpoint> {
    const { account, recordType } = list
    const pace = createThrottle(callsPerMinute)
    report(toProgress(start))
    for (let checkpoint = start; ; ) {
      const reportWait = (waits: Waits) => report({ ...toProgress(checkpoint), waits })
      const retryPolicy: RetryPolicy = { lease, pace, maxAttempts, report: reportWait }
      const { page, providerRead } = await fetchPageWithRetry(retryPolicy, () => readPage(list, checkpoint.cursor))
      if (page.nextCursor !== null && page.nextCursor === checkpoint.cursor)
        throw account.upstream.refuse(
          `list ${recordType}s`,
          `${account.provider} returned the same page twice: its pagination does not end.`,
        )
      checkpoint = add(checkpoint, page, await storePage(list, page.items, { providerRead, retryPolicy }))
      const isLast = page.nextCursor === null
      // An empty checkpoint after the last page: the next run starts again.
      const text = isLast ? '' : JSON.stringify(checkpoint)
      await runFenced(await withLease(lease), trx => saveSecret(trx, account.id, name, text, now()))
      report({ ...toProgress(checkpoint), share: isLast ? 1 : page.share })
      if (isLast) return checkpoint
    }
  }

  async function findCheckpoint(accountId: string, name: string): Promise<Checkpoint | undefined> {
    const text = await findSecret(db, accountId, name)
    return text ? (JSON.parse(text) as Checkpoint) : undefined
  }

  async function readPage({ read }: List, cursor: string | null) {
    const providerRead = deps.readSequence.start()
    return { providerRead, page: await read({ limit: PAGE, cursor: cursor ?? undefined }) }
  }

  /** Each record has its own transaction, so that a running server waits for one record only. */
  async function storePage(list: List, items: readonly ListedSnapshot[], from: ListedFrom) {
    const counts = { stored: 0, erased: 0 }
    for (const snapshot of items) {
      const result = await storeOne(list, snapshot, from).catch(toErased)
      if (result === 'ERASED') counts.erased++
      else if (!result.unchanged) counts.stored++
    }
    return counts
  }

  /** A record that overlaps with another instance's read, and differs from it, is fetched on its own. */
  async function storeOne(
    { account, storeListed, fetchByProviderId }: List,
    snapshot: ListedSnapshot,
    { providerRead, retryPolicy }: ListedFrom,
  ) {
    try {
      return await storeListed({ account, source: 'FETCH', providerRead, now: now() }, snapshot)
    } catch (error) {
      if (!(error instanceof OverlapError)) throw error
      return fetchPageWithRetry(retryPolicy, () => fetchByProviderId(account, snapshot.providerId))
    }
  }

  return { run }
}

/** Storing a listed record throws NOT_FOUND only if it was erased here. */
function toErased(error: unknown): 'ERASED' {
  if (error instanceof NotFoundError) return 'ERASED'
  throw error
}

function add(
  checkpoint: Checkpoint,
  page: Page<ListedSnapshot>,
  { stored, erased }: { stored: number; erased: number },
): Checkpoint {
  return {
    cursor: page.nextCursor,
    pages: checkpoint.pages + 1,
    listed: checkpoint.listed + page.items.length,
    stored: checkpoint.stored + stored,
    erased: checkpoint.erased + erased,
  }
}

function withoutCursor({ cursor: _, ...counts }: Checkpoint): Omit<Checkpoint, 'cursor'> {
  return counts
}

function listsOf(account: Account, sessions: Sessions, customers: Customers): List[] {
  const { client, provider } = account
  const lists: List[] = []
  if (client.listCustomers) {
    const read = toReader(client.listCustomers.bind(client))
    lists.push({
      recordType: 'customer',
      account,
      read,
      storeListed: customers.storeListed,
      fetchByProviderId: customers.fetchByProviderId,
    })
  }
  if (client.listSessions) {
    const read = toReader(client.listSessions.bind(client))
    lists.push({
      recordType: 'session',
      account,
      read,
      storeListed: sessions.storeListed,
      fetchByProviderId: sessions.fetchByProviderId,
    })
  }
  if (lists.length > 0) return lists
  throw new UnsupportedError(provider, 'LIST_SESSIONS', `${provider} lists neither sessions nor customers.`)
}

function toReader<T extends ListedSnapshot>(
  list: (query: ListQuery, call: ReadCall) => Promise<Page<T>>,
): List['read'] {
  return query => list(query, {})
}

const IMPORT_RUNNING = 'another import of this account is running or has just stopped'

/** Acquires the lease; waits for the one of an import that died to expire. */
async function waitFor(lease: JobLease, report: (seconds: number) => void): Promise<JobLeaseHandle> {
  const until = performance.now() + LEASE_MS + 2 * LEASE_POLL_INTERVAL_MS
  for (let snapshot = false; performance.now() < until; snapshot = true) {
    const held = await lease.acquire()
    if (held) return held
    if (!snapshot) report(Math.ceil(LEASE_MS / 1000))
    await sleep(LEASE_POLL_INTERVAL_MS)
  }
  throw new DomainError('BAD_REQUEST', 'Another import of this account is running. Wait until it has ended.')
}

async function withLease(lease: JobLease): Promise<JobLeaseHandle> {
  const held = await lease.acquire()
  if (held) return held
  throw new DomainError('BAD_REQUEST', 'Another import of this account took over. Wait until it has ended.')
}

async function runFenced(held: JobLeaseHandle, run: Parameters<JobLeaseHandle['runFenced']>[0]): Promise<void> {
  await held.runFenced(run).catch((error: unknown) => {
    if (!(error instanceof LeaseLostError)) throw error
    throw new DomainError('BAD_REQUEST', 'Another import of this account took over. Wait until it has ended.', {
      cause: error,
    })
  })
}

/** Spaces calls evenly and renews the lease while waiting. */
function createThrottle(perMinute: number) {
  let next = 0
  return {
    async tick(lease: JobLease): Promise<void> {
      await sleepRenewing(next - performance.now(), lease)
      next = Math.max(next, performance.now()) + MINUTE_MS / perMinute
    },
  }
}

async function sleepRenewing(ms: number, lease: JobLease): Promise<void> {
  for (let remaining = ms; remaining > 0; remaining -= LEASE_MS / 3) {
    await sleep(Math.min(remaining, LEASE_MS / 3))
    await withLease(lease)
  }
}

type Pace = ReturnType<typeof createThrottle>

/** The request that listed a record, and the retries for a fetch of its own. */
interface ListedFrom {
  readonly providerRead: ProviderRead
  readonly retryPolicy: RetryPolicy
}

/** The pace and the retries of an import's calls. */
interface RetryPolicy {
  readonly lease: JobLease
  readonly pace: Pace
  readonly maxAttempts: number
  report(waits: Waits): void
}

/** Reads at the import's pace. Retries while the provider is overloaded or unavailable. */
async function fetchPageWithRetry<T>(retryPolicy: RetryPolicy, read: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    await retryPolicy.pace.tick(retryPolicy.lease)
    try {
      return await read()
    } catch (error) {
      const canRetry = error instanceof ProviderError && RETRYABLE_CODES.includes(error.code) && error.retryable
      if (!canRetry || attempt >= retryPolicy.maxAttempts) throw error
      const seconds = Math.min(error.retryAfterSeconds ?? MIN_BACKOFF_SECONDS ** attempt, MAX_BACKOFF_SECONDS)
      retryPolicy.report({ seconds, because: error.message })
      await sleepRenewing(seconds * 1000, retryPolicy.lease)
    }
  }
}

const RETRYABLE_CODES: readonly string[] = ['PROVIDER_RATE_LIMITED', 'PROVIDER_UNAVAILABLE']
