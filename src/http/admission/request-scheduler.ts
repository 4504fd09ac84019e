import type { Server } from 'node:http'

/** How long requests, operations and messages are started in a turn of the event loop, before it accepts new connections … */
const SLICE_MS = 5
/** … and how long it accepts connections only, while more of them arrive. */
const YIELD_MS = 10

/**
 * Starts requests, operations and messages one after another, and yields to the event loop between them. Node accepts one
 * connection per turn of the loop: if all that is buffered started at once, new connections would queue in the kernel, where
 * admission control cannot see them, and all other requests would wait.
 */
export class RequestScheduler {
  readonly #first: (() => void)[] = []
  readonly #later: (() => void)[] = []
  #isRunning = false
  #hasNewConnections = false
  #accepted = 0
  /** The end of the slice of this turn of the event loop; undefined before its first start. */
  #until: number | undefined

  /** How many connections were accepted. */
  get accepted(): number {
    return this.#accepted
  }

  observe(server: Server): void {
    server.on('connection', () => {
      this.#hasNewConnections = true
      this.#accepted++
    })
  }

  /** Starts a request after those of its rank that were scheduled before it. All that are FIRST start before the LATER ones. */
  schedule(run: () => void, rank: 'FIRST' | 'LATER'): void {
    const waiting = rank === 'FIRST' ? this.#first : this.#later
    waiting.push(run)
    if (this.#isRunning) return
    this.#isRunning = true
    this.#yieldToEventLoop(performance.now() + YIELD_MS)
  }

  /** Resolves in its turn, after those that were scheduled before it. */
  waitForTurn(): Promise<void> {
    return new Promise(resolve => this.schedule(resolve, 'FIRST'))
  }

  /** Undefined while the slice of this turn of the event loop has time left; else it resolves in a later slice. */
  waitForSlice(): Promise<void> | undefined {
    return performance.now() < this.#endOfSlice() ? undefined : this.waitForTurn()
  }

  #endOfSlice(): number {
    if (this.#until !== undefined) return this.#until
    setImmediate(() => {
      this.#until = undefined
    })
    this.#until = performance.now() + SLICE_MS
    return this.#until
  }

  #yieldToEventLoop(until: number): void {
    setImmediate(() => {
      const now = performance.now()
      // A connection accepted in this turn counts, even before the request that was read in it: more may be pending.
      const hasNewConnections = this.#hasNewConnections
      this.#hasNewConnections = false
      if (hasNewConnections && now < until) return void this.#yieldToEventLoop(until)
      // What started earlier in this turn does not keep those that wait from their slice.
      this.#until = undefined
      this.#runSlice(this.#endOfSlice())
    })
  }

  #runSlice(until: number): void {
    const now = performance.now()
    if (now > until) return void this.#yieldToEventLoop(now + YIELD_MS)
    const run = this.#first.shift() ?? this.#later.shift()
    run?.()
    // A tick scheduled by a microtask runs after all that the request can do without I/O.
    queueMicrotask(() =>
      process.nextTick(() => {
        if (this.#first.length + this.#later.length > 0) this.#runSlice(until)
        else this.#isRunning = false
      }),
    )
  }
}
