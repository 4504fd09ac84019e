import type { JsonObject } from './json.ts'
import type { Provider } from './provider.ts'
import type { SyncError } from './sync.ts'

export const CREATE_KINDS = ['SESSION', 'APPLICANT', 'CUSTOMER'] as const
export type CreateKind = (typeof CREATE_KINDS)[number]

export const CREATE_STATES = ['PENDING', 'SENT', 'SUCCEEDED', 'FAILED', 'UNKNOWN'] as const
export type CreateState = (typeof CREATE_STATES)[number]

/** The durable record of one create: it exists before the provider is called, and is never lost. */
export interface CreateOperation {
  readonly id: string
  readonly tenantId: string
  readonly accountId: string
  readonly kind: CreateKind
  readonly idempotencyKey: string
  readonly fingerprint: string
  readonly provider: Provider
  readonly state: CreateState
  /** Our marker inside the create, by which it can be found at the provider. */
  readonly reference: string
  readonly recovered: boolean
  readonly nextCheckAt: Date | null
  /** Our id of what was made; null until SUCCEEDED. */
  readonly recordId: string | null
  readonly lastError: SyncError | null
  readonly attemptsMade: number
  /** When the try under way, or the last one, went out; null while none did. */
  readonly sentAt: Date | null
  readonly createdAt: Date
  readonly updatedAt: Date
}

/** A create as the client asked for it: the provider, its own input, and our records that the input refers to. */
export interface CreateRequest {
  readonly provider: Provider
  /** What the provider's client gets; JSON, so that it can be stored until the create is settled. */
  readonly input: JsonObject
  /** Our records at the same provider that the input points to. */
  readonly applicant?: RecordPointer
  readonly customer?: RecordPointer
}

/** A record of ours inside a provider's input: its id as the client has it, and where in the input it stands. */
export interface RecordPointer {
  readonly id: string | null | undefined
  /** From below `input.session`, or its like, on. */
  readonly path: readonly string[]
}
