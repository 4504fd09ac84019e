import type { CallKind } from '../domain/provider-call.ts'

/** Values that are read at scrape time only. */
export interface MetricsSnapshot {
  readonly accounts: readonly AccountMetrics[]
  readonly streams: number
  readonly webSockets: WebSocketMetrics
  readonly requests: RequestMetrics
  /** Undefined where no Redis is configured. */
  readonly redisUp: boolean | undefined
  /** Since the start. */
  readonly logLinesDropped: number
  readonly store: StoreMetrics
}

export interface WebSocketMetrics {
  /** Open connections that have not sent a valid key yet. */
  readonly waiting: number
  readonly accepted: number
  readonly operations: number
}

export interface RequestMetrics {
  /** In flight, without streams. */
  readonly inFlight: number
  /** Rejected since the start, because the server was at capacity. */
  readonly refused: number
}

export interface AccountMetrics {
  readonly provider: string
  readonly inFlight: number
  readonly circuits: Readonly<Record<CallKind, 'CLOSED' | 'OPEN' | 'HALF_OPEN'>>
  readonly pollsLastMinute: number
  readonly pollsPerMinute: number
}

export interface StoreMetrics {
  readonly creates: Readonly<Record<string, number>>
  readonly rows: Readonly<Record<string, number>>
  readonly deliveriesWaiting: number
  readonly deliveriesQuarantined: number
  /** Seconds since the oldest waiting delivery was received; 0 where none waits. */
  readonly webhookLagSeconds: number
  readonly pollsOverdue: number
}

export type CollectSnapshot = () => Promise<MetricsSnapshot>
