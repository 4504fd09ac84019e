import { setMaxListeners } from 'node:events'
import { type DocumentNode, type ExecutionArgs, getOperationAST } from 'graphql'
import { isAsyncIterable, type Plugin } from 'graphql-yoga'
import { createContext } from '../context.ts'
import { limitTime } from '../domain/time-limit.ts'
import type { Services } from '../services/services.ts'
import { comesInParts } from './document-shape.ts'
import type { Admitted } from './use-authentication.ts'
import type { Trailed } from './use-telemetry.ts'

export interface Deadlines {
  readonly queryDeadlineMs: number
  readonly mutationDeadlineMs: number
}

/** Gives each operation its context: who asks, and the signal that ends its reads when its time is over or its client left. */
export function useContext(services: Services, deadlines: Deadlines, now: () => Date): Plugin<Admitted & Trailed> {
  async function build(
    admitted: Admitted & Trailed & { readonly request: Request },
    { document, operationName }: ExecutionArgs,
    signal: AbortSignal,
  ) {
    const { caller, requestId, startedAt, request, trail } = admitted
    // Each read of the operation listens to it while it runs: as many as one may ask for, which is no leak.
    setMaxListeners(0, signal)
    // The position has to be older than everything that is read, so it is taken first, where it is asked for at all.
    const liveCursor = mentions(document, 'liveCursor') ? await services.live.cursor(caller) : ''
    const lastEventId = request.headers.get('last-event-id')
    const { tenantId, subject } = caller
    const operation = getOperationAST(document, operationName)
    const inParts = operation ? comesInParts(document, operation) : false
    const asked = { caller, tenantId, subject, requestId, startedAt, signal, trail, inParts, liveCursor, lastEventId }
    return createContext(asked, services, now)
  }

  return {
    onExecute: async ({ args, extendContext }) => {
      const operation = getOperationAST(args.document, args.operationName)
      const ms = operation?.operation === 'mutation' ? deadlines.mutationDeadlineMs : deadlines.queryDeadlineMs
      const { signal, done } = limitTime(ms, args.contextValue.request.signal)
      extendContext(await build(args.contextValue, args, signal))
      // What comes in parts is done when its last part is: its time runs on.
      return { onExecuteDone: ({ result }) => (isAsyncIterable(result) ? undefined : done()) }
    },
    onSubscribe: async ({ args, extendContext }) => {
      extendContext(await build(args.contextValue, args, args.contextValue.request.signal))
    },
  }
}

function mentions(document: DocumentNode, field: string): boolean {
  return document.loc?.source.body.includes(field) ?? true
}
