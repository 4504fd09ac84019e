import type { HttpMethod } from '../domain/provider-call.ts'

/** One documented or recorded exchange with a provider, replayed by the provider contract suite. */
export interface Fixture {
  /** A sentence: the call and its result. */
  readonly name: string
  /** The source of the exchange: `seed`, `recorded 01`, `docs V/kyc-sessions/get-session`, `assumed`. */
  readonly evidence: string
  /** The method of the provider's client and its arguments. */
  readonly call: FixtureCall
  readonly exchanges: readonly Exchange[]
  /** Undocumented parts of the response, as drift counts them, such as `ABSORBED status`. */
  readonly drifts?: readonly string[]
  /** The relevant part of the call's result, or its error. */
  readonly result: { readonly value: unknown } | { readonly error: FixtureError }
}

export interface FixtureCall {
  readonly method:
    | 'createSession'
    | 'getSession'
    | 'listSessions'
    | 'cancelSession'
    | 'listAttempts'
    | 'createApplicant'
    | 'getApplicant'
    | 'createCustomer'
    | 'getCustomer'
    | 'listCustomers'
  /** The first argument: an input, a reference or a query. */
  readonly argument: unknown
  /** The CreateCall, without the values that the suite sets. */
  readonly call?: Readonly<Record<string, unknown>>
  /** Settings of the account that differ from the sandbox's. */
  readonly settings?: Readonly<Record<string, unknown>>
}

export interface Exchange {
  readonly request: {
    readonly method: HttpMethod
    /** The request target: base path, path and query. */
    readonly path: string
    readonly headers?: Readonly<Record<string, string>>
    readonly json?: unknown
    readonly form?: Readonly<Record<string, string>>
  }
  readonly response: {
    readonly status: number
    readonly headers?: Readonly<Record<string, string>>
    /** JSON, or the raw text. */
    readonly body?: unknown
  }
}

export interface FixtureError {
  readonly code: string
  readonly providerCode?: string | null
  readonly retryAfterSeconds?: number
  readonly outcome?: 'NOT_SENT' | 'REFUSED' | 'UNCERTAIN'
}
