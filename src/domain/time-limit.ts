/** A signal that is aborted when its time is over, or when the one that it follows is. */
export interface TimeLimit {
  readonly signal: AbortSignal
  /** What was limited is done: nothing is watched any more, and the signal is never aborted. */
  done(): void
}

/** What has a signal: a request, or another limit. */
export interface Signalling {
  readonly signal: AbortSignal
}

/**
 * What AbortSignal.any and AbortSignal.timeout give, for work that has an end: those two keep watching until memory is
 * cleaned up, and cost more than most of the work that they limit. Nothing is made before somebody asks for the signal:
 * most work is done without.
 */
export function limitTime(ms: number, followed?: Signalling): TimeLimit {
  return new LazyLimit(ms, followed)
}

class LazyLimit implements TimeLimit {
  readonly #until: number
  readonly #followed: Signalling | undefined
  #controller: AbortController | undefined
  #stop: (() => void) | undefined
  #isDone = false

  constructor(ms: number, followed: Signalling | undefined) {
    this.#until = performance.now() + ms
    this.#followed = followed
  }

  get signal(): AbortSignal {
    this.#controller ??= this.#watch()
    return this.#controller.signal
  }

  done(): void {
    this.#isDone = true
    this.#stop?.()
  }

  #watch(): AbortController {
    const controller = new AbortController()
    if (this.#isDone) return controller
    const followed = this.#followed?.signal
    if (followed?.aborted) controller.abort(followed.reason)
    const leave = () => controller.abort(followed?.reason)
    const end = () => controller.abort(new DOMException('The time is over.', 'TimeoutError'))
    const timer = setTimeout(end, Math.max(0, this.#until - performance.now()))
    timer.unref()
    followed?.addEventListener('abort', leave, { once: true })
    this.#stop = () => {
      clearTimeout(timer)
      followed?.removeEventListener('abort', leave)
    }
    return controller
  }
}
