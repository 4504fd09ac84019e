import type { ExecutionArgs, ExecutionResult } from 'graphql'
import { isAsyncIterable, type Plugin } from 'graphql-yoga'
import type { Context } from '../../context.ts'
import type { Memory } from '../../domain/row-turns.ts'
import type { Authenticated } from '../auth/use-authentication.ts'
import { validateArgumentsBelowMutation } from '../document/mutation-arguments.ts'
import type { AnalyzeOperation } from '../document/operation-analysis.ts'
import { validateVariables } from '../document/variables.ts'
import { boundParts } from '../pipeline/bounded-parts.ts'
import { clientDisconnected, executeOperation } from '../pipeline/execute.ts'
import type { WithOperation } from './use-context.ts'

/**
 * Executes operations with the context of `useContext` in the place of Yoga's. A response in one part is executed as on the
 * fast path; Yoga executes subscriptions and incremental responses, after their variables are validated. Must come after
 * the plugins that reject operations.
 */
export function useExecutor(
  suggestions: boolean,
  analyze: AnalyzeOperation,
  memory: Pick<Memory, 'whenRoom'>,
): Plugin<Authenticated & WithOperation> {
  const bounded = <Result>(result: Result | AsyncIterable<ExecutionResult>, operation: Context) =>
    isAsyncIterable(result) ? boundParts(result, operation, memory) : result
  const variableErrors = ({ schema, document, operationName, variableValues }: ExecutionArgs) =>
    validateVariables(schema, document, operationName, variableValues ?? {}, suggestions)

  return {
    onExecute: ({ args, executeFn, setExecuteFn, setResultAndStopExecution }) => {
      if (args.contextValue.request.signal.aborted) {
        return setResultAndStopExecution({ errors: [clientDisconnected()] })
      }
      if (!analyze(args.document, args.operationName)?.incremental) {
        return setExecuteFn((args: ExecutionArgs) => executeOperation(withOperationContext(args), suggestions))
      }
      const errors = [...variableErrors(args), ...validateArgumentsBelowMutation(args)]
      if (errors.length > 0) return setResultAndStopExecution({ errors })
      const { operation } = args.contextValue
      setExecuteFn(async (args: ExecutionArgs) => bounded(await executeFn(withOperationContext(args)), operation))
    },
    onSubscribe: ({ args, subscribeFn, setSubscribeFn, setResultAndStopExecution }) => {
      const errors = variableErrors(args)
      if (errors.length > 0) return setResultAndStopExecution({ errors })
      const { operation } = args.contextValue
      setSubscribeFn(async (args: ExecutionArgs) => bounded(await subscribeFn(withOperationContext(args)), operation))
    },
  }
}

function withOperationContext(args: ExecutionArgs): ExecutionArgs {
  return { ...args, contextValue: (args.contextValue as WithOperation).operation }
}
