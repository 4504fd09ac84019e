import type { Address } from './wire.ts'

export interface SandboxCustomer extends CustomerFields {
  readonly id: string
  readonly created_at: string
  readonly modified_at: string | null
  readonly email_verified: boolean
  readonly workspace_id: string
  readonly deleted_at: string | null
  readonly members: readonly Member[]
}

/** The fields that a request may set. */
export interface CustomerFields {
  readonly email: string
  readonly external_id: string | null
  readonly name: string | null
  readonly type: string | null
  readonly metadata: Readonly<Record<string, unknown>>
  readonly billing_address: Address | null
}

export interface Member {
  readonly id: string
  readonly created_at: string
  readonly modified_at: null
  readonly customer_id: string
  readonly email: string
  readonly name: string | null
  readonly external_id: string | null
  readonly role: 'owner'
}
