import { type DocumentNode, type ExecutionResult, type GraphQLSchema, getOperationAST } from 'graphql'
import { type CompiledQuery, compileQuery, isCompiledQuery } from 'graphql-jit'
import type { Plugin } from 'graphql-yoga'
import { isCompilable } from './compilable.ts'

/** Compiling costs as much as many executions: it is worth it for a document that comes again and again. */
const TIMES_BEFORE = 2

/**
 * Runs queries and mutations that come often as functions compiled for them. A document is forgotten with what it was
 * compiled to when the cache of documents drops it, so that this is bounded like that. Variables were checked before:
 * what is compiled takes them as they are. What may not be compiled is left to the executor.
 */
export function useCompiled(): Plugin {
  const operations = new WeakMap<DocumentNode, Map<string, Known>>()

  return {
    onExecute: ({ args, setExecuteFn }) => {
      const { schema, document, operationName } = args
      const known = knownOf(operations, document, operationName ?? '')
      if (++known.times <= TIMES_BEFORE) return
      known.compiled ??= compile(schema, document, operationName)
      if (known.compiled === 'NOT_COMPILED') return
      const { query } = known.compiled
      setExecuteFn(({ rootValue, contextValue, variableValues }) =>
        query(rootValue, contextValue, variableValues ?? {}),
      )
    },
  }
}

interface Known {
  times: number
  compiled?: Pick<CompiledQuery, 'query'> | 'NOT_COMPILED'
}

function knownOf(operations: WeakMap<DocumentNode, Map<string, Known>>, document: DocumentNode, name: string): Known {
  const ofDocument = operations.get(document) ?? new Map<string, Known>()
  operations.set(document, ofDocument)
  const known = ofDocument.get(name) ?? { times: 0 }
  // Only names of operations that are there: a client makes up others without end.
  if (getOperationAST(document, name || undefined)) ofDocument.set(name, known)
  return known
}

function compile(
  schema: GraphQLSchema,
  document: DocumentNode,
  operationName: string | null | undefined,
): NonNullable<Known['compiled']> {
  if (!isCompilable(schema, document, operationName)) return 'NOT_COMPILED'
  const compiled: CompiledQuery | ExecutionResult = compileQuery(schema, document, operationName ?? undefined, {
    disablingCapturingStackErrors: true,
  })
  return isCompiledQuery(compiled) ? compiled : 'NOT_COMPILED'
}
