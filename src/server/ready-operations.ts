import { type DocumentNode, type ExecutionResult, type GraphQLSchema, getOperationAST } from 'graphql'
import { type CompiledQuery, compileQuery, isCompiledQuery } from 'graphql-jit'
import { isCompilable } from './compilable.ts'
import { planCost } from './cost.ts'
import { createDocumentCache } from './document-cache.ts'
import { asksCursor } from './operation-context.ts'

/** An operation that was parsed, validated, compiled and reckoned: all that is left is to run it. */
export interface ReadyOperation {
  readonly document: DocumentNode
  readonly operationName: string | undefined
  readonly kind: 'query' | 'mutation'
  readonly hasVariables: boolean
  readonly asksCursor: boolean
  readonly costOf: (variables: Readonly<Record<string, unknown>>) => number
  readonly run: CompiledQuery['query']
}

export interface ReadyOperations {
  /** Undefined where it was not asked for often enough, or may not be compiled. */
  find(text: string, operationName: string | undefined): ReadyOperation | undefined
}

export interface ReadyOptions {
  readonly schema: GraphQLSchema
  /** The document of a text, undefined where it is none or is not valid. */
  readonly read: (text: string) => DocumentNode | undefined
  /** How often an operation was asked for before. Compiling costs as much as many executions. */
  readonly after: number
}

interface Known {
  times: number
  document?: DocumentNode | 'INVALID'
  readonly operations: Map<string | undefined, ReadyOperation | 'NOT_COMPILED'>
}

/**
 * What comes again and again is made ready. A document is forgotten with all that was made of it when the cache drops it,
 * so that this is bounded like that.
 */
export function createReadyOperations({ schema, read, after }: ReadyOptions): ReadyOperations {
  const documents = createDocumentCache<Known>()

  function knownOf(text: string): Known {
    const known = documents.get(text)
    if (known) return known
    const added: Known = { times: 0, operations: new Map() }
    documents.set(text, added)
    return added
  }

  return {
    find: (text, operationName) => {
      const known = knownOf(text)
      const before = known.operations.get(operationName)
      if (before) return before === 'NOT_COMPILED' ? undefined : before
      if (known.times++ < after) return undefined
      known.document ??= read(text) ?? 'INVALID'
      // Only names of operations that are there are kept: a client makes up others without end.
      if (known.document === 'INVALID' || !getOperationAST(known.document, operationName)) return undefined
      const ready = makeReady(schema, known.document, operationName)
      known.operations.set(operationName, ready ?? 'NOT_COMPILED')
      return ready
    },
  }
}

function makeReady(
  schema: GraphQLSchema,
  document: DocumentNode,
  operationName: string | undefined,
): ReadyOperation | undefined {
  const operation = getOperationAST(document, operationName)
  if (!operation || operation.operation === 'subscription') return undefined
  if (!isCompilable(schema, document, operationName)) return undefined
  const compiled: CompiledQuery | ExecutionResult = compileQuery(schema, document, operationName, {
    disablingCapturingStackErrors: true,
  })
  if (!isCompiledQuery(compiled)) return undefined
  return {
    document,
    operationName,
    kind: operation.operation,
    hasVariables: (operation.variableDefinitions ?? []).length > 0,
    asksCursor: asksCursor(document),
    costOf: planCost(schema, document, operationName),
    run: compiled.query,
  }
}
