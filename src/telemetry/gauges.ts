import { Counter, Gauge, type Registry } from 'prom-client'
import { CALL_KINDS } from '../domain/provider-call.ts'
import type { AccountMetrics, CollectSnapshot, MetricsSnapshot } from './metrics-snapshot.ts'

const CIRCUITS = { CLOSED: 0, HALF_OPEN: 1, OPEN: 2 } as const

/** Gauges, filled at scrape time. Per provider: the worst circuit of its accounts, and the sum of their other values. */
export function createGauges(registry: Registry) {
  const gauge = <Label extends string>(name: string, help: string, labelNames: readonly Label[] = []) =>
    new Gauge<Label>({ name: `sessiongraph_${name}`, help, labelNames: [...labelNames], registers: [registry] })

  const inFlight = gauge('provider_in_flight', 'Requests towards a provider under way.', ['provider'])
  const breaker = gauge('breaker_state', '0 closed, 1 half open, 2 open; the worst account counts.', [
    'provider',
    'kind',
  ])
  const polls = gauge('polls_last_minute', 'Open sessions looked at by this instance in the last minute.', ['provider'])
  const budget = gauge('poll_budget', 'How many may be looked at in a minute.', ['provider'])
  const overdue = gauge('polls_overdue', 'Open sessions whose look is more than a minute late.')
  const creates = gauge('creates', 'Creates by state, counted to 100,000.', ['state'])
  const rows = gauge('store_rows', 'Rows by table, counted to 100,000.', ['table'])
  const waiting = gauge('webhooks_waiting', 'Deliveries that are stored and not applied.')
  const quarantined = gauge('webhooks_quarantined', 'Deliveries that wait for an operator.')
  const lag = gauge('webhook_lag_seconds', 'The age of the oldest delivery that waits.')
  const requests = gauge('requests_in_flight', 'Requests of clients under way here, streams apart.')
  const refused = new Counter({
    name: 'sessiongraph_requests_refused_total',
    help: 'Requests of clients that were answered 503 because too many were under way.',
    registers: [registry],
  })
  const streams = gauge('streams_open', 'Streams that clients have open here.')

  const redis = gauge('redis_up', '1 while Redis answers; where none is set there is no such line.', ['role'])

  function fillAccounts(accounts: readonly AccountMetrics[]): void {
    for (const each of [inFlight, breaker, polls, budget]) each.reset()
    const worst = new Map<string, number>()
    for (const { provider, circuits, ...account } of accounts) {
      inFlight.inc({ provider }, account.inFlight)
      polls.inc({ provider }, account.pollsLastMinute)
      budget.inc({ provider }, account.pollsPerMinute)
      for (const kind of CALL_KINDS) {
        const state = Math.max(worst.get(provider + kind) ?? 0, CIRCUITS[circuits[kind]])
        worst.set(provider + kind, state)
        breaker.set({ provider, kind }, state)
      }
    }
  }

  function fillStore(store: MetricsSnapshot['store']): void {
    for (const [state, count] of Object.entries(store.creates)) creates.set({ state }, count)
    for (const [table, count] of Object.entries(store.rows)) rows.set({ table }, count)
    overdue.set(store.pollsOverdue)
    waiting.set(store.deliveriesWaiting)
    quarantined.set(store.deliveriesQuarantined)
    lag.set(store.webhookLagSeconds)
  }

  return {
    async fill(read: CollectSnapshot): Promise<void> {
      const figures = await read()
      fillAccounts(figures.accounts)
      fillStore(figures.store)
      streams.set(figures.streams)
      requests.set(figures.requests.inFlight)
      refused.reset()
      refused.inc(figures.requests.refused)
      if (figures.redisUp !== undefined) redis.set({ role: 'shared' }, figures.redisUp ? 1 : 0)
    },
  }
}
