import type { Plugin } from 'graphql-yoga'
import { PREFLIGHT_HEADERS } from './preflight.ts'

/** Lets pages of the origins listed ask us, before anybody asks for a key. Credentials never: a key is sent, no cookie. */
export function useCors(origins: readonly string[], path: string): Plugin {
  return {
    onRequest: ({ request, url, endResponse, fetchAPI }) => {
      if (url.pathname !== path || request.method !== 'OPTIONS') return
      if (!origins.includes(request.headers.get('origin') ?? '')) return
      endResponse(new fetchAPI.Response(null, { status: 204, headers: PREFLIGHT_ANSWER }))
    },
    onResponse: ({ request, response }) => {
      if (origins.length === 0 || new URL(request.url, 'http://localhost').pathname !== path) return
      const headers = corsHeaders(request.headers.get('origin'), origins)
      for (const [name, value] of Object.entries(headers)) response.headers.set(name, value)
    },
  }
}

/** What an answer says to a browser about who may read it. */
export function corsHeaders(origin: string | null | undefined, origins: readonly string[]): Record<string, string> {
  if (origins.length === 0) return {}
  if (!origin || !origins.includes(origin)) return { vary: 'Origin' }
  return {
    vary: 'Origin',
    'access-control-allow-origin': origin,
    'access-control-expose-headers': 'Retry-After, WWW-Authenticate',
  }
}

const PREFLIGHT_ANSWER = {
  'access-control-allow-methods': 'GET, POST',
  'access-control-allow-headers': ['authorization', 'content-type', 'last-event-id', ...PREFLIGHT_HEADERS].join(', '),
  'access-control-max-age': '600',
  'content-length': '0',
}
