import { realpathSync, statSync } from 'node:fs'
import { DatabaseUnavailableError } from '../core/database-error.ts'

/**
 * Whether the open file is still the one at its path. A file that was moved, replaced or removed accepts writes until the
 * process ends, and then they are lost.
 */
export interface SqliteFile {
  /** Remembers the file at the path as the open one. */
  opened(): void
  /** False where the file, its write-ahead log or its shared-memory file is missing or another one. */
  isInPlace(): boolean
  /** Throws DatabaseUnavailableError. */
  assertInPlace(): void
}

/** Calls `onChange` once when the file is gone from its path, and once when it is back. */
export function watchSqliteFile(path: string, onChange: (isInPlace: boolean) => void): SqliteFile {
  const known = new Map<string, string>()
  let paths: readonly string[] = []
  let wasInPlace = true

  /** The log and the shared-memory file exist after the first write. */
  function isSame(each: string): boolean {
    const now = identify(each)
    const before = known.get(each)
    if (before === undefined && now !== undefined) known.set(each, now)
    return before === undefined || before === now
  }

  function isInPlace(): boolean {
    const isNow = paths.every(isSame)
    if (isNow !== wasInPlace) {
      wasInPlace = isNow
      onChange(isNow)
    }
    return isNow
  }

  return {
    opened() {
      const real = realpathSync(path)
      paths = [path, `${real}-wal`, `${real}-shm`]
      paths.forEach(isSame)
    },
    isInPlace,
    assertInPlace() {
      if (!isInPlace()) throw new DatabaseUnavailableError('REPLACED')
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
export const NO_FILE: SqliteFile = { opened: () => {}, isInPlace: () => true, assertInPlace: () => {} }
