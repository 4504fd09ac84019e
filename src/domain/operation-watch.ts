import type { Trail } from './trail.ts'

export type OperationOutcome = 'ok' | 'partial' | 'failed' | 'refused'

/** How an operation of a client went: nothing of its variables and its answer. */
export interface ToldOperation {
  readonly trail: Trail
  /** As the client calls it: anything at all. */
  readonly name: string | null
  readonly kind: 'query' | 'mutation' | 'subscription' | 'invalid'
  /** Until the answer stood; of a subscription until it began. */
  readonly ms: number
  /** `partial`: data and errors; `failed`: errors only; `refused`: it was never carried out. */
  readonly outcome: OperationOutcome
  readonly codes: readonly string[]
  readonly tenantId: string
  /** Of the API key, never the key itself. */
  readonly keyId: string | null
}

/** Is told of every operation. */
export interface OperationWatch {
  /** `traceparent` as the client sent it, checked by nobody yet. */
  begin(trail: Trail, traceparent: string | null): void
  end(operation: ToldOperation): void
  /** A request was turned away before there was an operation. */
  turnedAway(code: string): void
}
