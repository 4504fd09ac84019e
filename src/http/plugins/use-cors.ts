import type { Plugin } from 'graphql-yoga'
import { toErrorResponse } from '../errors/http-error.ts'
import { CSRF_HEADERS, methodNotAllowed } from '../request/parse-request.ts'

/** Allows the configured origins. Preflights need no key. Credentials are not allowed: clients send keys, not cookies. */
export function useCors(origins: readonly string[], path: string): Plugin {
  return {
    onRequest: ({ request, url, endResponse, fetchAPI }) => {
      if (url.pathname !== path || request.method !== 'OPTIONS') return
      if (!origins.includes(request.headers.get('origin') ?? '')) {
        return endResponse(toErrorResponse(methodNotAllowed(), undefined, fetchAPI))
      }
      endResponse(new fetchAPI.Response(null, { status: 204, headers: PREFLIGHT_HEADERS }))
    },
    onResponse: ({ request, response }) => {
      if (origins.length === 0 || new URL(request.url, 'http://localhost').pathname !== path) return
      const headers = corsHeaders(request.headers.get('origin'), origins)
      for (const [name, value] of Object.entries(headers)) response.headers.set(name, value)
    },
  }
}

export function corsHeaders(origin: string | null | undefined, origins: readonly string[]): Record<string, string> {
  if (origins.length === 0) return {}
  if (!origin || !origins.includes(origin)) return { vary: 'Origin' }
  return {
    vary: 'Origin',
    'access-control-allow-origin': origin,
    'access-control-expose-headers': 'Retry-After, WWW-Authenticate',
  }
}

const PREFLIGHT_HEADERS = {
  'access-control-allow-methods': 'GET, POST',
  'access-control-allow-headers': ['authorization', 'content-type', 'last-event-id', ...CSRF_HEADERS].join(', '),
  'access-control-max-age': '600',
  'content-length': '0',
}
