import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Cors } from '../cors.ts'
import { toErrorBody } from '../errors/error-body.ts'
import { createOperationPlaces } from './operation-places.ts'
import { type Owner, UNKNOWN_OWNER } from './owners.ts'
import { createRequestPlaces, type RequestPlaces } from './request-places.ts'
import type { RequestScheduler } from './request-scheduler.ts'
import type { MemoryWatch } from './unsent-watch.ts'

/** Limits the requests in flight and sheds the excess with a 503, never queued. A graceful shutdown waits for its last request. */
export interface AdmissionControl {
  /** Wraps a listener, which then gets the admitted requests only. */
  wrap(listener: RequestListener): RequestListener
  /**
   * Takes a place for an operation over a WebSocket. Returns the function that releases it; undefined if none is free, or if
   * the key with its client tokens has half of them.
   */
  enter(owner: Owner, socket: Socket): (() => void) | undefined
  /** Stops counting a request, for one that became a stream. */
  release(request: object | undefined): void
  /** Closes the connection of each response from now on. */
  drain(): void
  readonly draining: boolean
  readonly inFlight: number
  /** Requests rejected since the start. */
  readonly refused: number
  /** Resolves when no request is in flight. */
  whenIdle(): Promise<void>
}

/** Monitoring must work under overload. */
const EXEMPT_PATHS = new Set(['/livez', '/readyz', '/metrics'])
const RETRY_AFTER_SECONDS = 1

/**
 * Sheds load: a request over the limit, or while the heap is nearly full, is refused with 503 before it is read, so that an
 * overload does not slow the others.
 * `ownerOf`: whose key or token a request carries that was valid before. These requests have places of their own, which
 * no request without a key can take, and start first.
 */
export function createAdmissionControl(
  maxInFlight: number,
  scheduler: RequestScheduler,
  ownerOf: (request: IncomingMessage) => Owner | undefined,
  memory: Pick<MemoryWatch, 'isShort' | 'own'>,
  cors?: Pick<Cors, 'headersFor'>,
): AdmissionControl {
  const ofKnown = createRequestPlaces(maxInFlight)
  const ofOthers = createRequestPlaces(maxInFlight)
  const all = [ofKnown, ofOthers]
  const operations = createOperationPlaces(maxInFlight)
  const waiting = new Set<() => void>()
  let draining = false
  let refused = 0
  const count = () => ofKnown.count() + ofOthers.count() + operations.count()
  /** One request is always let in. */
  const isShort = () => memory.isShort() && count() > 0

  function release(request: object | undefined): void {
    if (request && all.some(places => places.release(request))) resolveIfIdle()
  }

  function resolveIfIdle(): void {
    if (count() > 0) return
    for (const resolve of waiting) resolve()
    waiting.clear()
  }

  function enter(owner: Owner, socket: Socket): (() => void) | undefined {
    memory.own(socket, owner)
    const leave = isShort() ? undefined : operations.take(owner, socket)
    if (!leave) {
      refused++
      return undefined
    }
    let isIn = true
    return () => {
      if (!isIn) return
      isIn = false
      leave()
      resolveIfIdle()
    }
  }

  function reject({ headers: { origin } }: IncomingMessage, response: ServerResponse): void {
    refused++
    setImmediate(() => rejectOverloaded(response, cors?.headersFor(origin)))
  }

  /** Runs the listener once the request's turn has come: a body that came with its head is complete by then. */
  function start(
    places: RequestPlaces,
    listener: RequestListener,
    request: IncomingMessage,
    response: ServerResponse,
    owner: Owner,
  ): void {
    if (response.destroyed) return
    // Its own place counts.
    if (memory.isShort() && count() > 1) reject(request, response)
    else if (!request.complete && !places.receive(request, response, owner)) {
      // The rest of the body is not read.
      response.shouldKeepAlive = false
      reject(request, response)
    } else listener(request, response)
  }

  return {
    wrap: listener => (request, response) => {
      if (draining) response.shouldKeepAlive = false
      if (EXEMPT_PATHS.has(pathOf(request))) return listener(request, response)
      const known = ownerOf(request)
      const places = known ? ofKnown : ofOthers
      const owner = known ?? UNKNOWN_OWNER
      memory.own(request.socket, owner)
      if (isShort() || !places.take(request, response, owner)) return reject(request, response)
      response.once('close', () => release(request))
      scheduler.schedule(
        () => start(places, listener, request, response, owner),
        places === ofKnown ? 'FIRST' : 'LATER',
      )
    },
    enter,
    release,
    drain: () => {
      draining = true
      for (const places of all) for (const response of places.responses()) response.shouldKeepAlive = false
    },
    get draining() {
      return draining
    },
    get inFlight() {
      return count()
    },
    get refused() {
      return refused
    },
    whenIdle: () =>
      new Promise(resolve => {
        if (count() === 0) resolve()
        else waiting.add(resolve)
      }),
  }
}

function pathOf({ url = '' }: IncomingMessage): string {
  const end = url.indexOf('?')
  return end < 0 ? url : url.slice(0, end)
}

/** Node reads and discards the rest of the request. */
function rejectOverloaded(response: ServerResponse, corsHeaders: Readonly<Record<string, string>> = {}): void {
  const body = toErrorBody('Server is at capacity. Retry after the time in Retry-After.', {
    code: 'OVERLOADED',
    retryable: true,
    retryAfterSeconds: RETRY_AFTER_SECONDS,
  })
  const headers = { 'content-type': 'application/json; charset=utf-8', 'retry-after': String(RETRY_AFTER_SECONDS) }
  response.writeHead(503, { ...corsHeaders, ...headers, 'content-length': Buffer.byteLength(body) }).end(body)
}
