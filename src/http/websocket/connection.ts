import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { type ExecutionResult, GraphQLError, type GraphQLFormattedError, type GraphQLSchema, parse } from 'graphql'
import { CloseCode, type Message, MessageType, makeServer, type SubscribeMessage } from 'graphql-ws'
import type { WebSocket } from 'ws'
import type { Caller } from '../../domain/access/caller.ts'
import type { Reader } from '../../domain/row-turns.ts'
import type { Authentication } from '../../services/access/authentication.ts'
import type { RequestScheduler } from '../admission/request-scheduler.ts'
import type { AuthFailure } from '../auth/authenticator.ts'
import { toClientError } from '../errors/error-codes.ts'
import type { RequestLimits } from '../limits.ts'
import { clientDisconnected } from '../pipeline/execute.ts'
import { chargeCaller, type RateLimiter, REQUEST_COST, rateLimitedError } from '../pipeline/rate-limit.ts'
import { iterateResults, OVER } from '../pipeline/result-iterator.ts'
import { costOfBody } from '../request/body.ts'
import { decodeText } from '../request/json-body.ts'
import type { ActiveSubscription, SubscriptionRegistry } from '../subscriptions/registry.ts'
import { HEARTBEAT_MS } from '../subscriptions/stream-response.ts'
import { parseClientMessage } from './client-message.ts'
import {
  type Closing,
  closingFor,
  closingOf,
  ID_IN_USE,
  INVALID_KEY,
  NOT_ACCEPTED,
  TOO_MANY_CONNECTIONS,
  TOO_MANY_MESSAGES,
  TOO_MUCH_UNREAD,
} from './close-codes.ts'
import { createMessageRunner, type MessageOutcome, type MessageRunnerOptions } from './message-runner.ts'
import { handleInTurns } from './message-turns.ts'
import type { OpenWebSockets } from './open-websockets.ts'
import { createUnreadAnswers, type UnreadAnswers } from './unread-answers.ts'

export interface WebSocketConnectionOptions extends MessageRunnerOptions {
  readonly schema: GraphQLSchema
  readonly limits: RequestLimits
  readonly rateLimiter: RateLimiter
  readonly scheduler: Pick<RequestScheduler, 'waitForTurn'>
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
  /** The `subscribe` messages that are not executed yet, by the ids of their operations. */
  readonly received: Map<string, ReceivedOperation>
  /** The operations whose end was not written, by id: from the `subscribe` message on, so that a cancel is never missed. */
  readonly running: Map<string, AbortController>
  /** Those whose message is still handled, by id, also after they were cancelled. */
  readonly handled: Map<string, Promise<void>>
  /** Those that are executed, and those whose end is not written yet. A stream is executed while it starts. */
  readonly executing: Set<AbortController>
  readonly unreadAnswers: UnreadAnswers
  /** Resolves when all messages that arrived together were handled. */
  whenHandled: () => Promise<void>
  /** Resumes, one after another, what waits until the client reads. */
  readonly waiting: (() => void)[]
  /** The messages before it was accepted. */
  early: number
}

interface ReceivedOperation {
  readonly payload: SubscribeMessage['payload']
  readonly cancel: AbortController
  /** Why it is not executed. */
  readonly refusal: GraphQLError | undefined
}

