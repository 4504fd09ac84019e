/** Who records, accounts and keys belong to. */
export interface Tenant {
  /** Small letters, digits and hyphens. */
  readonly id: string
  readonly name: string
  readonly createdAt: Date
}
