/** A signal that aborts when its time has passed or when the followed signal aborts. */
export interface Deadline {
  readonly signal: AbortSignal
  /** Ends the timer and the listener. The signal does not abort afterwards. */
  clear(): void
}

/** Anything with a signal: a request or another deadline. */
export interface HasSignal {
  readonly signal: AbortSignal
}

/**
 * Replaces AbortSignal.any and AbortSignal.timeout for work that ends: both keep listening until garbage collection and
 * cost more than most of the work that they limit. The controller is created on first access of `signal`, because most
 * work never reads it.
 */
export function withDeadline(ms: number, followed?: HasSignal): Deadline {
  return new LazyDeadline(ms, followed)
}

class LazyDeadline implements Deadline {
  readonly #until: number
  readonly #followed: HasSignal | undefined
  #controller: AbortController | undefined
  #stop: (() => void) | undefined
  #isDone = false

  constructor(ms: number, followed: HasSignal | undefined) {
    this.#until = performance.now() + ms
    this.#followed = followed
  }

  get signal(): AbortSignal {
    this.#controller ??= this.#observe()
    return this.#controller.signal
  }

  clear(): void {
    this.#isDone = true
    this.#stop?.()
  }

  #observe(): AbortController {
    const controller = new AbortController()
    if (this.#isDone) return controller
    const followed = this.#followed?.signal
    if (followed?.aborted) controller.abort(followed.reason)
    const onAbort = () => controller.abort(followed?.reason)
    const end = () => controller.abort(new DOMException('Deadline exceeded.', 'TimeoutError'))
    const timer = setTimeout(end, Math.max(0, this.#until - performance.now()))
    timer.unref()
    followed?.addEventListener('abort', onAbort, { once: true })
    this.#stop = () => {
      clearTimeout(timer)
      followed?.removeEventListener('abort', onAbort)
    }
    return controller
  }
}
