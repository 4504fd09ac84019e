import { type Context, createContext } from '../../context.ts'
import type { CallLog } from '../../domain/call-log.ts'
import type { HasSignal } from '../../domain/deadline.ts'
import type { RowScheduler } from '../../domain/row-turns.ts'
import type { Services } from '../../services/services.ts'
import type { Authenticated } from '../auth/use-authentication.ts'

export interface OperationInput extends Authenticated {
  readonly callLog: CallLog
  readonly deadline: HasSignal
  /** Its cost without provider calls. */
  readonly work: number
  readonly lastEventId: string | null
  readonly incremental: boolean
  readonly selectsEncryptedField: boolean
  readonly selectsLiveCursor: boolean
}

export type ContextFactory = (operation: OperationInput) => Promise<Context>

/** From this work on, the rows of an operation are completed in turns. Nearly all operations are smaller. */
const TURNS_FROM_WORK = 50

export function createContextFactory(services: Services, rows: RowScheduler, now: () => Date): ContextFactory {
  return async operation => {
    const { caller, deadline, selectsLiveCursor, work } = operation
    // The position must be older than everything that the operation reads, so it is read first.
    const liveCursor = selectsLiveCursor ? await services.eventStream.cursor(caller) : ''
    return createContext({
      caller,
      requestId: operation.requestId,
      since: operation.since,
      callLog: operation.callLog,
      lastEventId: operation.lastEventId,
      incremental: operation.incremental,
      selectsEncryptedField: operation.selectsEncryptedField,
      deadline,
      liveCursor,
      now,
      rowTurns: work < TURNS_FROM_WORK ? undefined : rows.open(work, () => deadline.signal.aborted, operation.reader),
      services,
    })
  }
}
