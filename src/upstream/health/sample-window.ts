/** One call: when it ended, its duration, and whether the provider failed. */
export interface Sample {
  readonly at: number
  readonly ms: number
  readonly failed: boolean
}

const MAX_SAMPLES = 1000

/** The most recent calls. */
export interface Window {
  add(sample: Sample): void
  /** The calls that ended within `spanMs` before `now`. */
  since(now: number, spanMs: number): readonly Sample[]
  clear(): void
}

export function createWindow(): Window {
  let samples: Sample[] = []
  return {
    add: sample => {
      samples.push(sample)
      if (samples.length > 2 * MAX_SAMPLES) samples = samples.slice(-MAX_SAMPLES)
    },
    since: (now, spanMs) => {
      const first = samples.findIndex(sample => sample.at > now - spanMs)
      return first === -1 ? [] : samples.slice(first)
    },
    clear: () => {
      samples = []
    },
  }
}

/** Null without samples. `sorted` is ascending. */
export function quantile(sorted: readonly number[], share: number): number | null {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? null
}
