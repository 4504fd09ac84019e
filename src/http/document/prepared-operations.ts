import type { DocumentNode } from 'graphql'
import { createLRUCache } from 'graphql-yoga'
import type { AnalyzeOperation, OperationAnalysis } from './operation-analysis.ts'

/** A parsed, validated and analyzed operation, ready to execute. */
export interface PreparedOperation {
  readonly document: DocumentNode
  readonly operationName: string | undefined
  readonly analysis: OperationAnalysis
}

export interface PreparedOperations {
  /** Undefined if it was not requested often enough, is invalid, or has no single response. */
  find(text: string, operationName: string | undefined): PreparedOperation | undefined
}

export interface PreparedOperationsOptions {
  readonly analyze: AnalyzeOperation
  /** Parses and validates a text; undefined if it is invalid. */
  readonly load: (text: string) => DocumentNode | undefined
  /** How often an operation is requested before it is prepared. */
  readonly after: number
}

interface CacheEntry {
  times: number
  document?: DocumentNode | 'INVALID'
  readonly operations: Map<string | undefined, PreparedOperation | 'UNSUPPORTED'>
}

/**
 * Prepares operations that are requested repeatedly. An entry depends on its document alone, and is evicted together with
 * its operations.
 */
export function createPreparedOperations({ analyze, load, after }: PreparedOperationsOptions): PreparedOperations {
  const documents = createDocumentCache<CacheEntry>()

  function entryOf(text: string): CacheEntry {
    const known = documents.get(text)
    if (known) return known
    const added: CacheEntry = { times: 0, operations: new Map() }
    documents.set(text, added)
    return added
  }

  return {
    find: (text, operationName) => {
      const known = entryOf(text)
      const before = known.operations.get(operationName)
      if (before) return before === 'UNSUPPORTED' ? undefined : before
      if (known.times++ < after) return undefined
      known.document ??= load(text) ?? 'INVALID'
      const { document } = known
      if (document === 'INVALID') return undefined
      const analysis = analyze(document, operationName)
      // Only names of existing operations are cached: a client could invent others without end.
      if (!analysis) return undefined
      const isSupported = analysis.kind !== 'subscription' && !analysis.incremental
      const prepared = isSupported ? { document, operationName, analysis } : undefined
      known.operations.set(operationName, prepared ?? 'UNSUPPORTED')
      return prepared
    },
  }
}

const MAX_DOCUMENTS = 256
const MAX_CHARACTERS = 16 * 1024

export interface DocumentCache<T> {
  get(text: string): T | undefined
  set(text: string, value: T): void
}

/** Caches by document text. The number and length of documents are limited, so that a client cannot fill the memory. */
export function createDocumentCache<T>(): DocumentCache<T> {
  const known = createLRUCache<T & object>({ max: MAX_DOCUMENTS })
  return {
    get: text => known.get(text),
    set: (text, value) => {
      if (text.length <= MAX_CHARACTERS) known.set(text, value as T & object)
    },
  }
}
