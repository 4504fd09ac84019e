import { readFileSync } from 'node:fs'
import { Client, fetchExchange, gql, subscriptionExchange } from '@urql/core'
import { cacheExchange } from '@urql/exchange-graphcache'
import { relayPagination } from '@urql/exchange-graphcache/extras'
import { buildSchema, introspectionFromSchema, isObjectType } from 'graphql'
import { createClient } from 'graphql-sse'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { API_KEY, startApp, type TestApp } from '../harness/app/test-app.ts'
import { createKayleSession } from '../harness/providers/kayle-session.ts'

/** urql with its normalised cache, set up as in docs/guides/front-end.md. */

const schema = buildSchema(readFileSync('schema/schema.graphql', 'utf8'))
const objects = Object.values(schema.getTypeMap()).filter(isObjectType)
const withoutId = objects.filter(type => !type.getFields().id && !/^__|^(Query|Mutation|Subscription)$/.test(type.name))
const keys = Object.fromEntries(withoutId.map(({ name }) => [name, () => null]))

/** The delay of the provider for the deferred part. */
const SLOW_MS = 800
let app: TestApp

beforeAll(async () => {
  app = await startApp()
})
afterAll(() => app.close())

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
const CANCEL = gql`
  mutation Cancel($id: ID!) {
    cancelSession(input: { sessionId: $id }) {
      ... on CancelSessionPayload {
        session {
          id
          status
        }
      }
    }
  }
`
const CREATE = gql`
  mutation Create($input: CreateSessionInput!) {
    createSession(input: $input) {
      ... on CreateSessionPayload {
        session {
          id
          access {
            hostedUrl
          }
        }
      }
      ... on MutationError {
        code
        message
      }
    }
  }
`
const SCREEN = gql`
  query Screen($externalId: String!) {
    person(externalId: $externalId) {
      id
      nextAction {
        kind
        url
      }
      sessions(first: 10) {
        nodes {
          id
          provider
          timeline(first: 5) {
            nodes {
              id
              at
            }
          }
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

test('the result of a mutation updates a displayed list', async () => {
  const { id } = await createKayleSession(app, 'urql-mutation')
  const client = connect(app.url)
  const shown = follow(client, 'urql-mutation')
  await expect.poll(() => shown.statuses()).toEqual(['CREATED'])

  await client.mutation(CANCEL, { id }).toPromise()

  await expect.poll(() => shown.statuses()).toEqual(['CANCELED'])
  shown.close()
})

test('the cache knows every type: fragments on interfaces match, and nothing is reported', async () => {
  const reported: unknown[] = []
  const warn = vi.spyOn(console, 'warn').mockImplementation((...texts) => void reported.push(texts))
  const error = vi.spyOn(console, 'error').mockImplementation((...texts) => void reported.push(texts))
  const client = connect(app.url)
  const input = { idempotencyKey: 'urql-types', externalId: 'urql-types', session: { kayle: {} } }
  const created = await client.mutation(CREATE, { input }).toPromise()
  expect(created.data.createSession.session.access.hostedUrl).toMatch(/^http/)
  const refused = await client.mutation(CREATE, { input: { ...input, externalId: 'another' } }).toPromise()
  expect(refused.data.createSession.code).toBe('IDEMPOTENCY_KEY_REUSED')
  const screen = await client.query(SCREEN, { externalId: 'urql-types' }).toPromise()
  expect(screen.data.person).toMatchObject({
    nextAction: { kind: 'VERIFY' },
    sessions: { nodes: [{ provider: 'KAYLE' }] },
  })
  expect(reported).toEqual([])
  warn.mockRestore()
  error.mockRestore()
})

test('a subscription event updates a displayed list', async () => {
  const { id, providerId } = await createKayleSession(app, 'urql-live')
  const client = connect(app.url)
  const shown = follow(client, 'urql-live')
  await expect.poll(() => shown.statuses()).toEqual(['CREATED'])
  const variables = { externalId: 'urql-live', after: shown.liveCursor() }
  const following = client.subscription(FOLLOW, variables).subscribe(() => {})

  await app.sandbox('KAYLE').advance({ id: providerId, to: 'attempt_succeeded' })
  await app.execute(`{ session(by: { id: "${id}" }, freshness: { maxAgeSeconds: 0 }) { id } }`)

  await expect.poll(() => shown.statuses()).toEqual(['COMPLETED'])
  following.unsubscribe()
  shown.close()
})

test('@defer: the session arrives before the attempts of a slow provider', async () => {
  const { id } = await createKayleSession(app, 'urql-defer')
  await app.sandbox('KAYLE').faults([{ fault: { kind: 'latency', ms: SLOW_MS } }])
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
  const following = connect(app.url)
    .query(query, { id })
    .subscribe(({ data, hasNext }) => {
      if (data?.session) states.set(data.session.attempts && !hasNext ? 'whole' : 'first part', performance.now())
    })

  await expect.poll(() => [...states.keys()], { timeout: 5_000 }).toEqual(['first part', 'whole'])
  const [first = 0, last = 0] = states.values()
  expect(last - first).toBeGreaterThan(SLOW_MS / 2)
  following.unsubscribe()
  await app.sandbox('KAYLE').clearFaults()
})

/** As in docs/guides/front-end.md. */
function connect(url: string): Client {
  const headers = { authorization: `Bearer ${API_KEY}` }
  const sse = createClient({ url, headers })
  const live = subscriptionExchange({
    forwardSubscription: ({ query = '', variables }) => ({
      subscribe: sink => ({ unsubscribe: sse.subscribe({ query, variables: { ...variables } }, sink) }),
    }),
  })
  const cache = cacheExchange({
    schema: introspectionFromSchema(schema),
    keys,
    resolvers: { Query: { sessions: relayPagination() } },
  })
  return new Client({ url, exchanges: [cache, live, fetchExchange], fetchOptions: { headers }, preferGetMethod: false })
}

function follow(client: Client, externalId: string) {
  // biome-ignore lint/suspicious/noExplicitAny: each test knows the shape of what it reads
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
