import { randomUUID } from 'node:crypto'
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type { Intake } from './intake.ts'

/**
 * Stands before every door of the server: so many requests at a time, the excess answered at once and never queued. It
 * also knows when the last one is done, which is what a drain waits for.
 */
export interface Gate {
  /** The same listener for what is let in. */
  before(listener: RequestListener): RequestListener
  /** A request that became a stream is not counted any more. */
  release(request: object | undefined): void
  /** From now on each answer closes its connection. */
  drain(): void
  readonly draining: boolean
  readonly inFlight: number
  /** How many were refused since the start. */
  readonly refused: number
  /** Resolves when nothing is in flight. */
  idle(): Promise<void>
}

/** What watches the server is let in however much there is to do. */
const UNCOUNTED = new Set(['/livez', '/readyz', '/metrics'])
const RETRY_AFTER_SECONDS = 1

export function createGate(most: number, intake: Intake): Gate {
  const inside = new Map<object, ServerResponse>()
  const waiting = new Set<() => void>()
  let draining = false
  let refused = 0

  function release(request: object | undefined): void {
    if (!request || !inside.delete(request) || inside.size > 0) return
    for (const resolve of waiting) resolve()
    waiting.clear()
  }

  function enter(request: IncomingMessage, response: ServerResponse): void {
    inside.set(request, response)
    response.once('close', () => release(request))
  }

  return {
    before: listener => (request, response) => {
      if (draining) response.shouldKeepAlive = false
      if (!UNCOUNTED.has(pathOf(request))) {
        if (inside.size >= most) {
          refused++
          return void setImmediate(() => refuse(response))
        }
        enter(request, response)
        return intake.begin(() => {
          if (!response.destroyed) listener(request, response)
        })
      }
      listener(request, response)
    },
    release,
    drain: () => {
      draining = true
      for (const response of inside.values()) response.shouldKeepAlive = false
    },
    get draining() {
      return draining
    },
    get inFlight() {
      return inside.size
    },
    get refused() {
      return refused
    },
    idle: () =>
      new Promise(resolve => {
        if (inside.size === 0) resolve()
        else waiting.add(resolve)
      }),
  }
}

function pathOf({ url = '' }: IncomingMessage): string {
  const end = url.indexOf('?')
  return end < 0 ? url : url.slice(0, end)
}

/** The rest of the request is read and thrown away by node. */
function refuse(response: ServerResponse): void {
  const body = JSON.stringify({
    errors: [
      {
        message: 'There is too much to do here just now. Try again shortly.',
        extensions: { code: 'OVERLOADED', retryable: true, retryAfter: RETRY_AFTER_SECONDS, requestId: randomUUID() },
      },
    ],
  })
  const headers = { 'content-type': 'application/json; charset=utf-8', 'retry-after': String(RETRY_AFTER_SECONDS) }
  response.writeHead(503, { ...headers, 'content-length': Buffer.byteLength(body) }).end(body)
}
