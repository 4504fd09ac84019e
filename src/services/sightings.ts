import { type Database, inTransaction } from '../../db/database.ts'
import { type SightedTable, type SightingRow, saveSightings } from '../../db/sighting-repository.ts'
import { altered } from '../domain/altered.ts'
import { DomainError } from '../domain/errors.ts'
import type { Sync } from '../domain/sync.ts'

/**
 * Most answers of a provider say what is stored already. All that is new then is when that was seen, and a commit on disk
 * for each would cost more than the read itself: so it is kept here for a moment and written down together. Whoever reads
 * a record here sees it at once, and whatever else is written in this process finds it written before. A process that
 * dies loses no more than that it asked.
 */
export interface Sightings {
  add(sighting: Sighting): void
  /** The record with the time at which it was last seen. */
  seen<R extends Sighted>(record: R): R
  /** Runs a transaction in which everything that was seen before is written already. */
  transaction<T>(db: Database, run: (db: Database) => Promise<T>): Promise<T>
  /** Writes all of it now. */
  flush(): Promise<void>
}

export interface Sighting {
  readonly table: SightedTable
  readonly tenantId: string
  readonly id: string
  /** `beganAt` of the stored record that was compared. */
  readonly comparedAt: Date
  /** When the request began whose answer this was, and when that came. */
  readonly beganAt: Date
  readonly fetchedAt: Date
  /** True where the answer told all attempts. */
  readonly withAttempts: boolean
  /** Stores the answer like any other, where the record is not the one any more that was compared. */
  readonly store: (db: Database) => Promise<unknown>
}

interface Sighted {
  readonly id: string
  readonly sync: Sync | null
}

const KEPT_MS = 100

export interface SightingsOptions {
  /** Told of each tenant to which something happened after all. */
  readonly wake: (tenantId: string) => void
  readonly report: (error: unknown) => void
}

export function createSightings(db: Database, { wake, report }: SightingsOptions): Sightings {
  const kept = new Map<string, Sighting>()
  /** Those that are being written down. */
  const leaving = new Map<string, Sighting>()
  let flushed: Promise<void> = Promise.resolve()
  let timer: NodeJS.Timeout | undefined

  function add(sighting: Sighting): void {
    const before = kept.get(sighting.id)
    if (before && before.beganAt > sighting.beganAt) return
    kept.set(sighting.id, sighting)
    timer ??= setTimeout(() => void flush().catch(report), KEPT_MS)
  }

  function seen<R extends Sighted>(record: R): R {
    const sighting = kept.get(record.id) ?? leaving.get(record.id)
    if (!sighting || !record.sync || record.sync.fetchedAt >= sighting.fetchedAt) return record
    const { fetchedAt, withAttempts } = sighting
    const sync = { ...record.sync, fetchedAt, stale: false, lastError: null }
    return altered(record, { sync, ...(withAttempts && { attemptsFetchedAt: fetchedAt }) })
  }

  async function transaction<T>(db: Database, run: (db: Database) => Promise<T>): Promise<T> {
    await flush()
    return inTransaction(db, run)
  }

  /** One at a time: two that write down the same rows would wait for each other. */
  function flush(): Promise<void> {
    clearTimeout(timer)
    timer = undefined
    flushed = flushed.then(write, write)
    return flushed
  }

  async function write(): Promise<void> {
    if (kept.size === 0) return
    const taken = [...kept.values()]
    kept.clear()
    for (const sighting of taken) leaving.set(sighting.id, sighting)
    try {
      const changed = await inTransaction(db, trx => save(trx, taken))
      for (const tenantId of changed) wake(tenantId)
    } finally {
      leaving.clear()
    }
  }

  return { add, seen, transaction, flush }
}

/** Gives the tenants to which something happened after all. */
async function save(db: Database, sightings: readonly Sighting[]): Promise<ReadonlySet<string>> {
  const changed = new Set<string>()
  for (const table of ['applicants', 'customers', 'sessions'] as const) {
    const seen = sightings.filter(sighting => sighting.table === table)
    const saved = await saveSightings(db, table, seen.map(toRow))
    for (const sighting of seen.filter(({ id }) => !saved.has(id))) {
      await sighting.store(db).catch(ignoreRefusal)
      changed.add(sighting.tenantId)
    }
  }
  return changed
}

/** A record that was erased meanwhile is refused, which is no fault of the transaction that this is a step of. */
function ignoreRefusal(error: unknown): void {
  if (!(error instanceof DomainError)) throw error
}

function toRow({ id, comparedAt, beganAt, fetchedAt, withAttempts }: Sighting): SightingRow {
  return {
    id,
    comparedAt: comparedAt.getTime(),
    beganAt: beganAt.getTime(),
    fetchedAt: fetchedAt.getTime(),
    attemptsFetchedAt: withAttempts ? fetchedAt.getTime() : undefined,
  }
}
