import type { HttpMethod } from '../domain/provider-call.ts'

/** One documented or recorded conversation with a provider, replayed by the provider contract suite. */
export interface Fixture {
  /** A sentence: what is asked and what comes of it. */
  readonly name: string
  /** Where the exchange was seen: `seed`, `recorded 01`, `docs V/kyc-sessions/get-session`, `assumed`. */
  readonly evidence: string
  /** The method of the provider's client and its arguments. */
  readonly call: FixtureCall
  readonly exchanges: readonly Exchange[]
  /** Either what the call gives, as the part of it that matters, or the error it ends in. */
  /** What no document says of the answer, as its drift is counted: such as `ABSORBED status`. */
  readonly drifts?: readonly string[]
  readonly means: { readonly value: unknown } | { readonly error: FixtureError }
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
  /** What the call carries beside it (CreateCall, without what the suite fills in). */
  readonly call?: Readonly<Record<string, unknown>>
  /** Settings of the account that differ from the sandbox's. */
  readonly settings?: Readonly<Record<string, unknown>>
}

export interface Exchange {
  readonly sends: {
    readonly method: HttpMethod
    /** With the base path and the query, as it stands in the request line. */
    readonly path: string
    readonly headers?: Readonly<Record<string, string>>
    readonly json?: unknown
    readonly form?: Readonly<Record<string, string>>
  }
  readonly answers: {
    readonly status: number
    readonly headers?: Readonly<Record<string, string>>
    /** JSON, or text as it is sent. */
    readonly body?: unknown
  }
}

export interface FixtureError {
  readonly code: string
  readonly providerCode?: string | null
  readonly retryAfterSeconds?: number
  readonly outcome?: 'NOT_SENT' | 'REFUSED' | 'UNCERTAIN'
}
