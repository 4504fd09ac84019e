import type { CircuitState } from './breaker.ts'
import { createHistory, type Minute } from './history.ts'
import { createWindow, quantile } from './window.ts'

export type { Minute }

/** How an account's calls went in the last minute. */
export interface Health {
  readonly circuit: CircuitState
  /** 0 to 1: the share of calls that the provider failed. */
  readonly errorRate: number
  /** Null while there were no calls. */
  readonly p50Ms: number | null
  readonly p95Ms: number | null
  readonly inFlight: number
  readonly driftCount: number
}

const SPAN_MS = 60_000

/** Watches the calls of one account. */
export function createHealthWatch(circuit: () => CircuitState) {
  const window = createWindow()
  const history = createHistory(circuit)
  let inFlight = 0

  async function watch<T>(run: () => Promise<T>, isFailure: (error: unknown) => boolean): Promise<T> {
    const began = performance.now()
    inFlight++
    const end = (failed: boolean) => {
      const sample = { at: Date.now(), ms: performance.now() - began, failed }
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

  return { watch, read, takeMinutes: history.take }
}
