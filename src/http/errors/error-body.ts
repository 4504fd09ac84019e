import { randomUUID } from 'node:crypto'
import type { ErrorCode } from '../../domain/error-codes.ts'

export interface ErrorExtensions {
  readonly code: ErrorCode
  readonly retryable: boolean
  /** Seconds. */
  readonly retryAfterSeconds?: number
}

/** The JSON body of a request that is refused before it reaches the pipeline. It gets a request id of its own. */
export function toErrorBody(message: string, extensions: ErrorExtensions): string {
  return JSON.stringify({ errors: [{ message, extensions: { ...extensions, requestId: randomUUID() } }] })
}
