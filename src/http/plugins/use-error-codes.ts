import {
  type ExecutionResult,
  GraphQLError,
  OverlappingFieldsCanBeMergedRule,
  specifiedRules,
  type ValidationRule,
  ValuesOfCorrectTypeRule,
  type validate,
} from 'graphql'
import { isAsyncIterable, type Plugin } from 'graphql-yoga'
import type { ErrorCode } from '../../domain/error-codes.ts'
import type { Authenticated } from '../auth/use-authentication.ts'
import { literalRule } from '../document/literal-rule.ts'
import { mergeRule } from '../document/merge-rule.ts'
import { toClientError, withErrorCode } from '../errors/error-codes.ts'
import type { FormatError } from '../errors/error-formatter.ts'

/** Adds a code to the errors of GraphQL's parser and validation, and formats every error. */
export function useErrorCodes(formatError: FormatError, suggestions: boolean): Plugin<Authenticated> {
  const complete = (error: GraphQLError, { requestId }: Partial<Authenticated>) => formatError(error, requestId)
  const literals = literalRule(suggestions)

  return {
    onParse:
      () =>
      ({ result, replaceParseResult }) => {
        if (result instanceof Error) replaceParseResult(withCode(result, 'GRAPHQL_PARSE_FAILED'))
      },
    onValidate: ({ validateFn, setValidationFn }) => {
      const check = validateFn as typeof validate
      const checked: typeof validate = (schema, document, rules = specifiedRules, options, typeInfo) =>
        check(
          schema,
          document,
          withOwnRules(rules, literals),
          { ...options, maxErrors: MAX_ERRORS, hideSuggestions: !suggestions },
          typeInfo,
        )
      setValidationFn(checked as typeof validateFn)
      return ({ result, setResult }) => {
        if (result.length > 0) setResult(result.map(error => withCode(error, 'GRAPHQL_VALIDATION_FAILED')))
      }
    },
    onExecutionResult: ({ result, setResult, context }) => {
      if (!result || isAsyncIterable(result) || !('errors' in result) || !result.errors) return
      setResult({ ...result, errors: result.errors.map(error => complete(error, context as Partial<Authenticated>)) })
    },
    onResultProcess: ({ result, setResult, serverContext }) => {
      const admitted = serverContext as Partial<Authenticated>
      // A request that was rejected before its execution has no `onExecutionResult`.
      const completeAll = (each: ExecutionResult) =>
        each.errors
          ? {
              ...each,
              errors: each.errors.map(error => (error.extensions.requestId ? error : complete(error, admitted))),
            }
          : each
      if (Array.isArray(result)) setResult(result.map(completeAll))
      else if (!isAsyncIterable(result)) setResult(completeAll(result))
    },
    onExecute: ({ args }) => {
      // Each part of an incremental response has errors of its own.
      const onNext = ({ result, setResult }: SubsequentResult) =>
        setResult(formatIncremental(result, error => complete(toClientError(error), args.contextValue)))
      return { onExecuteDone: ({ result }) => (isAsyncIterable(result) ? { onNext } : undefined) }
    },
  }
}

/** With `literals` and `mergeRule` in the places of the rules that they replace. */
function withOwnRules(rules: readonly ValidationRule[], literals: ValidationRule): readonly ValidationRule[] {
  const others = rules.filter(({ name }) => name !== OverlappingFieldsCanBeMergedRule.name)
  return [...others.map(rule => (rule === ValuesOfCorrectTypeRule ? literals : rule)), mergeRule]
}

/** Each error costs a search for similar names. */
const MAX_ERRORS = 20

interface IncrementalResult extends ExecutionResult {
  readonly incremental?: readonly IncrementalResult[]
}

interface SubsequentResult {
  readonly result: IncrementalResult
  readonly setResult: (result: IncrementalResult) => void
}

/** Formats the errors of a part and of the parts inside it. */
function formatIncremental(
  result: IncrementalResult,
  formatError: (error: GraphQLError) => GraphQLError,
): IncrementalResult {
  const { errors, incremental } = result
  return {
    ...result,
    ...(errors && { errors: errors.map(formatError) }),
    ...(incremental && { incremental: incremental.map(each => formatIncremental(each, formatError)) }),
  }
}

function withCode(error: unknown, code: ErrorCode): unknown {
  return error instanceof GraphQLError ? withErrorCode(error, code) : error
}
