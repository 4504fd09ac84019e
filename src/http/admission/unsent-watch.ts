import type { Socket } from 'node:net'
import { getHeapStatistics } from 'node:v8'
import type { Memory } from '../../domain/row-turns.ts'
import type { HeapWatch } from './heap-watch.ts'

/** The memory of the process: the JavaScript heap, and outside of it what was sent to clients that do not read it. */
export interface MemoryWatch extends Memory {
  /** Counts what is unsent on these connections, until `close`. */
  observe(sockets: ReadonlySet<Socket>): void
  /** Closes the connection that has had unsent bytes for longest, if for long enough. */
  closeUnread(): void
  close(): void
}

/** What may be unsent over all connections, as a share of the limit of the heap. Beyond it, memory is short. */
const MAX_SHARE = 1 / 4
/** From this share of that on, large operations and streams wait, and connections whose clients do not read are closed. */
const TIGHT_SHARE = 3 / 4
const SWEEP_MS = 100
/** For each row and request, what is unsent is needed: it is counted once in this time. */
const MEASURE_MS = 5
/** How long a client may take to read, if what it does not read is needed. */
const CLIENT_TIME_MS = 1_000

/**
 * Node holds what a client does not read until the connection is closed. Of all connections, the one that has had unsent
 * bytes for longest is closed first: its client repeats the query, or resumes its stream from the last cursor. The heap may
 * hold results for such clients, too: each time that it is short, one connection is closed. `report` is called with the number
 * of closed connections.
 */
export function watchUnsent(heap: Omit<HeapWatch, 'close'>, report: (closed: number) => void): MemoryWatch {
  const limit = getHeapStatistics().heap_size_limit * MAX_SHARE
  const waiting: (() => void)[] = []
  /** Since when connections have unsent bytes, the longest first. */
  const since = new Map<Socket, number>()
  let sockets: ReadonlySet<Socket> = new Set()
  let timer: NodeJS.Timeout | undefined
  let unsent = 0
  let measureAt = 0
  let shortages = heap.shortages
  let isResuming = false

  function measure(): number {
    const now = performance.now()
    if (now < measureAt) return unsent
    measureAt = now + MEASURE_MS
    unsent = 0
    for (const socket of sockets) unsent += socket.writableLength
    return unsent
  }

  const isTight = () => measure() > limit * TIGHT_SHARE

  function sweep(): void {
    const now = performance.now()
    for (const [socket] of since) if (!sockets.has(socket) || socket.writableLength === 0) since.delete(socket)
    for (const socket of sockets) if (socket.writableLength > 0 && !since.has(socket)) since.set(socket, now)
    const isShort = heap.shortages !== shortages && heap.isShort()
    shortages = heap.shortages
    closeLongest(isShort)
    if (!isResuming) resumeNext()
  }

  /** Closes connections until there is room; with `atLeastOne`, one of them also if there is. */
  function closeLongest(atLeastOne: boolean): void {
    let closed = 0
    for (const [socket, sinceMs] of since) {
      if (performance.now() - sinceMs < CLIENT_TIME_MS) break
      if (!(atLeastOne && closed === 0) && !isTight()) break
      socket.destroy()
      since.delete(socket)
      measureAt = 0
      closed++
    }
    if (closed > 0) report(closed)
  }

  /** One in a turn of the event loop, because each may fill the room that there is. */
  function resumeNext(): void {
    measureAt = 0
    isResuming = waiting.length > 0 && !isTight()
    if (!isResuming) return
    waiting.shift()?.()
    setImmediate(resumeNext)
  }

  return {
    observe: open => {
      sockets = open
      timer = setInterval(sweep, SWEEP_MS).unref()
    },
    isShort: () => heap.isShort() || measure() > limit,
    isTight: () => heap.isTight() || isTight(),
    whenRoom: async () => {
      if (waiting.length > 0 || isTight()) await new Promise<void>(resolve => waiting.push(resolve))
    },
    get shortages() {
      return heap.shortages
    },
    closeUnread: () => closeLongest(true),
    close: () => {
      clearInterval(timer)
      for (const resume of waiting.splice(0)) resume()
    },
  }
}
