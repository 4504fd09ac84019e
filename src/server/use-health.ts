import type { Plugin } from 'graphql-yoga'
import type { Readiness } from './readiness.ts'

/** An object of its own for each answer: the fetch layer writes the length of the body into it. */
const fresh = () => ({ 'cache-control': 'no-store' })

/**
 * `/livez`: the process answers. `/readyz`: 200 where it should be sent requests, else 503; the body says why. The bare
 * address leads to GraphiQL.
 */
export function useHealth(graphqlPath: string, readiness: () => Promise<Readiness>): Plugin {
  return {
    onRequest: ({ url, endResponse, fetchAPI }) => {
      if (url.pathname === '/livez') endResponse(new fetchAPI.Response('ok\n', { headers: fresh() }))
      if (url.pathname === '/') {
        endResponse(new fetchAPI.Response(null, { status: 302, headers: { location: graphqlPath } }))
      }
      if (url.pathname !== '/readyz') return
      return readiness().then(({ ready, details }) => {
        endResponse(fetchAPI.Response.json({ ready, ...details }, { status: ready ? 200 : 503, headers: fresh() }))
      })
    },
  }
}
