import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ApolloClient, ApolloLink, gql, HttpLink, InMemoryCache, Observable } from '@apollo/client'
import { Defer20220824Handler } from '@apollo/client/incremental'
import { PersistedQueryLink } from '@apollo/client/link/persisted-queries'
import { relayStylePagination } from '@apollo/client/utilities'
import { buildSchema, isAbstractType, print } from 'graphql'
import { createClient } from 'graphql-sse'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { API_KEY, startApp, type TestApp } from '../harness/app/test-app.ts'
import { createKayleSession } from '../harness/providers/kayle-session.ts'

/** Apollo Client with its normalised cache, set up as in docs/guides/front-end.md. */

const schema = buildSchema(readFileSync('schema/schema.graphql', 'utf8'))
const abstract = Object.values(schema.getTypeMap()).filter(isAbstractType)
const possibleTypes = Object.fromEntries(
  abstract.map(type => [type.name, schema.getPossibleTypes(type).map(({ name }) => name)]),
)

const AUTHORIZATION = { authorization: `Bearer ${API_KEY}` }
const folder = mkdtempSync(join(tmpdir(), 'sessiongraph-apollo-'))
/** The delay of the provider for the deferred part. */
const SLOW_MS = 800
let app: TestApp

beforeAll(async () => {
  app = await startApp()
})
afterAll(async () => {
  await app.close()
  rmSync(folder, { recursive: true, force: true })
})

const LIST = gql`
  query List($externalId: String!, $after: String) {
    sessions(filter: { externalId: $externalId }, first: 2, after: $after) {
      edges {
        cursor
        node {
          id
          status
          outcome
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
const CREATE = gql`
  mutation Create($input: CreateSessionInput!) {
    createSession(input: $input) {
      ... on CreateSessionPayload {
        session {
          id
          status
        }
      }
      ... on MutationError {
        code
      }
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
          outcome
        }
      }
      ... on MutationError {
        code
      }
    }
  }
`
const REFRESH = gql`
  query Refresh($id: ID!) {
    session(by: { id: $id }, freshness: { maxAgeSeconds: 0, onError: FAIL }) {
      id
      status
      outcome
    }
  }
`
const FOLLOW = gql`
  subscription Follow($externalId: String!, $after: String) {
    sessionsUpdated(filter: { externalId: $externalId }, after: $after) {
      cursor
      session {
        id
        status
        outcome
      }
    }
  }
`

test('the result of a mutation updates a displayed list', async () => {
  const { id } = await createKayleSession(app, 'apollo-mutation')
  const client = connect(app.url)
  const shown = follow(client, 'apollo-mutation')
  await expect.poll(() => shown.statuses()).toEqual(['CREATED'])

  await client.mutate({ mutation: CANCEL, variables: { id } })

  await expect.poll(() => shown.statuses()).toEqual(['CANCELED'])
  client.stop()
})

test('a fresh read of a session updates a displayed list', async () => {
  const { id, providerId } = await createKayleSession(app, 'apollo-refresh')
  const client = connect(app.url)
  const shown = follow(client, 'apollo-refresh')
  await expect.poll(() => shown.statuses()).toEqual(['CREATED'])

  await app.sandbox('KAYLE').advance({ id: providerId, to: 'attempt_succeeded' })
  await client.query({ query: REFRESH, variables: { id }, fetchPolicy: 'network-only' })

  await expect.poll(() => shown.statuses()).toEqual(['COMPLETED'])
  client.stop()
})

test('a created session is added to a displayed list', async () => {
  const client = connect(app.url)
  const shown = follow(client, 'apollo-create')
  await expect.poll(() => shown.liveCursor()).toBeTruthy()
  const variables = { input: { idempotencyKey: 'apollo-create', externalId: 'apollo-create', session: { kayle: {} } } }
  await client.mutate({ mutation: CREATE, variables, refetchQueries: ['List'] })
  await expect.poll(() => shown.statuses()).toEqual(['CREATED'])
  client.stop()
})

test('a subscription event updates a displayed list', async () => {
  const { id, providerId } = await createKayleSession(app, 'apollo-live')
  const client = connect(app.url)
  const shown = follow(client, 'apollo-live')
  await expect.poll(() => shown.statuses()).toEqual(['CREATED'])
  const variables = { externalId: 'apollo-live', after: shown.liveCursor() }
  const following = client.subscribe({ query: FOLLOW, variables }).subscribe({})

  await app.sandbox('KAYLE').advance({ id: providerId, to: 'attempt_succeeded' })
  await app.execute(print(REFRESH), { id })

  await expect.poll(() => shown.statuses()).toEqual(['COMPLETED'])
  following.unsubscribe()
  client.stop()
})

test('pages merge into one list without duplicates', async () => {
  const made = []
  for (const place of [1, 2, 3]) made.push((await createKayleSession(app, 'apollo-pages', `pages-${place}`)).id)
  const client = connect(app.url)
  const shown = follow(client, 'apollo-pages')
  await expect.poll(() => shown.statuses()).toHaveLength(2)

  await shown.query.fetchMore({ variables: { after: shown.endCursor() } })
  await shown.query.refetch()
  await shown.query.fetchMore({ variables: { after: shown.endCursor() } })

  await expect.poll(() => shown.ids()).toEqual(made.toReversed())
  client.stop()
})

test('@defer: the session arrives before the attempts of a slow provider', async () => {
  const { id } = await createKayleSession(app, 'apollo-defer')
  await app.sandbox('KAYLE').faults([{ fault: { kind: 'latency', ms: SLOW_MS } }])
  const client = connect(app.url)
  const states = new Map<string, number>()
  const query = gql`
    query Slow($id: ID!) {
      session(by: { id: $id }) {
        id
        status
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
  const following = client.watchQuery({ query, variables: { id } }).subscribe(({ data }) => {
    const session = (data as { session?: object } | undefined)?.session
    if (session) states.set('attempts' in session ? 'whole' : 'first part', performance.now())
  })

  await expect.poll(() => [...states.keys()], { timeout: 5_000 }).toEqual(['first part', 'whole'])
  expect(gapOf([...states.values()])).toBeGreaterThan(SLOW_MS / 2)
  following.unsubscribe()
  await app.sandbox('KAYLE').clearFaults()
  client.stop()
})

