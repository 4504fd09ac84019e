import { EventEmitter } from 'node:events'

/**
 * When a call has to be over: after so long, or when the signal that it follows is aborted. It then emits `abort`, for
 * undici takes an emitter in place of an AbortSignal, which costs more than most else that is done for a call.
 */
export class Deadline extends EventEmitter {
  aborted = false
  reason: unknown
  readonly #timer: NodeJS.Timeout
  readonly #followed: AbortSignal | undefined
  readonly #leave = () => this.#end(this.#followed?.reason)

  constructor(ms: number, followed?: AbortSignal) {
    super()
    this.#timer = setTimeout(() => this.#end(new DOMException('The time is over.', 'TimeoutError')), ms).unref()
    this.#followed = followed
    if (followed?.aborted) this.#leave()
    else followed?.addEventListener('abort', this.#leave, { once: true })
  }

  /** What had to be over is: nothing is watched any more. */
  done(): void {
    clearTimeout(this.#timer)
    this.#followed?.removeEventListener('abort', this.#leave)
  }

  throwIfAborted(): void {
    if (this.aborted) throw this.reason
  }

  /** Waits so long. False where the end comes first. */
  pause(ms: number): Promise<boolean> {
    return new Promise(resolve => {
      const leave = () => {
        clearTimeout(timer)
        resolve(false)
      }
      const timer = setTimeout(() => {
        this.off('abort', leave)
        resolve(true)
      }, ms)
      this.once('abort', leave)
    })
  }

  #end(reason: unknown): void {
    this.done()
    this.aborted = true
    this.reason = reason
    this.emit('abort')
  }
}
