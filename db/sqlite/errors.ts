import { DatabaseUnavailableError } from '../core/database-error.ts'

export function isBusy(error: unknown): boolean {
  return sqliteCode(error).startsWith('SQLITE_BUSY')
}

/** The disk is full or failed, or the file is read-only or cannot be opened again. */
const STORAGE_CODES = /^SQLITE_(FULL|IOERR|READONLY|CANTOPEN|PERM|NOMEM)/

/** A failure of the disk or the file as DatabaseUnavailableError; any other error as it is. */
export function toStorageError(error: unknown): unknown {
  if (!STORAGE_CODES.test(sqliteCode(error))) return error
  return new DatabaseUnavailableError('STORAGE_FAILED', { cause: error })
}

function sqliteCode(error: unknown): string {
  return error instanceof Error && error.name === 'SqliteError' && 'code' in error ? String(error.code) : ''
}
