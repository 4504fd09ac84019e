import {
  type DocumentNode,
  type ExecutionArgs,
  GraphQLError,
  type NameNode,
  NoSchemaIntrospectionCustomRule,
  type ValidationContext,
} from 'graphql'
import type { Plugin } from 'graphql-yoga'
import type { Authenticated } from '../auth/use-authentication.ts'
import { planCost } from '../document/cost.ts'
import { parseDocument } from '../document/parse-document.ts'
import type { ResolveTrustedDocument } from '../document/trusted-documents.ts'
import type { RequestLimits } from '../limits.ts'
import { type RateLimitByCost, REQUEST_COST, toCharge } from '../pipeline/rate-limit.ts'

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

/** The cost of an operation, and of each event of a subscription. */
export interface WithCost {
  readonly cost: number
}

/** Limits the complexity and cost of each operation, and the cost per key and minute. */
export function useLimits(
  limits: RequestLimits,
  rateLimit: RateLimitByCost,
): Plugin<Authenticated & Partial<WithCost>> {
  const costOf = ({ schema, document, operationName, variableValues }: ExecutionArgs) =>
    planCost(schema, document, operationName)(variableValues ?? {})

  return {
    onParse: ({ setParseFn }) => {
      setParseFn((source): DocumentNode => parseDocument(source, limits))
    },
    onExecute: async ({ args, extendContext, setResultAndStopExecution }) => {
      const cost = costOf(args)
      const error = await rateLimit(args.contextValue.caller, cost, REQUEST_COST)
      if (error) return setResultAndStopExecution({ errors: [error] })
      extendContext({ cost: toCharge(cost) })
    },
    onSubscribe: async ({ args, extendContext, setResultAndStopExecution }) => {
      const cost = costOf(args)
      const error = await rateLimit(args.contextValue.caller, cost, REQUEST_COST)
      if (error) return setResultAndStopExecution({ errors: [error] })
      extendContext({ cost: toCharge(cost) })
    },
  }
}
