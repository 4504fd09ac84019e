import {
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  GraphQLError,
  getOperationAST,
  NoSchemaIntrospectionCustomRule,
} from 'graphql'
import { isAsyncIterable, type Plugin } from 'graphql-yoga'
import type { Context } from '../../context.ts'
import type { Authenticated } from '../auth/use-authentication.ts'
import { costBeyondEstimate, costOfExecution } from '../document/cost.ts'
import type { AnalyzeOperation, OperationAnalysis } from '../document/operation-analysis.ts'
import { parseDocument } from '../document/parse-document.ts'
import type { DocumentCache } from '../document/prepared-operations.ts'
import type { ResolveTrustedDocument } from '../document/trusted-documents.ts'
import { badRequest } from '../errors/http-error.ts'
import type { RequestLimits } from '../limits.ts'
import { countErrors } from '../pipeline/execute.ts'
import {
  COST_HEADER,
  type CostLimiter,
  chargeInFull,
  chargeOrRefuse,
  type RateLimiter,
  REQUEST_COST,
} from '../pipeline/rate-limit.ts'
import type { WithCallLog } from './use-telemetry.ts'

/** What a document may be: trusted documents, introspection, complexity and cost. */

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

/** What a document costs that this instance does not know: to parse and validate it takes longer than to execute most. */
const NEW_DOCUMENT_COST = 30
const INVALID_DOCUMENT_COST = 30
const NEW_CHARACTERS_PER_COST = 40
/** As many as a document of the maximum number of tokens may have. What comments and strings add takes little time. */
const MAX_NEW_CHARACTERS = 4_000

/** A document is validated in about three times the time that it takes to parse it. */
const PARSING_SHARE = 1 / 4

function costOfLength(text: string): number {
  return Math.floor(Math.min(text.length, MAX_NEW_CHARACTERS) / NEW_CHARACTERS_PER_COST)
}

function costToParse(text: string): number {
  return NEW_DOCUMENT_COST + Math.floor(costOfLength(text) * PARSING_SHARE)
}

function costToValidate(text: string): number {
  return NEW_DOCUMENT_COST + costOfLength(text) - costToParse(text)
}

export interface KnownDocuments {
  readonly documents: Pick<DocumentCache<DocumentNode>, 'get'>
  readonly parseErrors: Pick<DocumentCache<unknown>, 'get'>
}

/**
 * Charges documents that are not cached, before they are parsed and before they are validated, and the errors of invalid ones,
 * which are written each time.
 * Must come after `useTrustedDocuments`.
 */
export function useDocumentCharge(
  { documents, parseErrors }: KnownDocuments,
  limiter: RateLimiter,
): Plugin<Authenticated> {
  const invalid = new WeakSet<DocumentNode>()

  function costOf(text: string): number {
    const document = documents.get(text)
    if (document) return invalid.has(document) ? INVALID_DOCUMENT_COST : 0
    return parseErrors.get(text) ? INVALID_DOCUMENT_COST : costToParse(text)
  }

  return {
    onParse: ({ params: { source }, context }) => {
      const text = typeof source === 'string' ? source : source.body
      const { caller } = context as Partial<Authenticated>
      if (!caller || documents.get(text)) return undefined
      return ({ result }) => {
        if (!(result instanceof Error)) void chargeInFull(limiter, caller, costToValidate(text))
      }
    },
    onValidate: ({ params: { documentAST } }) => {
      return ({ valid }) => {
        if (!valid) invalid.add(documentAST)
      }
    },
    onParams: async ({ params: { query }, context }) => {
      const cost = query ? costOf(query) : 0
      if (cost === 0) return
      const { caller } = context as Partial<Authenticated>
      if (caller) await chargeOrRefuse(limiter, caller, cost)
    },
  }
}

function assertOneOperation(document: DocumentNode, operationName: string | null | undefined): void {
  if (!getOperationAST(document, operationName)) throw badRequest(ONE_OPERATION)
}

const ONE_OPERATION =
  'Expected a document with one operation, or "operationName" with the name of one of its operations.'

export interface WithWork {
  /** The cost of an event of a subscription, without provider calls. */
  readonly work: number
}

/** The context of an operation that was executed. */
interface WithCounts {
  readonly operation?: Pick<Context, 'changedSessions' | 'errorCount' | 'readSessions' | 'rowCounts'>
}

/** Limits the complexity and cost of each operation, and the cost per key and minute. What was not spent is given back. */
export function useLimits(
  limits: RequestLimits,
  costs: CostLimiter,
  analyze: AnalyzeOperation,
): Plugin<Authenticated & WithCallLog & Partial<WithWork>> {
  const analysisOf = ({ document, operationName }: ExecutionArgs): OperationAnalysis => {
    const analysis = analyze(document, operationName)
    if (!analysis) throw badRequest(ONE_OPERATION)
    return analysis
  }

  return {
    onParse: ({ setParseFn }) => {
      setParseFn((source): DocumentNode => parseDocument(source, limits))
      return ({ result, context }) => {
        const { params } = context as { readonly params?: { readonly operationName?: string | null } }
        if (result && !(result instanceof Error)) assertOneOperation(result, params?.operationName)
      }
    },
    onExecute: async ({ args, setResultAndStopExecution }) => {
      const { caller, callLog, request } = args.contextValue
      const { costOf, rowPrices } = analysisOf(args)
      const reserved = await costs.reserve(caller, costOf(args.variableValues ?? {}), REQUEST_COST)
      if (reserved instanceof GraphQLError) return setResultAndStopExecution({ errors: [reserved] })
      const settle = (result?: ExecutionResult) => {
        const { operation } = args.contextValue as WithCounts
        const spent = costOfExecution(rowPrices, operation?.rowCounts, callLog.callCount)
        const beyond = costBeyondEstimate(countErrors(result, operation), operation)
        return costs.settle(caller, reserved, spent, beyond)
      }
      return {
        onExecuteDone: ({ result, setResult }) => {
          // The errors of its parts are counted where the parts are bounded.
          if (isAsyncIterable(result)) return { onEnd: () => void settle() }
          const actual = settle(result)
          if (request.headers.has(COST_HEADER)) setResult(costs.withCost(result, caller, reserved, actual))
          return undefined
        },
      }
    },
    onSubscribe: async ({ args, extendContext, setResultAndStopExecution }) => {
      const { costOf, workOf } = analysisOf(args)
      const variables = args.variableValues ?? {}
      const reserved = await costs.reserve(args.contextValue.caller, costOf(variables), REQUEST_COST)
      if (reserved instanceof GraphQLError) return setResultAndStopExecution({ errors: [reserved] })
      extendContext({ work: workOf(variables) })
    },
  }
}
