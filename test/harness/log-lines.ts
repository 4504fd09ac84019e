/** Takes the place of the log's stderr. */
export interface LogLines {
  write(line: string): void
  /** All that was written, as it was. */
  text(): string
  // biome-ignore lint/suspicious/noExplicitAny: a test reads what it asked for
  lines(msg: string): any[]
  forget(): void
}

export function collectLog(): LogLines {
  let written: string[] = []
  return {
    write: line => void written.push(line),
    text: () => written.join(''),
    lines: msg => written.map(line => JSON.parse(line)).filter(line => line.msg === msg),
    forget: () => {
      written = []
    },
  }
}
