import type { CircuitState } from './circuit-breaker.ts'
import { quantile, type Sample } from './sample-window.ts'

/** The calls that ended within one minute. */
export interface MinuteStats {
  /** The start of the minute, in epoch milliseconds. */
  readonly at: number
  readonly calls: number
  readonly failures: number
  readonly p50Ms: number | null
  readonly p95Ms: number | null
  /** The worst state during the minute. */
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
/** Beyond this many calls a minute, the quantiles come from a uniform sample. */
const MAX_SAMPLES = 512
/** If nothing takes them, only the newest stay. */
const MAX_MINUTES = 120
const BY_SEVERITY: readonly CircuitState[] = ['CLOSED', 'HALF_OPEN', 'OPEN']

/** Collects statistics by minute until `take` removes them. */
export function createMinuteStats(circuit: () => CircuitState) {
  let finished: MinuteStats[] = []
  let running: Counting | undefined

  function add({ at, ms, failed }: Sample): void {
    const minute = at - (at % MINUTE_MS)
    if (running && running.at !== minute) end()
    running ??= { at: minute, times: [], calls: 0, failures: 0, circuit: 'CLOSED' }
    rotate(running)
    if (failed) running.failures++
    record(running, ms)
    running.calls++
  }

  function rotate(counting: Counting): void {
    const now = circuit()
    if (BY_SEVERITY.indexOf(now) > BY_SEVERITY.indexOf(counting.circuit)) counting.circuit = now
  }

  function end(): void {
    if (running) finished = [...finished.slice(1 - MAX_MINUTES), toMinute(running)]
    running = undefined
  }

  function take(all = false): readonly MinuteStats[] {
    if (running) rotate(running)
    if (running && (all || Date.now() - running.at >= MINUTE_MS)) end()
    const taken = finished
    finished = []
    return taken
  }

  return { add, take }
}

/** Reservoir sampling: every call of the minute has the same chance. */
function record({ times, calls }: Counting, ms: number): void {
  if (times.length < MAX_SAMPLES) times.push(ms)
  else {
    const index = Math.floor(Math.random() * (calls + 1))
    if (index < MAX_SAMPLES) times[index] = ms
  }
}

function toMinute({ at, times, calls, failures, circuit }: Counting): MinuteStats {
  const sorted = times.sort((a, b) => a - b)
  return { at, calls, failures, circuit, p50Ms: quantile(sorted, 0.5), p95Ms: quantile(sorted, 0.95) }
}
