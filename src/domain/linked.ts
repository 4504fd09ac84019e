/** The provider's own link to another of its records: its id, its parent where it is reached through one, and what was told inline. */
export interface Linked<Snapshot> {
  readonly providerId: string
  readonly parentProviderId?: string | null
  readonly snapshot?: Snapshot
}
