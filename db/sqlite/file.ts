import { realpathSync, statSync } from 'node:fs'
import { DatabaseUnavailableError } from '../core/database-error.ts'

/**
 * IN_PLACE: the open file is the one at its path, and can be written. REPLACED: it was moved, replaced or removed; it accepts
 * writes until the process ends, and then they are lost. FAILING: a write failed in the last ten seconds, or none has succeeded
 * since, because the disk is full or failed or the file is read-only. On a full disk small writes may still succeed.
 */
export type FileState = 'IN_PLACE' | 'REPLACED' | 'FAILING'

export interface SqliteFile {
  /** Remembers the file at the path as the open one. */
  opened(): void
  state(): FileState
  /** Throws DatabaseUnavailableError where the file was replaced. */
  assertInPlace(): void
  /** Reports that a write failed because of the disk or the file, or that one succeeded. */
  noteWrite(succeeded: boolean): void
}

/** How long a failed write counts. */
const FAILING_MS = 10_000

/** Calls `onChange` once for each change of the state. A missing write-ahead log or shared-memory file is a replaced file. */
export function watchSqliteFile(path: string, onChange: (state: FileState) => void): SqliteFile {
  const known = new Map<string, string>()
  let paths: readonly string[] = []
  let failedAtMs: number | undefined
  let last: FileState = 'IN_PLACE'

  /** The log and the shared-memory file exist after the first write. */
  function isSame(each: string): boolean {
    const now = identify(each)
    const before = known.get(each)
    if (before === undefined && now !== undefined) known.set(each, now)
    return before === undefined || before === now
  }

  function state(): FileState {
    const now = paths.every(isSame) ? (failedAtMs === undefined ? 'IN_PLACE' : 'FAILING') : 'REPLACED'
    if (now !== last) {
      last = now
      onChange(now)
    }
    return now
  }

  return {
    opened() {
      const real = realpathSync(path)
      paths = [path, `${real}-wal`, `${real}-shm`]
      paths.forEach(isSame)
    },
    state,
    assertInPlace() {
      if (state() === 'REPLACED') throw new DatabaseUnavailableError('REPLACED')
    },
    noteWrite(succeeded) {
      if (!succeeded) failedAtMs = performance.now()
      else if (failedAtMs === undefined || performance.now() - failedAtMs < FAILING_MS) return
      else failedAtMs = undefined
      state()
    },
  }
}

/** Undefined where there is no file, or no permission to stat it. */
function identify(path: string): string | undefined {
  try {
    const { dev, ino } = statSync(path, { bigint: true })
    return `${dev}:${ino}`
  } catch {
    return undefined
  }
}

/** For databases without a file. */
export const NO_FILE: SqliteFile = {
  opened: () => {},
  state: () => 'IN_PLACE',
  assertInPlace: () => {},
  noteWrite: () => {},
}
