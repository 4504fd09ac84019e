/** A job that runs by itself, once at the start and then again and again, never twice at a time. */
export interface Loop {
  /** Ends after the round under way. */
  stop(): Promise<void>
}

export interface LoopOptions {
  readonly everyMs: number
  /** `signal` is aborted when the round should come to its end. */
  readonly run: (signal: AbortSignal) => Promise<unknown>
  /** Told what a round threw; the next one comes all the same. */
  readonly report: (error: unknown) => void
}

export function startLoop({ everyMs, run, report }: LoopOptions): Loop {
  let timer: NodeJS.Timeout | undefined
  const stopping = new AbortController()
  let round = Promise.resolve()

  function next(): void {
    round = run(stopping.signal)
      .catch(report)
      .then(() => {
        if (!stopping.signal.aborted) timer = setTimeout(next, everyMs)
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