test('only hashes are sent, and only registered documents are executed', async () => {
  const providers = gql('query Providers { providers { provider } }')
  const other = gql('query Other { providers { configured } }')
  const cache = new InMemoryCache()
  writeFileSync(join(folder, 'providers.graphql'), print(cache.transformDocument(providers)))
  const strict = await startApp({ TRUSTED_DOCUMENTS: 'enforce', TRUSTED_DOCUMENTS_DIR: folder })
  const sent: string[] = []
  const http = new HttpLink({
    uri: strict.url,
    headers: AUTHORIZATION,
    fetch: (url, init) => {
      sent.push(String(init?.body))
      return fetch(url, init)
    },
  })
  const hashes = new PersistedQueryLink({
    generateHash: document => createHash('sha256').update(print(document)).digest('hex'),
    retry: () => false,
  })
  const client = new ApolloClient({ cache, link: ApolloLink.from([hashes, http]) })

  expect((await client.query({ query: providers })).data).toMatchObject({ providers: expect.any(Array) })
  await expect(client.query({ query: other })).rejects.toThrow('No registered document')
  expect(sent.join()).not.toContain('provider {')
  expect(sent.map(body => 'query' in JSON.parse(body))).toEqual([false, false])
  client.stop()
  await strict.close()
})

function gapOf([first = 0, last = 0]: readonly number[]): number {
  return last - first
}

/** As in docs/guides/front-end.md. */
function connect(uri: string): ApolloClient {
  const sse = createClient({ url: uri, headers: AUTHORIZATION })
  const live = new ApolloLink(
    ({ query, variables, operationName }) =>
      new Observable(observer =>
        sse.subscribe(
          { query: print(query), variables, operationName },
          {
            next: result => observer.next(result as ApolloLink.Result),
            error: error => observer.error(error),
            complete: () => observer.complete(),
          },
        ),
      ),
  )
  const http = new HttpLink({ uri, headers: AUTHORIZATION })
  return new ApolloClient({
    link: ApolloLink.split(({ operationType }) => operationType === 'subscription', live, http),
    incrementalHandler: new Defer20220824Handler(),
    cache: new InMemoryCache({
      possibleTypes,
      typePolicies: {
        Query: { fields: { sessions: relayStylePagination(['filter', 'orderBy']) } },
      },
    }),
  })
}

interface Shown {
  readonly sessions: {
    readonly edges: readonly { readonly node: { readonly id: string; readonly status: string } }[]
    readonly pageInfo: { readonly endCursor: string }
    readonly liveCursor: string
  }
}

/** A list on a screen, with its current content. */
function follow(client: ApolloClient, externalId: string) {
  let latest: Shown | undefined
  const query = client.watchQuery({ query: LIST, variables: { externalId } })
  query.subscribe(({ data }) => {
    latest = (data as Shown | undefined) ?? latest
  })
  const nodes = () => latest?.sessions.edges.map(({ node }) => node) ?? []
  return {
    query,
    ids: () => nodes().map(({ id }) => id),
    statuses: () => nodes().map(({ status }) => status),
    liveCursor: () => latest?.sessions.liveCursor,
    endCursor: () => latest?.sessions.pageInfo.endCursor,
  }
}
