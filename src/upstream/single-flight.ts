/** Runs the same thing once for all who want it at the same time. */
export interface SingleFlight {
  /**
   * Joins the run with this key that is under way, or starts one. The run's own signal is aborted when the last who waits
   * for it has left; who leaves gets its own signal's reason at once.
   */
  run<T>(key: string, signal: AbortSignal | undefined, start: (signal: AbortSignal) => Promise<T>): Promise<T>
}

interface Flight {
  readonly promise: Promise<unknown>
  readonly controller: AbortController
  waiting: number
  over: boolean
}

export function createSingleFlight(): SingleFlight {
  const flights = new Map<string, Flight>()

  function take(key: string, start: (signal: AbortSignal) => Promise<unknown>): Flight {
    const known = flights.get(key)
    if (known) return known
    const controller = new AbortController()
    const promise = start(controller.signal).finally(() => {
      flight.over = true
      if (flights.get(key) === flight) flights.delete(key)
    })
    // Where everybody left, nobody listens to how it ends.
    promise.catch(() => {})
    const flight: Flight = { promise, controller, waiting: 0, over: false }
    flights.set(key, flight)
    return flight
  }

  return {
    async run<T>(key: string, signal: AbortSignal | undefined, start: (signal: AbortSignal) => Promise<T>): Promise<T> {
      signal?.throwIfAborted()
      const flight = take(key, start)
      flight.waiting++
      try {
        // Every run under a key is started with the same type: the key names what is read.
        return await orAborted(flight.promise as Promise<T>, signal)
      } finally {
        flight.waiting--
        if (flight.waiting === 0 && !flight.over) {
          if (flights.get(key) === flight) flights.delete(key)
          flight.controller.abort()
        }
      }
    },
  }
}

/** The promise, or the signal's reason where that comes first while `mayLeave` holds. */
export function orAborted<T>(
  promise: Promise<T>,
  signal: AbortSignal | undefined,
  mayLeave: () => boolean = () => true,
): Promise<T> {
  if (!signal) return promise
  return new Promise((resolve, reject) => {
    const leave = () => {
      if (mayLeave()) reject(signal.reason)
    }
    signal.addEventListener('abort', leave, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', leave))
  })
}
