import type { IncomingMessage } from 'node:http'
import { type ExecutionResult, GraphQLError, type GraphQLFormattedError, type GraphQLSchema, parse } from 'graphql'
import { CloseCode, makeServer } from 'graphql-ws'
import type { RawData, WebSocket } from 'ws'
import type { Caller } from '../../domain/access/caller.ts'
import type { Reader } from '../../domain/row-turns.ts'
import type { Authentication } from '../../services/access/authentication.ts'
import type { AuthFailure } from '../auth/authenticator.ts'
import type { RequestLimits } from '../limits.ts'
import { clientDisconnected } from '../pipeline/execute.ts'
import { chargeCaller, isSpent, REQUEST_COST } from '../pipeline/rate-limit.ts'
import { iterateResults, OVER } from '../pipeline/result-iterator.ts'
import { costOfBody, LONG_BODY_BYTES } from '../request/body.ts'
import { decodeText, parseJsonBody } from '../request/json-body.ts'
import type { ActiveSubscription, SubscriptionRegistry } from '../subscriptions/registry.ts'
import { HEARTBEAT_MS } from '../subscriptions/stream-response.ts'
import {
  type Closing,
  closingFor,
  closingOf,
  INVALID_KEY,
  TOO_MANY_CONNECTIONS,
  TOO_MANY_MESSAGES,
} from './close-codes.ts'
import { createMessageRunner, type MessageOutcome, type MessageRunnerOptions } from './message-runner.ts'
import type { OpenWebSockets } from './open-websockets.ts'

export interface WebSocketConnectionOptions extends MessageRunnerOptions {
  readonly schema: GraphQLSchema
  readonly limits: RequestLimits
  /** The open connections, with a maximum per key and token. */
  readonly connections: SubscriptionRegistry
  readonly openWebSockets: Pick<OpenWebSockets, 'add' | 'delete'>
  readonly authentication: Pick<Authentication, 'isLive'>
  readonly authenticate: (header: string | null, request: IncomingMessage) => Promise<Caller | AuthFailure>
  readonly now: () => Date
}

export interface OpenedSocket {
  readonly socket: WebSocket
  readonly request: IncomingMessage
  /** The caller of the `Authorization` header; undefined without one. */
  readonly caller: Caller | undefined
  readonly onCaller: () => void
}

interface Connection extends OpenedSocket {
  caller: Caller | undefined
  isAccepted: boolean
  /** The payloads of `subscribe` messages that are not executed yet, by the ids of their operations. */
  readonly received: Map<string, ReceivedOperation>
  /** The operations whose end was not reached, by id: from the `subscribe` message on, so that a cancel is never missed. */
  readonly running: Map<string, AbortController>
  /** Those that are executed, and those whose results are not written yet. */
  readonly executing: Set<AbortController>
  /** Resumes, one after another, what waits until the client reads. */
  readonly waiting: (() => void)[]
  /** The messages before it was accepted. */
  early: number
}

interface ReceivedOperation {
  readonly payload: unknown
  /** What its message costs beside its operation. */
  readonly cost: number
  readonly cancel: AbortController
}

/** The most operations of a connection that are executed at a time. One counts until its results are written. */
const MAX_EXECUTING = 32
/** While more is unsent to a client, no operation starts on its connection, and no further result is sent. */
const MAX_UNSENT_BYTES = 1024 * 1024
/** Before its key, a client sends `connection_init` and perhaps a ping. */
const MAX_EARLY_MESSAGES = 10
/** A client that does not read what it is sent is disconnected. More than the longest result, at three bytes a character. */
const MAX_UNREAD_BYTES = 32 * 1024 * 1024