/** The most operations of a connection that are executed at a time. One counts until its results are written. */
const MAX_EXECUTING = 32
/** While more is unsent to a client, no operation starts on its connection, and no further result is sent. */
const MAX_UNSENT_BYTES = 1024 * 1024
/** Before its key, a client sends `connection_init` and perhaps a ping. */
const MAX_EARLY_MESSAGES = 10
/** Between two heartbeats. They cost nothing, and some clients send them without a ping. */
const MAX_PONGS = 100
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
      const { caller } = connection
      if (!received || !caller) return [clientDisconnected()]
      const { cancel } = received
      if (!(await isLive(caller))) {
        close(connection, closingFor('KEY_OVER', caller))
        return [clientDisconnected()]
      }
      await connection.whenHandled()
      await options.scheduler.waitForTurn()
      if (cancel.signal.aborted) return [clientDisconnected()]
      const isFull = connection.executing.size >= MAX_EXECUTING
      const refusal = received.refusal ?? (isFull ? tooManyAtOnce() : undefined)
      if (refusal) {
        expectRead(connection, cancel, id.length)
        return [options.formatError(toClientError(refusal), randomUUID())]
      }
      const outcome = await execute(connection, caller, received)
      if ('refused' in outcome) return outcome.refused
      if (outcome.stream) connection.executing.delete(cancel)
      const onEnd = () => {
        // The end of a stream is written like a result.
        if (connection.running.get(id) === cancel) connection.executing.add(cancel)
      }
      return asExecuted(schema, deliver(outcome.results, outcome.stream, connection, cancel.signal, onEnd))
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
    { payload, cancel }: ReceivedOperation,
  ): Promise<MessageOutcome> {
    connection.executing.add(cancel)
    const reader = readerOf(connection)
    await reader.whenRead()
    return run({ payload, caller, reader, socket: connection.request.socket, signal: cancel.signal })
  }

  /** A stream stays open while the database is unavailable. */
  function isLive(caller: Caller): Promise<boolean> {
    return options.authentication.isLive(caller, options.now()).catch(() => true)
  }

  /** Each message is charged before it is parsed, whatever becomes of it. */
  async function receive(connection: Connection, bytes: Buffer, handle: HandleText): Promise<void> {
    const { socket, caller } = connection
    if (socket.bufferedAmount > MAX_UNREAD_BYTES) socket.terminate()
    // What a client sends after the server closed is not read.
    if (isClosing(socket)) return
    const cost = costOfBody(bytes)
    if (!mayReceive(connection, cost)) return
    // No long message is kept for a client that does not read.
    if (cost > 0) await readerOf(connection).whenRead()
    const refusal = caller && (await charge(caller, cost))
    if (isClosing(socket)) return
    if (refusal && cost > 0) return void close(connection, TOO_MANY_MESSAGES)
    try {
      const text = decodeText(bytes)
      const message = parseClientMessage(text, limits.maxJsonDepth)
      if (message.type === MessageType.Subscribe) return subscribe(connection, message, refusal, handle)
      if (refusal) return void close(connection, TOO_MANY_MESSAGES)
      if (message.type === MessageType.Complete) cancelOperation(connection, message.id)
      answer(connection, message, text, handle)
    } catch (error) {
      socket.close(CloseCode.BadRequest, (error as Error).message)
    }
  }

  /** Returns the refusal if the budget is too small: then nothing is taken. */
  async function charge(caller: Caller, cost: number): Promise<GraphQLError | undefined> {
    const waitMs = await chargeCaller(rateLimiter, caller, REQUEST_COST + cost)
    return waitMs > 0 ? rateLimitedError(waitMs) : undefined
  }

  function answer(connection: Connection, message: Message, text: string, handle: HandleText): void {
    if (message.type === MessageType.Ping) expectRead(connection, message, text.length)
    handle(text)
      .catch(error => fail(connection, error))
      .finally(() => connection.unreadAnswers.delete(message))
  }

  function subscribe(
    connection: Connection,
    { id, payload }: SubscribeMessage,
    refusal: GraphQLError | undefined,
    handle: HandleText,
  ): void {
    const { running, received, handled, executing, unreadAnswers } = connection
    if (running.has(id)) return void close(connection, ID_IN_USE)
    const cancel = new AbortController()
    received.set(id, { payload, cancel, refusal })
    running.set(id, cancel)
    // graphql-ws keeps what it handles until its answer is written.
    const text = JSON.stringify({ id, type: MessageType.Subscribe, payload: { query: '' } })
    const before = handled.get(id)
    const ended = (before ? handleAfter(before) : handle(text))
      .catch(error => fail(connection, error))
      .finally(() => {
        unreadAnswers.delete(cancel)
        executing.delete(cancel)
        if (running.get(id) === cancel) running.delete(id)
        if (handled.get(id) === ended) handled.delete(id)
      })
    handled.set(id, ended)

    /** graphql-ws has one operation of an id: what it still sends for a cancelled one would be sent for this one. */
    async function handleAfter(before: Promise<void>): Promise<void> {
      expectRead(connection, cancel, id.length)
      await before
      unreadAnswers.delete(cancel)
      if (!cancel.signal.aborted) await handle(text)
    }
  }

  /** A ping of the WebSocket costs as much as one of the protocol. */
  async function answerPing(connection: Connection, data: Buffer): Promise<void> {
    const { socket, caller, unreadAnswers } = connection
    if (isClosing(socket) || !mayReceive(connection)) return
    const refusal = caller && (await charge(caller, 0))
    if (refusal) return void close(connection, TOO_MANY_MESSAGES)
    expectRead(connection, data, data.length)
    if (!isClosing(socket)) socket.pong(data, undefined, () => unreadAnswers.delete(data))
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
      handled: new Map(),
      executing: new Set(),
      unreadAnswers: createUnreadAnswers(),
      whenHandled: async () => {},
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
        onMessage: handle => {
          connection.whenHandled = handleInTurns(socket, options.scheduler, {
            onMessage: message => receive(connection, message, handle),
            onPing: data => answerPing(connection, data),
            onFailure: error => fail(connection, error),
          }).whenHandled
        },
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

type HandleText = (text: string) => Promise<void>

function isClosing(socket: WebSocket): boolean {
  return socket.readyState !== socket.OPEN
}

function cancelOperation({ received, running }: Connection, id: string): void {
  running.get(id)?.abort()
  running.delete(id)
  received.delete(id)
}

/** Closes a connection that was not accepted and sends something long, or many messages. */
function mayReceive(connection: Connection, cost = 0): boolean {
  if (connection.isAccepted || (cost === 0 && ++connection.early <= MAX_EARLY_MESSAGES)) return true
  return close(connection, NOT_ACCEPTED)
}

/** Counts an answer until it is written. Closes the connection if its client does not read such answers. */
function expectRead(connection: Connection, message: object, characters: number): void {
  if (!connection.unreadAnswers.add(message, characters)) close(connection, TOO_MUCH_UNREAD)
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

/** Disconnects a client that does not answer a ping, or sends pongs without end. Returns the function that stops it. */
function startHeartbeat(socket: WebSocket): () => void {
  let isAlive = true
  let pongs = 0
  socket.on('pong', () => {
    isAlive = true
    if (++pongs > MAX_PONGS) socket.terminate()
  })
  const timer = setInterval(() => {
    if (!isAlive) return socket.terminate()
    isAlive = false
    pongs = 0
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
  onEnd: () => void,
): AsyncGenerator<ExecutionResult, undefined> {
  const iterator = results[Symbol.asyncIterator]()
  const finish = () => {
    onEnd()
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
