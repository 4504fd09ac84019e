/** A signal that is aborted when its time is over, or when one of those that it follows is. */
export interface TimeLimit {
  readonly signal: AbortSignal
  /** What was limited is done: nothing is watched any more, and the signal is never aborted. */
  done(): void
}

/**
 * What AbortSignal.any and AbortSignal.timeout give, for work that has an end: those two keep watching until memory is
 * cleaned up, and cost more than most of the work that they limit.
 */
export function limitTime(ms: number, followed?: AbortSignal): TimeLimit {
  const controller = new AbortController()
  if (followed?.aborted) controller.abort(followed.reason)
  const leave = () => controller.abort(followed?.reason)
  const timer = setTimeout(() => controller.abort(new DOMException('The time is over.', 'TimeoutError')), ms)
  timer.unref()
  followed?.addEventListener('abort', leave, { once: true })
  return {
    signal: controller.signal,
    done: () => {
      clearTimeout(timer)
      followed?.removeEventListener('abort', leave)
    },
  }
}
