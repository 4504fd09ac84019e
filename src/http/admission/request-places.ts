import type { IncomingMessage, ServerResponse } from 'node:http'

/**
 * The places of requests in flight. As many requests whose bodies are incomplete, and as many responses that their clients do
 * not read, are counted apart.
 */
export interface RequestPlaces {
  /** False if all places are taken. */
  take(request: object, response: ServerResponse): boolean
  /** Counts a request apart until its body is complete. False if too many are incomplete, and none is slow. */
  receive(request: IncomingMessage, response: ServerResponse): boolean
  /** True if the request had a place. */
  release(request: object): boolean
  count(): number
  responses(): readonly ServerResponse[]
}

/** How long a request keeps its place while it waits for its client, if another one needs the place. */
const CLIENT_TIME_MS = 1_000

interface Waiting {
  readonly response: ServerResponse
  readonly sinceMs: number
}

export function createRequestPlaces(max: number): RequestPlaces {
  const inFlight = new Map<object, ServerResponse>()
  /** Requests whose bodies are incomplete, the oldest first. They take no place of a request in flight. */
  const receiving = new Map<object, Waiting>()
  /** Requests whose responses were not read when a place was needed, the oldest first. */
  const unread = new Map<object, Waiting>()

  function setUnreadApart(): void {
    for (const [request, response] of inFlight) {
      if (!isUnread(response)) continue
      if (!makeRoom(unread, max)) return
      inFlight.delete(request)
      unread.set(request, { response, sinceMs: performance.now() })
    }
  }

  return {
    take: (request, response) => {
      if (inFlight.size >= max) setUnreadApart()
      if (inFlight.size >= max) return false
      inFlight.set(request, response)
      return true
    },
    receive: (request, response) => {
      inFlight.delete(request)
      if (!makeRoom(receiving, max)) return false
      receiving.set(request, { response, sinceMs: performance.now() })
      request.once('end', () => {
        if (receiving.delete(request)) inFlight.set(request, response)
      })
      return true
    },
    release: request => inFlight.delete(request) || receiving.delete(request) || unread.delete(request),
    count: () => inFlight.size + receiving.size + unread.size,
    responses: () => [
      ...inFlight.values(),
      ...[...receiving.values(), ...unread.values()].map(({ response }) => response),
    ],
  }
}

/** Closes the connection that has waited longest if there are too many. False if it has not waited long. */
function makeRoom(waiting: Map<object, Waiting>, max: number): boolean {
  const [oldest] = waiting
  if (!oldest || waiting.size < max) return true
  const [request, { response, sinceMs }] = oldest
  if (performance.now() - sinceMs < CLIENT_TIME_MS) return false
  waiting.delete(request)
  response.destroy()
  return true
}

/** True for a response that the client has to read before more of it can be sent. */
function isUnread(response: ServerResponse): boolean {
  return response.writableEnded || response.writableNeedDrain
}
