import type { AbortSignalLike } from '../domain/abort-signal.ts'

/** Lets one instance at a time read a record, so that the others can use its result. */
export interface ReadLock {
  /**
   * Takes the lock, or waits briefly for its holder. The holder has to release it in every case; a waiter reads the
   * store again. Never rejects.
   */
  acquire(key: string, signal: AbortSignalLike): Promise<ReadLockLease>
}

export interface ReadLockLease {
  /** True if another instance had the lock: it may have stored the record. */
  readonly waited: boolean
  release(): void
}

const NOT_SHARED: ReadLockLease = { waited: false, release: () => {} }

/** For a single instance. */
export const NO_READ_LOCK: ReadLock = { acquire: async () => NOT_SHARED }
