import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { API_KEY, startApp, type TestApp } from '../harness/app/test-app.ts'
import { collectLog } from '../harness/log-lines.ts'

/** Compiled operations take the fast path, all others go through Yoga; the responses must be the same. */

const ORIGIN = 'https://app.example.com'

let app: TestApp
beforeAll(async () => {
  app = await startApp({ CORS_ORIGINS: ORIGIN, MAX_BODY_BYTES: '20000' })
})
afterAll(() => app.close())

interface Sent {
  readonly headers?: Readonly<Record<string, string>>
  readonly body: string
}

const execute = (query: string, more: object = {}, headers: Sent['headers'] = {}): Sent => ({
  body: JSON.stringify({ query, ...more }),
  headers,
})
const ID = Buffer.from('Session:nobody').toString('base64url')
const NO_CALLER = `{ session(by: { id: "${ID}" }) { id } providers { provider } }`
const DEFERRED = '{ providers { provider } ... @defer { sessions { totalCount } } }'

const CASES: Readonly<Record<string, Sent>> = {
  'an operation': execute('{ __typename providers { provider configured } }'),
  'a repeated operation': execute('{ __typename providers { provider configured } }'),
  'one of several operations': execute('query a { __typename } query b { providers { provider } }', {
    operationName: 'b',
  }),
  'several operations without an operationName': execute('query a { __typename } query b { __typename }'),
  'an operation that is not there': execute('query a { __typename }', { operationName: 'c' }),
  'data with an error beside it': execute(NO_CALLER),
  'data with an error, as application/graphql-response+json': execute(
    NO_CALLER,
    {},
    { accept: 'application/graphql-response+json' },
  ),
  'an input that is refused': execute(
    'mutation { createSession(input: { idempotencyKey: "", session: { kayle: {} } }) { __typename } }',
  ),
  'a variable that does not fit': execute('query ($id: ID!) { session(by: { id: $id }) { id } }', {
    variables: { id: [] },
  }),
  'a variable that is missing': execute('query ($id: ID!) { session(by: { id: $id }) { id } }'),
  'a document that cannot be parsed': execute('{ providers '),
  'the same, as application/graphql-response+json': execute(
    '{ providers ',
    {},
    { accept: 'application/graphql-response+json' },
  ),
  'a document that is invalid': execute('{ provider }'),
  'a document that is too deep': execute(`${'{ a '.repeat(20)}${'}'.repeat(20)}`),
  'a document that costs too much': execute(
    '{ sessions(first: 100) { nodes { attempts { nodes { id } } applicant { id } customer { id } } } }',
  ),
  'no key': execute('{ __typename }', {}, { authorization: '' }),
  'a wrong key': execute('{ __typename }', {}, { authorization: 'Bearer nobody-knows-this-key' }),
  'another media type': execute('{ __typename }', {}, { 'content-type': 'text/plain' }),
  'a charset': execute('{ __typename }', {}, { 'content-type': 'application/json; charset=utf-8' }),
  'an answer that we do not have': execute('{ __typename }', {}, { accept: 'image/png' }),
  'any answer': execute('{ __typename }', {}, { accept: '*/*' }),
  'a page of an unlisted origin': execute('{ __typename }', {}, { origin: 'https://evil.example.com' }),
  'a page of a listed origin': execute('{ __typename }', {}, { origin: ORIGIN }),
  'an id of its own': execute('{ __typename }', {}, { 'x-request-id': 'request-1234' }),
  'a body that is not JSON': { body: '{ nothing' },
  'a body that is a batch': { body: '[{"query":"{ __typename }"}]' },
  'a body without a document': { body: '{"variables":{}}' },
  'a body with other keys': { body: '{"query":"{ __typename }","more":1}' },
  'a body that is nested too deep': {
    body: `{"query":"{ __typename }","variables":${'['.repeat(99)}${']'.repeat(99)}}`,
  },
  'a body that is too long': { body: JSON.stringify({ query: `{ __typename } #${'x'.repeat(20_000)}` }) },
  'no body': { body: '' },
  '@defer for a client that does not accept multipart': execute(DEFERRED, {}, { accept: 'application/json' }),
  parts: execute(DEFERRED, {}, { accept: 'multipart/mixed' }),
  'a subscription for a client that does not accept streams': execute(
    'subscription { sessionEvents { event { id } } }',
    {},
    { accept: 'application/json' },
  ),
}

