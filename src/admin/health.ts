import { type HealthStep, listHealthSteps } from '../../db/repositories/admin-repository.ts'
import { PROVIDERS, type Provider } from '../domain/provider.ts'
import type { AdminHandler } from './handler.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS

/** The selectable periods and their resolution: at most 180 points a line. */
const SPANS: Readonly<Record<string, { readonly spanMs: number; readonly stepMs: number }>> = {
  '1h': { spanMs: HOUR_MS, stepMs: MINUTE_MS },
  '6h': { spanMs: 6 * HOUR_MS, stepMs: 5 * MINUTE_MS },
  '24h': { spanMs: 24 * HOUR_MS, stepMs: 15 * MINUTE_MS },
  '7d': { spanMs: 168 * HOUR_MS, stepMs: HOUR_MS },
}

/** `?span=1h|6h|24h|7d`: the current health of each provider, and its history. */
export const showHealth: AdminHandler = async ({ db, services, now, cache }, { tenantId }, { search }) => {
  const span = SPANS[search.get('span') ?? ''] ? (search.get('span') ?? '') : '6h'
  const { spanMs = 0, stepMs = 1 } = SPANS[span] ?? {}
  const until = now().getTime()
  const since = new Date(until - spanMs - ((until - spanMs) % stepMs))
  const infos = await services.accounts.list(tenantId)
  const steps = await cache.getOrLoad(`health|${tenantId}|${span}`, () =>
    listHealthSteps(db, tenantId, { since, stepMs }),
  )
  return {
    span,
    stepMs,
    from: since.getTime(),
    until,
    providers: PROVIDERS.map(provider => {
      const { configured = false, sandbox = false, health = null } = infos.find(one => one.provider === provider) ?? {}
      return { provider, configured, sandbox, health, ...toLines(steps, provider) }
    }),
  }
}

/** One array per column, the format of the chart. */
function toLines(steps: readonly HealthStep[], provider: Provider) {
  const own = steps.filter(step => step.provider === provider)
  return {
    at: own.map(step => step.at.getTime()),
    p50Ms: own.map(step => step.p50Ms),
    p95Ms: own.map(step => step.p95Ms),
    errorRate: own.map(({ calls, failures }) => (calls === 0 ? null : failures / calls)),
    calls: own.map(step => step.calls),
    circuit: own.map(step => step.circuit),
  }
}
