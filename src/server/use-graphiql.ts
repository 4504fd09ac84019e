import { createHash } from 'node:crypto'
import { type GraphiQLOptions, type Plugin, shouldRenderGraphiQL } from 'graphql-yoga'

/** GraphiQL for a browser that comes to the address of the graph. The page needs no key; what it asks does. */
export function useGraphiql(options: GraphiQLOptions, path: string): Plugin {
  let page: ReturnType<typeof render> | undefined
  return {
    onRequest: async ({ request, url, endResponse, fetchAPI }) => {
      if (url.pathname !== path || !shouldRenderGraphiQL(request)) return
      page ??= render(options)
      const { html, headers } = await page
      endResponse(new fetchAPI.Response(html, { headers }))
    },
  }
}

async function render(options: GraphiQLOptions) {
  // A page of some megabytes: loaded when somebody wants to see it.
  const { renderGraphiQL } = await import('@graphql-yoga/render-graphiql')
  const text = await renderGraphiQL(options)
  const headers = { 'content-type': 'text/html; charset=utf-8', 'content-security-policy': policyOf(text) }
  return { html: Buffer.from(text), headers }
}

/** Its own script runs, told by its hash, and no other; it asks us and nobody else. */
function policyOf(html: string): string {
  const start = html.indexOf('<script>') + '<script>'.length
  const script = html.slice(start, html.indexOf('</script', start))
  const hash = createHash('sha256').update(script).digest('base64')
  return [
    "default-src 'none'",
    `script-src 'sha256-${hash}'`,
    "style-src 'unsafe-inline'",
    "connect-src 'self'",
    'font-src data:',
    "img-src 'self' data:",
    'worker-src blob: data:',
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ')
}
