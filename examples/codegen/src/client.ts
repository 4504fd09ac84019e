import { Client, fetchExchange, subscriptionExchange } from '@urql/core'
import { createClient } from 'graphql-sse'

/** urql for queries and mutations over HTTP, with graphql-sse for subscriptions. */
export function connect(url: string, key: string): Client {
  const headers = { authorization: `Bearer ${key}` }
  const sse = createClient({ url, headers, retryAttempts: 0 })
  const live = subscriptionExchange({
    forwardSubscription: ({ query = '', variables }) => ({
      subscribe: sink => ({ unsubscribe: sse.subscribe({ query, variables: { ...variables } }, sink) }),
    }),
  })
  return new Client({ url, exchanges: [live, fetchExchange], fetchOptions: { headers }, preferGetMethod: false })
}
