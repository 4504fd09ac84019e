import type { IncomingMessage } from 'node:http'
import type { Readable } from 'node:stream'
import type { ExecutionResult, GraphQLError, GraphQLSchema } from 'graphql'
import { type FetchAPI, processRegularResult } from 'graphql-yoga'
import type { Context } from '../context.ts'
import type { Caller } from '../domain/caller.ts'
import { limitTime, type Signalling } from '../domain/time-limit.ts'
import type { Authentication } from '../services/authentication.ts'
import { acceptedType } from './accepted-type.ts'
import { type Asked, askedByPost } from './asked.ts'
import { readBearer } from './bearer.ts'
import type { Charge } from './charge.ts'
import { checkHead, readPosted } from './door.ts'
import { toClientError } from './error-codes.ts'
import type { ErrorTeller } from './error-teller.ts'
import { LightResponse } from './light-fetch.ts'
import type { DoorLimits } from './limits.ts'
import type { OpenContext } from './operation-context.ts'
import type { ReadyOperation, ReadyOperations } from './ready-operations.ts'
import { REQUEST_ID_HEADER, toRequestId } from './request-id.ts'
import { type TelemetryOptions, tellBegin, tellEnd, tellOperation } from './telling.ts'
import type { TrustDocument } from './trusted-documents.ts'
import { type Deadlines, deadlineOf } from './use-context.ts'
import { corsHeaders } from './use-cors.ts'
import { SECURITY_HEADERS } from './use-security-headers.ts'
import { checkVariables } from './variables.ts'

export interface ShortWayOptions {
  readonly schema: GraphQLSchema
  readonly authentication: Pick<Authentication, 'authenticate'>
  readonly limits: DoorLimits
  readonly trust: TrustDocument
  /** Told the id of each document that nobody registered. */
  readonly warn: (documentId: string) => void
  readonly operations: ReadyOperations
  readonly charge: Charge
  readonly openContext: OpenContext
  readonly deadlines: Deadlines
  readonly tellError: ErrorTeller
  readonly telemetry: TelemetryOptions
  readonly corsOrigins: readonly string[]
  /** Told each error as it was thrown. */
  readonly report: (error: unknown) => void
  readonly now: () => Date
}

/** As much of what node got as is looked at. */
export type Posted = Pick<IncomingMessage, 'headers' | 'rawHeaders' | 'method'> & Readable

/** The answer, or the body of a request that has to go the long way. */
export type Shortly = LightResponse | { readonly unread: AsyncIterable<Uint8Array> }

/**
 * The way of an operation that was made ready, for a caller who may ask it: the same steps in the same order as the
 * plugins take, as one function. It refuses nothing but what is too dear: whatever else is not as it should be goes the long
 * way, where it is told.
 */
