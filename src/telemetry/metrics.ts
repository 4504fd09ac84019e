import { setTimeout as sleep } from 'node:timers/promises'
import { Counter, collectDefaultMetrics, Histogram, Registry } from 'prom-client'
import type { OperationReport } from '../domain/operation-observer.ts'
import type { ProviderCall } from '../domain/provider-call.ts'
import { createGauges } from './gauges.ts'
import type { CollectSnapshot } from './metrics-snapshot.ts'

/** Of prom-client's samples of the event loop's delay. */
const LAG_RESOLUTION_MS = 10
/** In seconds. Few, because each bucket adds a series for every combination of labels. */
const BUCKETS = [0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20]

/** The label of an operation that is not a known document. */
export const OTHER_OPERATION = 'other'

export interface OperationMetricsOptions {
  /** True for the names of known documents. Names that clients choose are never labels, because they are unbounded. */
  readonly isKnown: (name: string) => boolean
}

/** The metrics of one application. No label has a value that a client or a provider chooses, and none names a tenant. */
export function createMetrics({ isKnown }: OperationMetricsOptions) {
  const registry = new Registry()
  const registers = [registry]
  const operations = new Histogram({
    name: 'sessiongraph_operation_seconds',
    help: 'Duration of GraphQL operations in seconds, by operation name for known documents.',
    labelNames: ['name', 'kind', 'outcome'],
    buckets: BUCKETS,
    registers,
  })
  const errors = new Counter({
    name: 'sessiongraph_errors_total',
    help: 'Errors returned to clients, by code. A code counts once per operation.',
    labelNames: ['code'],
    registers,
  })
  const calls = new Histogram({
    name: 'sessiongraph_provider_call_seconds',
    help: 'Duration of requests to providers in seconds. NOT_SENT: rejected by the circuit breaker or the bulkhead.',
    labelNames: ['provider', 'operation', 'kind', 'outcome'],
    buckets: BUCKETS,
    registers,
  })
  const retries = new Counter({
    name: 'sessiongraph_provider_retries_total',
    help: 'Retried requests to providers.',
    labelNames: ['provider', 'operation'],
    registers,
  })
  const avoided = new Counter({
    name: 'sessiongraph_provider_calls_avoided_total',
    help: 'Requests to providers that were avoided, because the stored record was fresh or the same request was in flight.',
    labelNames: ['provider', 'by'],
    registers,
  })
  const drift = new Counter({
    name: 'sessiongraph_provider_drift_total',
    help: 'Deviations of responses from the documented API of a provider, by severity.',
    labelNames: ['provider', 'operation', 'grade'],
    registers,
  })
  const gauges = createGauges(registry)
  let scraped = false

  return {
    operation({ name, kind, outcome, ms, codes, callLog }: OperationReport): void {
      operations.observe({ name: name && isKnown(name) ? name : OTHER_OPERATION, kind, outcome }, ms / 1000)
      for (const code of codes) errors.inc({ code })
      for (const { provider, by } of callLog.avoided) avoided.inc({ provider, by })
    },
    rejected: (code: string) => errors.inc({ code }),
    call({ provider, operation, kind, outcome, attempt, ms }: ProviderCall): void {
      calls.observe({ provider, operation, kind, outcome }, ms / 1000)
      if (attempt > 1) retries.inc({ provider, operation })
    },
    drifted: (provider: string, operation: string, grade: string) => drift.inc({ provider, operation, grade }),
    /** All metrics in the text format of Prometheus. The first scrape starts the collection of process metrics. */
    async scrape(read: CollectSnapshot): Promise<string> {
      if (!scraped) {
        scraped = true
        collectDefaultMetrics({ register: registry })
        // The first sample of the event loop's delay: without one, its mean is not a number.
        await sleep(5 * LAG_RESOLUTION_MS)
      }
      await gauges.fill(read)
      return registry.metrics()
    },
    contentType: registry.contentType,
  }
}
