import type { Details } from '../json.ts'

/**
 * A provider's link to another of its records: its id, its parent if one is needed to read it, and the inline content,
 * complete (`snapshot`) or partial (`details`).
 */
export interface RecordLink<Snapshot> {
  readonly providerId: string
  readonly parentProviderId?: string | null
  readonly snapshot?: Snapshot
  readonly details?: Details
}
