import { type ExecutionArgs, type ExecutionResult, execute, getOperationAST } from 'graphql'
import type { Context } from '../../context.ts'
import { isLargerThan } from '../document/answer-size.ts'
import { validateArgumentsBelowMutation } from '../document/mutation-arguments.ts'
import { queryTooComplex } from '../document/parse-document.ts'
import { validateVariables } from '../document/variables.ts'
import { badRequest, httpError } from '../errors/http-error.ts'

/** Executes an operation with graphql-js, on both paths. `suggestions`: whether errors may name parts of the schema. */
export async function executeOperation(args: ExecutionArgs, suggestions: boolean): Promise<ExecutionResult> {
  // The executor's errors about a variable write out all keys of an object, and ours none of them.
  if (hasManyKeys(args.variableValues)) {
    const errors = ownVariableErrors(args, suggestions)
    if (errors.length > 0) return { errors }
  }
  const invalid = validateArgumentsBelowMutation(args)
  if (invalid.length > 0) return { errors: invalid }
  const { rowTurns } = args.contextValue as Partial<Context>
  if (rowTurns) rowTurns.mayShed = getOperationAST(args.document, args.operationName)?.operation === 'query'
  // Its messages about variables are replaced by ours.
  const result = await execute({ ...args, hideSuggestions: true })
  await rowTurns?.waitToWrite()
  if (rowTurns?.isShed) return { errors: [memoryShort()] }
  if (isLargerThan(result.data, MAX_ANSWER_CHARACTERS)) return { errors: [answerTooLarge()] }
  // Without data, the variables were invalid. The executor's messages repeat their values: ours do not.
  return 'data' in result ? result : { errors: variableErrors(args, suggestions) }
}

/** An answer is written at once, in the memory of the process. */
export const MAX_ANSWER_CHARACTERS = 8 * 1024 * 1024

export function answerTooLarge() {
  return queryTooComplex('an answer of at most 8 MiB: select fewer rows or fields')
}

function memoryShort() {
  const message = 'The server is short of memory. Select fewer rows, or send the query again later.'
  return httpError('OVERLOADED', message, { status: 503, retryAfterSeconds: 1 })
}

const MANY_KEYS = 50

function hasManyKeys(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (Array.isArray(value)) return value.some(hasManyKeys)
  const inner = Object.values(value)
  return inner.length > MANY_KEYS || inner.some(hasManyKeys)
}

function ownVariableErrors({ schema, document, operationName, variableValues }: ExecutionArgs, suggestions: boolean) {
  return validateVariables(schema, document, operationName, variableValues ?? {}, suggestions)
}

function variableErrors(args: ExecutionArgs, suggestions: boolean) {
  const errors = ownVariableErrors(args, suggestions)
  return errors.length > 0 ? errors : [badRequest('Expected an operation and valid variables for it.')]
}

export function clientDisconnected() {
  return httpError('DEADLINE_EXCEEDED', 'The client disconnected before its operation started. Send it again.', {
    status: 400,
  })
}
