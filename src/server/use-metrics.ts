import type { Plugin } from 'graphql-yoga'

const METRICS_PATH = '/metrics'

export interface MetricsOptions {
  /** Whether who asks may read them; `bearer` is what it authorises itself with. */
  readonly mayRead: (request: Request, bearer: string) => Promise<boolean> | boolean
  readonly scrape: () => Promise<{ readonly text: string; readonly contentType: string }>
}

/** `GET /metrics`. Who may not read them is not told that they are there. */
export function useMetrics({ mayRead, scrape }: MetricsOptions): Plugin {
  return {
    onRequest: async ({ request, url, endResponse, fetchAPI }) => {
      if (url.pathname !== METRICS_PATH) return
      const bearer = /^Bearer +(\S+)$/i.exec(request.headers.get('authorization') ?? '')?.[1] ?? ''
      if (request.method !== 'GET' || !(await mayRead(request, bearer))) {
        return endResponse(new fetchAPI.Response(null, { status: 404 }))
      }
      const { text, contentType } = await scrape()
      endResponse(
        new fetchAPI.Response(text, { headers: { 'content-type': contentType, 'cache-control': 'no-store' } }),
      )
    },
  }
}
