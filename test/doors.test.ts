import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { API_KEY, type House, startHouse } from './harness/house.ts'
import { collectLog } from './harness/log-lines.ts'

/** What is ready goes a short way, everything else through Yoga: whichever way, the answer is the same. */

const ORIGIN = 'https://app.example.com'

let house: House
beforeAll(async () => {
  house = await startHouse({ CORS_ORIGINS: ORIGIN, MAX_BODY_BYTES: '20000' })
})
afterAll(() => house.close())

interface Sent {
  readonly headers?: Readonly<Record<string, string>>
  readonly body: string
}

const ask = (query: string, more: object = {}, headers: Sent['headers'] = {}): Sent => ({
  body: JSON.stringify({ query, ...more }),
  headers,
})
const ID = Buffer.from('Session:nobody').toString('base64url')
const NOBODY = `{ session(by: { id: "${ID}" }) { id } providers { provider } }`
const DEFERRED = '{ providers { provider } ... @defer { sessions { totalCount } } }'

const CASES: Readonly<Record<string, Sent>> = {
  'an operation': ask('{ __typename providers { provider configured } }'),
  'an operation that was asked before': ask('{ __typename providers { provider configured } }'),
  'one of several operations': ask('query a { __typename } query b { providers { provider } }', { operationName: 'b' }),
  'none of several operations': ask('query a { __typename } query b { __typename }'),
  'an operation that is not there': ask('query a { __typename }', { operationName: 'c' }),
  'data with an error beside it': ask(NOBODY),
  'data with an error, asked for as a GraphQL response': ask(
    NOBODY,
    {},
    { accept: 'application/graphql-response+json' },
  ),
  'an input that is refused': ask(
    'mutation { createSession(input: { idempotencyKey: "", session: { kayle: {} } }) { __typename } }',
  ),
  'a variable that does not fit': ask('query ($id: ID!) { session(by: { id: $id }) { id } }', {
    variables: { id: [] },
  }),
  'a variable that is missing': ask('query ($id: ID!) { session(by: { id: $id }) { id } }'),
  'a document that cannot be parsed': ask('{ providers '),
  'the same, asked for as a GraphQL response': ask('{ providers ', {}, { accept: 'application/graphql-response+json' }),
  'a document that is invalid': ask('{ provider }'),
  'a document that is too deep': ask(`${'{ a '.repeat(20)}${'}'.repeat(20)}`),
  'a document that costs too much': ask(
    '{ sessions(first: 100) { nodes { attempts { nodes { id } } applicant { id } customer { id } } } }',
  ),
  'no key': ask('{ __typename }', {}, { authorization: '' }),
  'a wrong key': ask('{ __typename }', {}, { authorization: 'Bearer nobody-knows-this-key' }),
  'another media type': ask('{ __typename }', {}, { 'content-type': 'text/plain' }),
  'a charset': ask('{ __typename }', {}, { 'content-type': 'application/json; charset=utf-8' }),
  'an answer that we do not have': ask('{ __typename }', {}, { accept: 'image/png' }),
  'any answer': ask('{ __typename }', {}, { accept: '*/*' }),
  'a page of another site': ask('{ __typename }', {}, { origin: 'https://evil.example.com' }),
  'a page of a site of ours': ask('{ __typename }', {}, { origin: ORIGIN }),
  'an id of its own': ask('{ __typename }', {}, { 'x-request-id': 'request-1234' }),
  'a body that is not JSON': { body: '{ nothing' },
  'a body that is a batch': { body: '[{"query":"{ __typename }"}]' },
  'a body without a document': { body: '{"variables":{}}' },
  'a body with other keys': { body: '{"query":"{ __typename }","more":1}' },
  'a body that is nested too deep': {
    body: `{"query":"{ __typename }","variables":${'['.repeat(99)}${']'.repeat(99)}}`,
  },
  'a body that is too long': { body: JSON.stringify({ query: `{ __typename } #${'x'.repeat(20_000)}` }) },
  'no body': { body: '' },
  'parts that nobody takes': ask(DEFERRED, {}, { accept: 'application/json' }),
  parts: ask(DEFERRED, {}, { accept: 'multipart/mixed' }),
  'a subscription that nobody takes': ask(
    'subscription { sessionEvents { event { id } } }',
    {},
    { accept: 'application/json' },
  ),
}

const HOUSES = { 'at once': 0, 'from the third time on': 2 } as const

describe.each(Object.entries(HOUSES))('%s, both ways give the same answer to', (_when, readyAfter) => {
  let house: House
  beforeAll(async () => {
    house = await startHouse({ CORS_ORIGINS: ORIGIN, MAX_BODY_BYTES: '20000' }, { readyAfter })
  })
  afterAll(() => house.close())

  test.each(Object.entries(CASES))('%s', async (_name, { headers, body }) => {
    // Fetch writes into the headers that it is given.
    const init = () => ({
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${API_KEY}`, ...headers },
      body,
    })
    const [short, long] = [await fetch(house.url, init()), await house.app.fetch(house.url, init())]
    const told = await comparable(short)

    expect(told).toEqual(await comparable(long))
    expect(told.body).not.toBe('')
    // Asked for often enough, it is not told in another way.
    for (let times = 0; times < 3; times++) expect(await comparable(await fetch(house.url, init()))).toEqual(told)
  })
})

test('what a client is told by a code is no unexpected error, whichever way it was asked', async () => {
  const log = collectLog()
  const house = await startHouse({ LOG_LEVEL: 'info' }, { readyAfter: 1, logTo: log })
  for (let times = 0; times < 3; times++) {
    const { errors } = await house.ask(NOBODY)
    expect(errors[0]?.extensions.code).toBe('NOT_FOUND')
  }
  await house.close()
  expect(log.lines('operation')).toHaveLength(3)
  expect(log.lines('unexpected error')).toEqual([])
})

test('a client that leaves ends the reads of its operation, by the short way in too', async () => {
  const made = await house.ask(
    'mutation { createSession(input: { idempotencyKey: "k", session: { kayle: {} } }) { ... on CreateSessionPayload { session { id } } } }',
  )
  await house.sandbox('KAYLE').faults([{ method: 'GET', path: '*', fault: { kind: 'latency', ms: 1_900 } }])
  const leaving = new AbortController()
  const id = made.data.createSession.session.id
  const query = `{ session(by: { id: "${id}" }, freshness: { maxAgeSeconds: 0 }) { id } }`
  const asked = fetch(house.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${API_KEY}` },
    body: JSON.stringify({ query }),
    signal: leaving.signal,
  })
  setTimeout(() => leaving.abort(), 200)
  await expect(asked).rejects.toThrow()
  const kayle = await house.services.accounts.get('dev', 'KAYLE')
  await expect.poll(() => kayle.upstream.health().inFlight, { timeout: 1_000 }).toBe(0)
})

const OF_THE_CONNECTION = ['connection', 'content-length', 'date', 'keep-alive', 'transfer-encoding', 'x-request-id']

/** What a client is told, without what is another for each request or belongs to the connection. */
async function comparable(response: Response) {
  const named = [...response.headers].map(([name, value]) => [name.toLowerCase(), value] as const)
  const headers = Object.fromEntries(named.filter(([name]) => !OF_THE_CONNECTION.includes(name)))
  const body = (await response.text())
    .replace(/"requestId":"[^"]*"/g, '"requestId":""')
    .replace(/"ms":[\d.]+/g, '"ms":0')
    .replace(/--------\w+/g, '-')
  return { status: response.status, headers, body }
}
