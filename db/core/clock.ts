import { sql } from 'kysely'
import type { Database } from './database.ts'

/**
 * The clock that all instances of one database share. The age of a fetched record is computed by it. It is monotonic: setting
 * the wall clock of a machine does not change it. PostgreSQL: the server's time, measured once a minute. SQLite: the time
 * since this machine started, because all processes that open the file run on it.
 */
export interface SharedClock {
  /** Milliseconds since an epoch that is the same for all instances. */
  ms(): number
  /** The time of day, by this clock on PostgreSQL. */
  now(): Date
  close(): void
}

const MEASURE_INTERVAL_MS = 60_000

export async function openClock(db: Database): Promise<SharedClock> {
  return db.engine === 'postgres' ? openServerClock(db) : localClock()
}

function localClock(): SharedClock {
  // Both read the same clock; performance.now() is cheaper.
  const offsetMs = Number(process.hrtime.bigint() / 1_000_000n) - performance.now()
  return { ms: () => Math.round(offsetMs + performance.now()), now: () => new Date(), close: () => {} }
}

async function openServerClock(db: Database): Promise<SharedClock> {
  let offsetMs = await measure(db)
  async function measureAgain(): Promise<void> {
    offsetMs = await measure(db)
  }
  // A measurement that fails is made up for by the next one.
  const timer = setInterval(() => void measureAgain().catch(() => {}), MEASURE_INTERVAL_MS).unref()
  const ms = () => Math.round(offsetMs + performance.now())
  return { ms, now: () => new Date(ms()), close: () => clearInterval(timer) }
}

/** The server's time when this process started. Of three measurements, the fastest is the most exact. */
async function measure(db: Database): Promise<number> {
  let best = { tookMs: Number.POSITIVE_INFINITY, startedMs: 0 }
  for (let attempt = 0; attempt < 3; attempt++) {
    const before = performance.now()
    const { rows } = await NOW.execute(db.sql)
    const tookMs = performance.now() - before
    if (tookMs < best.tookMs) best = { tookMs, startedMs: Number(rows[0]?.ms) - before - tookMs / 2 }
  }
  return best.startedMs
}

const NOW = sql<{ ms: number | string }>`select extract(epoch from clock_timestamp()) * 1000 as ms`
