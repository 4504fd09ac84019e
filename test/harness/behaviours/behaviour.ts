import type { ErrorCode } from '../../../src/domain/errors.ts'
import type { Subject } from '../create-subjects.ts'
import type { HostileServer, Step } from '../hostile-server.ts'

/** What a create comes to: its state, the code of its error, and how often the provider gets it whole in one try. */
export interface Outcome {
  readonly state: 'SUCCEEDED' | 'FAILED' | 'UNKNOWN'
  readonly code: ErrorCode | null
  readonly requests: number
  readonly retryAfterSeconds: unknown
}

/** One way of a provider to answer a create, or not to. */
export interface Behaviour {
  readonly name: string
  /** What the connection gets when the create has come whole. */
  readonly answers?: (asked: Asked) => readonly Step[]
  readonly onConnection?: readonly Step[]
  readonly onHead?: readonly Step[]
  /** Where the house looks for the provider, if it is not at the server. */
  readonly at?: (server: HostileServer) => Place | Promise<Place>
  readonly becomes: Outcome | ((subject: Subject) => Outcome)
  /** The most bytes that our side may take. */
  readonly takesAtMost?: number
}

export interface Place {
  readonly origin: string
  close?(): Promise<unknown>
}

export interface Asked {
  readonly subject: Subject
  /** The documented success. */
  readonly made: object
  /** The origin of another server, which must hear nothing of it. */
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
