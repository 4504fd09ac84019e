import { altered } from '../domain/altered.ts'
import { DomainError } from '../domain/errors.ts'
import type { Freshness, Sync } from '../domain/sync.ts'
import type { Call } from './call.ts'

export interface Age {
  readonly freshness: Freshness | null | undefined
  readonly now: Date
  readonly defaultMaxAgeSeconds: number
  /** When the stored record was read at the provider; null: never, so that there is nothing to serve. */
  readonly fetchedAt: Date | null
  /** True where nothing can change any more, so that the stored record does unless a maximum age was asked for. */
  readonly settled: boolean
}

export interface ReadThrough<T> extends Age {
  readonly stored: T
  /** Reads it at the provider and stores it. Absent: the provider cannot be asked. */
  readonly fetch?: (call: Call) => Promise<T>
  /** Told where the stored record saves asking the provider. */
  readonly spared?: () => void
  /** The error where it cannot. */
  readonly unsupported: () => DomainError
  /** The stored record, marked as stale. */
  readonly asStale: (stored: T, error: DomainError) => T
}

/**
 * The stored record where it is fresh enough, else the provider's. A refresh that fails gives the stored record marked
 * as stale, unless the client asked for an error or nothing was ever read.
 */
export async function readThrough<T>(call: Call, read: ReadThrough<T>): Promise<T> {
  if (isFresh(call, read)) {
    if (read.fetch) read.spared?.()
    if (isAgeing(call, read)) refreshBehind(call, read)
    return read.stored
  }
  if (!read.fetch) {
    if (read.fetchedAt && read.freshness?.maxAgeSeconds == null) return read.stored
    throw read.unsupported()
  }
  try {
    return await read.fetch(call)
  } catch (error) {
    if (!(error instanceof DomainError) || read.freshness?.onError === 'FAIL' || !read.fetchedAt) throw error
    return read.asStale(read.stored, error)
  }
}

/** True where the stored record is as new as was asked for. */
export function isFresh(call: Call, read: Age): boolean {
  if (!read.fetchedAt) return false
  if (read.fetchedAt >= call.startedAt) return true
  const maxAgeSeconds = read.freshness?.maxAgeSeconds
  if (maxAgeSeconds == null && read.settled) return true
  return secondsOld(read) < (maxAgeSeconds ?? read.defaultMaxAgeSeconds)
}

/** The share of the default age after which a record is read again behind the answer, so that nobody waits for it. */
const AGEING_SHARE = 2 / 3

/** True for a record that will soon be too old. Who asked for a certain age gets what is stored, and no more. */
function isAgeing(call: Call, read: Age): boolean {
  if (!read.fetchedAt || read.settled || read.freshness?.maxAgeSeconds != null || read.fetchedAt >= call.startedAt)
    return false
  return secondsOld(read) >= read.defaultMaxAgeSeconds * AGEING_SHARE
}

/** Nobody waits for it and nobody is told how it ends: the next answer shows. */
function refreshBehind<T>(call: Call, read: ReadThrough<T>): void {
  read.fetch?.({ ...call, signal: new AbortController().signal, trail: undefined }).catch(() => {})
}

function secondsOld({ fetchedAt, now }: Age): number {
  return fetchedAt ? (now.getTime() - fetchedAt.getTime()) / 1000 : Number.POSITIVE_INFINITY
}

/** The record with a sync that says why it could not be read again. */
export function markStale<T extends { readonly sync: Sync | null }>(record: T, error: DomainError, now: Date): T {
  if (!record.sync) return record
  const lastError = { code: error.code, message: error.message, at: now }
  return altered(record, { sync: { ...record.sync, stale: true, lastError } })
}
