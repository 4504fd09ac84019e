/** Tolerance for undetected clock skew and for a create that the provider carries out late. */
const SLACK_MS = 10 * 60_000

export interface TimeWindow {
  readonly from: Date
  readonly to: Date
}

/**
 * The period, by the provider's clock, in which a create may have been carried out that was sent between `sentAt` and
 * `lastSentAt` by our clock. `clockAheadMs`: how far the provider's clock is known to be ahead of ours, in
 * milliseconds.
 */
export function toSendWindow(sentAt: Date, lastSentAt: Date = sentAt, clockAheadMs: number | null = null): TimeWindow {
  const ahead = clockAheadMs ?? 0
  return {
    from: new Date(sentAt.getTime() + Math.min(0, ahead) - SLACK_MS),
    to: new Date(lastSentAt.getTime() + Math.max(0, ahead) + SLACK_MS),
  }
}

/** Beyond this difference, a window computed for one clock does not fit the other. */
const CLOCK_TOLERANCE_MS = 60_000

/** True if a window computed for a clock that was `before` ahead also fits one that is `after` ahead. */
export function isSameClock(before: number | null, after: number | null): boolean {
  return Math.abs((after ?? 0) - (before ?? 0)) <= CLOCK_TOLERANCE_MS
}

export function isWithin(time: Date, { from, to }: TimeWindow): boolean {
  return time >= from && time <= to
}
