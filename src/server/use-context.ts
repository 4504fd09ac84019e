import { type ExecutionArgs, getOperationAST } from 'graphql'
import { isAsyncIterable, type Plugin } from 'graphql-yoga'
import { limitTime, type Signalling } from '../domain/time-limit.ts'
import { comesInParts } from './document-shape.ts'
import { asksCursor, type OpenContext } from './operation-context.ts'
import type { Admitted } from './use-authentication.ts'
import type { Trailed } from './use-telemetry.ts'

export interface Deadlines {
  readonly queryDeadlineMs: number
  readonly mutationDeadlineMs: number
}

/** Gives each operation its context: who asks, and the signal that ends its reads when its time is over or its client left. */
export function useContext(open: OpenContext, deadlines: Deadlines): Plugin<Admitted & Trailed> {
  async function contextOf(
    { request, ...admitted }: Admitted & Trailed & { readonly request: Request },
    { document, operationName }: ExecutionArgs,
    limit: Signalling,
  ) {
    const operation = getOperationAST(document, operationName)
    const inParts = operation ? comesInParts(document, operation) : false
    const lastEventId = request.headers.get('last-event-id')
    const context = await open({ ...admitted, limit, lastEventId, inParts, asksCursor: asksCursor(document) })
    // Only what is there by itself is copied.
    const { loaders, signal, renewed } = context
    return { ...context, loaders, signal, renewed }
  }

  return {
    onExecute: async ({ args, extendContext }) => {
      const operation = getOperationAST(args.document, args.operationName)
      const ms = deadlineOf(deadlines, operation?.operation)
      const limit = limitTime(ms, args.contextValue.request)
      extendContext(await contextOf(args.contextValue, args, limit))
      // What comes in parts is done when its last part is: its time runs on.
      return { onExecuteDone: ({ result }) => (isAsyncIterable(result) ? undefined : limit.done()) }
    },
    onSubscribe: async ({ args, extendContext }) => {
      extendContext(await contextOf(args.contextValue, args, args.contextValue.request))
    },
  }
}

export function deadlineOf({ mutationDeadlineMs, queryDeadlineMs }: Deadlines, kind: string | undefined): number {
  return kind === 'mutation' ? mutationDeadlineMs : queryDeadlineMs
}
