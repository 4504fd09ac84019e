import { DomainError } from './errors.ts'

/**
 * Completes the rows of large operations in turns: a few milliseconds of rows for each turn of the event loop, over all
 * operations of this process, so that other requests are answered between them.
 */
export interface RowTurns {
  /** Resolves to the row in its turn. Rejects with DEADLINE_EXCEEDED once the operation's signal is aborted. Null if it is left out. */
  wait<T>(row: T): Promise<T | null>
  /** The row itself while this turn of the event loop has time left; else it waits. For rows that are completed at once. */
  take<T>(row: T): T | Promise<T | null>
  /** Resolves in a turn of the operation, also once it is aborted: to write a result takes as long as many rows. */
  waitToWrite(): Promise<void>
  /** Calls back as soon as no row of the operation waits, so that what all of its rows select is read together. */
  whenNoneWaits(run: () => void): void
  /** Set if rows may be left out while memory is short, so that the operation ends and releases what it holds. */
  mayShed: boolean
  /** True if the rows from now on are left out: the operation has no valid result. */
  readonly isShed: boolean
}

export interface RowScheduler {
  /** `cost`: what the operation may cost. `isAborted`: whether it has ended. */
  open(cost: number, isAborted: () => boolean, reader?: Reader): RowTurns
}

/** The client of several operations. While it does not read what it was sent, none of them has turns. */
export interface Reader {
  hasRead(): boolean
  /** Resolves once it has, or has disconnected. */
  whenRead(): Promise<void>
}

/** The memory that the operations share. */
export interface Memory {
  /** The number of times that it was short. */
  readonly shortages: number
  isShort(): boolean
  /** True if it may be short soon: what is in use may be garbage. */
  isTight(): boolean
  /** Resolves when there is room for another result, beside those that clients have not read. */
  whenRoom(): Promise<void>
}

/** The connections of the server. */
export interface Connections {
  /** How many were accepted since its start. */
  readonly accepted: number
}

const SLICE_MS = 5
/** How long connections are accepted between two slices, while more of them arrive. Node accepts one in a turn of the event loop. */
const ACCEPT_MS = 10

/** Resolves when the event loop has served the sockets and timers that are due. */
const nextTurn = () => new Promise<void>(resolve => setImmediate(resolve))

/** Resolves when the row is completed as far as possible without I/O: a read from SQLite takes a chain of microtasks. */
const afterMicrotasks = () => new Promise<void>(resolve => process.nextTick(resolve))

interface WaitingRow {
  resolve(): void
  leaveOut(): void
  reject(error: unknown): void
}

export function createRowScheduler(memory: Memory, connections: Connections): RowScheduler {
  /** Those with rows. An array, because a Set of objects that come and go keeps them from the garbage collection of the young generation. */
  const operations: Operation[] = []
  let isRunning = false
  let shortages = memory.shortages
  let opened = 0
  /** The end of the slice of this turn; undefined before its first row. */
  let until: number | undefined

  function hasTime(): boolean {
    const now = performance.now()
    if (until === undefined) {
      until = now + SLICE_MS
      setImmediate(() => {
        until = undefined
      })
    }
    return now < until
  }

  async function run(): Promise<void> {
    if (!hasTime() || memory.isTight()) await nextSlice()
    for (const operation of takeTurns(operations, memory)) {
      // The rows that it reads now are its next ones.
      if (!operation) {
        await nextSlice()
        continue
      }
      if (operation.reader?.hasRead() === false) {
        pause(operation, operation.reader)
        continue
      }
      operation.next()
      await afterMicrotasks()
      if (!hasTime()) await nextSlice()
    }
    isRunning = false
  }

  function pause(operation: Operation, reader: Reader): void {
    operations.splice(operations.indexOf(operation), 1)
    void reader.whenRead().then(() => {
      operation.isStarted = false
      start(operation)
    })
  }

  async function nextSlice(): Promise<void> {
    do {
      await acceptConnections(connections)
      await memory.whenRoom()
      if (memory.shortages !== shortages && memory.isShort()) shedHalf(operations)
      shortages = memory.shortages
    } while (!hasTime())
  }

  function start(operation: Operation): void {
    if (!operation.isStarted) operations.push(operation)
    operation.isStarted = true
    if (isRunning) return
    isRunning = true
    void run()
  }

  const mayRun = () => !memory.isTight() && hasTime()
  return {
    open: (cost, isAborted, reader) => new Operation({ place: opened++, cost, reader }, isAborted, mayRun, start),
  }
}

