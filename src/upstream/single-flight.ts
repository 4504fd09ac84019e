import { AsyncResource } from 'node:async_hooks'
import { type AbortSignalLike, LightAbortSignal } from '../domain/abort-signal.ts'

/** Runs the same work once for all concurrent callers. */
export interface SingleFlight<Marker> {
  /**
   * Joins a running or waiting flight of this key, or starts one. A caller whose signal aborts gets its reason at once;
   * the flight's own signal aborts when its last caller has gone. A flight reports a start marker; from then on only
   * callers whose `mayJoin` accepts the marker join it.
   */
  run<T>(key: string, options: JoinOptions<Marker>, start: Start<Marker, T>): Promise<T>
}

export interface JoinOptions<Marker> {
  readonly signal: AbortSignalLike | undefined
  mayJoin(marker: Marker): boolean
  /** Called if it joins a flight of another caller. */
  joins?(): void
}

type Start<Marker, T> = (signal: AbortSignalLike, markStarted: (marker: Marker) => void) => Promise<T>

/** The flights of one key. Callers that may not join the running ones share the next one. */
interface Line<Marker> {
  readonly running: Set<Flight<Marker>>
  next?: Flight<Marker>
}

interface Flight<Marker> {
  readonly signal: LightAbortSignal
  readonly promise: Promise<unknown>
  /** Starts the flight, in the async context of its first caller. */
  readonly start: () => void
  waiting: number
  marker?: Marker
}

/** A second flight may run beside one that hangs. */
const MAX_RUNNING = 2

export function createSingleFlight<Marker>(): SingleFlight<Marker> {
  const lines = new Map<string, Line<Marker>>()

  function take<T>(key: string, options: JoinOptions<Marker>, start: Start<Marker, T>): Flight<Marker> {
    const line = lines.get(key) ?? { running: new Set() }
    lines.set(key, line)
    const shared = findShared(line, options)
    if (shared) {
      options.joins?.()
      return shared
    }
    const isLater = line.running.size >= MAX_RUNNING
    const flight = createFlight(start, isLater)
    if (isLater) line.next = flight
    else launch(key, line, flight)
    return flight
  }

  function launch(key: string, line: Line<Marker>, flight: Flight<Marker>): void {
    line.running.add(flight)
    const end = () => remove(key, line, flight)
    flight.promise.then(end, end)
    flight.start()
  }

  /** Closes the flight for further callers and starts the next one. False if it has already ended. */
  function remove(key: string, line: Line<Marker>, flight: Flight<Marker>): boolean {
    const { next, running } = line
    const wasRunning = running.delete(flight)
    if (!wasRunning && next !== flight) return false
    line.next = undefined
    if (wasRunning && next) launch(key, line, next)
    if (running.size === 0) lines.delete(key)
    return true
  }

  return {
    async run<T>(key: string, options: JoinOptions<Marker>, start: Start<Marker, T>): Promise<T> {
      const { signal } = options
      signal?.throwIfAborted()
      const flight = take(key, options, start)
      flight.waiting++
      try {
        // All flights of a key have the same type: the key names what is read.
        return await rejectOnAbort(flight.promise as Promise<T>, signal)
      } finally {
        flight.waiting--
        const line = lines.get(key)
        if (flight.waiting === 0 && line && remove(key, line, flight)) flight.signal.abort()
      }
    },
  }
}

/** The newest flight that the caller may join. A flight that has not started yet fits every caller. */
function findShared<Marker>(
  { running, next }: Line<Marker>,
  { mayJoin }: JoinOptions<Marker>,
): Flight<Marker> | undefined {
  const isNewEnough = ({ marker }: Flight<Marker>) => marker === undefined || mayJoin(marker)
  return [...running].reverse().find(isNewEnough) ?? next
}

/** `isLater`: another caller starts it, and it keeps the async context of this one. */
function createFlight<Marker, T>(start: Start<Marker, T>, isLater: boolean): Flight<Marker> {
  const signal = new LightAbortSignal()
  let resolve: (value: Promise<T>) => void = () => {}
  const promise = new Promise<T>(settle => {
    resolve = settle
  })
  const run = async () => start(signal, markStarted)
  const begin = () => resolve(run())
  const flight: Flight<Marker> = {
    signal,
    promise,
    waiting: 0,
    start: isLater ? AsyncResource.bind(begin) : begin,
  }
  function markStarted(marker: Marker): void {
    flight.marker = marker
  }
  return flight
}

/** The promise that is pending under the key, or a new one, which leaves the map when it settles. */
export function shareInFlight<K, V>(pending: Map<K, Promise<V>>, key: K, start: () => Promise<V>): Promise<V> {
  const shared = pending.get(key) ?? start().finally(() => pending.delete(key))
  pending.set(key, shared)
  return shared
}

/** The promise, or a rejection with the signal's reason if the signal aborts first. */
function rejectOnAbort<T>(promise: Promise<T>, signal: AbortSignalLike | undefined): Promise<T> {
  if (!signal) return promise
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason)
    signal.addEventListener('abort', abort)
    const end = () => signal.removeEventListener('abort', abort)
    promise.then(
      value => {
        end()
        resolve(value)
      },
      error => {
        end()
        reject(error)
      },
    )
  })
}
