import { DomainError } from './errors.ts'

/**
 * Completes the rows of large operations in turns: a few milliseconds of rows for each turn of the event loop, over all
 * operations of this process, so that other requests are answered between them.
 */
export interface RowTurns {
  /** Resolves to the row in its turn. Rejects with DEADLINE_EXCEEDED once the operation's signal is aborted. */
  wait<T>(row: T): Promise<T>
  /** Calls back as soon as no row of the operation waits, so that what all of its rows select is read together. */
  whenNoneWaits(run: () => void): void
}

export interface RowScheduler {
  /** `isAborted`: whether the operation has ended. */
  open(isAborted: () => boolean): RowTurns
}

const SLICE_MS = 5

/** Resolves when the event loop has served the sockets and timers that are due. */
const nextTurn = () => new Promise<void>(resolve => setImmediate(resolve))

interface WaitingRow {
  resolve(): void
  reject(error: unknown): void
}

export function createRowScheduler(): RowScheduler {
  const operations = new Set<Operation>()
  let isRunning = false

  async function run(): Promise<void> {
    let until = performance.now() + SLICE_MS
    for (const operation of takeTurns(operations)) {
      operation.next()
      // The executor completes the row in this microtask.
      await Promise.resolve()
      if (performance.now() < until) continue
      await nextTurn()
      until = performance.now() + SLICE_MS
    }
    isRunning = false
  }

  return {
    open: isAborted =>
      new Operation(isAborted, operation => {
        operations.add(operation)
        if (isRunning) return
        isRunning = true
        void run()
      }),
  }
}

/** The operations with waiting rows, one after another, until none has any. */
function* takeTurns(operations: Set<Operation>): Generator<Operation> {
  while (operations.size > 0) {
    for (const operation of operations) {
      if (operation.hasWaiting) yield operation
      else {
        operations.delete(operation)
        operation.end()
      }
    }
  }
}

class Operation implements RowTurns {
  readonly #isAborted: () => boolean
  readonly #start: (operation: Operation) => void
  #waiting: WaitingRow[] = []
  #at = 0
  #callbacks: (() => void)[] = []

  constructor(isAborted: () => boolean, start: (operation: Operation) => void) {
    this.#isAborted = isAborted
    this.#start = start
  }

  get hasWaiting(): boolean {
    return this.#at < this.#waiting.length
  }

  wait<T>(row: T): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve: () => resolve(row), reject })
      this.#start(this)
    })
  }

  whenNoneWaits(run: () => void): void {
    if (this.hasWaiting) this.#callbacks.push(run)
    // As DataLoader does: after all that is ready has been loaded.
    else Promise.resolve().then(() => process.nextTick(() => (this.hasWaiting ? this.#callbacks.push(run) : run())))
  }

  next(): void {
    const row = this.#waiting[this.#at++]
    if (this.#isAborted()) row?.reject(deadlineExceeded())
    else row?.resolve()
  }

  end(): void {
    this.#waiting = []
    this.#at = 0
    for (const run of this.#callbacks.splice(0)) this.whenNoneWaits(run)
  }
}

function deadlineExceeded(): DomainError {
  return new DomainError('DEADLINE_EXCEEDED', 'The request ended before all of its rows were read.')
}
