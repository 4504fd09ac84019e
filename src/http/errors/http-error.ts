import { randomUUID } from 'node:crypto'
import { GraphQLError } from 'graphql'
import type { FetchAPI } from 'graphql-yoga'
import type { ErrorCode } from '../../domain/error-codes.ts'
import { DomainError } from '../../domain/errors.ts'

export interface HttpErrorOptions {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  /** True for an error of the document: a client that accepts `application/json` gets it with status 200. */
  readonly ofDocument?: boolean
  /** Seconds. */
  readonly retryAfterSeconds?: number
}

/** An error that rejects a request: message, code and HTTP status. */
export function httpError(code: ErrorCode, message: string, options: HttpErrorOptions): GraphQLError {
  const { status, ofDocument, retryAfterSeconds } = options
  const headers = {
    ...options.headers,
    ...(retryAfterSeconds !== undefined && { 'retry-after': String(retryAfterSeconds) }),
  }
  return new GraphQLError(message, {
    extensions: {
      code,
      retryable: new DomainError(code, '').retryable,
      ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
      http: { status, headers, ...(ofDocument && { spec: true }) },
    },
  })
}

export function badRequest(message: string): GraphQLError {
  return httpError('BAD_REQUEST', message, { status: 400 })
}

/** The response to a request that is rejected before its operation is known. */
export function toErrorResponse(error: GraphQLError, requestId: string = randomUUID(), { Response }: FetchAPI) {
  const { http, ...extensions } = error.extensions as { http: HttpErrorOptions }
  const body = { errors: [{ message: error.message, extensions: { ...extensions, requestId } }] }
  return new Response(JSON.stringify(body), {
    status: http.status,
    headers: { 'content-type': 'application/json; charset=utf-8', ...http.headers },
  })
}
