/** The streams that clients have open here: how many each key has, and a way to end them all. */
export interface Streams {
  /** Undefined where the key has as many as it may have. */
  open(key: string): Stream | undefined
  /** Ends all that are open, and from now on each as soon as it is opened; their clients are told why. */
  end(reason: EndReason): void
  /** How many are open. */
  count(): number
}

/** Why the server ended a stream. CLOSING: this instance stops; another one goes on from the last event. */
export type EndReason = 'CLOSING'

export interface Stream {
  readonly ended: AbortSignal
  end(reason?: EndReason): void
  /** Undefined where the client or the subscription itself ended it. */
  readonly reason: EndReason | undefined
  /** Told the cursor of each event before it is sent. */
  reached(cursor: string): void
  /** The cursor told last. */
  readonly cursor: string | undefined
}

export const STREAMS_PER_KEY = 100

export function createStreams(): Streams {
  const open = new Map<string, Set<Stream>>()
  const all = () => [...open.values()].flatMap(streams => [...streams])
  let over: EndReason | undefined

  return {
    count: () => all().length,
    end: reason => {
      over = reason
      for (const stream of all()) stream.end(reason)
    },
    open: key => {
      const streams = open.get(key) ?? new Set()
      if (streams.size >= STREAMS_PER_KEY) return undefined
      const stream = createStream(() => {
        streams.delete(stream)
        if (streams.size === 0) open.delete(key)
      })
      open.set(key, streams.add(stream))
      if (over) stream.end(over)
      return stream
    },
  }
}

function createStream(onEnd: () => void): Stream {
  const ending = new AbortController()
  let last: string | undefined
  let why: EndReason | undefined
  ending.signal.addEventListener('abort', onEnd, { once: true })
  return {
    ended: ending.signal,
    end: reason => {
      if (!ending.signal.aborted) why = reason
      ending.abort()
    },
    get reason() {
      return why
    },
    reached: cursor => {
      last = cursor
    },
    get cursor() {
      return last
    },
  }
}
