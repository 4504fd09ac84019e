import type { DocumentNode, ExecutionArgs, GraphQLError } from 'graphql'
import type { Plugin } from 'graphql-yoga'
import type { Charge } from './charge.ts'
import { planCost } from './cost.ts'
import type { DoorLimits } from './limits.ts'
import { parseDocument } from './parse-document.ts'
import type { Admitted } from './use-authentication.ts'

/** How much one operation may ask for, and how much one key in a minute. Introspection is under all of it but the depth. */
export function useLimits(limits: DoorLimits, charge: Charge): Plugin<Admitted> {
  function check(args: ExecutionArgs, { caller }: Admitted): Promise<GraphQLError | undefined> {
    return charge(caller, planCost(args.schema, args.document, args.operationName)(args.variableValues ?? {}))
  }

  return {
    onParse: ({ setParseFn }) => {
      setParseFn((source): DocumentNode => parseDocument(source, limits))
    },
    onExecute: async ({ args, setResultAndStopExecution }) => {
      const refusal = await check(args, args.contextValue)
      if (refusal) setResultAndStopExecution({ errors: [refusal] })
    },
    onSubscribe: async ({ args, setResultAndStopExecution }) => {
      const refusal = await check(args, args.contextValue)
      if (refusal) setResultAndStopExecution({ errors: [refusal] })
    },
  }
}
