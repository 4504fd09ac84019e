import { type AbortSignalLike, LightAbortSignal } from './abort-signal.ts'

/** A signal that aborts when its time has passed or when the followed signal aborts. */
export interface Deadline {
  readonly signal: AbortSignalLike
  /** Ends the timer and the listener. The signal does not abort afterwards. */
  clear(): void
}

/** Anything with a signal: a request or another deadline. */
export interface HasSignal {
  readonly signal: AbortSignalLike
}

/**
 * Replaces AbortSignal.any and AbortSignal.timeout for work that ends: both keep listening until garbage collection and
 * cost more than most of the work that they limit. The signal is created on first access, because most work never reads it.
 */
export function withDeadline(ms: number, followed?: HasSignal): Deadline {
  return new LazyDeadline(ms, followed)
}

class LazyDeadline implements Deadline {
  readonly #until: number
  readonly #followed: HasSignal | undefined
  #signal: LightAbortSignal | undefined
  #stop: (() => void) | undefined
  #isDone = false

  constructor(ms: number, followed: HasSignal | undefined) {
    this.#until = performance.now() + ms
    this.#followed = followed
  }

  get signal(): AbortSignalLike {
    this.#signal ??= this.#observe()
    return this.#signal
  }

  clear(): void {
    this.#isDone = true
    this.#stop?.()
  }

  #observe(): LightAbortSignal {
    const signal = new LightAbortSignal()
    if (this.#isDone) return signal
    const followed = this.#followed?.signal
    if (followed?.aborted) signal.abort(followed.reason)
    const onAbort = () => signal.abort(followed?.reason)
    const end = () => signal.abort(new DOMException('Deadline exceeded.', 'TimeoutError'))
    const timer = setTimeout(end, Math.max(0, this.#until - performance.now()))
    timer.unref()
    followed?.addEventListener('abort', onAbort, { once: true })
    this.#stop = () => {
      clearTimeout(timer)
      followed?.removeEventListener('abort', onAbort)
    }
    return signal
  }
}
