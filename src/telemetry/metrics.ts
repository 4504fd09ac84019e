import { Counter, collectDefaultMetrics, Histogram, Registry } from 'prom-client'
import type { ToldOperation } from '../domain/operation-watch.ts'
import type { ProviderCall } from '../domain/provider-call.ts'
import type { ReadFigures } from './figures.ts'
import { createGauges } from './gauges.ts'

/** Seconds. Few: each costs a series for every combination of labels. */
const BUCKETS = [0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20]

/** The name of an operation that is none of the known documents. */
export const OTHER = 'other'

export interface MetricsOptions {
  /** True for the names of documents we know: what clients call theirs is no label. */
  readonly isKnown: (name: string) => boolean
}

/** Counts for one house. No label has values that a client or a provider chooses, and none names a tenant. */
export function createMetrics({ isKnown }: MetricsOptions) {
  const registry = new Registry()
  const registers = [registry]
  const operations = new Histogram({
    name: 'sessiongraph_operation_seconds',
    help: 'How long operations of clients took, by name where it is a known document.',
    labelNames: ['name', 'kind', 'outcome'],
    buckets: BUCKETS,
    registers,
  })
  const errors = new Counter({
    name: 'sessiongraph_errors_total',
    help: 'Errors that clients were answered, by code; a code counts once an operation.',
    labelNames: ['code'],
    registers,
  })
  const calls = new Histogram({
    name: 'sessiongraph_provider_call_seconds',
    help: 'How long requests towards providers took. NOT_SENT: kept back by breaker or bulkhead.',
    labelNames: ['provider', 'operation', 'kind', 'outcome'],
    buckets: BUCKETS,
    registers,
  })
  const retries = new Counter({
    name: 'sessiongraph_provider_retries_total',
    help: 'Requests that were sent a second time.',
    labelNames: ['provider', 'operation'],
    registers,
  })
  const spared = new Counter({
    name: 'sessiongraph_provider_calls_spared_total',
    help: 'Requests that were not needed: the store was fresh enough, or the same was being asked already.',
    labelNames: ['provider', 'by'],
    registers,
  })
  const drift = new Counter({
    name: 'sessiongraph_provider_drift_total',
    help: 'What answers said beside their documentation, by how bad it was.',
    labelNames: ['provider', 'operation', 'grade'],
    registers,
  })
  const gauges = createGauges(registry)
  let scraped = false

  return {
    operation({ name, kind, outcome, ms, codes, trail }: ToldOperation): void {
      operations.observe({ name: name && isKnown(name) ? name : OTHER, kind, outcome }, ms / 1000)
      for (const code of codes) errors.inc({ code })
      for (const { provider, by } of trail.spared) spared.inc({ provider, by })
    },
    turnedAway: (code: string) => errors.inc({ code }),
    call({ provider, operation, kind, outcome, attempt, ms }: ProviderCall): void {
      calls.observe({ provider, operation, kind, outcome }, ms / 1000)
      if (attempt > 1) retries.inc({ provider, operation })
    },
    drifted: (provider: string, operation: string, grade: string) => drift.inc({ provider, operation, grade }),
    /** All of it in the text format of Prometheus. What a process has is measured from the first time on. */
    async scrape(read: ReadFigures): Promise<string> {
      if (!scraped) collectDefaultMetrics({ register: registry })
      scraped = true
      await gauges.fill(read)
      return registry.metrics()
    },
    contentType: registry.contentType,
  }
}
