import type { Details, JsonObject } from '../json.ts'
import type { Provider } from '../provider.ts'
import type { Sync } from './sync.ts'

/** A customer record of a provider. */
export interface Customer {
  readonly id: string
  readonly tenantId: string
  /** Grows with each change of the content, attempts included. */
  readonly revision: number
  readonly accountId: string
  readonly provider: Provider
  readonly providerId: string
  readonly externalId: string | null
  readonly email: string | null
  readonly name: string | null
  readonly phone: string | null
  readonly metadata: JsonObject | null
  readonly createdAt: Date
  readonly updatedAt: Date
  /** Null: known from a link only, never read. */
  readonly sync: Sync | null
  readonly details: Details
}

/** What a provider reported about a customer at one moment. An absent field was not reported; null means none. */
export interface CustomerSnapshot {
  readonly providerId: string
  readonly externalId?: string | null
  readonly email?: string | null
  readonly name?: string | null
  readonly phone?: string | null
  readonly metadata?: JsonObject | null
  readonly createdAt?: Date | null
  readonly updatedAt?: Date | null
  readonly details: Details
}
