/** A job that runs by itself, once at the start and then again and again, never twice at a time. */
export interface Loop {
  /** Ends after the round under way. */
  stop(): Promise<void>
}

export interface LoopOptions {
  readonly everyMs: number
  readonly run: () => Promise<unknown>
  /** Told what a round threw; the next one comes all the same. */
  readonly report: (error: unknown) => void
}

export function startLoop({ everyMs, run, report }: LoopOptions): Loop {
  let timer: NodeJS.Timeout | undefined
  let stopped = false
  let round = Promise.resolve()

  function next(): void {
    round = run()
      .catch(report)
      .then(() => {
        if (!stopped) timer = setTimeout(next, everyMs)
      })
  }

  next()
  return {
    stop: () => {
      stopped = true
      clearTimeout(timer)
      return round
    },
  }
}
