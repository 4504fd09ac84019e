import type { JsonObject } from '../json.ts'
import type { Provider } from '../provider.ts'
import type { ProviderFailure } from './sync.ts'

export const OPERATION_KINDS = ['CREATE_SESSION', 'CREATE_APPLICANT', 'CREATE_CUSTOMER'] as const
export type OperationKind = (typeof OPERATION_KINDS)[number]

export const OPERATION_STATES = ['PENDING', 'SENT', 'SUCCEEDED', 'FAILED', 'UNKNOWN'] as const
export type OperationState = (typeof OPERATION_STATES)[number]

/** The durable record of a create. It is stored before the provider is called and never lost. */
export interface ProviderOperation {
  readonly id: string
  readonly tenantId: string
  readonly accountId: string
  readonly kind: OperationKind
  readonly idempotencyKey: string
  readonly fingerprint: string
  readonly provider: Provider
  readonly state: OperationState
  /** The marker inside the create that identifies it at the provider. */
  readonly reference: string
  readonly recovered: boolean
  readonly nextCheckAt: Date | null
  /** Our id of the created record; null until SUCCEEDED. */
  readonly recordId: string | null
  readonly lastError: ProviderFailure | null
  readonly sendCount: number
  /** When the latest attempt was sent; null if none was. */
  readonly sentAt: Date | null
  readonly createdAt: Date
  readonly updatedAt: Date
}

/** A create as the client requested it: the provider, its own input, and the referenced records of ours. */
export interface CreateRequest {
  readonly provider: Provider
  /** The input of the provider's client. JSON, so that it can be stored until the create is settled. */
  readonly input: JsonObject
  /** Records at the same provider that the input references. */
  readonly applicant?: RecordPointer
  readonly customer?: RecordPointer
}

/** A reference to a record at the provider, by one of three ids, and its path in the input. */
export interface RecordPointer {
  /** Our id, as clients see it. */
  readonly id?: string | null
  readonly providerId?: string | null
  /** The caller's own id, as stored at the provider. */
  readonly externalId?: string | null
  /** True if the provider reports the record's owner when it is read by id. */
  readonly isReported?: true
  /** Relative to `input.session` or the corresponding field. */
  readonly path: readonly string[]
}
