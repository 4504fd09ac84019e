import type { ExecutionArgs } from 'graphql'
import { isAsyncIterable, type Plugin } from 'graphql-yoga'
import type { Context } from '../../context.ts'
import { type HasSignal, withDeadline } from '../../domain/deadline.ts'
import type { RequestScheduler } from '../admission/request-scheduler.ts'
import type { Authenticated } from '../auth/use-authentication.ts'
import type { AnalyzeOperation } from '../document/operation-analysis.ts'
import type { Deadlines } from '../limits.ts'
import type { ContextFactory } from '../pipeline/operation-context.ts'
import type { WithCallLog } from './use-telemetry.ts'

/** Yoga's context of an operation that is executed with ours. */
export interface WithOperation {
  readonly operation: Context
}

export interface OperationContextOptions {
  readonly openContext: ContextFactory
  readonly deadlines: Deadlines
  readonly analyze: AnalyzeOperation
  readonly scheduler: Pick<RequestScheduler, 'waitForSlice'>
}

/**
 * Creates the context of each operation once its turn has come, with a signal that aborts its reads at the deadline or on a
 * client disconnect.
 */
export function useContext({
  openContext,
  deadlines,
  analyze,
  scheduler,
}: OperationContextOptions): Plugin<Authenticated & WithCallLog & Partial<WithOperation>> {
  async function contextOf(
    { request, caller, requestId, since, callLog, reader }: Authenticated & WithCallLog & { readonly request: Request },
    { document, operationName, variableValues }: ExecutionArgs,
    deadline: HasSignal,
  ) {
    const analysis = analyze(document, operationName)
    const variables = variableValues ?? {}
    return openContext({
      caller,
      requestId,
      since,
      callLog,
      ...(reader && { reader }),
      deadline,
      work: analysis?.workOf(variables) ?? 0,
      lastEventId: request.headers.get('last-event-id'),
      incremental: analysis?.incremental ?? false,
      selectsEncryptedField: analysis?.selectsEncryptedField(variables) ?? false,
      selectsLiveCursor: analysis?.selectsLiveCursor(variables) ?? false,
    })
  }

  return {
    onExecute: async ({ args, extendContext }) => {
      await scheduler.waitForSlice()
      const ms = deadlineOf(deadlines, analyze(args.document, args.operationName)?.kind)
      const deadline = withDeadline(ms, args.contextValue.request)
      extendContext({ operation: await contextOf(args.contextValue, args, deadline) })
      // The deadline of an incremental response covers its last part.
      return { onExecuteDone: ({ result }) => (isAsyncIterable(result) ? undefined : deadline.clear()) }
    },
    onSubscribe: async ({ args, extendContext }) => {
      await scheduler.waitForSlice()
      extendContext({ operation: await contextOf(args.contextValue, args, args.contextValue.request) })
    },
  }
}

export function deadlineOf({ mutationDeadlineMs, queryDeadlineMs }: Deadlines, kind: string | undefined): number {
  return kind === 'mutation' ? mutationDeadlineMs : queryDeadlineMs
}
