import { randomUUID } from 'node:crypto'
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type { RequestScheduler } from './request-scheduler.ts'

/** Limits the requests in flight and sheds the excess with a 503, never queued. A graceful shutdown waits for its last request. */
export interface AdmissionControl {
  /** Wraps a listener, which then gets the admitted requests only. */
  wrap(listener: RequestListener): RequestListener
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

/** How long a request keeps its place while its body arrives, if another one needs the place. */
const BODY_TIME_MS = 1_000

export function createAdmissionControl(maxInFlight: number, scheduler: RequestScheduler): AdmissionControl {
  const inFlight = new Map<object, ServerResponse>()
  /** Requests whose bodies are incomplete, the oldest first. They take no place of a request in flight. */
  const receiving = new Map<object, { readonly response: ServerResponse; readonly sinceMs: number }>()
  const waiting = new Set<() => void>()
  let draining = false
  let refused = 0

  function release(request: object | undefined): void {
    if (!request || !(inFlight.delete(request) || receiving.delete(request))) return
    if (inFlight.size + receiving.size > 0) return
    for (const resolve of waiting) resolve()
    waiting.clear()
  }

  function track(request: IncomingMessage, response: ServerResponse): void {
    inFlight.set(request, response)
    response.once('close', () => release(request))
  }

  function reject(response: ServerResponse): void {
    refused++
    setImmediate(() => rejectOverloaded(response))
  }

  /** Runs the listener once the request's turn has come: a body that came with its head is complete by then. */
  function start(listener: RequestListener, request: IncomingMessage, response: ServerResponse): void {
    if (response.destroyed) return
    if (!request.complete && !receive(request, response)) {
      // The rest of the body is not read.
      response.shouldKeepAlive = false
      reject(response)
    } else listener(request, response)
  }

  /** Counts a request apart until its body is complete. False if too many are incomplete, and none is slow. */
  function receive(request: IncomingMessage, response: ServerResponse): boolean {
    inFlight.delete(request)
    const [oldest] = receiving.values()
    if (oldest && receiving.size >= maxInFlight) {
      if (performance.now() - oldest.sinceMs < BODY_TIME_MS) return false
      oldest.response.destroy()
    }
    receiving.set(request, { response, sinceMs: performance.now() })
    request.once('end', () => {
      if (receiving.delete(request)) inFlight.set(request, response)
    })
    return true
  }

  return {
    wrap: listener => (request, response) => {
      if (draining) response.shouldKeepAlive = false
      if (!EXEMPT_PATHS.has(pathOf(request))) {
        if (inFlight.size >= maxInFlight) return reject(response)
        track(request, response)
        return scheduler.schedule(() => start(listener, request, response))
      }
      listener(request, response)
    },
    release,
    drain: () => {
      draining = true
      for (const response of inFlight.values()) response.shouldKeepAlive = false
      for (const { response } of receiving.values()) response.shouldKeepAlive = false
    },
    get draining() {
      return draining
    },
    get inFlight() {
      return inFlight.size + receiving.size
    },
    get refused() {
      return refused
    },
    whenIdle: () =>
      new Promise(resolve => {
        if (inFlight.size + receiving.size === 0) resolve()
        else waiting.add(resolve)
      }),
  }
}

function pathOf({ url = '' }: IncomingMessage): string {
  const end = url.indexOf('?')
  return end < 0 ? url : url.slice(0, end)
}

/** Node reads and discards the rest of the request. */
function rejectOverloaded(response: ServerResponse): void {
  const body = JSON.stringify({
    errors: [
      {
        message: 'Server is at capacity. Retry after the time in Retry-After.',
        extensions: {
          code: 'OVERLOADED',
          retryable: true,
          retryAfterSeconds: RETRY_AFTER_SECONDS,
          requestId: randomUUID(),
        },
      },
    ],
  })
  const headers = { 'content-type': 'application/json; charset=utf-8', 'retry-after': String(RETRY_AFTER_SECONDS) }
  response.writeHead(503, { ...headers, 'content-length': Buffer.byteLength(body) }).end(body)
}
