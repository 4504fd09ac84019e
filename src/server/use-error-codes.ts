import { type ExecutionResult, GraphQLError } from 'graphql'
import { isAsyncIterable, type Plugin } from 'graphql-yoga'
import type { ErrorCode } from '../domain/errors.ts'
import { coded, toClientError } from './error-codes.ts'
import type { ErrorTeller } from './error-teller.ts'
import type { Admitted } from './use-authentication.ts'
import { checkVariables } from './variables.ts'

/**
 * Gives a code to what GraphQL itself refuses: a document that cannot be parsed or is invalid, variables that do not fit.
 * Without `suggestions` it does not say either what the schema has instead.
 */
export function useErrorCodes(tell: ErrorTeller): Plugin<Admitted> {
  const complete = (error: GraphQLError, { requestId }: Partial<Admitted>) => tell(error, requestId)

  return {
    onParse:
      () =>
      ({ result, replaceParseResult }) => {
        if (result instanceof Error) replaceParseResult(withCode(result, 'GRAPHQL_PARSE_FAILED') as never)
      },
    onValidate:
      () =>
      ({ result, setResult }) => {
        if (result.length > 0) setResult(result.map(error => withCode(error, 'GRAPHQL_VALIDATION_FAILED')))
      },
    onExecutionResult: ({ result, setResult, context }) => {
      if (!result || isAsyncIterable(result) || !('errors' in result) || !result.errors) return
      setResult({ ...result, errors: result.errors.map(error => complete(error, context as Partial<Admitted>)) })
    },
    onResultProcess: ({ result, setResult, serverContext }) => {
      if (isAsyncIterable(result) || Array.isArray(result) || !result.errors) return
      const admitted = serverContext as Partial<Admitted>
      // What was refused before there was an operation comes by here only.
      const errors = result.errors.map(error => (error.extensions.requestId ? error : complete(error, admitted)))
      setResult({ ...result, errors })
    },
    onSubscribe: ({ args, setResultAndStopExecution }) => {
      const errors = checkVariables(args.schema, args.document, args.operationName, args.variableValues ?? {})
      if (errors.length > 0) setResultAndStopExecution({ errors })
    },
    onExecute: ({ args, setResultAndStopExecution }) => {
      const errors = checkVariables(args.schema, args.document, args.operationName, args.variableValues ?? {})
      if (errors.length > 0) setResultAndStopExecution({ errors })
      // What comes in parts has its errors in each of them, where nobody else looks for them.
      const onNext = ({ result, setResult }: NextPart) =>
        setResult(ofPart(result, error => complete(toClientError(error), args.contextValue)))
      return { onExecuteDone: ({ result }) => (isAsyncIterable(result) ? { onNext } : undefined) }
    },
  }
}

interface Part extends ExecutionResult {
  readonly incremental?: readonly Part[]
}

interface NextPart {
  readonly result: Part
  readonly setResult: (result: Part) => void
}

/** A part, and those inside it, with what becomes of its errors. */
function ofPart(part: Part, tell: (error: GraphQLError) => GraphQLError): Part {
  const { errors, incremental } = part
  return {
    ...part,
    ...(errors && { errors: errors.map(tell) }),
    ...(incremental && { incremental: incremental.map(each => ofPart(each, tell)) }),
  }
}

function withCode(error: unknown, code: ErrorCode): unknown {
  return error instanceof GraphQLError ? coded(error, code) : error
}
