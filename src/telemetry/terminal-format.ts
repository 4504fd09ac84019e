/** A line of pino for a person at a terminal: time of day, level, what happened, and the remaining fields. */
export function formatForTerminal(json: string): string {
  const { level, time, msg, err, ...fields } = JSON.parse(json) as LogLine
  const { name, color } = LEVELS[level] ?? { name: String(level), color: QUIET }
  const isOperation = msg === 'operation' && typeof fields.operation === 'string'
  const { text, rest } = isOperation ? describeOperation(fields) : { text: msg ?? '', rest: fields }
  const head = `${paint(QUIET, toTimeOfDay(time))} ${paint(color, name)} ${withoutControls(text)}`
  const line = [head, ...Object.entries(rest).map(toField)].join(' ')
  const stack = err?.stack?.split('\n').map(withoutControls).join('\n')
  return `${stack ? `${line}\n${stack}` : line}\n`
}

interface LogLine {
  readonly level: number
  readonly time: string
  readonly msg?: string
  readonly err?: { readonly stack?: string }
  readonly [field: string]: unknown
}

const LEVELS: Readonly<Record<number, { readonly name: string; readonly color: number }>> = {
  10: { name: 'TRACE', color: 90 },
  20: { name: 'DEBUG', color: 90 },
  30: { name: 'INFO ', color: 32 },
  40: { name: 'WARN ', color: 33 },
  50: { name: 'ERROR', color: 31 },
  60: { name: 'FATAL', color: 31 },
}
const QUIET = 90

/** Such as `query ReadSessions ok 12 ms, 3 provider calls`. */
function describeOperation({
  kind,
  operation,
  outcome,
  ms,
  calls,
  avoided,
  ...rest
}: Readonly<Record<string, unknown>>) {
  const callText = calls === 0 ? '' : `, ${calls} provider ${calls === 1 ? 'call' : 'calls'}`
  const avoidedText = avoided === 0 ? '' : `, ${avoided} avoided`
  return { text: `${kind} ${operation} ${outcome} ${ms} ms${callText}${avoidedText}`, rest }
}

function toField([name, value]: [string, unknown]): string {
  return paint(QUIET, `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
}

function paint(color: number, text: string): string {
  return `\x1b[${color}m${withoutControls(text)}\x1b[0m`
}

/** Control characters of a value must not reach the terminal. */
function withoutControls(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is removed
  return text.replaceAll(/[\x00-\x1f\x7f-\x9f]/g, '?')
}

function toTimeOfDay(iso: string): string {
  const at = new Date(iso)
  const two = (part: number) => String(part).padStart(2, '0')
  const ms = String(at.getMilliseconds()).padStart(3, '0')
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}.${ms}`
}
