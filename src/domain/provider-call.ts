import type { Provider } from './provider.ts'
import type { Trail } from './trail.ts'

/** The HTTP methods with which providers are asked. */
export const HTTP_METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const

export type HttpMethod = (typeof HTTP_METHODS)[number]

export const CALL_KINDS = ['READ', 'CREATE', 'WRITE'] as const

/** A WRITE may be repeated harmlessly (a cancel), a CREATE may not. */
export type CallKind = (typeof CALL_KINDS)[number]

/** A request towards a provider that is about to be sent. */
export interface BegunCall {
  readonly provider: Provider
  /** The provider's verb in our words, such as `getSession`. */
  readonly operation: string
  readonly kind: CallKind
  /** 2 where it is sent again. */
  readonly attempt: number
  /** Of the operation that wants it; absent where nobody asked. */
  readonly trail?: Trail
}

/** How a request towards a provider went: no address, no id, nothing of what was sent or answered. */
export interface ProviderCall extends Omit<BegunCall, 'trail'> {
  readonly ms: number
  /** SUCCEEDED, NOT_SENT where we kept it back ourselves, or the code of the error that it ended in. */
  readonly outcome: string
  /** Null where no answer came. */
  readonly status: number | null
}

/** Is told of every request towards a provider. */
export interface CallWatch {
  /** `headers` travel with the request; `end` is told how it went. */
  begin(call: BegunCall): CallUnderWay
  /** An answer said something that its schema does not. */
  drifted(provider: Provider, operation: string, grade: string): void
}

export interface CallUnderWay {
  readonly headers: Readonly<Record<string, string>>
  end(call: ProviderCall): void
}
