import { type DestinationStream, type Logger, pino } from 'pino'
import { DomainError } from '../domain/errors.ts'

export type { Logger }
export type LogTarget = DestinationStream

/** What a command prints for programs stays apart. */
export const STDERR = 2

/** Logs as JSON lines. What a client may see of an error is logged by its code; anything else with its stack. */
export function createLog(level: string, to: LogTarget = pino.destination({ fd: STDERR, sync: true })): Logger {
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: ['apiKey', 'authorization', 'token', 'password', '*.apiKey', '*.authorization', '*.token', '*.password'],
  }
  return pino(options, to)
}

/** What the GraphQL server wants to say, in our log. Expected errors are no errors of ours. */
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

/** A client that left, which it may. */
function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError'
}

/** The error under what GraphQL wrapped around it; undefined where GraphQL itself made it. */
function findOriginal(error: unknown): unknown {
  if (!(error instanceof Error && error.name === 'GraphQLError')) return error
  const original = (error as { originalError?: unknown }).originalError
  return original === undefined ? undefined : findOriginal(original)
}
