import { ApolloClient, gql, InMemoryCache } from '@apollo/client'
import { BatchHttpLink } from '@apollo/client/link/batch-http'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { API_KEY, startApp, type TestApp } from '../harness/app/test-app.ts'

/** Arrays of operations, as Apollo's BatchHttpLink sends them. */

const AUTHORIZATION = { authorization: `Bearer ${API_KEY}` }
const OPERATION = { query: '{ __typename }' }

let app: TestApp
let without: TestApp
beforeAll(async () => {
  app = await startApp({ MAX_BATCH_SIZE: '3', COST_PER_MINUTE: '600' }, { jobs: false })
  without = await startApp({}, { jobs: false })
})
afterAll(() => Promise.all([app.close(), without.close()]))

async function post(body: unknown, { url } = app, accept = 'application/json') {
  const headers = { ...AUTHORIZATION, 'content-type': 'application/json', accept }
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) })
  return { status: response.status, headers: response.headers, body: await response.json() }
}

test('Apollo sends two queries as one request, and each gets its result', async () => {
  const sent: string[] = []
  const link = new BatchHttpLink({
    uri: app.url,
    headers: AUTHORIZATION,
    fetch: (url, init) => {
      sent.push(String(init?.body))
      return fetch(url, init)
    },
  })
  const client = new ApolloClient({ link, cache: new InMemoryCache() })
  const results = await Promise.all([
    client.query({ query: gql('{ providers { provider } }') }),
    client.query({ query: gql('{ sessions { totalCount } }') }),
  ])
  expect(results.map(({ data }) => Object.keys(data as object))).toEqual([['providers'], ['sessions']])
  expect(sent.map(body => JSON.parse(body).length)).toEqual([2])
  client.stop()
})

test('an operation that fails has its error, and the others their data', async () => {
  const { status, body } = await post([
    OPERATION,
    { query: '{ nothing }' },
    { extensions: { persistedQuery: { sha256Hash: 'ab' } } },
  ])
  expect([status, body]).toEqual([
    200,
    [
      { data: { __typename: 'Query' } },
      {
        errors: [
          expect.objectContaining({
            extensions: expect.objectContaining({ code: 'GRAPHQL_VALIDATION_FAILED', requestId: expect.any(String) }),
          }),
        ],
      },
      { errors: [expect.objectContaining({ message: 'PersistedQueryNotSupported' })] },
    ],
  ])
})

test.each([
  [
    'more operations than MAX_BATCH_SIZE',
    [OPERATION, OPERATION, OPERATION, OPERATION],
    'Expected a batch of 1 to 3 operations, not 4.',
  ],
  ['none', [], 'Expected a batch of 1 to 3 operations, not 0.'],
  ['something that is no operation', [OPERATION, 1], 'Expected a JSON object with a "query".'],
])('a batch of %s is refused as a whole', async (_name, batch, message) => {
  const { status, body } = await post(batch)
  expect([status, body.errors[0].message]).toEqual([400, message])
})

test('a subscription or @defer in a batch is refused, before it is executed', async () => {
  const accept = 'application/json, multipart/mixed;subscriptionSpec=1.0, text/event-stream'
  const { body } = await post(
    [OPERATION, { query: 'subscription { sessionsUpdated { cursor } }' }, { query: '{ ... @defer { __typename } }' }],
    app,
    accept,
  )
  const refusal = { errors: [expect.objectContaining({ message: expect.stringContaining('in a batch') })] }
  expect(body).toEqual([{ data: { __typename: 'Query' } }, refusal, refusal])
  expect(app.streams.count()).toBe(0)
})

test('is refused where batches are off, with a message that says so', async () => {
  const { status, body } = await post([OPERATION], without)
  expect([status, body.errors[0].message]).toEqual([
    400,
    'Expected one operation, not an array: this server accepts no batches.',
  ])
})

test('is charged for each of its operations', async () => {
  const batch = [OPERATION, OPERATION, OPERATION]
  const statuses = []
  for (let at = 0; at < 21; at++) statuses.push((await post(batch)).status)
  expect(statuses.at(-1)).toBe(429)
})

test('is not compressed if one of its results has personal data', async () => {
  const response = await post(
    [{ query: '{ __typename }' }, { query: '{ customers { nodes { email } } }' }],
    await large(),
  )
  expect(response.headers.get('cache-control')).toContain('no-transform')
})

let batching: TestApp | undefined
async function large(): Promise<TestApp> {
  batching ??= await startApp({ MAX_BATCH_SIZE: '3' }, { jobs: false })
  return batching
}
afterAll(() => batching?.close())
