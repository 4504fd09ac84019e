import { randomUUID } from 'node:crypto'
import { DomainError } from '../../domain/errors.ts'

/**
 * Orders provider answers by the start of their requests. Clocks cannot: those of two machines differ, and a clock can be
 * set. So each read has a sequence number in its process and knows which answers were stored when it began. The order of
 * overlapping reads by two processes is unknown: the record is then read again.
 */
export interface ProviderRead {
  /** The process and the sequence number in it. */
  readonly id: string
  /** When the request began, by the wall clock and by the clock that all instances share. */
  readonly startedAt: Date
  readonly startedMs: number
  /** The order of this read relative to the read of the stored answer; null: no answer is stored. */
  compareTo(storedId: string | null): ReadOrder
}

/** LATER: this read began after the stored one. OVERLAPPING: the order is unknown. */
export type ReadOrder = 'EARLIER' | 'LATER' | 'OVERLAPPING'

export interface ReadSequence {
  /** Call when a request begins. `known`: the reads whose answers are stored. */
  start(...known: readonly (string | null | undefined)[]): ProviderRead
  /** The number of the newest read. Reads that begin later have greater numbers. */
  sequence(): number
  /** True for a read of this process that began after `sequence` was taken. */
  isSince(id: string | null, sequence: number): boolean
  /** Milliseconds by the clock that all instances share. */
  ms(): number
}

/** Another instance stored the answer of an overlapping read. */
export class OverlapError extends DomainError {
  readonly storedId: string

  constructor(storedId: string) {
    super('OVERLOADED', 'Other instances read this record at the same time. Retry the request.')
    this.storedId = storedId
  }
}

export interface ReadSequenceOptions {
  readonly now: () => Date
  readonly ms: () => number
}

export function createReadSequence({ now, ms }: ReadSequenceOptions): ReadSequence {
  const instance = randomUUID()
  let newest = 0

  /** Undefined for a read of another process. */
  function numberOf(id: string | null): number | undefined {
    return id?.startsWith(instance) ? Number(id.slice(instance.length + 1)) : undefined
  }

  function start(...known: readonly (string | null | undefined)[]): ProviderRead {
    const number = ++newest
    return {
      id: `${instance}:${number}`,
      startedAt: now(),
      startedMs: ms(),
      compareTo: storedId => {
        if (storedId === null || known.includes(storedId)) return 'LATER'
        const stored = numberOf(storedId)
        if (stored === undefined) return 'OVERLAPPING'
        return stored <= number ? 'LATER' : 'EARLIER'
      },
    }
  }

  return {
    start,
    sequence: () => newest,
    isSince: (id, sequence) => (numberOf(id) ?? 0) > sequence,
    ms,
  }
}

/** The same read, ordered after every stored one: for data that is ordered by the provider's event time instead. */
export function asLatest(read: ProviderRead): ProviderRead {
  return { ...read, compareTo: () => 'LATER' }
}

const MAX_READS = 4

/** Reads and stores; retries if the read overlapped with another instance's read. */
export async function readInOrder<T>(
  readSequence: ReadSequence,
  known: readonly (string | null | undefined)[],
  readAndStore: (providerRead: ProviderRead) => Promise<T>,
): Promise<T> {
  const stored = [...known]
  for (let reads = 1; ; reads++) {
    try {
      return await readAndStore(readSequence.start(...stored))
    } catch (error) {
      if (!(error instanceof OverlapError) || reads === MAX_READS) throw error
      stored.push(error.storedId)
    }
  }
}
