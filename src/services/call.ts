import type { Subject } from '../domain/caller.ts'
import type { StatusSource } from '../domain/sync.ts'
import type { Trail } from '../domain/trail.ts'

/** Who asks, and how long it may take: what a service needs to know of the request it works for. */
export interface Call {
  readonly tenantId: string
  /** What alone is opened, where a client token asks; all of the tenant's otherwise. */
  readonly subject?: Subject | null
  /** When the request came in: what was fetched since is as fresh as can be. */
  readonly startedAt: Date
  /** Aborted when the request's time is over or its client has left. */
  readonly signal: AbortSignal
  /** Where it is told what providers are asked for it; absent where no client asks. */
  readonly trail?: Trail
  /** True where a read that began before this call does not do, as after a change. */
  readonly alone?: boolean
  /** Why the provider is asked; FETCH if left out. */
  readonly source?: StatusSource
}
