import { type DestinationStream, pino } from 'pino'

/** By its symbol pino tells a destination the level of each line. */
const WANTS_LEVEL = Symbol.for('pino.metadata')
const WARN = 40
const BUFFER_BYTES = 8_192
const EVERY_MS = 200

export interface LogBuffer extends DestinationStream {
  /** Writes what is left. */
  close(): void
}

/**
 * Lines of a busy server, written many at a time: one write for each costs more than the line says. A warning is written
 * at once, with all that came before it, so that what explains a crash is there.
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
