import type { AbortSignalLike } from '../domain/abort-signal.ts'

/**
 * The end of a call: its time has passed, or its caller's signal aborted. An AbortSignal for each call costs more than the
 * rest of what a call needs here, so this has one timer, and one listener at a time.
 */
export class CallDeadline {
  /** Milliseconds of performance.now(). */
  readonly endsAt: number
  readonly #caller: AbortSignalLike | undefined
  readonly #timer: NodeJS.Timeout
  readonly #onAbort = () => this.#end(this.#caller?.reason)
  #listener: ((reason: unknown) => void) | undefined
  #isOver = false
  #reason: unknown

  constructor(ms: number, caller?: AbortSignalLike) {
    this.endsAt = performance.now() + ms
    this.#caller = caller
    this.#timer = setTimeout(() => this.#end(new DOMException('Deadline exceeded.', 'TimeoutError')), ms)
    this.#timer.unref()
    if (caller?.aborted) this.#end(caller.reason)
    else caller?.addEventListener('abort', this.#onAbort)
  }

  get isOver(): boolean {
    return this.#isOver
  }

  /** Why it is over. */
  get reason(): unknown {
    return this.#reason
  }

  /** Calls the listener at the end, in the place of the one before; undefined for none. */
  set listener(listener: ((reason: unknown) => void) | undefined) {
    this.#listener = listener
  }

  /** Ends the timer. It is not over afterwards, unless it was before. */
  clear(): void {
    clearTimeout(this.#timer)
    this.#caller?.removeEventListener('abort', this.#onAbort)
    this.#listener = undefined
  }

  #end(reason: unknown): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#reason = reason
    const listener = this.#listener
    this.clear()
    listener?.(reason)
  }
}

/** Waits for `ms`. False if the deadline ends before. */
export function pause(ms: number, deadline: CallDeadline): Promise<boolean> {
  return new Promise(resolve => {
    if (deadline.isOver) return resolve(false)
    const timer = setTimeout(() => {
      deadline.listener = undefined
      resolve(true)
    }, ms)
    deadline.listener = () => {
      clearTimeout(timer)
      resolve(false)
    }
  })
}
