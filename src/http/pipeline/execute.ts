import { type ExecutionArgs, type ExecutionResult, execute } from 'graphql'
import { validateArgumentsBelowMutation } from '../document/mutation-arguments.ts'
import { validateVariables } from '../document/variables.ts'
import { badRequest, httpError } from '../errors/http-error.ts'

/** Executes an operation with graphql-js, on both paths. `suggestions`: whether errors may name parts of the schema. */
export async function executeOperation(args: ExecutionArgs, suggestions: boolean): Promise<ExecutionResult> {
  const invalid = validateArgumentsBelowMutation(args)
  if (invalid.length > 0) return { errors: invalid }
  const result = await execute(args)
  // Without data, the variables were invalid. The executor's messages repeat their values: ours do not.
  return 'data' in result ? result : { errors: variableErrors(args, suggestions) }
}

function variableErrors({ schema, document, operationName, variableValues }: ExecutionArgs, suggestions: boolean) {
  const errors = validateVariables(schema, document, operationName, variableValues ?? {}, suggestions)
  return errors.length > 0 ? errors : [badRequest('Expected an operation and valid variables for it.')]
}

export function clientDisconnected() {
  return httpError('DEADLINE_EXCEEDED', 'The client disconnected before its operation started.', { status: 400 })
}
