import { type DestinationStream, pino } from 'pino'

/** pino sets `lastLevel` on a destination that has this symbol. */
const WANTS_LEVEL = Symbol.for('pino.metadata')
const WARN = 40
const BUFFER_BYTES = 8_192
const EVERY_MS = 200

export interface LogBuffer extends DestinationStream {
  /** Writes the buffered lines. */
  close(): void
}

/**
 * Buffers log lines, because one write per line is expensive on a busy server. A warning or an error flushes the buffer
 * at once, so that the lines that explain a crash are written.
 */
export function openLogBuffer(fd: number): LogBuffer {
  const file = pino.destination({ fd, sync: true, minLength: BUFFER_BYTES })
  const timer = setInterval(() => file.flushSync(), EVERY_MS)
  timer.unref()
  const buffer = {
    [WANTS_LEVEL]: true,
    lastLevel: 0,
    write(line: string): void {
      file.write(line)
      if (buffer.lastLevel >= WARN) file.flushSync()
    },
    close(): void {
      clearInterval(timer)
      file.flushSync()
    },
  }
  return buffer
}
