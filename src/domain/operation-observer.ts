import type { CallLog } from './call-log.ts'

export type OperationOutcome = 'ok' | 'partial' | 'failed' | 'refused'

/** The result of a client's operation, without variables or response data. */
export interface OperationReport {
  readonly callLog: CallLog
  /** The client's operation name: any text. */
  readonly name: string | null
  readonly kind: 'query' | 'mutation' | 'subscription' | 'invalid'
  /** Until the response was complete; for a subscription, until it started. */
  readonly ms: number
  /** `partial`: data and errors; `failed`: errors only; `refused`: not executed. */
  readonly outcome: OperationOutcome
  readonly codes: readonly string[]
  readonly tenantId: string
  /** The id of the API key, never the key itself. */
  readonly keyId: string | null
}

/** Called for every operation. */
export interface OperationObserver {
  /** `traceparent` as the client sent it, not validated. */
  begin(callLog: CallLog, traceparent: string | null): void
  end(operation: OperationReport): void
  /** A request was rejected before its operation was known. */
  rejected(code: string): void
}
