import type { IncomingMessage, ServerResponse } from 'node:http'
import { isSameOwner, type OwnedPlace, type Owner, ofLargestOwner } from './owners.ts'

/**
 * The places of requests in flight. As many requests whose bodies are incomplete, and as many responses that their clients do
 * not read, are counted apart.
 */
export interface RequestPlaces {
  /** False if all places are taken. */
  take(request: object, response: ServerResponse, owner: Owner): boolean
  /** Counts a request apart until its body is complete. False if too many are incomplete, and none of them is closed for it. */
  receive(request: IncomingMessage, response: ServerResponse, owner: Owner): boolean
  /** True if the request had a place. */
  release(request: object): boolean
  count(): number
  responses(): readonly ServerResponse[]
}

/** How long a request keeps its place while it waits for its client, if another one needs the place. */
const CLIENT_TIME_MS = 1_000

interface Waiting extends OwnedPlace {
  readonly response: ServerResponse
  readonly sinceMs: number
}

interface Place extends OwnedPlace {
  readonly request: object
  readonly response: ServerResponse
}

export function createRequestPlaces(max: number): RequestPlaces {
  /**
   * An array, because a Map of objects that come and go keeps them from the young generation's garbage collection: the table that it
   * outgrows still refers to them, and to the table after it.
   */
  const inFlight: Place[] = []
  /** Requests whose bodies are incomplete, the oldest first. They take no place of a request in flight. */
  const receiving = new Map<object, Waiting>()
  /** Requests whose responses were not read when a place was needed, the oldest first. */
  const unread = new Map<object, Waiting>()

  /** Until a place is free. */
  function setUnreadApart(): void {
    let refused: Owner | undefined
    for (const { request, response, owner } of [...inFlight]) {
      if (inFlight.length < max) return
      if (!isUnread(response) || (refused && isSameOwner(refused, owner))) continue
      if (makeRoom(unread, max, owner)) {
        leave(request)
        unread.set(request, { response, owner, sinceMs: performance.now() })
      } else refused = owner
    }
  }

  /** True if the request was in flight. The last one takes its index. */
  function leave(request: object): boolean {
    const index = inFlight.findIndex(place => place.request === request)
    if (index < 0) return false
    const last = inFlight.pop()
    if (last && index < inFlight.length) inFlight[index] = last
    return true
  }

  return {
    take: (request, response, owner) => {
      if (inFlight.length >= max) setUnreadApart()
      if (inFlight.length >= max) return false
      inFlight.push({ request, response, owner })
      return true
    },
    receive: (request, response, owner) => {
      leave(request)
      if (!makeRoom(receiving, max, owner)) return false
      receiving.set(request, { response, owner, sinceMs: performance.now() })
      request.once('end', () => {
        if (receiving.delete(request)) inFlight.push({ request, response, owner })
      })
      return true
    },
    release: request => leave(request) || receiving.delete(request) || unread.delete(request),
    count: () => inFlight.length + receiving.size + unread.size,
    responses: () => [...inFlight, ...receiving.values(), ...unread.values()].map(({ response }) => response),
  }
}

/**
 * Closes a connection if there are too many: that of the key, and of its client token, with most of them which has waited longest.
 * False if that is the one who needs the place, and it has not waited long.
 */
function makeRoom(waiting: Map<object, Waiting>, max: number, owner: Owner): boolean {
  if (waiting.size < max) return true
  const [oldest] = ofLargestOwner([...waiting.values()], () => 1)
  if (!oldest) return true
  if (isSameOwner(oldest.owner, owner) && performance.now() - oldest.sinceMs < CLIENT_TIME_MS) return false
  for (const [request, { response }] of waiting) if (response === oldest.response) waiting.delete(request)
  oldest.response.destroy()
  return true
}

/** True for a response that the client has to read before more of it can be sent. */
function isUnread(response: ServerResponse): boolean {
  return response.writableEnded || response.writableNeedDrain
}
