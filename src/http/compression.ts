/// <reference path="./compression-package.d.ts" />
import type { RequestListener, ServerResponse } from 'node:http'
import compression from 'compression'
import type { OperationAnalysis } from './document/operation-analysis.ts'

const THRESHOLD_BYTES = 1_024

/**
 * Compresses responses for clients that accept brotli or gzip. A response with `cache-control: no-transform` stays as it is:
 * where secrets and reflected input are in one response, its compressed size tells of the secrets. Streams stay as they are,
 * because their events would wait in the compressor.
 */
export function compressResponses(listener: RequestListener): RequestListener {
  const compress = compression({ threshold: THRESHOLD_BYTES, filter: hasCompressibleType })
  return (request, response) => {
    if (request.headers['accept-encoding'] === undefined) listener(request, response)
    else compress(request, response, () => listener(request, response))
  }
}

function hasCompressibleType(_request: unknown, response: ServerResponse): boolean {
  return /^(text\/(?!event-stream)|application\/(\S+\+)?json\b)/.test(String(response.getHeader('content-type')))
}

/** True for the result of a query without secrets and personal data. */
export function mayCompress(
  { kind, selectsConfidentialField }: OperationAnalysis,
  variables: Record<string, unknown>,
): boolean {
  return kind === 'query' && !selectsConfidentialField(variables)
}

/** The `cache-control` of a GraphQL response. */
export function cacheControl(isCompressible: boolean): string {
  return isCompressible ? 'no-store' : 'no-store, no-transform'
}
