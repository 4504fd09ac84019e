import { Client, fetchExchange, gql, subscriptionExchange } from '@urql/core'
import { cacheExchange } from '@urql/exchange-graphcache'
import { relayPagination } from '@urql/exchange-graphcache/extras'
import { createClient } from 'graphql-sse'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { API_KEY, type House, startHouse } from '../harness/house.ts'
import { createKayleSession } from '../harness/kayle-session.ts'

/** urql with its normalised cache, set up as docs/clients.md says. */

/** How long the provider takes for what is deferred. */
const SLOW_MS = 800
let house: House

beforeAll(async () => {
  house = await startHouse()
})
afterAll(() => house.close())

const LIST = gql`
  query List($externalId: String!) {
    sessions(filter: { externalId: $externalId }, first: 20) {
      edges {
        node {
          id
          status
        }
      }
      pageInfo {
        hasNextPage
        endCursor
      }
      liveCursor
    }
  }
`
const REFRESH = gql`
  mutation Refresh($id: ID!) {
    refreshSession(input: { id: $id }) {
      ... on RefreshSessionPayload {
        session {
          id
          status
        }
      }
    }
  }
`
const FOLLOW = gql`
  subscription Follow($externalId: String!, $after: String) {
    sessionsUpdated(filter: { externalId: $externalId }, after: $after) {
      session {
        id
        status
      }
    }
  }
`

test("a mutation's result changes a list that is shown", async () => {
  const { id, providerId } = await createKayleSession(house, 'urql-mutation')
  const client = connect(house.url)
  const shown = watch(client, 'urql-mutation')
  await expect.poll(() => shown.statuses()).toEqual(['CREATED'])

  await house.sandbox('KAYLE').advance({ id: providerId, to: 'attempt_succeeded' })
  await client.mutation(REFRESH, { id }).toPromise()

  await expect.poll(() => shown.statuses()).toEqual(['COMPLETED'])
  shown.close()
})

test("a subscription's event changes a list that is shown", async () => {
  const { id, providerId } = await createKayleSession(house, 'urql-live')
  const client = connect(house.url)
  const shown = watch(client, 'urql-live')
  await expect.poll(() => shown.statuses()).toEqual(['CREATED'])
  const variables = { externalId: 'urql-live', after: shown.liveCursor() }
  const following = client.subscription(FOLLOW, variables).subscribe(() => {})

  await house.sandbox('KAYLE').advance({ id: providerId, to: 'attempt_succeeded' })
  await house.ask(`mutation { refreshSession(input: { id: "${id}" }) { __typename } }`)

  await expect.poll(() => shown.statuses()).toEqual(['COMPLETED'])
  following.unsubscribe()
  shown.close()
})

test('@defer: the session is there before its slow provider has told the attempts', async () => {
  const { id } = await createKayleSession(house, 'urql-defer')
  await house.sandbox('KAYLE').faults([{ fault: { kind: 'latency', ms: SLOW_MS } }])
  const query = gql`
    query Slow($id: ID!) {
      session(by: { id: $id }) {
        id
        ... @defer {
          attempts(freshness: { maxAgeSeconds: 0 }) {
            nodes {
              id
            }
          }
        }
      }
    }
  `
  const states = new Map<string, number>()
  const following = connect(house.url)
    .query(query, { id })
    .subscribe(({ data, hasNext }) => {
      if (data?.session) states.set(data.session.attempts && !hasNext ? 'whole' : 'first part', performance.now())
    })

  await expect.poll(() => [...states.keys()], { timeout: 5_000 }).toEqual(['first part', 'whole'])
  const [first = 0, last = 0] = states.values()
  expect(last - first).toBeGreaterThan(SLOW_MS / 2)
  following.unsubscribe()
  await house.sandbox('KAYLE').clearFaults()
})

/** As in docs/clients.md. */
function connect(url: string): Client {
  const headers = { authorization: `Bearer ${API_KEY}` }
  const sse = createClient({ url, headers })
  const live = subscriptionExchange({
    forwardSubscription: ({ query = '', variables }) => ({
      subscribe: sink => ({ unsubscribe: sse.subscribe({ query, variables: { ...variables } }, sink as never) }),
    }),
  })
  const cache = cacheExchange({
    keys: { Person: ({ externalId }) => externalId as string },
    resolvers: { Query: { sessions: relayPagination() } },
  })
  return new Client({ url, exchanges: [cache, live, fetchExchange], fetchOptions: { headers }, preferGetMethod: false })
}

function watch(client: Client, externalId: string) {
  // biome-ignore lint/suspicious/noExplicitAny: a test reads what it asked for
  let latest: any
  const { unsubscribe } = client.query(LIST, { externalId }).subscribe(({ data }) => {
    latest = data?.sessions ?? latest
  })
  return {
    statuses: () => latest?.edges.map(({ node }: { node: { status: string } }) => node.status),
    liveCursor: () => latest?.liveCursor,
    close: unsubscribe,
  }
}
