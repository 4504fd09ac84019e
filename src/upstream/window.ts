/** One call as it went: when it ended, how long it took, and whether the provider was at fault. */
export interface Sample {
  readonly at: number
  readonly ms: number
  readonly failed: boolean
}

const KEPT = 1000

/** The calls of the last while. */
export interface Window {
  add(sample: Sample): void
  /** Those that ended within `spanMs` before `now`. */
  since(now: number, spanMs: number): readonly Sample[]
  clear(): void
}

export function createWindow(): Window {
  let samples: Sample[] = []
  return {
    add: sample => {
      samples.push(sample)
      if (samples.length > 2 * KEPT) samples = samples.slice(-KEPT)
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

/** Null where nothing was measured. `sorted` grows. */
export function quantile(sorted: readonly number[], share: number): number | null {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? null
}
