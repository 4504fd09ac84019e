import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { type AbortSignalLike, LightAbortSignal } from '../../domain/abort-signal.ts'
import type { HasSignal } from '../../domain/deadline.ts'
import { toErrorBody } from '../errors/error-body.ts'
import { INTERNAL_ERROR_MESSAGE } from '../errors/error-codes.ts'
import type { RawPost } from './fast-path.ts'
import type { MinimalResponse } from './minimal-fetch.ts'

/** Handles a POST. `context`: its request and response of node:http. */
export type PostHandler = (post: RawPost, disconnect: HasSignal, context: object) => Promise<MinimalResponse>

export interface PostHandlerOptions {
  readonly path: string
  readonly handlePost: PostHandler
  /** Handles every other request. */
  readonly fallback: RequestListener
  readonly report: (error: unknown) => void
}

/** The listener for POST to the GraphQL path, which nearly every request is. */
export function createPostHandler({ path, handlePost, fallback, report }: PostHandlerOptions): RequestListener {
  return (message, response) => {
    if (message.method !== 'POST' || message.url !== path) return fallback(message, response)
    const disconnect = new ClientDisconnect(response)
    handle(message, response, disconnect).catch(error => {
      // Yoga rejects with the signal's reason where its client is gone.
      if (error !== disconnect.signal.reason) report(error)
      if (response.headersSent || response.destroyed) response.destroy()
      else sendInternalError(response)
    })
  }

  async function handle(message: IncomingMessage, response: ServerResponse, disconnect: HasSignal): Promise<void> {
    const result = await handlePost(message, disconnect, { req: message, res: response })
    // Responses of one event loop turn are written together: waking a client once per response costs a system call each.
    await flushBatch()
    if (!response.destroyed) await send(result, response)
  }
}

function sendInternalError(response: ServerResponse): void {
  const body = toErrorBody(INTERNAL_ERROR_MESSAGE, { code: 'INTERNAL_ERROR', retryable: false })
  const headers = { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' }
  response.writeHead(500, { ...headers, 'content-length': Buffer.byteLength(body) }).end(body)
}

const flushBatch = () => new Promise(resolve => setImmediate(resolve))

/** A signal that aborts if the client disconnects before the response is written. Created on first use. */
class ClientDisconnect {
  readonly #response: ServerResponse
  #signal: LightAbortSignal | undefined

  constructor(response: ServerResponse) {
    this.#response = response
  }

  get signal(): AbortSignalLike {
    this.#signal ??= this.#observe()
    return this.#signal
  }

  #observe(): LightAbortSignal {
    const signal = new LightAbortSignal()
    const onDisconnect = () => {
      if (!this.#response.writableFinished) signal.abort()
    }
    if (this.#response.destroyed) onDisconnect()
    else this.#response.once('close', onDisconnect)
    return signal
  }
}

const LONG_BODY_CHARACTERS = 16 * 1024

/** What is unsent of a string counts as characters, and Node copies it: a long body is encoded once, and counts as bytes. */
function toBytes(body: string): string | Buffer {
  return body.length > LONG_BODY_CHARACTERS ? Buffer.from(body) : body
}

async function send({ status, headers, body }: MinimalResponse, response: ServerResponse): Promise<void> {
  if (body === null || typeof body === 'string') {
    const bytes = toBytes(body ?? '')
    headers.set('content-length', String(Buffer.byteLength(bytes)))
    response.writeHead(status, headers.toList())
    response.end(bytes)
    return
  }
  response.writeHead(status, headers.toList())
  const reader = body.getReader()
  response.once('close', () => void reader.cancel().catch(() => {}))
  for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) {
    if (!response.write(chunk.value)) await drained(response)
  }
  response.end()
}

/** Resolves when the response can be written again, or is closed. */
function drained(response: ServerResponse): Promise<void> {
  return new Promise(resolve => {
    const done = () => {
      response.off('drain', done)
      response.off('close', done)
      resolve()
    }
    response.on('drain', done)
    response.on('close', done)
    if (response.destroyed) done()
  })
}
