import { addDuration, type LatencyHistogram } from '../../domain/latency-histogram.ts'
import type { FailureCounts, FailureKind } from '../../domain/provider-failure.ts'
import type { CircuitState } from '../circuit-breaker.ts'
import type { Sample } from './sample-window.ts'

/** The calls that ended within one minute. */
export interface MinuteStats {
  /** The start of the minute, in epoch milliseconds. */
  readonly at: number
  readonly calls: number
  readonly failures: FailureCounts
  readonly latencies: ReadonlyMap<number, number>
  /** The worst state during the minute. */
  readonly circuit: CircuitState
}

export interface MinuteSample extends Sample {
  readonly failure?: FailureKind
}

interface Counting {
  readonly at: number
  readonly latencies: LatencyHistogram
  readonly failures: Partial<Record<FailureKind, number>>
  calls: number
  circuit: CircuitState
}

const MINUTE_MS = 60_000
/** If nothing takes them, only the newest stay. */
const MAX_MINUTES = 120
const BY_SEVERITY: readonly CircuitState[] = ['CLOSED', 'HALF_OPEN', 'OPEN']

/** Collects statistics by minute until `take` removes them. */
export function createMinuteStats(circuit: () => CircuitState) {
  let finished: MinuteStats[] = []
  let running: Counting | undefined

  function add({ at, ms, failure }: MinuteSample): void {
    const minute = at - (at % MINUTE_MS)
    if (running && running.at !== minute) end()
    running ??= { at: minute, latencies: new Map(), failures: {}, calls: 0, circuit: 'CLOSED' }
    rotate(running)
    if (failure) running.failures[failure] = (running.failures[failure] ?? 0) + 1
    addDuration(running.latencies, ms)
    running.calls++
  }

  function rotate(counting: Counting): void {
    const now = circuit()
    if (BY_SEVERITY.indexOf(now) > BY_SEVERITY.indexOf(counting.circuit)) counting.circuit = now
  }

  function end(): void {
    if (running) finished = [...finished.slice(1 - MAX_MINUTES), running]
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
