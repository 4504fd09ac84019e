/**
 * Durations counted by bucket, so that those of many minutes and instances add up. Each bucket is 10 % wider than the one
 * before: a percentile is exact within 5 %.
 */
export type LatencyHistogram = Map<number, number>

const GROWTH = 1.1

export function addDuration(histogram: LatencyHistogram, ms: number): void {
  const bucket = ms <= 1 ? 0 : Math.ceil(Math.log(ms) / Math.log(GROWTH))
  histogram.set(bucket, (histogram.get(bucket) ?? 0) + 1)
}

/** Adds `other` to `histogram`. */
export function mergeHistogram(histogram: LatencyHistogram, other: ReadonlyMap<number, number>): void {
  for (const [bucket, count] of other) histogram.set(bucket, (histogram.get(bucket) ?? 0) + count)
}

/** The duration that `share` of the calls do not exceed, in milliseconds; null without calls. */
export function percentileOf(histogram: ReadonlyMap<number, number>, share: number): number | null {
  const buckets = [...histogram].sort(([one], [other]) => one - other)
  const rank = Math.ceil(share * buckets.reduce((sum, [, count]) => sum + count, 0))
  let counted = 0
  for (const [bucket, count] of buckets) {
    counted += count
    if (counted >= rank) return bucket === 0 ? 1 : Math.round((2 * GROWTH ** bucket) / (GROWTH + 1))
  }
  return null
}

/** Such as `0:3 41:17`. */
export function serializeHistogram(histogram: ReadonlyMap<number, number>): string {
  return [...histogram].map(([bucket, count]) => `${bucket}:${count}`).join(' ')
}

export function parseHistogram(text: string): LatencyHistogram {
  if (text === '') return new Map()
  return new Map(
    text.split(' ').map(pair => {
      const [bucket, count] = pair.split(':')
      return [Number(bucket), Number(count)]
    }),
  )
}
