import type { CallKind } from '../domain/provider-call.ts'

/** What is measured when somebody asks, and not before. */
export interface Figures {
  readonly accounts: readonly AccountFigures[]
  readonly streams: number
  readonly requests: RequestFigures
  /** Undefined where there is none to speak to. */
  readonly redisUp: boolean | undefined
  readonly store: StoreFigures
}

export interface RequestFigures {
  /** Under way, streams apart. */
  readonly inFlight: number
  /** Turned away since the start, because too many were under way. */
  readonly refused: number
}

export interface AccountFigures {
  readonly provider: string
  readonly inFlight: number
  readonly circuits: Readonly<Record<CallKind, 'CLOSED' | 'OPEN' | 'HALF_OPEN'>>
  readonly pollsLastMinute: number
  readonly pollsPerMinute: number
}

export interface StoreFigures {
  readonly creates: Readonly<Record<string, number>>
  readonly rows: Readonly<Record<string, number>>
  readonly deliveriesWaiting: number
  readonly deliveriesQuarantined: number
  /** Seconds since the oldest that waits came in; 0 where none does. */
  readonly webhookLagSeconds: number
  readonly pollsOverdue: number
}

export type ReadFigures = () => Promise<Figures>
