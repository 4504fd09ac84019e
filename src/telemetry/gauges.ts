import { Counter, Gauge, type Registry } from 'prom-client'
import { CALL_KINDS } from '../domain/provider-call.ts'
import type { AccountMetrics, CollectSnapshot, MetricsSnapshot } from './metrics-snapshot.ts'

const CIRCUITS = { CLOSED: 0, HALF_OPEN: 1, OPEN: 2 } as const

/** Gauges, filled at scrape time. Per provider: the worst circuit of its accounts, and the sum of their other values. */
export function createGauges(registry: Registry) {
  const gauge = <Label extends string>(name: string, help: string, labelNames: readonly Label[] = []) =>
    new Gauge<Label>({ name: `sessiongraph_${name}`, help, labelNames: [...labelNames], registers: [registry] })

  const inFlight = gauge('provider_in_flight', 'Requests to a provider that are in flight.', ['provider'])
  const breaker = gauge(
    'breaker_state',
    'State of the circuit breaker: 0 closed, 1 half-open, 2 open. The worst of all accounts.',
    ['provider', 'kind'],
  )
  const polls = gauge('polls_last_minute', 'Open records polled by this instance in the last minute.', ['provider'])
  const budget = gauge('poll_budget', 'The limit of polled records per minute.', ['provider'])
  const overdue = gauge('polls_overdue', 'Open records whose poll is more than a minute overdue.')
  const creates = gauge('creates', 'Create operations by state, counted up to 100,000.', ['state'])
  const rows = gauge('store_rows', 'Rows by table, counted up to 100,000.', ['table'])
  const waiting = gauge('webhooks_waiting', 'Webhook deliveries that are stored and not yet applied.')
  const quarantined = gauge('webhooks_quarantined', 'Webhook deliveries in quarantine, which need an operator.')
  const lag = gauge('webhook_lag_seconds', 'Age of the oldest webhook delivery that is not yet applied, in seconds.')
  const requests = gauge('requests_in_flight', 'Client requests in flight on this instance, without streams.')
  const refused = new Counter({
    name: 'sessiongraph_requests_refused_total',
    help: 'Client requests that were refused with 503, because the server was at capacity.',
    registers: [registry],
  })
  const droppedLines = new Counter({
    name: 'sessiongraph_log_lines_dropped_total',
    help: 'Log lines that were dropped, because the log could not be written.',
    registers: [registry],
  })
  const streams = gauge('streams_open', 'Open subscription streams on this instance.')

  const webSockets = gauge(
    'websockets_open',
    'Open WebSocket connections on this instance: accepted, or waiting for a valid key.',
    ['state'],
  )
  const webSocketOperations = gauge(
    'websocket_operations',
    'Running operations of WebSocket connections on this instance, subscriptions included.',
  )
  const redis = gauge('redis_up', '1 while Redis answers, else 0. Absent where Redis is not configured.', ['role'])

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
      webSockets.set({ state: 'accepted' }, figures.webSockets.accepted)
      webSockets.set({ state: 'waiting' }, figures.webSockets.waiting)
      webSocketOperations.set(figures.webSockets.operations)
      requests.set(figures.requests.inFlight)
      refused.reset()
      refused.inc(figures.requests.refused)
      droppedLines.reset()
      droppedLines.inc(figures.logLinesDropped)
      if (figures.redisUp !== undefined) redis.set({ role: 'shared' }, figures.redisUp ? 1 : 0)
    },
  }
}
