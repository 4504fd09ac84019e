import type { CircuitState } from './circuit-breaker.ts'
import { createMinuteStats, type MinuteStats } from './minute-stats.ts'
import { createWindow, quantile } from './sample-window.ts'

export type { MinuteStats as Minute }

/** The calls of an account in the last minute. */
export interface Health {
  readonly circuit: CircuitState
  /** 0 to 1: the ratio of calls that the provider failed. */
  readonly errorRate: number
  /** Null if there were no calls. */
  readonly p50Ms: number | null
  readonly p95Ms: number | null
  readonly inFlight: number
  readonly driftCount: number
}

const SPAN_MS = 60_000

/** Measures the calls of one account. */
export function createHealthMonitor(circuit: () => CircuitState) {
  const window = createWindow()
  const history = createMinuteStats(circuit)
  let inFlight = 0

  async function track<T>(run: () => Promise<T>, isFailure: (error: unknown) => boolean): Promise<T> {
    const startedMs = performance.now()
    inFlight++
    const end = (failed: boolean) => {
      const sample = { at: Date.now(), ms: performance.now() - startedMs, failed }
      window.add(sample)
      history.add(sample)
    }
    try {
      const result = await run()
      end(false)
      return result
    } catch (error) {
      end(isFailure(error))
      throw error
    } finally {
      inFlight--
    }
  }

  function read(): Omit<Health, 'circuit' | 'driftCount'> {
    const calls = window.since(Date.now(), SPAN_MS)
    const sorted = calls.map(call => call.ms).sort((a, b) => a - b)
    return {
      errorRate: calls.length === 0 ? 0 : calls.filter(call => call.failed).length / calls.length,
      p50Ms: quantile(sorted, 0.5),
      p95Ms: quantile(sorted, 0.95),
      inFlight,
    }
  }

  return { track, read, takeMinutes: history.take }
}
