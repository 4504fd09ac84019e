import type { Provider } from './provider.ts'
import type { ProviderCall } from './provider-call.ts'

/** What one operation of a client asked of providers. It travels with the operation and carries its id. */
export interface Trail {
  readonly requestId: string
  readonly calls: readonly ProviderCall[]
  readonly spared: readonly SparedCall[]
  /** How many calls there were, also where there is no room for them. */
  readonly callCount: number
  add(call: ProviderCall): void
  spare(call: SparedCall): void
}

/** A call that was not needed: the store was fresh enough, or another operation was asking already. */
export interface SparedCall {
  readonly provider: Provider
  readonly operation: string
  readonly by: 'STORE' | 'SHARED'
}

/** As many as one operation may cost. */
const MOST = 200

export function createTrail(requestId: string): Trail {
  const calls: ProviderCall[] = []
  const spared: SparedCall[] = []
  let callCount = 0
  return {
    requestId,
    calls,
    spared,
    get callCount() {
      return callCount
    },
    add: call => {
      callCount++
      if (calls.length < MOST) calls.push(call)
    },
    spare: call => {
      if (spared.length < MOST) spared.push(call)
    },
  }
}