const APPS = { 'at once': 0, 'from the third time on': 2 } as const

describe.each(Object.entries(APPS))('%s, the fast path and Yoga give the same response to', (_when, prepareAfter) => {
  let app: TestApp
  beforeAll(async () => {
    app = await startApp({ CORS_ORIGINS: ORIGIN, MAX_BODY_BYTES: '20000' }, { prepareAfter })
  })
  afterAll(() => app.close())

  test.each(Object.entries(CASES))('%s', async (_name, { headers, body }) => {
    // Fetch changes the headers that it receives.
    const init = () => ({
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${API_KEY}`, ...headers },
      body,
    })
    const [short, long] = [await fetch(app.url, init()), await app.app.fetch(app.url, init())]
    const reported = await comparable(short)

    expect(reported).toEqual(await comparable(long))
    expect(reported.body).not.toBe('')
    // After some repetitions the response is the same.
    for (let times = 0; times < 3; times++) expect(await comparable(await fetch(app.url, init()))).toEqual(reported)
  })
})

test('an error with a client error code is not reported as unexpected, on either path', async () => {
  const log = collectLog()
  const app = await startApp({ LOG_LEVEL: 'info' }, { prepareAfter: 1, logTo: log })
  for (let times = 0; times < 3; times++) {
    const { errors } = await app.execute(NO_CALLER)
    expect(errors[0]?.extensions.code).toBe('NOT_FOUND')
  }
  await app.close()
  expect(log.lines('operation')).toHaveLength(3)
  expect(log.lines('unexpected error')).toEqual([])
})

test('a client that disconnects aborts the reads of its operation on the fast path too', async () => {
  const made = await app.execute(
    'mutation { createSession(input: { idempotencyKey: "k", session: { kayle: {} } }) { ... on CreateSessionPayload { session { id } } } }',
  )
  await app.sandbox('KAYLE').faults([{ method: 'GET', path: '*', fault: { kind: 'latency', ms: 1_900 } }])
  const disconnect = new AbortController()
  const id = made.data.createSession.session.id
  const query = `{ session(by: { id: "${id}" }, freshness: { maxAgeSeconds: 0 }) { id } }`
  const requests = fetch(app.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${API_KEY}` },
    body: JSON.stringify({ query }),
    signal: disconnect.signal,
  })
  setTimeout(() => disconnect.abort(), 200)
  await expect(requests).rejects.toThrow()
  const kayle = await app.services.accounts.get('dev', 'KAYLE')
  await expect.poll(() => kayle.upstream.health().inFlight, { timeout: 1_000 }).toBe(0)
})

const OF_THE_CONNECTION = [
  'connection',
  'content-length',
  'date',
  'keep-alive',
  'ratelimit',
  'transfer-encoding',
  'x-request-id',
]

/** The response without the parts that differ for each request or belong to the connection. */
async function comparable(response: Response) {
  const named = [...response.headers].map(([name, value]) => [name.toLowerCase(), value] as const)
  const compared = named.filter(([name]) => !OF_THE_CONNECTION.includes(name))
  // Compression adds to it, on a connection.
  const headers = Object.fromEntries(compared.map(([name, value]) => [name, value.replace(/,? ?accept-encoding/i, '')]))
  const body = (await response.text())
    .replace(/"requestId":"[^"]*"/g, '"requestId":""')
    .replace(/"ms":[\d.]+/g, '"ms":0')
    .replace(/--------\w+/g, '-')
  return { status: response.status, headers, body }
}
