import { type GraphiQLOptions, type Plugin, shouldRenderGraphiQL } from 'graphql-yoga'
import { StaticFile } from '../static-file.ts'
import { completePage, ICON, scriptHashes } from './graphiql-page.ts'

/** GraphiQL, and whether its page contains an API key. */
export interface GraphiqlPage {
  readonly options: GraphiQLOptions
  readonly hasKey: boolean
}

/** Serves GraphiQL to a browser at the GraphQL path. The page needs no key; its requests do. */
export function useGraphiql(graphiql: GraphiqlPage, path: string): Plugin {
  let page: Promise<StaticFile> | undefined
  return {
    onRequest: async ({ request, url, endResponse, fetchAPI }) => {
      if (url.pathname !== path || !shouldRenderGraphiQL(request)) return
      page ??= render(graphiql)
      endResponse(await (await page).respond(request, fetchAPI))
    },
  }
}

async function render({ options, hasKey }: GraphiqlPage): Promise<StaticFile> {
  // The module has some megabytes, so it is loaded on first use.
  const { renderGraphiQL } = await import('@graphql-yoga/render-graphiql')
  const text = completePage(await renderGraphiQL(options))
  return new StaticFile({
    body: Buffer.from(text),
    type: 'text/html; charset=utf-8',
    headers: { 'content-security-policy': policyOf(text), ...(hasKey && { 'cache-control': 'no-store' }) },
  })
}

/** Allows the page's own scripts, by their hashes, and requests to this server. */
function policyOf(html: string): string {
  return [
    "default-src 'none'",
    `script-src ${scriptHashes(html)
      .map(hash => `'sha256-${hash}'`)
      .join(' ')}`,
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

/** GraphiQL with a tab for each example. With `apiKey`, its requests work at once. */
export function graphiqlOptions(
  examples: readonly { readonly query: string; readonly variables?: string }[],
  apiKey: string | undefined,
): GraphiqlPage {
  const headers = JSON.stringify({ authorization: `Bearer ${apiKey ?? ''}` }, null, 2)
  const options: GraphiQLOptions = {
    title: 'sessiongraph',
    favicon: ICON,
    headers,
    defaultHeaders: headers,
    defaultTabs: examples.map(({ query, variables }) => ({ query, headers, ...(variables && { variables }) })),
    defaultEditorToolsVisibility: 'variables',
    // A persisted key of an earlier start would override the key of this start.
    shouldPersistHeaders: false,
  }
  return { options, hasKey: apiKey !== undefined }
}