export function createShortWay(options: ShortWayOptions): (posted: Posted, leaving: Signalling) => Promise<Shortly> {
  const { authentication, limits, deadlines, telemetry, schema } = options

  async function admit({ header }: Asked, posted: Posted): Promise<Caller | undefined> {
    const token = readBearer(header('authorization') ?? null, { req: posted as IncomingMessage })
    return token === undefined ? undefined : authentication.authenticate(token)
  }

  /** What is asked, where it is ready and its variables fit. */
  function find(body: Uint8Array): Found | undefined {
    const trusted = orUndefined(() => options.trust(readPosted(body, limits)))
    if (!trusted) return undefined
    const { query = '', operationName, variables = {} } = trusted.params
    const operation = options.operations.find(query, operationName)
    if (!operation || (operation.hasVariables && misfits(operation, variables))) return undefined
    return { operation, variables, unregistered: trusted.unregistered }
  }

  function misfits({ document, operationName }: ReadyOperation, variables: Record<string, unknown>): boolean {
    return checkVariables(schema, document, operationName, variables).length > 0
  }

  async function run({ operation, variables }: Found, asking: Asking): Promise<ExecutionResult> {
    const { document, operationName, kind, asksCursor } = operation
    const { caller, requestId, startedAt, header, leaving } = asking
    const told = tellBegin(telemetry, requestId, header('traceparent') ?? null)
    tellOperation(told, document, operationName)
    const end = (result: ExecutionResult) => tellEnd(telemetry, told, caller, masked(result, requestId))
    const refusal = await options.charge(caller, operation.costOf(variables))
    if (refusal) return end({ errors: [refusal] })
    const limit = limitTime(deadlineOf(deadlines, kind), leaving)
    let context: Context | undefined
    try {
      const lastEventId = header('last-event-id') ?? null
      const { trail } = told
      const operating = { caller, requestId, startedAt, trail, limit, lastEventId, inParts: false, asksCursor }
      context = await options.openContext(operating)
      return end(await operation.run(undefined, context, variables))
    } catch (error) {
      return end({ errors: [error as GraphQLError] })
    } finally {
      limit.done()
      context?.forget()
    }
  }

  function masked({ errors, ...result }: ExecutionResult, requestId: string): ExecutionResult {
    if (!errors) return result
    const told = errors.map(error => {
      options.report(error)
      return options.tellError(toClientError(error), requestId)
    })
    return { errors: told, ...result }
  }

  return async (posted, leaving) => {
    const asked = askedByPost(posted)
    const type = acceptedType(asked.header('accept'))
    if (type === undefined || !isHeadFine(asked, limits)) return { unread: posted }
    const caller = await admit(asked, posted)
    if (!caller) return { unread: posted }
    const startedAt = options.now()
    const body = await readWhole(posted)
    if (!body) return { unread: posted }
    const found = find(body)
    if (!found) return { unread: replay(body) }
    if (found.unregistered) options.warn(found.unregistered)
    const requestId = toRequestId(asked.header(REQUEST_ID_HEADER))
    const asking = { caller, requestId, startedAt, header: asked.header, leaving }
    return toAnswer(await run(found, asking), type, headersOf(asked, requestId))
  }

  function headersOf({ header }: Asked, requestId: string): Record<string, string> {
    const ofOrigin = corsHeaders(header('origin'), options.corsOrigins)
    return { ...SECURITY_HEADERS, ...ofOrigin, [REQUEST_ID_HEADER]: requestId }
  }
}

/** An error may say with which status it is answered. */
function toAnswer(result: ExecutionResult, type: string, headers: Record<string, string>): LightResponse {
  if (result.errors) {
    const answer = processRegularResult(result, FETCH_API, type) as unknown as LightResponse
    for (const [name, value] of Object.entries(headers)) answer.headers.set(name, value)
    return answer
  }
  return new LightResponse(JSON.stringify(result), {
    headers: { ...headers, 'content-type': `${type}; charset=utf-8` },
  })
}

interface Found {
  readonly operation: ReadyOperation
  readonly variables: Record<string, unknown>
  readonly unregistered: string | undefined
}

interface Asking {
  readonly caller: Caller
  readonly requestId: string
  readonly startedAt: Date
  readonly header: Asked['header']
  readonly leaving: Signalling
}

const FETCH_API = { Response: LightResponse } as unknown as FetchAPI

/** One whose length is told, so that it cannot be longer than was checked. */
function isHeadFine(asked: Asked, limits: DoorLimits): boolean {
  if (asked.header('content-length') === undefined) return false
  return orUndefined(() => checkHead(asked, limits) ?? true) ?? false
}

function orUndefined<T>(check: () => T): T | undefined {
  try {
    return check()
  } catch {
    return undefined
  }
}

/** What was read once, to be read again. */
async function* replay(body: Uint8Array): AsyncIterable<Uint8Array> {
  yield body
}

/** The bytes of a body; undefined where its sender left before the end. */
function readWhole(posted: Posted): Promise<Uint8Array | undefined> {
  return new Promise(resolve => {
    const parts: Buffer[] = []
    posted.on('data', (part: Buffer) => parts.push(part))
    posted.on('end', () => resolve(parts.length === 1 ? parts[0] : Buffer.concat(parts)))
    posted.on('close', () => resolve(undefined))
    posted.on('error', () => resolve(undefined))
  })
}
