import type { Socket } from 'node:net'
import { getHeapStatistics } from 'node:v8'
import type { Memory } from '../../domain/row-turns.ts'
import type { HeapWatch } from './heap-watch.ts'
import { type OwnedPlace, type Owner, ofLargestOwner, UNKNOWN_OWNER } from './owners.ts'

/** The memory of the process: the JavaScript heap, and outside of it what was sent to clients that do not read it. */
export interface MemoryWatch extends Memory {
  /** Counts what is unsent on these connections, until `close`. */
  observe(sockets: ReadonlySet<Socket>): void
  /** Notes whose connection it is: callers are compared by what is unsent on all of theirs. */
  own(socket: Socket, owner: Owner): void
  close(): void
}

/** What may be unsent over all connections, as a share of the limit of the heap. Beyond it, memory is short. */
const MAX_SHARE = 1 / 4
/** From this share of that on, large operations and streams wait, and connections whose clients do not read are closed. */
const TIGHT_SHARE = 3 / 4
const SWEEP_MS = 100
/** For each row and request, what is unsent is needed: it is counted once in this time. */
const MEASURE_MS = 5
/** How long a client may read nothing while memory may be short soon, and others wait for room, before connections are closed. */
const CLIENT_TIME_MS = 1_000

/** A connection with unsent bytes, as it was last measured. */
interface UnreadConnection extends OwnedPlace {
  readonly socket: Socket
  /** What its client has not read. */
  readonly bytes: number
  /** The bytes of all writes that have ended. */
  readonly written: number
  /** What is left of the current write, which the network takes in parts, and the most that was left of it. */
  readonly queued: number
  readonly mostQueued: number
  /** When the network last took a byte. */
  readonly progressMs: number
}

/**
 * Node holds what a client does not read until the connection is closed. While it is too much, connections are closed: first of
 * the key that has most, and of its client tokens the one that has most, the connection with the most unsent bytes, which count
 * more the longer nothing of them was read. Its client repeats the query, or resumes its stream from the last cursor. The heap
 * may hold results for such clients, too: each time that it is short, one connection is closed. `report` is called with the
 * number of closed connections.
 */
export function watchUnsent(heap: Omit<HeapWatch, 'close'>, report: (closed: number) => void): MemoryWatch {
  const limit = getHeapStatistics().heap_size_limit * MAX_SHARE
  const waiting: (() => void)[] = []
  /** Since when none of those that wait has had room. */
  let waitingSinceMs = 0
  const owners = new WeakMap<Socket, Owner>()
  let unread = new Map<Socket, UnreadConnection>()
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
    for (const socket of sockets) if (!socket.destroyed) unsent += socket.writableLength
    return unsent
  }

  const isTight = () => measure() > limit * TIGHT_SHARE

  function sweep(): void {
    const now = performance.now()
    const before = unread
    unread = new Map()
    for (const socket of sockets) {
      if (socket.writableLength === 0 || socket.destroyed) continue
      unread.set(socket, observeUnread(socket, owners.get(socket), before.get(socket), now))
    }
    const isShort = heap.shortages !== shortages && heap.isShort()
    shortages = heap.shortages
    closeHeaviest(isShort)
    if (!isResuming) resumeNext()
  }

  /** True if also connections are closed whose clients are reading: memory is short, or others have waited long for room. */
  function isNeeded(now: number): boolean {
    return measure() > limit || (waiting.length > 0 && now - waitingSinceMs >= CLIENT_TIME_MS)
  }

  /** Closes connections until there is room; with `atLeastOne`, one of them also if there is. */
  function closeHeaviest(atLeastOne: boolean): void {
    let closed = 0
    const now = performance.now()
    const hasStalled = ({ progressMs }: UnreadConnection) => now - progressMs >= CLIENT_TIME_MS
    while ((atLeastOne && closed === 0) || isTight()) {
      const ofLargest = ofLargestOwner([...unread.values()], one => weigh(one, now))
      const heaviest = heaviestOf(isNeeded(now) ? ofLargest : ofLargest.filter(hasStalled), now)
      if (!heaviest) break
      heaviest.socket.destroy()
      unread.delete(heaviest.socket)
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
    waitingSinceMs = performance.now()
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
      if (waiting.length === 0 && !isTight()) return
      if (waiting.length === 0) waitingSinceMs = performance.now()
      await new Promise<void>(resolve => waiting.push(resolve))
    },
    get shortages() {
      return heap.shortages
    },
    own: (socket, owner) => void owners.set(socket, owner),
    close: () => {
      clearInterval(timer)
      for (const resume of waiting.splice(0)) resume()
    },
  }
}

function observeUnread(
  socket: Socket,
  owner: Owner = UNKNOWN_OWNER,
  before: UnreadConnection | undefined,
  now: number,
): UnreadConnection {
  const { writableLength } = socket
  const written = socket.bytesWritten - writableLength
  const queued = queuedBytes(socket)
  const isSameWrite = before?.written === written
  const mostQueued = isSameWrite ? Math.max(before.mostQueued, queued) : queued
  const hasRead = !isSameWrite || queued < before.queued
  const bytes = writableLength - (mostQueued - queued)
  return { socket, owner, bytes, written, queued, mostQueued, progressMs: hasRead ? now : before.progressMs }
}

/** What the system has not taken of the current write. Node has no other name for it. */
function queuedBytes(socket: object): number {
  const handle = '_handle' in socket ? socket._handle : undefined
  if (typeof handle !== 'object' || handle === null || !('writeQueueSize' in handle)) return 0
  return typeof handle.writeQueueSize === 'number' ? handle.writeQueueSize : 0
}

function weigh({ bytes, progressMs }: UnreadConnection, now: number): number {
  return bytes * (1 + (now - progressMs) / 1_000)
}

function heaviestOf([first, ...others]: readonly UnreadConnection[], now: number): UnreadConnection | undefined {
  return first && others.reduce((most, one) => (weigh(one, now) > weigh(most, now) ? one : most), first)
}
