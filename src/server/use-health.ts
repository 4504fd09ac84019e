import type { Plugin } from 'graphql-yoga'

/** `/livez`: the process answers. The bare address leads to GraphiQL. */
export function useHealth(graphqlPath: string): Plugin {
  return {
    onRequest: ({ url, endResponse, fetchAPI }) => {
      if (url.pathname === '/livez') endResponse(new fetchAPI.Response('ok\n'))
      if (url.pathname === '/') {
        endResponse(new fetchAPI.Response(null, { status: 302, headers: { location: graphqlPath } }))
      }
    },
  }
}
