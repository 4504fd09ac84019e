import type { IncomingMessage } from 'node:http'
import type { Readable } from 'node:stream'
import { type ExecutionResult, GraphQLError, type GraphQLSchema } from 'graphql'
import { type FetchAPI, processRegularResult } from 'graphql-yoga'
import type { Context } from '../../context.ts'
import type { Caller } from '../../domain/access/caller.ts'
import { type HasSignal, withDeadline } from '../../domain/deadline.ts'
import type { Authentication } from '../../services/access/authentication.ts'
import type { RequestScheduler } from '../admission/request-scheduler.ts'
import { readBearer } from '../auth/bearer.ts'
import { cacheControl, mayCompress } from '../compression.ts'
import type { Cors } from '../cors.ts'
import { costBeyondEstimate, costOfExecution } from '../document/cost.ts'
import type { PreparedOperation, PreparedOperations } from '../document/prepared-operations.ts'
import type { ResolveTrustedDocument } from '../document/trusted-documents.ts'
import { toClientError } from '../errors/error-codes.ts'
import type { FormatError } from '../errors/error-formatter.ts'
import type { Deadlines, RequestLimits } from '../limits.ts'
import { clientDisconnected, countErrors, executeOperation } from '../pipeline/execute.ts'
import type { ContextFactory } from '../pipeline/operation-context.ts'
import {
  describeOperation,
  endOperation,
  type OperationTelemetryOptions,
  startOperation,
} from '../pipeline/operation-telemetry.ts'
import { budgetHeaders, COST_HEADER, type CostLimiter, isSpent, type RateLimiter } from '../pipeline/rate-limit.ts'
import { SECURITY_HEADERS } from '../plugins/standard-plugins.ts'
import { deadlineOf } from '../plugins/use-context.ts'
import { negotiateResponseType } from '../request/accepted-type.ts'
import { costOfBody, LONG_BODY_BYTES } from '../request/body.ts'
import { assertHead, parsePostBody } from '../request/parse-request.ts'
import {
  costOfHead,
  headOfNodeMessage,
  REQUEST_ID_HEADER,
  type RequestHead,
  setHeaders,
  toRequestId,
} from '../request/request-head.ts'
import { MINIMAL_FETCH_API, MinimalResponse } from './minimal-fetch.ts'

export interface FastPathOptions {
  readonly schema: GraphQLSchema
  readonly authentication: Pick<Authentication, 'authenticate'>
  readonly limits: RequestLimits
  readonly trust: ResolveTrustedDocument
  /** Gets the id of each document that is not registered. */
  readonly warn: (documentId: string) => void
  readonly operations: PreparedOperations
  readonly costs: CostLimiter
  readonly rateLimiter: RateLimiter
  readonly openContext: ContextFactory
  readonly scheduler: Pick<RequestScheduler, 'waitForSlice'>
  readonly deadlines: Deadlines
  readonly formatError: FormatError
  readonly telemetry: OperationTelemetryOptions
  readonly cors: Cors
  /** Whether errors may name parts of the schema. */
  readonly suggestions: boolean
  /** Logs each error as it was thrown. */
  readonly report: (error: unknown) => void
  /** The current read sequence number. */
  readonly sequence: () => number
}

export type RawPost = Pick<IncomingMessage, 'headers' | 'rawHeaders' | 'method'> & Readable

/** The response, or the body of a request that Yoga has to handle. */
export type FastPathResult = MinimalResponse | { readonly fallback: AsyncIterable<Uint8Array> }

/**
 * Executes a prepared operation of an authenticated caller: the steps of the plugins, in the same order, as one function. It
 * only rejects requests over the cost limit and invalid variables; anything else it cannot handle falls through to Yoga,
 * which produces the error.
 */
