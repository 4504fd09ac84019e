import type { DocumentNode, ExecutionArgs, GraphQLError } from 'graphql'
import type { Plugin } from 'graphql-yoga'
import { holderOf } from '../domain/caller.ts'
import type { Budget } from './budget.ts'
import { costOf } from './cost.ts'
import type { DoorLimits } from './limits.ts'
import { parseDocument, tooComplex } from './parse-document.ts'
import { refuse } from './refusal.ts'
import type { Admitted } from './use-authentication.ts'

/** How much one operation may ask for, and how much one key in a minute. Introspection is under all of it but the depth. */
export function useLimits(limits: DoorLimits, budget: Budget): Plugin<Admitted> {
  async function check(args: ExecutionArgs, { caller }: Admitted): Promise<GraphQLError | undefined> {
    const cost = Math.ceil(costOf(args.schema, args.document, args.operationName, args.variableValues ?? {}))
    if (cost > limits.maxCost) return tooComplex(`a cost of at most ${limits.maxCost}, not ${cost}`)
    const waitMs = await budget.spend(holderOf(caller), Math.max(1, cost))
    return waitMs > 0 ? spent(waitMs) : undefined
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

function spent(waitMs: number): GraphQLError {
  const retryAfter = Math.ceil(waitMs / 1_000)
  return refuse('RATE_LIMITED', 'Your key has spent what it may spend in a minute.', { status: 429, retryAfter })
}