/** Takes one turn of the event loop, and more while connections arrive. */
async function acceptConnections(connections: Connections): Promise<void> {
  const until = performance.now() + ACCEPT_MS
  for (let before = -1; connections.accepted !== before && performance.now() < until; ) {
    before = connections.accepted
    await nextTurn()
  }
}

/**
 * Ends the newer half of the operations without a result. The older ones go on; if memory is short again after the next garbage
 * collection, half of those end, too. The rows of an operation that ends are left out without an error for each, which would
 * need more memory than the row.
 */
function shedHalf(operations: readonly Operation[]): void {
  const running = operations.filter(({ mayShed, isShed }) => mayShed && !isShed).sort((a, b) => a.place - b.place)
  for (const operation of running.slice(Math.floor(running.length / 2))) operation.isShed = true
}

/**
 * Of the operations with waiting rows, by turns the oldest one and the cheapest one, until none has any: under overload, those
 * complete that can before their deadline, and small ones do not wait for large ones. Undefined after one that now reads what
 * all of its rows select. While memory is tight, the oldest one alone, so that it ends; undefined where it may still be reading.
 */
function* takeTurns(operations: Operation[], memory: Memory): Generator<Operation | undefined> {
  for (let turn = 0; operations.length > 0; turn++) {
    const isTight = memory.isTight()
    const operation = firstOf(operations, isTight || turn % 2 === 0 ? isOlder : isCheaper)
    if (operation.hasWaiting) yield operation
    else {
      operations.splice(operations.indexOf(operation), 1)
      operation.isStarted = false
      const hasCallbacks = operation.end()
      if (isTight || hasCallbacks) yield undefined
    }
  }
}

type Precedes = (one: Operation, other: Operation) => boolean

const isOlder: Precedes = (one, other) => one.place < other.place

const isCheaper: Precedes = (one, other) => one.cost < other.cost || (one.cost === other.cost && isOlder(one, other))

function firstOf(operations: readonly Operation[], precedes: Precedes): Operation {
  return operations.reduce((first, operation) => (precedes(operation, first) ? operation : first))
}

class Operation implements RowTurns {
  /** The position among all operations, by their start. */
  readonly place: number
  readonly cost: number
  readonly reader: Reader | undefined
  mayShed = false
  isShed = false
  /** True while it is one of those that have turns. */
  isStarted = false
  readonly #isAborted: () => boolean
  /** Whether a row can be completed at once. */
  readonly #mayRun: () => boolean
  readonly #start: (operation: Operation) => void
  #waiting: WaitingRow[] = []
  #at = 0
  #callbacks: (() => void)[] = []

  constructor(
    { place, cost, reader }: Pick<Operation, 'cost' | 'place' | 'reader'>,
    isAborted: () => boolean,
    mayRun: () => boolean,
    start: (operation: Operation) => void,
  ) {
    this.place = place
    this.cost = cost
    this.reader = reader
    this.#isAborted = isAborted
    this.#mayRun = mayRun
    this.#start = start
  }

  get hasWaiting(): boolean {
    return this.#at < this.#waiting.length
  }

  take<T>(row: T): T | Promise<T | null> {
    const mayRun = !this.hasWaiting && !this.isShed && !this.#isAborted() && this.reader?.hasRead() !== false
    if (mayRun && this.#mayRun()) return row
    return this.wait(row)
  }

  wait<T>(row: T): Promise<T | null> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve: () => resolve(row), leaveOut: () => resolve(null), reject })
      this.#start(this)
    })
  }

  async waitToWrite(): Promise<void> {
    await this.wait(null).catch(() => {})
  }

  whenNoneWaits(run: () => void): void {
    if (this.hasWaiting) this.#callbacks.push(run)
    // As DataLoader does: after all that is ready has been loaded.
    else Promise.resolve().then(() => process.nextTick(() => (this.hasWaiting ? this.#callbacks.push(run) : run())))
  }

  next(): void {
    const row = this.#waiting[this.#at++]
    if (this.#isAborted()) row?.reject(deadlineExceeded())
    else if (this.isShed) row?.leaveOut()
    else row?.resolve()
  }

  /** Returns whether reads begin that waited for the rows. */
  end(): boolean {
    this.#waiting = []
    this.#at = 0
    const callbacks = this.#callbacks.splice(0)
    for (const run of callbacks) this.whenNoneWaits(run)
    return callbacks.length > 0
  }
}

function deadlineExceeded(): DomainError {
  return new DomainError(
    'DEADLINE_EXCEEDED',
    'The request ended before all of its rows were read. Select fewer rows or fields.',
  )
}
