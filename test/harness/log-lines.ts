/** A log target that replaces stderr. */
export interface LogLines {
  write(line: string): void
  /** The raw output. */
  text(): string
  // biome-ignore lint/suspicious/noExplicitAny: each test knows the shape of its response
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
