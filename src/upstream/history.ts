import type { CircuitState } from './breaker.ts'
import { quantile, type Sample } from './window.ts'

/** How the calls that ended within one minute went. */
export interface Minute {
  /** Epoch milliseconds of its first moment. */
  readonly at: number
  readonly calls: number
  readonly failures: number
  readonly p50Ms: number | null
  readonly p95Ms: number | null
  /** The worst that was seen. */
  readonly circuit: CircuitState
}

interface Counting {
  readonly at: number
  readonly times: number[]
  calls: number
  failures: number
  circuit: CircuitState
}

const MINUTE_MS = 60_000
/** Beyond so many calls a minute its quantiles are those of a fair sample. */
const MOST_TIMES = 512
/** Where nobody takes them, only the newest are kept. */
const MOST_MINUTES = 120
const WORSE: readonly CircuitState[] = ['CLOSED', 'HALF_OPEN', 'OPEN']

/** Counts calls by minute until somebody takes what was counted. */
export function createHistory(circuit: () => CircuitState) {
  let over: Minute[] = []
  let running: Counting | undefined

  function add({ at, ms, failed }: Sample): void {
    const minute = at - (at % MINUTE_MS)
    if (running && running.at !== minute) end()
    running ??= { at: minute, times: [], calls: 0, failures: 0, circuit: 'CLOSED' }
    look(running)
    if (failed) running.failures++
    keep(running, ms)
    running.calls++
  }

  function look(counting: Counting): void {
    const now = circuit()
    if (WORSE.indexOf(now) > WORSE.indexOf(counting.circuit)) counting.circuit = now
  }

  function end(): void {
    if (running) over = [...over.slice(1 - MOST_MINUTES), toMinute(running)]
    running = undefined
  }

  function take(all = false): readonly Minute[] {
    if (running) look(running)
    if (running && (all || Date.now() - running.at >= MINUTE_MS)) end()
    const taken = over
    over = []
    return taken
  }

  return { add, take }
}

/** Every call of a minute has the same chance to be in its sample. */
function keep({ times, calls }: Counting, ms: number): void {
  if (times.length < MOST_TIMES) times.push(ms)
  else {
    const place = Math.floor(Math.random() * (calls + 1))
    if (place < MOST_TIMES) times[place] = ms
  }
}

function toMinute({ at, times, calls, failures, circuit }: Counting): Minute {
  const sorted = times.sort((a, b) => a - b)
  return { at, calls, failures, circuit, p50Ms: quantile(sorted, 0.5), p95Ms: quantile(sorted, 0.95) }
}
