import { type DestinationStream, type Logger, pino } from 'pino'
import { DomainError } from '../domain/errors.ts'

export type { Logger }
export type LogTarget = DestinationStream

/** Logs go to stderr, because commands write machine-readable output to stdout. */
export const STDERR = 2

/** Logs JSON lines. Secrets are redacted by key. */
export function createLog(level: string, to: LogTarget = pino.destination({ fd: STDERR, sync: true })): Logger {
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: ['apiKey', 'authorization', 'token', 'password', '*.apiKey', '*.authorization', '*.token', '*.password'],
  }
  return pino(options, to)
}

/** The logger for Yoga. Expected errors have level debug with their code; unexpected errors are logged with their stack. */
export function toServerLog(log: Logger) {
  return {
    debug: () => {},
    info: () => {},
    warn: (...args: unknown[]) => log.warn({ args: args.map(String) }),
    error: (error: unknown) => {
      const original = findOriginal(error)
      if (original instanceof DomainError) log.debug({ code: original.code }, original.message)
      else if (original !== undefined && !isAbort(original)) log.error({ err: original }, 'unexpected error')
    },
  }
}

/** The client closed the connection, which is no failure. */
function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError'
}

/** The error that GraphQL wrapped; undefined for an error that GraphQL itself created. */
function findOriginal(error: unknown): unknown {
  if (!(error instanceof Error && error.name === 'GraphQLError')) return error
  const original = (error as { originalError?: unknown }).originalError
  return original === undefined ? undefined : findOriginal(original)
}
