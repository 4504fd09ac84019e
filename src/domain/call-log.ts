import type { Provider } from './provider.ts'
import type { ProviderCall } from './provider-call.ts'

/**
 * A provider call that was avoided: the stored record was fresh enough, or another operation was already reading it.
 */
export interface AvoidedCall {
  readonly provider: Provider
  readonly operation: string
  readonly by: 'STORE' | 'SHARED'
}

/** Entries recorded for one operation; further calls are only counted. */
const MAX_CALLS = 200

/** The provider calls of one client operation, under its request id. */
export class CallLog {
  readonly requestId: string
  readonly #calls: ProviderCall[] = []
  readonly #avoided: AvoidedCall[] = []
  #callCount = 0

  constructor(requestId: string) {
    this.requestId = requestId
  }

  get calls(): readonly ProviderCall[] {
    return this.#calls
  }

  get avoided(): readonly AvoidedCall[] {
    return this.#avoided
  }

  /** The number of calls, including those beyond the recorded ones. */
  get callCount(): number {
    return this.#callCount
  }

  add(call: ProviderCall): void {
    this.#callCount++
    if (this.#calls.length < MAX_CALLS) this.#calls.push(call)
  }

  recordAvoided(call: AvoidedCall): void {
    if (this.#avoided.length < MAX_CALLS) this.#avoided.push(call)
  }
}
