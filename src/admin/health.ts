import { setImmediate as yieldToEventLoop } from 'node:timers/promises'
import type { MinuteCursor, StoredMinute } from '../../db/repositories/provider-stats-repository.ts'
import { type LatencyHistogram, mergeHistogram, percentileOf } from '../domain/latency-histogram.ts'
import { PROVIDERS, type Provider } from '../domain/provider.ts'
import { FAILURE_KINDS, type FailureKind, sumFailures } from '../domain/provider-failure.ts'
import type { ProviderInfo } from '../services/accounts/accounts.ts'
import type { Services } from '../services/services.ts'
import type { AdminHandler } from './handler.ts'
import { readChoice } from './parameters.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
/** Small, because each page is parsed at once. */
const PAGE = 1_000
const MAX_MINUTES = 200_000

/** The selectable periods and their resolution: at most 180 points a line. */
const SPANS = {
  '1h': { spanMs: HOUR_MS, stepMs: MINUTE_MS },
  '6h': { spanMs: 6 * HOUR_MS, stepMs: 5 * MINUTE_MS },
  '24h': { spanMs: 24 * HOUR_MS, stepMs: 15 * MINUTE_MS },
  '7d': { spanMs: 168 * HOUR_MS, stepMs: HOUR_MS },
} as const
const SPAN_NAMES = ['1h', '6h', '24h', '7d'] as const satisfies readonly (keyof typeof SPANS)[]

/** `?span=1h|6h|24h|7d`: the current health of each provider, and its history. */
export const showHealth: AdminHandler = async ({ services, now, cache }, { tenantId }, { search }) => {
  const span = readChoice(search, 'span', SPAN_NAMES) ?? '6h'
  const { spanMs, stepMs } = SPANS[span]
  const until = now().getTime()
  const from = until - spanMs - ((until - spanMs) % stepMs)
  const infos = await services.accounts.list(tenantId)
  const history = await cache.getOrLoad(`health|${tenantId}|${span}`, () =>
    readHistory(services, tenantId, { from, stepMs }),
  )
  return {
    span,
    stepMs,
    from,
    until,
    providers: PROVIDERS.map(provider => ({
      ...toInfo(provider, infos, until),
      ...toLines(history.get(provider) ?? EMPTY),
    })),
  }
}

/** The state of a provider now. */
export function toInfo(provider: Provider, infos: readonly ProviderInfo[], nowMs: number) {
  const info = infos.find(one => one.provider === provider)
  const { configured = false, sandbox = false, health = null } = info ?? {}
  if (!health) return { provider, configured, sandbox, health: null }
  const openCircuits = health.openCircuits.map(({ blockedMs, ...circuit }) => ({
    ...circuit,
    nextTryAt: new Date(nowMs + blockedMs),
  }))
  return { provider, configured, sandbox, health: { ...health, openCircuits } }
}

/** The calls of one step, or of a whole period. */
interface Counts {
  calls: number
  readonly failures: Partial<Record<FailureKind, number>>
  readonly latencies: LatencyHistogram
  /** The worst state of the circuit: 0 closed, 1 half open, 2 open. */
  circuit: number
}

interface History {
  readonly all: Counts
  /** By the start of the step. */
  readonly steps: ReadonlyMap<number, Counts>
}

const EMPTY: History = { all: newCounts(), steps: new Map() }

/** Adds up the minutes of all accounts and instances, in pages, so that other requests run in between. */
async function readHistory(
  { providerStats }: Services,
  tenantId: string,
  { from, stepMs }: { readonly from: number; readonly stepMs: number },
): Promise<ReadonlyMap<Provider, History>> {
  const histories = new Map<Provider, { all: Counts; steps: Map<number, Counts> }>()
  let cursor: MinuteCursor | undefined
  for (let read = 0; read < MAX_MINUTES; ) {
    const minutes = await providerStats.minutes({ tenantId }, new Date(from), PAGE, cursor)
    for (const minute of minutes) {
      const at = minute.at.getTime()
      const step = at - (at % stepMs)
      const history = getOrAdd(histories, minute.provider, () => ({ all: newCounts(), steps: new Map() }))
      addMinute(history.all, minute)
      addMinute(getOrAdd(history.steps, step, newCounts), minute)
      cursor = { at, id: minute.id }
    }
    read += minutes.length
    if (minutes.length < PAGE) break
    await yieldToEventLoop()
  }
  return histories
}

const CIRCUITS: Readonly<Record<string, number>> = { CLOSED: 0, HALF_OPEN: 1, OPEN: 2 }

function addMinute(counts: Counts, { calls, failures, latencies, circuit }: StoredMinute): void {
  counts.calls += calls
  for (const kind of FAILURE_KINDS)
    if (failures[kind]) counts.failures[kind] = (counts.failures[kind] ?? 0) + failures[kind]
  mergeHistogram(counts.latencies, latencies)
  counts.circuit = Math.max(counts.circuit, CIRCUITS[circuit] ?? 0)
}

function newCounts(): Counts {
  return { calls: 0, failures: {}, latencies: new Map(), circuit: 0 }
}

function getOrAdd<Key, Value>(map: Map<Key, Value>, key: Key, create: () => Value): Value {
  const known = map.get(key)
  if (known !== undefined) return known
  const created = create()
  map.set(key, created)
  return created
}

/** One array per column, the format of the chart, and the sums of the period. */
function toLines({ all, steps }: History) {
  const sorted = [...steps].sort(([one], [other]) => one - other)
  const counts = sorted.map(([, each]) => each)
  return {
    total: { calls: all.calls, failures: all.failures, failed: sumFailures(all.failures), ...toPercentiles(all) },
    at: sorted.map(([at]) => at),
    calls: counts.map(({ calls }) => calls),
    failed: counts.map(({ failures }) => sumFailures(failures)),
    p50Ms: counts.map(({ latencies }) => percentileOf(latencies, 0.5)),
    p95Ms: counts.map(({ latencies }) => percentileOf(latencies, 0.95)),
    p99Ms: counts.map(({ latencies }) => percentileOf(latencies, 0.99)),
    circuit: counts.map(({ circuit }) => circuit),
  }
}

function toPercentiles({ latencies }: Counts) {
  return {
    p50Ms: percentileOf(latencies, 0.5),
    p95Ms: percentileOf(latencies, 0.95),
    p99Ms: percentileOf(latencies, 0.99),
  }
}
