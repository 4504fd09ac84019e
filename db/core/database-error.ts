import { DomainError } from '../../src/domain/errors.ts'

/**
 * The failures of both databases.
 * CONNECTION_FAILED: there was no connection, so the statement did not run. CONNECTION_LOST: it may have run.
 * BUSY: a timeout, or no capacity. CONFLICT: the transaction was rolled back in favour of another one.
 * REPLACED: the open file is no longer the one at its path, so writes to it would be lost.
 * STORAGE_FAILED: the file cannot be read or written: the disk is full or failed, or the file is read-only.
 */
export type Failure = 'CONNECTION_FAILED' | 'CONNECTION_LOST' | 'BUSY' | 'CONFLICT' | 'REPLACED' | 'STORAGE_FAILED'

const MESSAGES: Readonly<Record<Failure, string>> = {
  CONNECTION_FAILED: 'The database cannot be reached.',
  CONNECTION_LOST: 'The connection to the database was lost.',
  BUSY: 'The database is busy.',
  CONFLICT: 'The database is busy with the same records.',
  REPLACED: 'The database file was moved, replaced or removed while it was open.',
  STORAGE_FAILED: 'The database file cannot be written.',
}

/** A temporary failure. Clients see OVERLOADED. */
export class DatabaseUnavailableError extends DomainError {
  readonly failure: Failure

  constructor(failure: Failure, options?: ErrorOptions) {
    super('OVERLOADED', MESSAGES[failure], options)
    this.failure = failure
  }
}

/** For operators: with the reason, as far as it repeats nothing of a password. */
export function explainUnavailable({ message, cause }: DatabaseUnavailableError): string {
  const { code, message: words, severity } = (cause ?? {}) as Record<string, unknown>
  // Errors of the server have a severity. Those of the connection may repeat parts of a misspelt address.
  const reason = typeof code !== 'string' ? '' : ` (${typeof severity === 'string' ? words : code})`
  return `${message.replace(/\.$/, '')}${reason}. Check DATABASE_URL and whether the database is running.`
}

/** PostgreSQL rejected a statement. Its message is omitted, because it repeats values of the row. */
export class StatementError extends Error {
  /** The SQLSTATE. */
  readonly code: string

  constructor(code: string, table: string | undefined, constraint: string | undefined) {
    const where = [table && `table ${table}`, constraint && `constraint ${constraint}`].filter(Boolean)
    super(`PostgreSQL rejected a statement: ${[`SQLSTATE ${code}`, ...where].join(', ')}.`)
    this.name = 'StatementError'
    this.code = code
  }
}

/** By SQLSTATE, or by its class: https://www.postgresql.org/docs/15/errcodes-appendix.html */
const SQLSTATES: Readonly<Record<string, Failure>> = {
  '08': 'CONNECTION_LOST',
  '25006': 'CONNECTION_LOST', // read-only: a standby, or a former primary
  '25P03': 'CONNECTION_LOST', // the idle-in-transaction timeout
  '40001': 'CONFLICT',
  '40P01': 'CONFLICT',
  '53': 'BUSY',
  '53300': 'CONNECTION_LOST', // no connection left
  '55P03': 'BUSY',
  '57014': 'BUSY', // the statement timeout
  '57P': 'CONNECTION_LOST', // shutdown, crash, starting up
  '58': 'CONNECTION_LOST',
}

/** Undefined: the statement or its values are wrong. */
export function classifyDatabaseError(sqlState: string): Failure | undefined {
  return SQLSTATES[sqlState] ?? SQLSTATES[sqlState.slice(0, 3)] ?? SQLSTATES[sqlState.slice(0, 2)]
}

const UNIQUE = new Set(['SQLITE_CONSTRAINT_UNIQUE', 'SQLITE_CONSTRAINT_PRIMARYKEY', '23505'])

/** True for the violation of a unique constraint, in either database. */
export function isUniqueViolation(error: unknown): boolean {
  return error instanceof Error && 'code' in error && UNIQUE.has(String(error.code))
}

const FOREIGN_KEY = new Set(['SQLITE_CONSTRAINT_FOREIGNKEY', '23503'])

/** True for the violation of a foreign key, in either database. */
export function isForeignKeyViolation(error: unknown): boolean {
  return error instanceof Error && 'code' in error && FOREIGN_KEY.has(String(error.code))
}

export function isConflict(error: unknown): boolean {
  return error instanceof DatabaseUnavailableError && error.failure === 'CONFLICT'
}
