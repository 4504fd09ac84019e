import type { Provider } from './provider.ts'
import type { ProviderCall } from './provider-call.ts'

/** A call that was not needed: the store was fresh enough, or another operation was asking already. */
export interface SparedCall {
  readonly provider: Provider
  readonly operation: string
  readonly by: 'STORE' | 'SHARED'
}

/** As many as one operation may cost. */
const MOST = 200

/** What one operation of a client asked of providers. It travels with the operation and carries its id. */
export class Trail {
  readonly requestId: string
  readonly #calls: ProviderCall[] = []
  readonly #spared: SparedCall[] = []
  #callCount = 0

  constructor(requestId: string) {
    this.requestId = requestId
  }

  get calls(): readonly ProviderCall[] {
    return this.#calls
  }

  get spared(): readonly SparedCall[] {
    return this.#spared
  }

  /** How many calls there were, also where there is no room for them. */
  get callCount(): number {
    return this.#callCount
  }

  add(call: ProviderCall): void {
    this.#callCount++
    if (this.#calls.length < MOST) this.#calls.push(call)
  }

  spare(call: SparedCall): void {
    if (this.#spared.length < MOST) this.#spared.push(call)
  }
}
