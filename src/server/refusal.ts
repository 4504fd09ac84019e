import { GraphQLError } from 'graphql'
import type { FetchAPI } from 'graphql-yoga'
import { DomainError, type ErrorCode, isRetryable } from '../domain/errors.ts'

export interface RefusalOptions {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  /** True where it is about the document: a client that asks for `application/json` is then told so under 200. */
  readonly ofDocument?: boolean
  /** Seconds. */
  readonly retryAfter?: number
}

/** Why a request is not carried out: our sentence, a code, and the HTTP status that goes with it. */
export function refuse(code: ErrorCode, message: string, options: RefusalOptions): GraphQLError {
  const { status, ofDocument, retryAfter } = options
  const headers = { ...options.headers, ...(retryAfter !== undefined && { 'retry-after': String(retryAfter) }) }
  return new GraphQLError(message, {
    extensions: {
      code,
      retryable: isRetryable(new DomainError(code, '')),
      ...(retryAfter !== undefined && { retryAfter }),
      http: { status, headers, ...(ofDocument && { spec: true }) },
    },
  })
}

export function badRequest(message: string): GraphQLError {
  return refuse('BAD_REQUEST', message, { status: 400 })
}

/** The answer to what is refused before there is an operation; undefined `requestId` where it has none yet. */
export function toRefusalResponse(refusal: GraphQLError, requestId: string | undefined, { Response }: FetchAPI) {
  const { http, ...extensions } = refusal.extensions as { http: RefusalOptions }
  const body = { errors: [{ message: refusal.message, extensions: { ...extensions, requestId } }] }
  return new Response(JSON.stringify(body), {
    status: http.status,
    headers: { 'content-type': 'application/json; charset=utf-8', ...http.headers },
  })
}
