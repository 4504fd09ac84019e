/** Says how far long work has come: on one line that is written over where somebody looks, else now and then on a new one. */
export interface Progress {
  /** `share`: 0 to 1, drawn as a bar; undefined where nobody knows how much there is. */
  tell(text: string, share?: number): void
  /** Leaves the last line standing. */
  end(): void
}

export interface ProgressTarget {
  write(text: string): void
  readonly isTty: boolean
  readonly now: () => number
}

/** In a log, one line in so long is enough. */
const LOG_EVERY_MS = 2_000
const BAR = 24
const CLEAR_LINE = '\r\x1b[2K'

export function createProgress({ write, isTty, now }: ProgressTarget): Progress {
  let open = false
  let toldAt = Number.NEGATIVE_INFINITY
  return {
    tell(text, share) {
      const line = share === undefined ? text : `${toBar(share)} ${text}`
      if (isTty) {
        write(CLEAR_LINE + line)
        open = true
      } else if (share === 1 || now() - toldAt >= LOG_EVERY_MS) {
        toldAt = now()
        write(`${line}\n`)
      }
    },
    end() {
      if (open) write('\n')
      open = false
    },
  }
}

function toBar(share: number): string {
  const full = Math.round(Math.min(1, Math.max(0, share)) * BAR)
  return `[${'#'.repeat(full)}${'.'.repeat(BAR - full)}] ${String(Math.floor(share * 100)).padStart(3)}%`
}