/** Handles an open WebSocket: graphql-ws speaks the protocol, and the operations run as over HTTP. */
export function createConnectionHandler(options: WebSocketConnectionOptions): (opened: OpenedSocket) => void {
  const { connections, limits, openWebSockets, rateLimiter, schema } = options
  const run = createMessageRunner(options)

  const server = makeServer<{ authorization?: unknown }, Connection>({
    onConnect: async ({ connectionParams, extra: connection }) => {
      const sent = connectionParams?.authorization
      const authenticated =
        sent === undefined
          ? connection.caller
          : await options.authenticate(typeof sent === 'string' ? sent : '', connection.request)
      // Nothing would end the entry of a socket that closed meanwhile.
      if (connection.socket.readyState !== connection.socket.OPEN) return false
      if (!authenticated) return close(connection, INVALID_KEY)
      if ('error' in authenticated) return close(connection, closingOf(authenticated))
      const open = connections.open(authenticated, connection)
      if (!open) return close(connection, TOO_MANY_CONNECTIONS)
      connection.caller = authenticated
      connection.isAccepted = true
      connection.onCaller()
      closeWith(connection, open, authenticated)
      return true
    },
    // Runs the operation: graphql-ws sends what is returned, and has nothing left to execute.
    onSubscribe: async ({ extra: connection }, id) => {
      const received = connection.received.get(id)
      connection.received.delete(id)
      if (!received || !connection.caller) return [clientDisconnected()]
      const { cancel } = received
      const done = () => {
        connection.executing.delete(cancel)
        if (connection.running.get(id) === cancel) connection.running.delete(id)
      }
      if (!(await isLive(connection.caller))) {
        done()
        close(connection, closingFor('KEY_OVER', connection.caller))
        return [clientDisconnected()]
      }
      const refusal = cancel.signal.aborted
        ? clientDisconnected()
        : connection.executing.size >= MAX_EXECUTING
          ? tooManyAtOnce()
          : undefined
      if (refusal) {
        done()
        return [refusal]
      }
      const outcome = await execute(connection, connection.caller, received)
      if ('refused' in outcome) {
        done()
        return outcome.refused
      }
      if (outcome.stream) connection.executing.delete(cancel)
      return asExecuted(schema, deliver(outcome.results, outcome.stream, connection, cancel.signal, done))
    },
    execute: ({ contextValue }) => contextValue as ExecutionResult,
    subscribe: ({ contextValue }) => contextValue as ExecutionResult,
    onNext: async ({ extra: connection }, _id, _payload, _args, { errors, ...result }) => {
      await whenRead(connection)
      return { ...result, ...(errors && { errors: errors.map(withoutHttp) }) }
    },
    onError: (_context, _id, _payload, errors) => errors.map(withoutHttp),
  })

  async function execute(
    connection: Connection,
    caller: Caller,
    { payload, cost, cancel }: ReceivedOperation,
  ): Promise<MessageOutcome> {
    connection.executing.add(cancel)
    const reader = readerOf(connection)
    await reader.whenRead()
    return run({ payload, cost, caller, reader, socket: connection.request.socket, signal: cancel.signal })
  }

  /** A stream stays open while the database is unavailable. */
  function isLive(caller: Caller): Promise<boolean> {
    return options.authentication.isLive(caller, options.now()).catch(() => true)
  }

  function receive(connection: Connection, data: RawData, handle: (text: string) => Promise<void>): void {
    const { socket, caller, received, running } = connection
    if (socket.bufferedAmount > MAX_UNREAD_BYTES) socket.terminate()
    const bytes = data as Buffer
    // What a client sends after the server closed is not read.
    if (socket.readyState !== socket.OPEN) return
    const isLong = bytes.length >= LONG_BODY_BYTES
    if (!connection.isAccepted && (isLong || ++connection.early > MAX_EARLY_MESSAGES)) {
      socket.close(CloseCode.Unauthorized, 'Expected a short "connection_init" before other messages.')
      return
    }
    if (isLong && caller && isSpent(rateLimiter, caller)) return void close(connection, TOO_MANY_MESSAGES)
    try {
      const text = decodeText(bytes)
      const message = parseJsonBody(text, limits.maxJsonDepth, 'the message') as Partial<Record<string, unknown>> | null
      const id = String(message?.id)
      if (message?.type === 'subscribe') {
        const cancel = new AbortController()
        received.set(id, { payload: message.payload, cost: costOfBody(bytes), cancel })
        running.set(id, cancel)
      } else if (caller) void chargeMessage(connection, caller, costOfBody(bytes))
      if (message?.type === 'complete') {
        running.get(id)?.abort()
        running.delete(id)
      }
      handle(text).catch(error => fail(connection, error))
    } catch (error) {
      socket.close(CloseCode.BadRequest, (error as Error).message)
    }
  }

  async function chargeMessage(connection: Connection, caller: Caller, cost: number): Promise<void> {
    const waitMs = await chargeCaller(rateLimiter, caller, REQUEST_COST + cost)
    if (waitMs > 0) close(connection, TOO_MANY_MESSAGES)
  }

  function fail({ socket }: Connection, error: unknown): void {
    options.report(error)
    socket.close(CloseCode.InternalServerError, 'Internal error.')
  }

  return opened => {
    const { socket } = opened
    const connection: Connection = {
      ...opened,
      isAccepted: false,
      received: new Map(),
      running: new Map(),
      executing: new Set(),
      waiting: [],
      early: 0,
    }
    openWebSockets.add(connection)
    const stopHeartbeat = startHeartbeat(socket)
    const closed = server.opened(
      {
        protocol: socket.protocol,
        send: data => send(connection, data),
        close: (code, reason) => socket.close(code, reason),
        onMessage: handle => socket.on('message', (data: RawData) => receive(connection, data, handle)),
      },
      connection,
    )
    // A frame that violates the protocol: `ws` closes the connection.
    socket.on('error', () => {})
    socket.once('close', (code, reason) => {
      stopHeartbeat()
      openWebSockets.delete(connection)
      for (const cancel of connection.running.values()) cancel.abort()
      for (const resume of connection.waiting.splice(0)) resume()
      connections.of(connection)?.end()
      closed(code, String(reason)).catch(options.report)
    })
  }
}

