import { getOperationAST } from 'graphql'
import type { Plugin } from 'graphql-yoga'
import { createContext } from '../context.ts'
import type { Services } from '../services/services.ts'
import type { Admitted } from './use-authentication.ts'

export interface Deadlines {
  readonly queryDeadlineMs: number
  readonly mutationDeadlineMs: number
}

/** Gives each operation its context: who asks, and the signal that ends its reads when its time is over or its client left. */
export function useContext(services: Services, deadlines: Deadlines): Plugin<Admitted> {
  return {
    onExecute: ({ args, extendContext }) => {
      const { caller, requestId, startedAt, request } = args.contextValue
      const operation = getOperationAST(args.document, args.operationName)
      const ms = operation?.operation === 'mutation' ? deadlines.mutationDeadlineMs : deadlines.queryDeadlineMs
      const signal = AbortSignal.any([request.signal, AbortSignal.timeout(ms)])
      extendContext(createContext({ ...caller, requestId, startedAt, signal }, services))
    },
  }
}
