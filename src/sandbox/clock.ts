/** The sandbox's clock: system time plus the offset set by `/_sandbox/clock`. */
export interface Clock {
  now(): Date
  advance(seconds: number): void
  readonly offsetSeconds: number
}

export function createClock(offsetSeconds = 0): Clock {
  let offset = offsetSeconds
  return {
    now: () => new Date(Date.now() + offset * 1000),
    advance: seconds => {
      offset += seconds
    },
    get offsetSeconds() {
      return offset
    },
  }
}
