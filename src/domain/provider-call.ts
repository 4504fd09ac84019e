import type { Provider } from './provider.ts'

/** The HTTP methods of provider calls. */
export const HTTP_METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const

export type HttpMethod = (typeof HTTP_METHODS)[number]

export const CALL_KINDS = ['READ', 'CREATE', 'WRITE', 'SIGN_IN'] as const

/** A WRITE (a cancel) and a SIGN_IN, which gets a token for the other calls, are safe to repeat; a CREATE is not. */
export type CallKind = (typeof CALL_KINDS)[number]

/** The result of a provider call, without URLs, ids, request data or response data. */
export interface ProviderCall {
  readonly provider: Provider
  /** The operation's name in the contract, such as `getSession`. */
  readonly operation: string
  readonly kind: CallKind
  /** 2 for a retry. */
  readonly attempt: number
  readonly ms: number
  /** SUCCEEDED, NOT_SENT if the call was rejected locally, or the error code. */
  readonly outcome: string
  /** Null if there was no response. */
  readonly status: number | null
}
