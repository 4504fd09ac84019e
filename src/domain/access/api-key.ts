import type { Scope } from './caller.ts'

/** An API key of a tenant, without its secret, which is shown once. */
export interface ApiKey {
  readonly id: string
  readonly tenantId: string
  readonly name: string
  /** The first characters of the key: enough to identify it, too few to use it. */
  readonly prefix: string
  readonly scopes: readonly Scope[]
  readonly expiresAt: Date | null
  readonly revokedAt: Date | null
  /** Accurate to a few minutes; null if never used. */
  readonly lastUsedAt: Date | null
  readonly createdAt: Date
}

export function isExpiredOrRevoked(
  { expiresAt, revokedAt }: Pick<ApiKey, 'expiresAt' | 'revokedAt'>,
  now: Date,
): boolean {
  return revokedAt !== null || (expiresAt !== null && expiresAt <= now)
}
