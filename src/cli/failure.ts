import { CommanderError } from 'commander'
import { DatabaseUnavailableError, explainUnavailable } from '../../db/core/database-error.ts'
import { PendingMigrationsError } from '../../db/core/open-database.ts'
import { ConfigError } from '../app/config.ts'
import { DomainError, type InputIssue, InvalidInputError, operatorMessage } from '../domain/errors.ts'
import { CliError } from './cli.ts'

/** All exit codes. */
export const EXIT = { DONE: 0, FAILED: 1, USAGE: 2 } as const

/** The reason of a failed command. With `--json` it is printed on stderr under `error`. */
export interface CliFailure {
  readonly code: string
  readonly message: string
  readonly issues?: readonly InputIssue[]
}

/** Undefined for an unexpected error, which is reported with its stack. */
export function toFailure(error: unknown): CliFailure | undefined {
  if (error instanceof CommanderError) {
    // Thrown if only a command with subcommands was given.
    const message = error.code === 'commander.help' ? 'Expected a subcommand.' : error.message.replace(/^error: /, '')
    return { code: 'USAGE', message }
  }
  if (error instanceof InvalidInputError) {
    const { code, issues } = error
    return {
      code,
      message: issues.length === 1 ? 'One input is invalid.' : `${issues.length} inputs are invalid.`,
      issues,
    }
  }
  if (error instanceof DatabaseUnavailableError && error.failure === 'CONNECTION_FAILED') {
    return { code: error.code, message: explainUnavailable(error) }
  }
  if (error instanceof DatabaseUnavailableError && error.failure === 'STORAGE_FAILED') {
    return { code: error.code, message: `${error.message} ${CHECK_FILE}` }
  }
  if (error instanceof DomainError) return { code: error.code, message: operatorMessage(error) }
  if (error instanceof CliError) return { code: error.code, message: error.message }
  if (error instanceof ConfigError) return { code: 'CONFIG_INVALID', message: error.message }
  if (error instanceof PendingMigrationsError) return { code: 'MIGRATIONS_PENDING', message: error.message }
  if (error instanceof Error && 'code' in error && error.code === 'SQLITE_NOTADB') {
    return { code: error.code, message: 'The file of DATABASE_URL is no SQLite database, or is damaged.' }
  }
  if (error instanceof Error && 'code' in error && UNWRITABLE.test(String(error.code))) {
    return { code: String(error.code), message: `The database file cannot be written. ${CHECK_FILE}` }
  }
  // System errors: no such file, no such host, disk full.
  if (
    error instanceof Error &&
    'code' in error &&
    typeof error.code === 'string' &&
    !COMMANDER_CODES.test(error.code)
  ) {
    return { code: error.code, message: error.message }
  }
  return undefined
}

const CHECK_FILE = 'Check the permissions of the file and its folder, and the free disk space.'

/** SQLite's codes for a file, or a folder for its write-ahead log, without the permission to write. */
const UNWRITABLE = /^SQLITE_(READONLY|CANTOPEN)/

/** Node's code for a wrong call of its API: a bug. */
const COMMANDER_CODES = /^ERR_/

/** An unexpected error for programs, which read one line of JSON. */
export function toUnexpected(error: unknown): CliFailure {
  return { code: 'INTERNAL_ERROR', message: String(error instanceof Error ? error.stack : error) }
}

/** The message, and one line for each invalid input. */
export function describeFailure({ message, issues = [] }: CliFailure): string {
  return [message, ...issues.map(issue => `  ${issue.path.join('.')}: ${issue.message}`)].join('\n')
}
