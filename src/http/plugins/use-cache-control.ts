import { isAsyncIterable, type Plugin } from 'graphql-yoga'
import { cacheControl, mayCompress } from '../compression.ts'
import type { AnalyzeOperation } from '../document/operation-analysis.ts'

/** Lets the result of a query without secrets be compressed, and no other response of the GraphQL path. */
export function useCacheControl(path: string, analyze: AnalyzeOperation): Plugin<{ readonly request: Request }> {
  const compressible = new WeakSet<Request>()
  /** Requests with an operation whose result may not be compressed: another one of the batch might be. */
  const confidential = new WeakSet<Request>()
  return {
    onExecute: ({ args: { document, operationName, variableValues, contextValue } }) => {
      const analysis = analyze(document, operationName)
      if (!analysis || !mayCompress(analysis, variableValues ?? {})) {
        confidential.add(contextValue.request)
        return
      }
      return {
        onExecuteDone: ({ result }) => {
          if (!isAsyncIterable(result) && result.data !== undefined) compressible.add(contextValue.request)
        },
      }
    },
    onResponse: ({ request, response }) => {
      if (response.headers.has('cache-control') || new URL(request.url, 'http://localhost').pathname !== path) return
      response.headers.set('cache-control', cacheControl(compressible.has(request) && !confidential.has(request)))
    },
  }
}