/** Ends a connection together with its entry in the registry, which ends when the key or token does. */
function closeWith(connection: Connection, open: ActiveSubscription, caller: Caller): void {
  const end = () => open.reason && close(connection, closingFor(open.reason, caller))
  if (open.ended.aborted) end()
  else open.ended.addEventListener('abort', end, { once: true })
}

function close({ socket }: Connection, { code, reason }: Closing): false {
  socket.close(code, reason)
  return false
}

/** Resolves when the message was written to the network, so that a stream is not read faster than its client reads. */
function send(connection: Connection, data: string): Promise<void> {
  const { socket } = connection
  return new Promise(resolve => {
    if (socket.bufferedAmount > MAX_UNREAD_BYTES) socket.terminate()
    if (socket.readyState !== socket.OPEN) return resolve()
    socket.send(data, () => {
      resolve()
      resumeNext(connection)
    })
  })
}

/** Resolves when the client has read nearly all that it was sent, or has disconnected. */
async function whenRead({ socket, waiting }: Connection): Promise<void> {
  if (socket.readyState !== socket.OPEN || hasRead(socket)) return
  await new Promise<void>(resolve => waiting.push(resolve))
}

/** The client for operations, which send nothing yet: the next one continues as well. */
function readerOf(connection: Connection): Reader {
  const { socket } = connection
  return {
    hasRead: () => socket.readyState !== socket.OPEN || hasRead(socket),
    whenRead: async () => {
      await whenRead(connection)
      resumeNext(connection)
    },
  }
}

/** The first only, because it may send a long result. */
function resumeNext({ socket, waiting }: Connection): void {
  if (hasRead(socket)) waiting.shift()?.()
}

function hasRead({ bufferedAmount }: WebSocket): boolean {
  return bufferedAmount <= MAX_UNSENT_BYTES
}

/** Disconnects a client that does not answer a ping. Returns the function that stops it. */
function startHeartbeat(socket: WebSocket): () => void {
  let isAlive = true
  socket.on('pong', () => {
    isAlive = true
  })
  const timer = setInterval(() => {
    if (!isAlive) return socket.terminate()
    isAlive = false
    socket.ping()
  }, HEARTBEAT_MS)
  return () => clearInterval(timer)
}

/** The results of a stream. A stream that the server ended closes the connection, so that the client resumes it. */
function deliver(
  results: AsyncIterable<ExecutionResult>,
  stream: ActiveSubscription | undefined,
  connection: Connection,
  cancelled: AbortSignal,
  done: () => void,
): AsyncGenerator<ExecutionResult, undefined> {
  const iterator = results[Symbol.asyncIterator]()
  const finish = () => {
    done()
    stream?.end()
  }
  const next = async () => {
    try {
      const step = await iterator.next()
      if (!step.done) return step
    } catch (error) {
      finish()
      if (!cancelled.aborted) throw error
    }
    finish()
    if (stream?.reason && connection.caller) close(connection, closingFor(stream.reason, connection.caller))
    return OVER
  }
  const stop = async () => {
    finish()
    await iterator.return?.()
  }
  return iterateResults(next, stop)
}

/** graphql-ws only decides by the document which of `execute` and `subscribe` it calls, which are the same here. */
const ANY_DOCUMENT = parse('{ __typename }')

function asExecuted(schema: GraphQLSchema, result: ExecutionResult | AsyncIterable<ExecutionResult>) {
  return { schema, document: ANY_DOCUMENT, contextValue: result }
}

function withoutHttp(error: GraphQLError): GraphQLFormattedError {
  const { http, ...extensions } = error.extensions
  return { ...error.toJSON(), extensions }
}

function tooManyAtOnce(): GraphQLError {
  return new GraphQLError(
    `Expected at most ${MAX_EXECUTING} operations at a time on a connection. Wait until one has ended.`,
    {
      extensions: { code: 'RATE_LIMITED', retryable: true },
    },
  )
}
