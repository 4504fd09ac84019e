import type { AbortSignalLike } from './domain/abort-signal.ts'
import type { Caller, Subject } from './domain/access/caller.ts'
import type { CallLog } from './domain/call-log.ts'
import type { HasSignal } from './domain/deadline.ts'
import type { ForbiddenError } from './domain/errors.ts'
import type { Freshness } from './domain/records/sync.ts'
import type { RowTurns } from './domain/row-turns.ts'
import { createLoaders, type Loaders } from './loaders.ts'
import type { SubscriptionScope } from './services/events/event-stream.ts'
import type { RequestScope } from './services/request-scope.ts'
import type { Services } from './services/services.ts'

/** The GraphQL context of one operation. */
export interface Context extends RequestScope {
  readonly caller: Caller
  readonly subject: Subject | null
  readonly requestId: string
  readonly callLog: CallLog
  readonly now: () => Date
  readonly services: Services
  /** True if the response can be sent in parts (@defer, @stream). */
  readonly incremental: boolean
  /** True if the operation selects a field of a session that is encrypted in the database. */
  readonly selectsEncryptedField: boolean
  /** The tenant's event position when the operation began; '' if the operation does not select it. */
  readonly liveCursor: string
  /** The last event that the client of an interrupted subscription received. */
  readonly lastEventId: string | null
  /** Collects the fields that the caller may not select, so that one error reports all of them. */
  readonly deniedFields: { error?: ForbiddenError }
  readonly loaders: Loaders
  /** For an operation that is too large to be completed at once. */
  readonly rowTurns: RowTurns | undefined
  /** How many rows each list had, records each link, and values each field of JSON, by the name nodes of their fields. */
  readonly rowCounts: Map<object, RowCount>
  /** How many errors its result had, also where they were too many for a response. */
  errorCount: number
  readSessions: number
  changedSessions: number
  /** The `freshness` arguments by the paths of their fields; undefined if there are none. */
  givenFreshness?: WeakMap<object, Freshness>
  /** The stream of a subscription; absent from other operations. */
  stream?: SubscriptionScope['stream']
  /** True if linked records are served as stored, whatever their age. */
  readonly storedOnly: boolean
  /** Gives an event of a subscription reads of its own, instead of the records loaded for the event before. */
  resetForEvent(options: { readonly storedOnly: boolean }): void
  /** Releases the loaded records, because a background refresh can hold the context for longer than its operation runs. */
  clearLoaders(): void
}

/** The rows of a field, and what they were read for: rows of the same source count less. */
export interface RowCount {
  rows: number
  readonly sources: Set<unknown>
}

export interface ContextInput
  extends Omit<
    Context,
    | 'changedSessions'
    | 'readSessions'
    | 'clearLoaders'
    | 'deniedFields'
    | 'errorCount'
    | 'givenFreshness'
    | 'rowCounts'
    | 'loaders'
    | 'resetForEvent'
    | 'signal'
    | 'source'
    | 'storedOnly'
    | 'stream'
    | 'subject'
    | 'tenantId'
  > {
  readonly since: number
  readonly deadline: HasSignal
}

export function createContext(input: ContextInput): Context {
  return new OperationContext(input)
}

/** The signal and the loaders are created on first use, because many operations need neither. */
class OperationContext implements Context {
  readonly caller: Caller
  readonly tenantId: string
  readonly subject: Subject | null
  readonly requestId: string
  readonly callLog: CallLog
  readonly now: () => Date
  readonly services: Services
  readonly incremental: boolean
  readonly selectsEncryptedField: boolean
  readonly liveCursor: string
  readonly lastEventId: string | null
  since: number
  deniedFields = {}
  readonly rowTurns: RowTurns | undefined
  readonly rowCounts = new Map<object, RowCount>()
  errorCount = 0
  readSessions = 0
  changedSessions = 0
  givenFreshness?: Context['givenFreshness']
  storedOnly = false
  stream?: Context['stream']
  readonly #deadline: HasSignal
  #loaders: Loaders | undefined

  constructor(input: ContextInput) {
    this.caller = input.caller
    this.tenantId = input.caller.tenantId
    this.subject = input.caller.subject
    this.requestId = input.requestId
    this.callLog = input.callLog
    this.now = input.now
    this.services = input.services
    this.incremental = input.incremental
    this.selectsEncryptedField = input.selectsEncryptedField
    this.liveCursor = input.liveCursor
    this.lastEventId = input.lastEventId
    this.rowTurns = input.rowTurns
    this.since = input.since
    this.#deadline = input.deadline
  }

  get signal(): AbortSignalLike {
    return this.#deadline.signal
  }

  get loaders(): Loaders {
    this.#loaders ??= createLoaders(this, this.services)
    return this.#loaders
  }

  resetForEvent({ storedOnly }: { readonly storedOnly: boolean }): void {
    this.storedOnly = storedOnly
    this.since = this.services.readSequence.sequence()
    this.deniedFields = {}
    this.clearLoaders()
  }

  clearLoaders(): void {
    this.#loaders = undefined
  }
}
