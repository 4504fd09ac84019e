import type { IncomingMessage, ServerResponse } from 'node:http'

/** The places of requests in flight. As many requests whose bodies are incomplete are counted apart. */
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

/** How long a request keeps its place while its body arrives, if another one needs the place. */
const BODY_TIME_MS = 1_000

export function createRequestPlaces(max: number): RequestPlaces {
  const inFlight = new Map<object, ServerResponse>()
  /** Requests whose bodies are incomplete, the oldest first. They take no place of a request in flight. */
  const receiving = new Map<object, { readonly response: ServerResponse; readonly sinceMs: number }>()
  return {
    take: (request, response) => {
      if (inFlight.size >= max) return false
      inFlight.set(request, response)
      return true
    },
    receive: (request, response) => {
      inFlight.delete(request)
      const [oldest] = receiving.values()
      if (oldest && receiving.size >= max) {
        if (performance.now() - oldest.sinceMs < BODY_TIME_MS) return false
        oldest.response.destroy()
      }
      receiving.set(request, { response, sinceMs: performance.now() })
      request.once('end', () => {
        if (receiving.delete(request)) inFlight.set(request, response)
      })
      return true
    },
    release: request => inFlight.delete(request) || receiving.delete(request),
    count: () => inFlight.size + receiving.size,
    responses: () => [...inFlight.values(), ...[...receiving.values()].map(({ response }) => response)],
  }
}
