import type { CallLog } from './call-log.ts'
import type { Provider } from './provider.ts'
import type { ProviderCall } from './provider-call.ts'

/** Called for every provider call. */
export interface ProviderCallObserver {
  /** The request carries `headers`; `end` gets the result. */
  begin(call: StartedCall): PendingCall
  /** A response deviates from its schema. */
  drifted(provider: Provider, operation: string, grade: string): void
}

/** A provider call that is about to be sent. */
export interface StartedCall extends Pick<ProviderCall, 'attempt' | 'kind' | 'operation' | 'provider'> {
  /** The call log of the client operation; absent for background work. */
  readonly callLog?: CallLog
}

export interface PendingCall {
  readonly headers: Readonly<Record<string, string>>
  end(call: ProviderCall): void
}
