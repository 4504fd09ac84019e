import type { Server } from 'node:http'

/** How long requests are started before the event loop accepts new connections … */
const SLICE_MS = 5
/** … and how long it accepts connections only, while more of them arrive. */
const YIELD_MS = 10

/**
 * Starts requests one after another, and yields to the event loop between them. Node accepts one connection per turn of the
 * loop: if all buffered requests started at once, new ones would queue in the kernel, where admission control cannot see
 * them.
 */
export class RequestScheduler {
  readonly #first: (() => void)[] = []
  readonly #later: (() => void)[] = []
  #isArmed = false
  #hasNewConnections = false
  #accepted = 0

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
    if (!this.#isArmed) this.#yieldToEventLoop(performance.now() + YIELD_MS)
  }

  #yieldToEventLoop(until: number): void {
    this.#isArmed = true
    setImmediate(() => {
      const now = performance.now()
      // A connection accepted in this turn counts, even before the request that was read in it: more may be pending.
      const hasNewConnections = this.#hasNewConnections
      this.#hasNewConnections = false
      if (hasNewConnections && now < until) return void this.#yieldToEventLoop(until)
      this.#isArmed = false
      this.#runSlice(now + SLICE_MS)
    })
  }

  #runSlice(until: number): void {
    const now = performance.now()
    if (now > until) return void this.#yieldToEventLoop(now + YIELD_MS)
    const run = this.#first.shift() ?? this.#later.shift()
    run?.()
    // A tick scheduled by a microtask runs after all that the request can do without I/O.
    if (this.#first.length + this.#later.length > 0) queueMicrotask(() => process.nextTick(() => this.#runSlice(until)))
  }
}
