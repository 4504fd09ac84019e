import { type Database, inTransaction } from '../../../db/core/database.ts'
import {
  type FetchedAtRow,
  type FetchedAttempt,
  type FetchedTable,
  saveAttemptsFetchedAt,
  saveFetchedAt,
} from '../../../db/records/fetched-at-repository.ts'
import { DomainError } from '../../domain/errors.ts'
import { type Sync, withoutFailure } from '../../domain/records/sync.ts'
import { withOverrides } from '../../domain/with-overrides.ts'
import type { ProviderRead } from './read-sequence.ts'

/**
 * Most provider answers equal the stored record, and only the read time is new. A commit for each would cost more than the
 * read, so read times are buffered and written in batches. Reads in this process see buffered times at once, and every
 * transaction of this process writes them first. A crash loses read times only.
 */
export interface FetchedAtWriter {
  add(update: FetchedAtUpdate): void
  /** The record with its buffered read time. */
  withPending<R extends PendingUpdate>(record: R): R
  /** Writes the buffer, then runs the transaction. A failed write is reported and does not stop the transaction. */
  transaction<T>(db: Database, run: (db: Database) => Promise<T>): Promise<T>
  /** Writes the buffer now. */
  flush(): Promise<void>
}

export interface FetchedAtUpdate {
  readonly table: FetchedTable
  readonly id: string
  /** The request whose answer this was. */
  readonly providerRead: ProviderRead
  /** The revision of the compared record. */
  readonly revision: number
  readonly comparedIds: readonly [string, string]
  /** The attempts in the answer; undefined if it has no attempts field. */
  readonly attempts: readonly FetchedAttempt[] | undefined
  /** Called if the record changed since the comparison. */
  readonly refetch: () => Promise<unknown>
}

interface PendingUpdate {
  readonly id: string
  readonly sync: Sync | null
  readonly revision?: number
}

const FLUSH_INTERVAL_MS = 1_000

export function createFetchedAtWriter(db: Database, report: (error: unknown) => void): FetchedAtWriter {
  let pending = new Map<string, FetchedAtUpdate>()
  /** The updates of the write in progress. */
  let writing = new Map<string, FetchedAtUpdate>()
  let flushed: Promise<void> = Promise.resolve()
  let timer: NodeJS.Timeout | undefined

  function add(update: FetchedAtUpdate): void {
    const before = pending.get(update.id)
    if (before && update.providerRead.compareTo(before.providerRead.id) !== 'LATER') return
    // The row has the read that the replaced update would have replaced.
    const [rowReadId] = before?.comparedIds ?? update.comparedIds
    pending.set(update.id, { ...update, comparedIds: [rowReadId, update.comparedIds[1]] })
    flushLater()
  }

  function flushLater(): void {
    timer ??= setTimeout(() => void flush().catch(report), FLUSH_INTERVAL_MS)
  }

  /** For the next write, unless a later read of the record is there. */
  function keep(update: FetchedAtUpdate): void {
    if (!pending.has(update.id)) pending.set(update.id, update)
    flushLater()
  }

  function withPending<R extends PendingUpdate>(record: R): R {
    const update = pending.get(record.id) ?? writing.get(record.id)
    if (!update || !record.sync || !isUnchanged(update, record)) return record
    const { attempts, providerRead } = update
    const { id: readId, startedAt: fetchedAt, startedMs } = providerRead
    const sync = { ...withoutFailure(record.sync), fetchedAt, startedMs, readId }
    const ofAttempts = attempts && { attemptsFetchedAt: fetchedAt, attemptsStartedMs: startedMs }
    return withOverrides(record, { sync, ...ofAttempts })
  }

  async function transaction<T>(db: Database, run: (db: Database) => Promise<T>): Promise<T> {
    // A failure of the buffered write must not fail this transaction.
    await flush().catch(report)
    return inTransaction(db, run)
  }

  /** Writes run one at a time: two on the same rows would block each other. */
  function flush(): Promise<void> {
    clearTimeout(timer)
    timer = undefined
    flushed = flushed.then(write, write)
    return flushed
  }

  async function write(): Promise<void> {
    if (pending.size === 0) return
    writing = pending
    pending = new Map()
    const updates = [...writing.values()]
    try {
      const { changed, locked } = await inTransaction(db, trx => save(trx, updates))
      for (const update of locked) keep(update)
      for (const { refetch } of changed) refetch().catch(reportUnexpected)
    } finally {
      writing = new Map()
    }
  }

  /** A failed refetch is no problem: the next read fetches the record. */
  function reportUnexpected(error: unknown): void {
    if (!(error instanceof DomainError)) report(error)
  }

  return { add, withPending, transaction, flush }
}

/** True if the record is unchanged since the comparison. */
function isUnchanged({ revision, comparedIds }: FetchedAtUpdate, record: PendingUpdate): boolean {
  return record.revision === revision && comparedIds.includes(record.sync?.readId ?? '')
}

interface SavedUpdates {
  /** The updates whose records changed since. */
  readonly changed: readonly FetchedAtUpdate[]
  /** The updates whose records another transaction had locked. */
  readonly locked: readonly FetchedAtUpdate[]
}

/** Waits for no lock of a record: one tenant's would delay the transactions of all. */
async function save(db: Database, updates: readonly FetchedAtUpdate[]): Promise<SavedUpdates> {
  const [changed, locked, saved]: [FetchedAtUpdate[], FetchedAtUpdate[], FetchedAtUpdate[]] = [[], [], []]
  for (const table of ['customers', 'applicants', 'sessions'] as const) {
    const ofTable = updates.filter(update => update.table === table)
    const result = await saveFetchedAt(db, table, ofTable.map(toRow))
    changed.push(...ofTable.filter(({ id }) => result.changed.has(id)))
    locked.push(...ofTable.filter(({ id }) => result.locked.has(id)))
    saved.push(...ofTable.filter(({ id }) => result.saved.has(id)))
  }
  await saveAttemptsFetchedAt(db, saved.map(toRow))
  return { changed, locked }
}

function toRow({ id, revision, comparedIds, attempts, providerRead }: FetchedAtUpdate): FetchedAtRow {
  const { id: readId, startedAt, startedMs } = providerRead
  return { id, revision, comparedIds, attempts, readId, fetchedAt: startedAt.getTime(), startedAt: startedMs }
}
