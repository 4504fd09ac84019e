import type { Scope } from './caller.ts'

/** An API key of a tenant, without its secret, which is shown once. */
export interface ApiKey {
  readonly id: string
  readonly tenantId: string
  readonly name: string
  /** The first characters of the key: enough to identify it, too few to use it. */
  readonly prefix: string
  readonly scopes: readonly Scope[]
  /** What its operations and those of its client tokens may cost per minute. Null: COST_PER_MINUTE. */
  readonly costPerMinute: number | null
  readonly expiresAt: Date | null
  readonly revokedAt: Date | null
  /** Accurate to a few minutes; null if never used. */
  readonly lastUsedAt: Date | null
  readonly createdAt: Date
}

/** The limits of a key's own cost per minute. A client token gets a tenth, which has to suffice for one request. */
export const COST_PER_MINUTE_RANGE = { min: 100, max: 1_000_000_000 } as const

export function isExpiredOrRevoked(
  { expiresAt, revokedAt }: Pick<ApiKey, 'expiresAt' | 'revokedAt'>,
  now: Date,
): boolean {
  return revokedAt !== null || (expiresAt !== null && expiresAt <= now)
}
