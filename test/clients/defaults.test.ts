import { createHash } from 'node:crypto'
import { ApolloClient, HttpLink, InMemoryCache } from '@apollo/client'
import { PersistedQueryLink } from '@apollo/client/link/persisted-queries'
import { Client, fetchExchange, gql } from '@urql/core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { API_KEY, startApp, type TestApp } from '../harness/app/test-app.ts'

/** Client libraries with their own defaults: requests by GET, hashes in the place of documents, headers of browser SDKs. */

const AUTHORIZATION = { authorization: `Bearer ${API_KEY}` }
const PAGE = 'http://localhost:5173'
const QUERY = gql`
  query Providers {
    providers {
      provider
    }
  }
`

let app: TestApp
let remote: TestApp
beforeAll(async () => {
  app = await startApp()
  remote = await startApp({
    NODE_ENV: 'production',
    SANDBOX: 'off',
    DEV_API_KEY: '',
    CORS_ORIGINS: 'https://app.example.com',
    CORS_HEADERS: 'x-trace',
    MAX_IN_FLIGHT: '1',
  })
})
afterAll(() => Promise.all([app.close(), remote.close()]))

/** The methods and bodies that a client sends. */
function recordingFetch(sent: { method: string; body: string }[]): typeof fetch {
  return (input, init) => {
    sent.push({ method: init?.method ?? 'GET', body: String(init?.body ?? input) })
    return fetch(input, init)
  }
}

test('urql sends queries by GET', async () => {
  const sent: { method: string; body: string }[] = []
  const options = { url: app.url, exchanges: [fetchExchange], fetchOptions: { headers: AUTHORIZATION } }
  const client = new Client({ ...options, fetch: recordingFetch(sent) })
  const { data, error } = await client.query(QUERY, {}).toPromise()
  expect([error, data.providers.length, sent.map(({ method }) => method)]).toEqual([undefined, 5, ['GET']])
})

test('Apollo Client sends queries by GET if it is configured to', async () => {
  const sent: { method: string; body: string }[] = []
  const link = new HttpLink({
    uri: app.url,
    headers: AUTHORIZATION,
    useGETForQueries: true,
    fetch: recordingFetch(sent),
  })
  const client = new ApolloClient({ link, cache: new InMemoryCache() })
  const { data } = await client.query<{ providers: unknown[] }>({ query: QUERY })
  expect([data?.providers.length, sent.map(({ method }) => method)]).toEqual([5, ['GET']])
  client.stop()
})

test('Apollo Client sends the document after a hash was not supported, and no further hash', async () => {
  const sent: { method: string; body: string }[] = []
  const http = new HttpLink({ uri: app.url, headers: AUTHORIZATION, fetch: recordingFetch(sent) })
  const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')
  const client = new ApolloClient({ link: new PersistedQueryLink({ sha256 }).concat(http), cache: new InMemoryCache() })
  for (let times = 0; times < 2; times++) {
    const { data } = await client.query<{ providers: unknown[] }>({ query: QUERY, fetchPolicy: 'network-only' })
    expect(data?.providers).toHaveLength(5)
  }
  expect(sent.map(({ body }) => body.includes('"query":'))).toEqual([false, true, true])
  client.stop()
})

test('a GET without Authorization, as a page of another site may send it, is refused', async () => {
  const response = await fetch(`${app.url}?query={__typename}`)
  expect(response.status).toBe(401)
})

describe('CORS', () => {
  const preflight = (url: string, origin: string) =>
    fetch(url, { method: 'OPTIONS', headers: { origin, 'access-control-request-method': 'POST' } })

  test('allows pages of this machine in development', async () => {
    const { status, headers } = await preflight(app.url, PAGE)
    expect([status, headers.get('access-control-allow-origin')]).toEqual([204, PAGE])
    expect((await preflight(app.url, 'http://evil.example')).status).toBe(405)
    expect((await preflight(app.url, 'http://localhost.evil.example')).status).toBe(405)
  })

  test('allows no page that is not listed in production', async () => {
    expect((await preflight(remote.url, PAGE)).status).toBe(405)
  })

  test.each([
    'traceparent',
    'tracestate',
    'baggage',
    'sentry-trace',
    'x-request-id',
    'apollographql-client-name',
    'x-trace',
  ])('allows the header %s', async name => {
    const { headers } = await preflight(remote.url, 'https://app.example.com')
    expect(headers.get('access-control-allow-headers')?.split(', ')).toContain(name)
  })

  test('lets a page read the id of its request', async () => {
    const headers = { ...AUTHORIZATION, origin: PAGE, 'content-type': 'application/json' }
    const response = await fetch(app.url, { method: 'POST', headers, body: '{"query":"{ __typename }"}' })
    expect(response.headers.get('access-control-expose-headers')).toContain('x-request-id')
    expect(response.headers.get('x-request-id')).toBeTruthy()
  })

  test('lets a page read that the server is at capacity', async () => {
    const headers = { origin: 'https://app.example.com', 'content-type': 'application/json' }
    const send = () => fetch(remote.url, { method: 'POST', headers, body: '{"query":"{ __typename }"}' })
    const responses = await Promise.all(Array.from({ length: 50 }, send))
    expect(responses.map(({ status }) => status)).toContain(503)
    for (const response of responses) {
      expect(response.headers.get('access-control-allow-origin')).toBe('https://app.example.com')
    }
  })
})
