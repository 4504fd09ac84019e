import type { Plugin } from 'graphql-yoga'
import type { Readiness } from '../admission/readiness.ts'
import { httpError, toErrorResponse } from '../errors/http-error.ts'

/** The routes and headers that do not depend on GraphQL. */

export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
}

export function useSecurityHeaders(): Plugin {
  return {
    onResponse: ({ response }) => {
      for (const [name, value] of Object.entries(SECURITY_HEADERS)) {
        if (!response.headers.has(name)) response.headers.set(name, value)
      }
    },
  }
}

/**
 * `/livez`: 200 while the process responds. `/readyz`: 200 if the instance can take requests, else 503; the body has the
 * reason. `/` redirects to GraphiQL.
 */
export function useHealth(graphqlPath: string, readiness: () => Promise<Readiness>): Plugin {
  return {
    onRequest: ({ url, endResponse, fetchAPI }) => {
      if (url.pathname === '/livez') endResponse(new fetchAPI.Response('ok\n', { headers: noCache() }))
      if (url.pathname === '/') {
        // Relative, because a proxy may have removed a prefix of the path.
        endResponse(new fetchAPI.Response(null, { status: 302, headers: { location: `.${graphqlPath}` } }))
      }
      if (url.pathname !== '/readyz') return
      return readiness().then(({ ready, details }) => {
        endResponse(fetchAPI.Response.json({ ready, ...details }, { status: ready ? 200 : 503, headers: noCache() }))
      })
    },
  }
}

/** A new object for each response, because the fetch implementation writes the body's length into it. */
const noCache = () => ({ 'cache-control': 'no-store' })

const METRICS_PATH = '/metrics'

export interface MetricsEndpointOptions {
  /** Whether a request may read the metrics. `bearer`: its token, or ''. */
  readonly mayRead: (request: Request, bearer: string) => Promise<boolean> | boolean
  readonly scrape: () => Promise<{ readonly text: string; readonly contentType: string }>
}

/** `GET /metrics`. An unauthorized request gets a 404, so that it does not learn that the route exists. */
export function useMetrics({ mayRead, scrape }: MetricsEndpointOptions): Plugin {
  return {
    onRequest: async ({ request, url, endResponse, fetchAPI }) => {
      if (url.pathname !== METRICS_PATH) return
      const bearer = /^Bearer +(\S+)$/i.exec(request.headers.get('authorization') ?? '')?.[1] ?? ''
      if (request.method !== 'GET' || !(await mayRead(request, bearer))) {
        return endResponse(toErrorResponse(pathNotFound(), undefined, fetchAPI))
      }
      const { text, contentType } = await scrape()
      endResponse(
        new fetchAPI.Response(text, { headers: { 'content-type': contentType, 'cache-control': 'no-store' } }),
      )
    },
  }
}

/** Responds 404 to every other path. Must come after the plugins that serve a path. */
export function useNotFound(graphqlPath: string): Plugin {
  return {
    onRequest: ({ url, endResponse, fetchAPI }) => {
      if (url.pathname !== graphqlPath) endResponse(toErrorResponse(pathNotFound(), undefined, fetchAPI))
    },
  }
}

export function pathNotFound() {
  return httpError('NOT_FOUND', 'No resource has this path. Send GraphQL requests to /graphql.', { status: 404 })
}
