import type { Plugin } from 'graphql-yoga'
import type { Cors } from '../cors.ts'
import { toErrorResponse } from '../errors/http-error.ts'
import { methodNotAllowed } from '../request/parse-request.ts'

/** Answers preflight requests, which need no key, and lets pages of the allowed origins read every response. */
export function useCors(cors: Cors, path: string): Plugin {
  return {
    onRequest: ({ request, url, endResponse, fetchAPI }) => {
      if (url.pathname !== path || request.method !== 'OPTIONS') return
      const headers = cors.preflightFor(request.headers.get('origin'))
      if (headers) endResponse(new fetchAPI.Response(null, { status: 204, headers: { ...headers } }))
      else endResponse(toErrorResponse(methodNotAllowed(), undefined, fetchAPI))
    },
    onResponse: ({ request, response }) => {
      if (new URL(request.url, 'http://localhost').pathname !== path) return
      // GraphiQL's page may contain an API key.
      if (response.headers.get('content-type')?.startsWith('text/html')) return
      const headers = cors.headersFor(request.headers.get('origin'))
      for (const [name, value] of Object.entries(headers)) response.headers.set(name, value)
    },
  }
}
