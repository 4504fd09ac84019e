/** A job that runs at the start and then at an interval, never twice at the same time. */
export interface Loop {
  /** Resolves after the running round. */
  stop(): Promise<void>
}

export interface LoopOptions {
  readonly intervalMs: number
  /** `signal` is aborted when the loop stops. */
  readonly run: (signal: AbortSignal) => Promise<unknown>
  /** Called with the error of a round. The loop continues. */
  readonly report: (error: unknown) => void
}

export function startLoop({ intervalMs, run, report }: LoopOptions): Loop {
  let timer: NodeJS.Timeout | undefined
  const stopping = new AbortController()
  let round = Promise.resolve()

  function next(): void {
    round = run(stopping.signal)
      .catch(report)
      .then(() => {
        if (!stopping.signal.aborted) timer = setTimeout(next, intervalMs)
      })
  }

  next()
  return {
    stop: () => {
      stopping.abort()
      clearTimeout(timer)
      return round
    },
  }
}
