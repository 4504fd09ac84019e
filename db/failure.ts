import { DomainError } from '../src/domain/errors.ts'

/**
 * What goes wrong in either database, in one set of words.
 * UNREACHED: there was no connection, so nothing was carried out. BROKEN: the connection broke, so it may have been.
 * BUSY: it took too long, or there was no room. CONFLICT: two transactions met and this one gave way, undone.
 */
export type Failure = 'UNREACHED' | 'BROKEN' | 'BUSY' | 'CONFLICT'

const SENTENCES: Readonly<Record<Failure, string>> = {
  UNREACHED: 'The database cannot be reached now.',
  BROKEN: 'The connection to the database broke.',
  BUSY: 'The database is busy.',
  CONFLICT: 'The database is busy with what this touches.',
}

/** The database does not serve us now; later it may. Clients see OVERLOADED. */
export class DatabaseUnavailableError extends DomainError {
  readonly failure: Failure

  constructor(failure: Failure, options?: ErrorOptions) {
    super('OVERLOADED', SENTENCES[failure], options)
    this.failure = failure
  }
}

/** PostgreSQL refused a statement. Its own text is not carried: it repeats the values of rows. */
export class StatementError extends Error {
  /** The SQLSTATE. */
  readonly code: string

  constructor(code: string, table: string | undefined, constraint: string | undefined) {
    const place = [table && `table ${table}`, constraint && `constraint ${constraint}`].filter(Boolean)
    super(`PostgreSQL refused a statement: ${[`SQLSTATE ${code}`, ...place].join(', ')}.`)
    this.name = 'StatementError'
    this.code = code
  }
}

/** By SQLSTATE, or by its class: https://www.postgresql.org/docs/15/errcodes-appendix.html */
const SQLSTATES: Readonly<Record<string, Failure>> = {
  '08': 'BROKEN',
  '25006': 'BROKEN', // read-only: a standby that was just asked, or a primary that is one no more
  '25P03': 'BROKEN', // it was idle in a transaction for too long, and was cut off
  '40001': 'CONFLICT',
  '40P01': 'CONFLICT',
  '53': 'BUSY',
  '53300': 'BROKEN', // no connection left
  '55P03': 'BUSY',
  '57014': 'BUSY', // the statement timeout
  '57P': 'BROKEN', // shutdown, crash, starting up
  '58': 'BROKEN',
}

/** What a SQLSTATE means to us; undefined: the statement is wrong, or its rows are. */
export function failureOf(sqlState: string): Failure | undefined {
  return SQLSTATES[sqlState] ?? SQLSTATES[sqlState.slice(0, 3)] ?? SQLSTATES[sqlState.slice(0, 2)]
}

const UNIQUE = new Set(['SQLITE_CONSTRAINT_UNIQUE', 'SQLITE_CONSTRAINT_PRIMARYKEY', '23505'])

/** True for the violation of a unique constraint, in either database. */
export function isUniqueViolation(error: unknown): boolean {
  return error instanceof Error && 'code' in error && UNIQUE.has(String(error.code))
}

export function isConflict(error: unknown): boolean {
  return error instanceof DatabaseUnavailableError && error.failure === 'CONFLICT'
}
