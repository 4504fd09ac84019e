import { randomUUID } from 'node:crypto'
import type { Socket } from 'node:net'
import type { ExecutionResult, GraphQLError } from 'graphql'
import { isAsyncIterable } from 'graphql-yoga'
import { budgetsOf, type Caller } from '../../domain/access/caller.ts'
import type { Reader } from '../../domain/row-turns.ts'
import type { AdmissionControl } from '../admission/admission-control.ts'
import type { Authenticated } from '../auth/use-authentication.ts'
import { toClientError } from '../errors/error-codes.ts'
import type { FormatError } from '../errors/error-formatter.ts'
import { httpError } from '../errors/http-error.ts'
import { toMinimalRequest } from '../fast-path/minimal-fetch.ts'
import { clientDisconnected } from '../pipeline/execute.ts'
import { iterateResults, OVER } from '../pipeline/result-iterator.ts'
import { type Params, parseParams } from '../request/graphql-params.ts'
import type { ActiveSubscription, SubscriptionRegistry } from '../subscriptions/registry.ts'

/** Runs an operation through all plugins but those of HTTP requests and responses. */
export type RunParams = (
  operation: { readonly params: Params; readonly request: Request },
  context: Authenticated & { readonly request: Request },
) => Promise<ExecutionResult | AsyncIterable<ExecutionResult> | undefined>

export interface MessageRunnerOptions {
  readonly path: string
  readonly run: RunParams
  readonly admission: Pick<AdmissionControl, 'enter'>
  readonly streams: SubscriptionRegistry
  readonly formatError: FormatError
  readonly report: (error: unknown) => void
  /** The current read sequence number. */
  readonly sequence: () => number
}

export interface OperationMessage {
  readonly payload: unknown
  readonly caller: Caller
  readonly reader: Reader
  /** The connection that its results are written to. */
  readonly socket: Socket
  /** Aborts when the client cancels the operation or disconnects. */
  readonly signal: AbortSignal
}

/** `refused`: the operation was not executed. It has its place until its last result is written. */
export type MessageOutcome =
  | { readonly refused: readonly GraphQLError[] }
  | { readonly results: AsyncIterable<ExecutionResult>; readonly stream: ActiveSubscription | undefined }

/** Runs the operation of a message as that of a POST: admitted, and with the same plugins. The message was charged. */
export function createMessageRunner(options: MessageRunnerOptions) {
  const { admission, streams } = options

  async function run(message: OperationMessage, requestId: string): Promise<MessageOutcome> {
    const since = options.sequence()
    const { caller, signal, reader } = message
    const params = parseParams(message.payload)
    const release = admission.enter(budgetsOf(caller), message.socket)
    if (!release) throw overloaded()
    if (signal.aborted) {
      release()
      throw clientDisconnected()
    }
    signal.addEventListener('abort', release, { once: true })
    const request = toMinimalRequest({ method: 'POST', headers: {} }, noBody(), options.path, { signal })
    let result: Awaited<ReturnType<RunParams>>
    try {
      result = await options.run({ params, request }, { request, caller, requestId, since, reader })
    } catch (error) {
      release()
      throw error
    }
    const stream = streams.of(request)
    if (isAsyncIterable(result)) {
      // A subscription keeps no place, as over HTTP.
      if (stream) release()
      return { results: stream ? result : withPlace(result, release), stream }
    }
    stream?.end()
    const { data, errors } = result ?? {}
    if (data !== undefined || !errors) return { results: withPlace(only(result ?? {}), release), stream: undefined }
    release()
    return { refused: errors }
  }

  return async (message: OperationMessage): Promise<MessageOutcome> => {
    const requestId = randomUUID()
    try {
      return await run(message, requestId)
    } catch (error) {
      const refusal = toClientError(error)
      if (refusal.extensions.code === 'INTERNAL_ERROR') options.report(error)
      return { refused: [options.formatError(refusal, requestId)] }
    }
  }
}

async function* only(result: ExecutionResult): AsyncIterable<ExecutionResult> {
  yield result
}

async function* noBody(): AsyncIterable<Uint8Array> {}

/** Gives the place back after the last result: once it is written, the next one is requested. */
function withPlace(results: AsyncIterable<ExecutionResult>, release: () => void): AsyncIterable<ExecutionResult> {
  const iterator = results[Symbol.asyncIterator]()
  const next = async () => {
    try {
      const step = await iterator.next()
      if (!step.done) return step
    } catch (error) {
      release()
      throw error
    }
    release()
    return OVER
  }
  const stop = async () => {
    release()
    await iterator.return?.()
  }
  return iterateResults(next, stop)
}

function overloaded(): GraphQLError {
  return httpError('OVERLOADED', 'Server is at capacity. Retry after the time in retryAfterSeconds.', {
    status: 503,
    retryAfterSeconds: 1,
  })
}
