import type { Scope } from './caller.ts'

/** A key of a tenant, without the key itself, which is shown once. */
export interface ApiKey {
  readonly id: string
  readonly tenantId: string
  readonly name: string
  /** How the key begins: enough to tell keys apart, far too little to use one. */
  readonly prefix: string
  readonly scopes: readonly Scope[]
  readonly expiresAt: Date | null
  readonly revokedAt: Date | null
  /** Right to some minutes; null where it was never used. */
  readonly lastUsedAt: Date | null
  readonly createdAt: Date
}

/** True where the key opens nothing any more. */
export function isOver({ expiresAt, revokedAt }: Pick<ApiKey, 'expiresAt' | 'revokedAt'>, now: Date): boolean {
  return revokedAt !== null || (expiresAt !== null && expiresAt <= now)
}
