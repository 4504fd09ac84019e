import type { Server } from 'node:http'

/** How long requests are begun before the loop turns to whoever came meanwhile … */
const WORKS_MS = 5
/** … and how long it lets them in, and does nothing else, while more of them come. */
const LETS_IN_MS = 10

/**
 * Begins what came, one after another, and lets others in between. Node accepts one connection in a turn of its loop: were
 * all that a turn read begun at once, the rest would wait in the kernel, where nobody counts or refuses them.
 */
export class Intake {
  readonly #waiting: (() => void)[] = []
  #isArmed = false
  #isMoreToCome = false

  watch(server: Server): void {
    server.on('connection', () => {
      this.#isMoreToCome = true
    })
  }

  /** Calls it when those before it were begun. */
  begin(run: () => void): void {
    this.#waiting.push(run)
    if (!this.#isArmed) this.#letIn(performance.now() + LETS_IN_MS)
  }

  /** Goes on after node looked at its connections. */
  #letIn(until: number): void {
    this.#isArmed = true
    this.#isMoreToCome = false
    setImmediate(() => {
      const now = performance.now()
      if (this.#isMoreToCome && now < until) return void this.#letIn(until)
      this.#isArmed = false
      this.#work(now + WORKS_MS)
    })
  }

  #work(until: number): void {
    const now = performance.now()
    if (now > until) return void this.#letIn(now + LETS_IN_MS)
    this.#waiting.shift()?.()
    // A tick that a microtask asks for comes when all that the request can do by itself is done.
    if (this.#waiting.length > 0) queueMicrotask(() => process.nextTick(() => this.#work(until)))
  }
}
