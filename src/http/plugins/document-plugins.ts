import {
  type DocumentNode,
  type ExecutionArgs,
  GraphQLError,
  getOperationAST,
  type NameNode,
  NoSchemaIntrospectionCustomRule,
  type ValidationContext,
} from 'graphql'
import { isAsyncIterable, type Plugin } from 'graphql-yoga'
import type { Context } from '../../context.ts'
import type { Authenticated } from '../auth/use-authentication.ts'
import { costOfRows, planCost, planRowPrices, planWork } from '../document/cost.ts'
import { parseDocument } from '../document/parse-document.ts'
import type { ResolveTrustedDocument } from '../document/trusted-documents.ts'
import { badRequest } from '../errors/http-error.ts'
import type { RequestLimits } from '../limits.ts'
import { COST_HEADER, type CostLimiter, REQUEST_COST, toCharge } from '../pipeline/rate-limit.ts'
import type { WithCallLog } from './use-telemetry.ts'

/** What a document may be: trusted documents, introspection, the length of names, complexity and cost. */

/** Lets a request send a document's hash in the place of its text. A request cannot register a document. */
export function useTrustedDocuments(
  resolveTrusted: ResolveTrustedDocument,
  warn: (documentId: string) => void,
): Plugin {
  return {
    onParams: ({ params, setParams }) => {
      const trusted = resolveTrusted(params)
      if (trusted.unregistered) warn(trusted.unregistered)
      setParams(trusted.params)
    },
  }
}

export function useNoIntrospection(): Plugin {
  return { onValidate: ({ addValidationRule }) => addValidationRule(NoSchemaIntrospectionCustomRule) }
}

/** Responses, log lines and metrics repeat the names of a document. */
const MAX_NAME_CHARACTERS = 255

export function useNameLimit(): Plugin {
  return { onValidate: ({ addValidationRule }) => addValidationRule(NameLimitRule) }
}

function NameLimitRule(context: ValidationContext) {
  let isReported = false
  return {
    Name: (node: NameNode) => {
      if (isReported || node.value.length <= MAX_NAME_CHARACTERS) return
      isReported = true
      context.reportError(
        new GraphQLError(`Expected names of at most ${MAX_NAME_CHARACTERS} characters.`, { nodes: [node] }),
      )
    },
  }
}

function assertOneOperation(document: DocumentNode, operationName: string | null | undefined): void {
  if (!getOperationAST(document, operationName)) throw badRequest(ONE_OPERATION)
}

const ONE_OPERATION =
  'Expected a document with one operation, or "operationName" with the name of one of its operations.'

/** The cost of an operation. */
export interface WithCost {
  readonly cost: number
  /** The cost of an event of a subscription, without provider calls. */
  readonly work: number
}

/** The context of an operation that was executed. */
interface WithRowCounts {
  readonly operation?: Pick<Context, 'rowCounts'>
}

/** Limits the complexity and cost of each operation, and the cost per key and minute. What was not spent is given back. */
export function useLimits(
  limits: RequestLimits,
  costs: CostLimiter,
): Plugin<Authenticated & WithCallLog & Partial<WithCost>> {
  const costOf = ({ schema, document, operationName, variableValues }: ExecutionArgs) =>
    planCost(schema, document, operationName)(variableValues ?? {})
  const workOf = ({ schema, document, operationName, variableValues }: ExecutionArgs) =>
    planWork(schema, document, operationName)(variableValues ?? {})

  return {
    onParse: ({ setParseFn }) => {
      setParseFn((source): DocumentNode => parseDocument(source, limits))
      return ({ result, context }) => {
        const { params } = context as { readonly params?: { readonly operationName?: string | null } }
        if (result && !(result instanceof Error)) assertOneOperation(result, params?.operationName)
      }
    },
    onExecute: async ({ args, extendContext, setResultAndStopExecution }) => {
      const { caller, callLog, request } = args.contextValue
      const cost = costOf(args)
      const reserved = await costs.reserve(caller, cost, REQUEST_COST)
      if (reserved instanceof GraphQLError) return setResultAndStopExecution({ errors: [reserved] })
      extendContext({ cost: toCharge(cost) })
      const settle = () => {
        const { operation } = args.contextValue as WithRowCounts
        const prices = planRowPrices(args.schema, args.document, args.operationName)
        const rows = costOfRows(prices, operation?.rowCounts ?? new Map())
        return costs.settle(caller, reserved, rows + callLog.callCount)
      }
      return {
        onExecuteDone: ({ result, setResult }) => {
          if (isAsyncIterable(result)) return { onEnd: () => void settle() }
          const actual = settle()
          if (request.headers.has(COST_HEADER)) setResult(costs.withCost(result, caller, reserved, actual))
          return undefined
        },
      }
    },
    onSubscribe: async ({ args, extendContext, setResultAndStopExecution }) => {
      const cost = costOf(args)
      const reserved = await costs.reserve(args.contextValue.caller, cost, REQUEST_COST)
      if (reserved instanceof GraphQLError) return setResultAndStopExecution({ errors: [reserved] })
      extendContext({ cost: toCharge(cost), work: workOf(args) })
    },
  }
}
