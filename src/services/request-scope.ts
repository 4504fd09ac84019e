import type { AbortSignalLike } from '../domain/abort-signal.ts'
import type { Subject } from '../domain/access/caller.ts'
import type { CallLog } from '../domain/call-log.ts'
import type { ChangeSource } from '../domain/records/sync.ts'

/** What a service needs to know about its request. */
export interface RequestScope {
  readonly tenantId: string
  /** Limits a client token to one session or person. Null: all records of the tenant. */
  readonly subject?: Subject | null
  /** The newest provider read when the request came in: later reads count as fresh. Absent: no read does. */
  readonly since?: number
  /** Aborted at the request's deadline or when its client disconnects. */
  readonly signal: AbortSignalLike
  /** Collects the request's provider calls; absent for background work. */
  readonly callLog?: CallLog
  /** Stored as the source of fetched records; FETCH if left out. */
  readonly source?: ChangeSource
  /**
   * How many sessions were read because the externalId of a record that they are linked to changed, and how many of them
   * changed. The caller is charged for both.
   */
  readSessions?: number
  changedSessions?: number
}
