/** Reports progress: on a terminal by overwriting one line, otherwise by a new line every two seconds. */
export interface Progress {
  /** `share`: 0 to 1, drawn as a bar; undefined if the total is unknown. */
  report(text: string, share?: number): void
  /** Ends the progress line. */
  end(): void
}

export interface ProgressTarget {
  write(text: string): void
  readonly isTty: boolean
  readonly now: () => number
}

/** The interval of lines in a log. */
const LOG_EVERY_MS = 2_000
const BAR = 24
const CLEAR_LINE = '\r\x1b[2K'

export function createProgress({ write, isTty, now }: ProgressTarget): Progress {
  let open = false
  let printedAt = Number.NEGATIVE_INFINITY
  return {
    report(text, share) {
      const line = share === undefined ? text : `${toBar(share)} ${text}`
      if (isTty) {
        write(CLEAR_LINE + line)
        open = true
      } else if (share === 1 || now() - printedAt >= LOG_EVERY_MS) {
        printedAt = now()
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