export function createFastPath(
  options: FastPathOptions,
): (post: RawPost, disconnect: HasSignal) => Promise<FastPathResult> {
  const { authentication, limits, deadlines, telemetry, schema, suggestions } = options

  async function authenticate({ header }: RequestHead, post: RawPost): Promise<Caller | undefined> {
    const token = readBearer(header('authorization') ?? null, { req: post as IncomingMessage })
    if (token === undefined) return undefined
    // Without the database, Yoga's path has the error.
    return authentication.authenticate(token).catch(() => undefined)
  }

  /** The operation of a body, if it is prepared. */
  function findPrepared(body: Uint8Array): PreparedRequest | undefined {
    const trusted = tryOrUndefined(() => options.trust(parsePostBody(body, limits)))
    if (!trusted) return undefined
    const { query = '', operationName, variables = {} } = trusted.params
    const operation = options.operations.find(query, operationName)
    return operation && { operation, variables, unregistered: trusted.unregistered }
  }

  async function run({ operation, variables }: PreparedRequest, request: FastPathRequest): Promise<ExecutionResult> {
    const { document, operationName, analysis } = operation
    const { caller, requestId, since, header, disconnect } = request
    const record = startOperation(telemetry, requestId, header('traceparent') ?? null)
    describeOperation(record, document, operationName)
    const end = (result: ExecutionResult) => endOperation(telemetry, record, caller, masked(result, requestId))
    const cost = analysis.costOf(variables)
    const reserved = await options.costs.reserve(caller, cost)
    if (reserved instanceof GraphQLError) return end({ errors: [reserved] })
    await options.scheduler.waitForSlice()
    if (analysis.kind === 'mutation' && disconnect.signal.aborted) {
      options.costs.settle(caller, reserved, 0, 0)
      return end({ errors: [clientDisconnected()] })
    }
    const deadline = withDeadline(deadlineOf(deadlines, analysis.kind), disconnect)
    let context: Context | undefined
    let result: ExecutionResult
    try {
      context = await options.openContext({
        caller,
        requestId,
        since,
        callLog: record.callLog,
        deadline,
        work: analysis.workOf(variables),
        lastEventId: header('last-event-id') ?? null,
        incremental: false,
        selectsEncryptedField: analysis.selectsEncryptedField(variables),
        selectsLiveCursor: analysis.selectsLiveCursor(variables),
      })
      const args = { schema, document, operationName, contextValue: context, variableValues: variables }
      result = end(await executeOperation(args, suggestions))
    } catch (error) {
      result = end({ errors: [error as GraphQLError] })
    } finally {
      deadline.clear()
      context?.clearLoaders()
    }
    const spent = costOfExecution(analysis.rowPrices, context?.rowCounts, record.callLog.callCount)
    const beyond = costBeyondEstimate(countErrors(result, context), context)
    const actual = options.costs.settle(caller, reserved, spent, beyond)
    return header(COST_HEADER) === undefined ? result : options.costs.withCost(result, caller, reserved, actual)
  }

  function masked(result: ExecutionResult, requestId: string): ExecutionResult {
    if (!result.errors) return result
    const errors = result.errors.map(error => {
      options.report(error)
      return options.formatError(toClientError(error), requestId)
    })
    return { ...result, errors }
  }

  return async (post, disconnect) => {
    const since = options.sequence()
    const head = headOfNodeMessage(post)
    const type = negotiateResponseType(head.header('accept'))
    if (type === undefined || costOfHead(post.rawHeaders) > 0 || !isHeadValid(head, limits)) return { fallback: post }
    const caller = await authenticate(head, post)
    // Nothing of a request that is refused is parsed.
    if (!caller || isSpent(options.rateLimiter, caller)) return { fallback: post }
    const body = await readWholeBody(post)
    if (!body) return { fallback: post }
    // It is charged before it is parsed.
    if (costOfBody(body) > 0) return { fallback: replayBody(body) }
    const found = findPrepared(body)
    if (!found) return { fallback: replayBody(body) }
    if (found.unregistered) options.warn(found.unregistered)
    const requestId = toRequestId(head.header(REQUEST_ID_HEADER))
    const request = { caller, requestId, since, header: head.header, disconnect }
    const result = await run(found, request)
    const isCompressible = result.data !== undefined && mayCompress(found.operation.analysis, found.variables)
    return toResponse(result, type, [
      ...SECURITY_HEADER_LIST,
      ...Object.entries(options.cors.headersFor(head.header('origin'))).flat(),
      ...budgetHeaders(options.rateLimiter, caller),
      REQUEST_ID_HEADER,
      requestId,
      'cache-control',
      cacheControl(isCompressible),
    ])
  }
}

const SECURITY_HEADER_LIST = Object.entries(SECURITY_HEADERS)
  .filter(([name]) => name !== 'cache-control')
  .flat()

/** Errors can set the HTTP status, which Yoga's result processor reads. */
function toResponse(result: ExecutionResult, type: string, headers: readonly string[]): MinimalResponse {
  if (!result.errors) {
    const typed = [...headers, 'content-type', `${type}; charset=utf-8`]
    return new MinimalResponse(JSON.stringify(result), { headers: typed })
  }
  const response = processRegularResult(result, MINIMAL_FETCH_API as FetchAPI, type)
  if (!(response instanceof MinimalResponse)) throw new TypeError('Expected a MinimalResponse.')
  setHeaders(response.headers, headers)
  return response
}

interface PreparedRequest {
  readonly operation: PreparedOperation
  readonly variables: Record<string, unknown>
  readonly unregistered: string | undefined
}

interface FastPathRequest {
  readonly caller: Caller
  readonly requestId: string
  readonly since: number
  readonly header: RequestHead['header']
  readonly disconnect: HasSignal
}

/**
 * The length must be declared, so that the body cannot be longer than the checked length. A long body is charged before it
 * is parsed.
 */
function isHeadValid(head: RequestHead, limits: RequestLimits): boolean {
  const length = head.header('content-length')
  if (length === undefined || Number(length) >= LONG_BODY_BYTES) return false
  return tryOrUndefined(() => assertHead(head, limits) ?? true) ?? false
}

function tryOrUndefined<T>(check: () => T): T | undefined {
  try {
    return check()
  } catch {
    return undefined
  }
}

async function* replayBody(body: Uint8Array): AsyncIterable<Uint8Array> {
  yield body
}

/** The bytes of a body; undefined if the client disconnected before its end. */
function readWholeBody(post: RawPost): Promise<Uint8Array | undefined> {
  return new Promise(resolve => {
    const chunks: Buffer[] = []
    post.on('data', (chunk: Buffer) => chunks.push(chunk))
    post.on('end', () => resolve(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks)))
    post.on('close', () => resolve(undefined))
    post.on('error', () => resolve(undefined))
  })
}
