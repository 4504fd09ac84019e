import { type Caller, holderOf } from '../domain/caller.ts'

/** The streams that clients have open here: how many each key has, and a way to end them all. */
export interface Streams {
  /** Undefined where the key has as many as it may have. It ends by itself soon after its caller's key or token does. */
  open(caller: Caller): Stream | undefined
  /** Ends all that are open, and from now on each as soon as it is opened; their clients are told why. */
  end(reason: EndReason): void
  /** How many are open. */
  count(): number
}

/**
 * Why the server ended a stream. CLOSING: this instance stops; another one goes on from the last event. KEY_OVER: what it was
 * opened with opens nothing any more.
 */
export type EndReason = 'CLOSING' | 'KEY_OVER'

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

/** How often it is looked whether those who follow still may. */
const LOOK_MS = 2_000

/** `isLive`: whether a caller's key or token still opens anything. */
export function createStreams(isLive: (caller: Caller) => Promise<boolean>): Streams {
  const open = new Map<string, Set<OpenStream>>()
  const all = () => [...open.values()].flatMap(streams => [...streams])
  let over: EndReason | undefined
  let looking: NodeJS.Timeout | undefined

  async function look(): Promise<void> {
    // A store that cannot be asked just now ends nothing.
    const ended = await Promise.all(
      all().map(async stream => !(await isLive(stream.caller).catch(() => true)) && stream),
    )
    for (const stream of ended) if (stream) stream.end('KEY_OVER')
  }

  return {
    count: () => all().length,
    end: reason => {
      over = reason
      for (const stream of all()) stream.end(reason)
    },
    open: caller => {
      const key = holderOf(caller)
      const streams = open.get(key) ?? new Set<OpenStream>()
      if (streams.size >= STREAMS_PER_KEY) return undefined
      const stream = createStream(caller, () => {
        streams.delete(stream)
        if (streams.size === 0) open.delete(key)
        if (open.size > 0) return
        clearInterval(looking)
        looking = undefined
      })
      open.set(key, streams.add(stream))
      looking ??= setInterval(look, LOOK_MS)
      if (over) stream.end(over)
      return stream
    },
  }
}

interface OpenStream extends Stream {
  readonly caller: Caller
}

function createStream(caller: Caller, onEnd: () => void): OpenStream {
  const ending = new AbortController()
  let last: string | undefined
  let why: EndReason | undefined
  ending.signal.addEventListener('abort', onEnd, { once: true })
  return {
    caller,
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
