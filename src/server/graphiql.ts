import type { GraphiQLOptions } from 'graphql-yoga'

/** GraphiQL with a tab for each example, and the key set where one is given, so that the first click works. */
export function graphiqlOptions(
  examples: readonly { readonly name: string; readonly query: string }[],
  apiKey: string | undefined,
): GraphiQLOptions {
  const headers = JSON.stringify({ authorization: `Bearer ${apiKey ?? ''}` }, null, 2)
  return {
    title: 'sessiongraph',
    headers,
    defaultHeaders: headers,
    defaultTabs: examples.map(({ query }) => ({ query, headers })),
    defaultEditorToolsVisibility: 'variables',
    // Persisted, the key of an earlier start would win over the one of this start for ever.
    shouldPersistHeaders: false,
  }
}
