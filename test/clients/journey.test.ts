import { execFile, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { ApolloClient, gql as apolloGql, HttpLink, InMemoryCache } from '@apollo/client'
import { fetchExchange, Client as UrqlClient } from '@urql/core'
import {
  ApolloClient as ApolloClient3,
  HttpLink as HttpLink3,
  InMemoryCache as InMemoryCache3,
} from 'apollo-client-3/core'
import { GraphQLClient } from 'graphql-request'
import { createClient as createSseClient } from 'graphql-sse'
import { createClient as createWsClient } from 'graphql-ws'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { API_KEY, startApp, type TestApp } from '../harness/app/test-app.ts'

/** One journey with each client as it comes: create a session, read all of it in one call, follow it, resume after a cut. */

const AUTHORIZATION = { authorization: `Bearer ${API_KEY}` }
const CREATE = `mutation JourneyCreateMutation($input: CreateSessionInput!) {
  createSession(input: $input) {
    __typename
    ... on CreateSessionPayload { session { id providerId liveCursor } }
    ... on MutationError { code message }
  }
}`
const READ = `query JourneyReadQuery($id: ID!) {
  session(by: { id: $id }, freshness: { maxAgeSeconds: 0 }) {
    id
    status
    outcome
    attempts { nodes { id status } }
    customer { id }
    applicant { id }
  }
}`
const FOLLOW = `subscription JourneyFollowSubscription($id: ID!, $after: String) {
  sessionUpdated(id: $id, after: $after) { cursor session { id status } }
}`

type Variables = Record<string, unknown>
interface Data {
  readonly createSession: {
    readonly session: { readonly id: string; readonly providerId: string; readonly liveCursor: string }
  }
  readonly session: { readonly status: string; readonly attempts: { readonly nodes: readonly unknown[] } }
  readonly sessionUpdated: { readonly cursor: string; readonly session: { readonly status: string } }
}

interface Journey {
  execute(document: string, variables: Variables): Promise<unknown>
  /** Returns the function that ends the stream. */
  follow(variables: Variables, onData: (data: unknown) => void): () => unknown
  close?(): unknown
}

let app: TestApp
beforeAll(async () => {
  app = await startApp()
})
afterAll(() => app.close())

const folder = mkdtempSync(join(tmpdir(), 'sessiongraph-journey-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const CLIENTS: Readonly<Record<string, (url: string) => Journey | Promise<Journey>>> = {
  'Apollo Client 3': url =>
    ofApollo(
      new ApolloClient3({ link: new HttpLink3({ uri: url, headers: AUTHORIZATION }), cache: new InMemoryCache3() }),
    ),
  'Apollo Client 4': url =>
    ofApollo(
      new ApolloClient({ link: new HttpLink({ uri: url, headers: AUTHORIZATION }), cache: new InMemoryCache() }),
    ),
  urql: url => {
    const options = {
      url,
      exchanges: [fetchExchange],
      fetchOptions: { headers: AUTHORIZATION },
      fetchSubscriptions: true,
    }
    const client = new UrqlClient(options)
    return {
      execute: async (document, variables) => {
        const isMutation = document.startsWith('mutation')
        const { data, error } = await (isMutation
          ? client.mutation(document, variables)
          : client.query(document, variables, { requestPolicy: 'network-only' })
        ).toPromise()
        if (error) throw error
        return data
      },
      follow: (variables, onData) =>
        client.subscription(FOLLOW, variables).subscribe(({ data, error }) => {
          if (error) throw error
          onData(data)
        }).unsubscribe,
    }
  },
  Relay: url => ofRelay(url),
  'graphql-ws': url => {
    const client = createWsClient({
      url: url.replace('http', 'ws'),
      webSocketImpl: WebSocket,
      connectionParams: AUTHORIZATION,
    })
    return {
      execute: async (query, variables) => {
        for await (const { data } of client.iterate({ query, variables })) return data
        return undefined
      },
      follow: (variables, onData) =>
        client.subscribe(
          { query: FOLLOW, variables },
          { next: ({ data }) => onData(data), error: throwLater, complete: () => {} },
        ),
      close: () => client.dispose(),
    }
  },
  'graphql-sse': url => {
    const client = createSseClient({ url, headers: AUTHORIZATION })
    return {
      execute: async (query, variables) => {
        for await (const { data } of client.iterate({ query, variables })) return data
        return undefined
      },
      follow: (variables, onData) => followBySse(client, variables, onData),
      close: () => client.dispose(),
    }
  },
  // It has no subscriptions: its documentation names graphql-sse and graphql-ws.
  'graphql-request': url => {
    const client = new GraphQLClient(url, { headers: AUTHORIZATION })
    const sse = createSseClient({ url, headers: AUTHORIZATION })
    return {
      execute: (document, variables) => client.request(document, variables),
      follow: (variables, onData) => followBySse(sse, variables, onData),
      close: () => sse.dispose(),
    }
  },
  curl: url => {
    const send = [
      '-sS',
      '--fail-with-body',
      '-N',
      '-H',
      `authorization: Bearer ${API_KEY}`,
      '-H',
      'content-type: application/json',
    ]
    return {
      execute: async (query, variables) => {
        const { stdout } = await promisify(execFile)('curl', [...send, '-d', JSON.stringify({ query, variables }), url])
        return JSON.parse(stdout).data
      },
      follow: (variables, onData) => {
        const body = JSON.stringify({ query: FOLLOW, variables })
        const curl = spawn('curl', [...send, '-H', 'accept: text/event-stream', '-d', body, url])
        let text = ''
        curl.stdout.on('data', chunk => {
          const blocks = (text + chunk).split('\n\n')
          text = blocks.pop() ?? ''
          for (const block of blocks) {
            const [, json] = /^data: (.*)$/m.exec(block) ?? []
            if (json) onData(JSON.parse(json).data)
          }
        })
        return () => curl.kill()
      },
    }
  },
}

describe.each(Object.entries(CLIENTS))('%s', (name, open) => {
  test('creates a session, reads all of it in one call, follows it, and resumes after a cut', async context => {
    context.skip(
      name === 'Relay' && !relayCompiler(),
      'relay-compiler is not installed, or has no binary for this machine',
    )
    const client = await open(app.url)
    const externalId = `journey-${name.replace(/\W/g, '-')}`
    const input = { idempotencyKey: externalId, externalId, session: { kayle: {} } }
    const { createSession } = (await client.execute(CREATE, { input })) as Data
    const { id, providerId, liveCursor } = createSession.session
    const seen: Data['sessionUpdated'][] = []
    const follow = (after: string) =>
      client.follow({ id, after }, data => void seen.push((data as Data).sessionUpdated))
    const read = async () => ((await client.execute(READ, { id })) as Data).session

    const stop = follow(liveCursor)
    await app.sandbox('KAYLE').advance({ id: providerId, to: 'attempt_started' })
    expect(await read()).toMatchObject({
      status: 'IN_PROGRESS',
      attempts: { nodes: [{ status: 'IN_PROGRESS' }] },
      customer: null,
    })
    await expect.poll(() => seen.at(-1)?.session.status).toBe('IN_PROGRESS')
    await stop()
    await expect.poll(() => app.streams.count()).toBe(0)

    const before = seen.length
    await app.sandbox('KAYLE').advance({ id: providerId, to: 'attempt_succeeded' })
    expect(await read()).toMatchObject({ status: 'COMPLETED', outcome: 'APPROVED' })
    const stopAgain = follow(seen.at(-1)?.cursor ?? '')
    await expect.poll(() => seen.at(-1)?.session.status).toBe('COMPLETED')
    expect(seen.length).toBeGreaterThan(before)
    expect(new Set(seen.map(({ cursor }) => cursor)).size, 'no event comes twice').toBe(seen.length)
    await stopAgain()
    await client.close?.()
  })
})

/** The versions of Apollo Client have different types, and the same methods. */
interface AnyApolloClient {
  mutate(options: object): Promise<{ data?: unknown }>
  query(options: object): Promise<{ data?: unknown }>
  subscribe(options: object): {
    subscribe(observer: { next(result: { data?: unknown }): void; error(error: unknown): void }): {
      unsubscribe(): void
    }
  }
  stop(): void
}

function ofApollo(apollo: object): Journey {
  const client = apollo as AnyApolloClient
  return {
    execute: async (document, variables) => {
      const parsed = apolloGql(document)
      const { data } = document.startsWith('mutation')
        ? await client.mutate({ mutation: parsed, variables })
        : await client.query({ query: parsed, variables, fetchPolicy: 'network-only' })
      return data
    },
    follow: (variables, onData) => {
      const observer = { next: ({ data }: { data?: unknown }) => onData(data), error: throwLater }
      const subscription = client.subscribe({ query: apolloGql(FOLLOW), variables }).subscribe(observer)
      return () => subscription.unsubscribe()
    },
    close: () => client.stop(),
  }
}

function followBySse(
  client: ReturnType<typeof createSseClient>,
  variables: Variables,
  onData: (data: unknown) => void,
) {
  return client.subscribe(
    { query: FOLLOW, variables },
    { next: ({ data }) => onData(data), error: throwLater, complete: () => {} },
  )
}

/** Fails the test as an unhandled error. */
function throwLater(error: unknown): void {
  setImmediate(() => {
    throw error instanceof Error ? error : new Error(JSON.stringify(error))
  })
}

/** Relay with the network of its guide: `fetch`, and graphql-ws for subscriptions. Its compiler makes the artifacts. */
async function ofRelay(url: string): Promise<Journey> {
  writeFileSync(join(folder, 'schema.graphql'), readFileSync('schema/schema.graphql'))
  writeFileSync(join(folder, 'Journey.js'), [CREATE, READ, FOLLOW].map(text => `graphql\`${text}\``).join('\n'))
  writeFileSync(join(folder, 'package.json'), '{}')
  const config = { src: folder, schema: join(folder, 'schema.graphql'), language: 'javascript' }
  writeFileSync(join(folder, 'relay.config.json'), JSON.stringify(config))
  await promisify(execFile)(relayCompiler() ?? '', [join(folder, 'relay.config.json')], { timeout: 20_000 })
  const { commitMutation, Environment, fetchQuery, Network, Observable, RecordSource, requestSubscription, Store } =
    await import('relay-runtime')
  const artifact = (name: string) => createRequire(import.meta.url)(join(folder, '__generated__', `${name}.graphql.js`))
  const sockets = createWsClient({
    url: url.replace('http', 'ws'),
    webSocketImpl: WebSocket,
    connectionParams: AUTHORIZATION,
  })
  const network = Network.create(
    async ({ text }, variables) => {
      const headers = { ...AUTHORIZATION, 'content-type': 'application/json' }
      const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify({ query: text, variables }) })
      return response.json()
    },
    ({ name, text }, variables) =>
      Observable.create(sink =>
        sockets.subscribe(
          { operationName: name, query: text ?? '', variables },
          sink as Parameters<typeof sockets.subscribe>[1],
        ),
      ),
  )
  const environment = new Environment({ network, store: new Store(new RecordSource()) })
  return {
    execute: (document, variables) =>
      document.startsWith('mutation')
        ? new Promise((resolve, reject) => {
            const mutation = artifact('JourneyCreateMutation')
            commitMutation(environment, { mutation, variables, onCompleted: resolve, onError: reject })
          })
        : fetchQuery(environment, artifact('JourneyReadQuery'), variables, { fetchPolicy: 'network-only' }).toPromise(),
    follow: (variables, onData) =>
      requestSubscription(environment, {
        subscription: artifact('JourneyFollowSubscription'),
        variables,
        onNext: onData,
        onError: throwLater,
      }).dispose,
    close: () => sockets.dispose(),
  }
}

function relayCompiler(): string | null {
  try {
    return createRequire(import.meta.url)('relay-compiler') as string | null
  } catch {
    return null
  }
}
