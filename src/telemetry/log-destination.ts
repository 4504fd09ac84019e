import { closeSync, constants, openSync, write, writeSync } from 'node:fs'
import type { DestinationStream } from 'pino'

/** pino sets `lastLevel` on a destination that has this symbol. */
const WANTS_LEVEL = Symbol.for('pino.metadata')
const WARN = 40
const FLUSH_AT_BYTES = 65_536
const FLUSH_INTERVAL_MS = 200
/** What waits for a full disk or for a reader that has stopped. Later lines are dropped. */
const MAX_WAITING_BYTES = 1_048_576

export interface LogDestination extends DestinationStream {
  /** How many lines were dropped. */
  readonly dropped: number
  /** Writes the waiting lines, as far as the file takes them at once. */
  close(): void
}

/**
 * Buffers log lines and writes them asynchronously; a warning or an error starts a write at once. Nothing waits for the log:
 * where the disk is full, the reader has stopped or the pipe is closed, up to 1 MiB of lines waits and is tried again every
 * 200 ms, and later lines are dropped. The first line after that says how many.
 *
 * sonic-boom, pino's own destination, retries a write at exit for ever when the disk is full.
 */
export function openLogDestination(fd: number, format: LineFormat = asJson): LogDestination {
  return new BufferedDestination(fd, format)
}

/** A line of pino as it is written, with its line break. */
export type LineFormat = (json: string) => string

const asJson: LineFormat = json => json

class BufferedDestination implements LogDestination {
  /** Set by pino before each line. */
  lastLevel = 0
  dropped = 0
  private unreported = 0
  private lines: string[] = []
  private waitingBytes = 0
  /** What is being written, or failed and is tried again. */
  private chunk: Buffer | undefined
  private isWriting = false
  private isClosed = false
  private readonly ownFd: number | undefined
  private readonly fd: number
  private readonly timer: NodeJS.Timeout

  private readonly format: LineFormat

  constructor(fd: number, format: LineFormat) {
    this.format = format
    this.ownFd = openNonBlocking(fd)
    this.fd = this.ownFd ?? fd
    this.timer = setInterval(() => this.flush(), FLUSH_INTERVAL_MS)
    this.timer.unref()
    Object.defineProperty(this, WANTS_LEVEL, { value: true })
  }

  write(line: string): void {
    if (this.isClosed) return
    this.append(line)
    if (this.lastLevel >= WARN || this.waitingBytes >= FLUSH_AT_BYTES) this.flush()
  }

  close(): void {
    if (this.isClosed) return
    this.isClosed = true
    clearInterval(this.timer)
    // A write that is under way ends by itself.
    if (this.isWriting) this.chunk = undefined
    this.writeRest()
    if (this.ownFd !== undefined && !this.isWriting) closeSync(this.ownFd)
  }

  private append(json: string): void {
    const line = this.format(json)
    const bytes = Buffer.byteLength(line)
    if (this.waitingBytes + bytes > MAX_WAITING_BYTES) {
      this.dropped += 1
      this.unreported += 1
      return
    }
    this.lines.push(line)
    this.waitingBytes += bytes
  }

  private flush(): void {
    // A failed chunk is tried again before the lines after it.
    if (this.isWriting || this.isClosed) return
    this.chunk ??= this.takeLines()
    if (!this.chunk) return
    this.isWriting = true
    write(this.fd, this.chunk, this.onWritten)
  }

  private readonly onWritten = (error: Error | null, written: number): void => {
    this.isWriting = false
    if (error || this.isClosed || !this.chunk) return
    this.chunk = written < this.chunk.length ? this.chunk.subarray(written) : undefined
    if (!this.chunk) this.reportDropped()
    if (this.chunk || this.waitingBytes >= FLUSH_AT_BYTES) this.flush()
  }

  private takeLines(): Buffer | undefined {
    if (this.lines.length === 0) return undefined
    const chunk = Buffer.from(this.lines.join(''))
    this.lines = []
    this.waitingBytes = 0
    return chunk
  }

  private reportDropped(): void {
    if (this.unreported === 0) return
    const lines = this.unreported
    this.unreported = 0
    const time = new Date().toISOString()
    this.append(`${JSON.stringify({ level: WARN, time, lines, msg: 'log lines were dropped' })}\n`)
  }

  private writeRest(): void {
    const rest = [this.chunk, this.takeLines()].filter(chunk => chunk !== undefined)
    try {
      for (let left = Buffer.concat(rest); left.length > 0; ) left = left.subarray(writeSync(this.fd, left))
    } catch {
      // The file takes no more.
    }
  }
}

/**
 * The same file, pipe or terminal opened again without blocking: a write to a full pipe fails with EAGAIN instead of occupying
 * a thread, which would also hold up the exit. Undefined where it cannot be opened again: sockets, another user's pipe, other
 * systems than Linux.
 */
function openNonBlocking(fd: number): number | undefined {
  try {
    return openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_APPEND | constants.O_NONBLOCK)
  } catch {
    return undefined
  }
}
