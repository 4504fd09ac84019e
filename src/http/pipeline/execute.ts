import { type ExecutionArgs, type ExecutionResult, execute, getOperationAST } from 'graphql'
import type { Context } from '../../context.ts'
import { isLargerThan } from '../document/answer-size.ts'
import { validateArgumentsBelowMutation } from '../document/mutation-arguments.ts'
import { queryTooComplex } from '../document/parse-document.ts'
import { validateVariables } from '../document/variables.ts'
import { badRequest, httpError } from '../errors/http-error.ts'

/** Executes an operation with graphql-js, on both paths. `suggestions`: whether errors may name parts of the schema. */
export async function executeOperation(args: ExecutionArgs, suggestions: boolean): Promise<ExecutionResult> {
  const invalid = validateArgumentsBelowMutation(args)
  if (invalid.length > 0) return { errors: invalid }
  const { schema, document, operationName, variableValues } = args
  const contextValue = args.contextValue as Partial<Context>
  const { rowTurns } = contextValue
  if (rowTurns) rowTurns.mayShed = getOperationAST(args.document, args.operationName)?.operation === 'query'
  const result = await execute({ schema, document, operationName, contextValue, variableValues, ...SHORT_ERRORS })
  const { errors = [] } = result
  contextValue.errorCount = errors.length
  await rowTurns?.waitToWrite()
  if (rowTurns?.isShed) return { errors: [memoryShort()] }
  if (errors.length > MAX_ANSWER_ERRORS) return { errors: [tooManyErrors()] }
  if (isLargerThan(result.data, MAX_ANSWER_CHARACTERS)) return { errors: [answerTooLarge()] }
  // Without data, the variables were invalid. The executor's messages repeat their values: ours do not.
  return 'data' in result ? result : { errors: variableErrors(args, suggestions) }
}

/** Messages about variables are replaced by ours: the executor's take long to write. */
const SHORT_ERRORS = { hideSuggestions: true, options: { maxCoercionErrors: 1 } }

/** How many errors a result has, or had before it was refused because of them. */
export function countErrors(
  result: Pick<ExecutionResult, 'errors'> = {},
  context?: Pick<Context, 'errorCount'>,
): number {
  return Math.max(context?.errorCount ?? 0, result.errors?.length ?? 0)
}

/** An answer is written at once, in the memory of the process. */
export const MAX_ANSWER_CHARACTERS = 8 * 1024 * 1024

/** Errors are written at once, too. */
export const MAX_ANSWER_ERRORS = 750

export function tooManyErrors() {
  return queryTooComplex(`an answer with at most ${MAX_ANSWER_ERRORS} errors: select fewer rows or fields`)
}

export function answerTooLarge() {
  return queryTooComplex('an answer of at most 8 MiB: select fewer rows or fields')
}

function memoryShort() {
  const message = 'The server is short of memory. Select fewer rows, or send the query again later.'
  return httpError('OVERLOADED', message, { status: 503, retryAfterSeconds: 1 })
}

function variableErrors({ schema, document, operationName, variableValues }: ExecutionArgs, suggestions: boolean) {
  const errors = validateVariables(schema, document, operationName, variableValues ?? {}, suggestions)
  return errors.length > 0 ? errors : [badRequest('Expected an operation and valid variables for it.')]
}

export function clientDisconnected() {
  return httpError('DEADLINE_EXCEEDED', 'The client disconnected before its operation started. Send it again.', {
    status: 400,
  })
}
