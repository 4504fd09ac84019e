import type { ErrorCode } from '../../../../src/domain/error-codes.ts'
import type { Subject } from '../create-subjects.ts'
import type { HostileServer, Step } from '../hostile-server.ts'

/** The outcome of a create: its state, its error code, and the number of complete requests at the provider. */
export interface Outcome {
  readonly state: 'SUCCEEDED' | 'FAILED' | 'UNKNOWN'
  readonly code: ErrorCode | null
  readonly requests: number
  readonly retryAfterSeconds: unknown
}

/** A behaviour of a provider on a create. */
export interface Behaviour {
  readonly name: string
  /** The steps after the complete request. */
  readonly answers?: (requests: RequestedOperation) => readonly Step[]
  readonly onConnection?: readonly Step[]
  readonly onHead?: readonly Step[]
  /** The provider's address for the application, if it is not that of the server. */
  readonly at?: (server: HostileServer) => Place | Promise<Place>
  readonly becomes: Outcome | ((subject: Subject) => Outcome)
  /** True where each create waits for its deadline. */
  readonly lastsToDeadline?: boolean
  /** The maximum number of bytes that the application may read. */
  readonly takesAtMost?: number
}

export interface Place {
  readonly origin: string
  close?(): Promise<unknown>
}

export interface RequestedOperation {
  readonly subject: Subject
  /** The documented success. */
  readonly made: object
  /** The origin of another server, which must not receive the request. */
  readonly elsewhere: string
}

export const SUCCEEDED: Outcome = { state: 'SUCCEEDED', code: null, requests: 1, retryAfterSeconds: null }
export const unknown = (code: ErrorCode): Outcome => ({ ...SUCCEEDED, state: 'UNKNOWN', code })
export const failed = (code: ErrorCode, retryAfterSeconds: unknown = null): Outcome => ({
  ...SUCCEEDED,
  state: 'FAILED',
  code,
  retryAfterSeconds,
})
export const NO_ANSWER = unknown('PROVIDER_UNAVAILABLE')
export const BROKEN = unknown('PROVIDER_CONTRACT_BROKEN')
export const REJECTED = failed('PROVIDER_REJECTED')
export const UNREACHABLE: Outcome = { ...failed('PROVIDER_UNAVAILABLE'), requests: 0 }
export const UNHEARD: Outcome = { ...NO_ANSWER, requests: 0 }
