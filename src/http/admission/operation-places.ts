import type { Socket } from 'node:net'
import type { OwnedPlace, Owner } from './owners.ts'

/** The places of operations over WebSockets. Each is held until its results are written. */
export interface OperationPlaces {
  /** Returns the function that gives the place back; undefined if all are taken, or half of them by the same key. */
  take(owner: Owner, socket: Socket): (() => void) | undefined
  count(): number
}

/** How long an operation keeps its place while its client does not read, if another one needs the place. */
const CLIENT_TIME_MS = 1_000

interface OperationPlace extends OwnedPlace {
  readonly socket: Socket
  readonly sinceMs: number
}

export function createOperationPlaces(max: number): OperationPlaces {
  const places = new Set<OperationPlace>()
  const maxOfKey = Math.ceil(max / 2)

  return {
    take: (owner, socket) => {
      const ofKey = [...places].filter(place => place.owner.key === owner.key)
      if (ofKey.length >= maxOfKey) return void closeUnread(ofKey)
      if (places.size >= max) return void closeUnread([...places])
      const place = { owner, socket, sinceMs: performance.now() }
      places.add(place)
      return () => void places.delete(place)
    },
    count: () => places.size,
  }
}

/** Closes the connection with most unsent bytes, so that its places are free for the next operations. */
function closeUnread(places: readonly OperationPlace[]): void {
  const until = performance.now() - CLIENT_TIME_MS
  const unread = places.filter(({ socket, sinceMs }) => sinceMs < until && socket.writableLength > 0)
  if (unread.length > 0) unread.reduce((most, one) => (hasMoreUnsent(one, most) ? one : most)).socket.destroy()
}

function hasMoreUnsent(one: OperationPlace, other: OperationPlace): boolean {
  return one.socket.writableLength > other.socket.writableLength
}
