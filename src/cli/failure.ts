import { CommanderError } from 'commander'
import { PendingMigrationsError } from '../../db/database.ts'
import { DatabaseUnavailableError } from '../../db/failure.ts'
import { ConfigError } from '../config.ts'
import { DomainError, type InputIssue, InvalidInputError } from '../domain/errors.ts'
import { CliError } from './cli.ts'

/** The exit codes, of which there are no others. */
export const EXIT = { DONE: 0, FAILED: 1, USAGE: 2 } as const

/** Why a command did not do what it was asked for. As JSON it stands under `error` on stderr. */
export interface Failure {
  readonly code: string
  readonly message: string
  readonly issues?: readonly InputIssue[]
}

/** Undefined for a fault of ours, of which only its stack tells enough. */
export function toFailure(error: unknown): Failure | undefined {
  if (error instanceof CommanderError) {
    // Said where only the first of several words was given.
    const message = error.code === 'commander.help' ? 'Expected a subcommand.' : error.message.replace(/^error: /, '')
    return { code: 'USAGE', message }
  }
  if (error instanceof InvalidInputError) return { code: error.code, message: error.message, issues: error.issues }
  if (error instanceof DatabaseUnavailableError && error.failure === 'UNREACHED') {
    return { code: error.code, message: `${error.message} Look at DATABASE_URL, and whether it runs.` }
  }
  if (error instanceof DomainError || error instanceof CliError) return { code: error.code, message: error.message }
  if (error instanceof ConfigError) return { code: 'CONFIG_INVALID', message: error.message }
  if (error instanceof PendingMigrationsError) return { code: 'MIGRATIONS_PENDING', message: error.message }
  // The machine's own words: no such file, no such host, a full disk.
  if (error instanceof Error && 'code' in error && typeof error.code === 'string' && !OURS.test(error.code)) {
    return { code: error.code, message: error.message }
  }
  return undefined
}

/** Node's own code for how it was called: a fault of ours. */
const OURS = /^ERR_/

/** The same fault for programs, which read one line of JSON. */
export function toUnexpected(error: unknown): Failure {
  return { code: 'INTERNAL_ERROR', message: String(error instanceof Error ? error.stack : error) }
}

/** For a person: the sentence, and what is wrong with each input, a line each. */
export function describeFailure({ message, issues = [] }: Failure): string {
  return [message, ...issues.map(issue => `  ${issue.path.join('.')}: ${issue.message}`)].join('\n')
}
